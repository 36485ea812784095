from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.write import nal
from passerby.write.splice import ParameterSets, read_avcc, write_avcc

UNIT = st.binary(min_size=1, max_size=40).map(lambda body: b"\x65" + body.replace(b"\0", b"\1") + b"\x80")
GPS = b"\x05\x18" + b"0123456789abcdef" + b"+51.5-00"
RECOVERY = b"\x06\x01\xc4"


@given(st.lists(UNIT, max_size=5), st.sampled_from([1, 2, 4]))
def test_units_come_back_from_both_kinds_of_packets(units: list[bytes], length_bytes: int) -> None:
    assert list(nal.prefixed_units(nal.prefixed(units, length_bytes), length_bytes)) == units
    assert list(nal.annex_b_units(nal.annex_b(units))) == units


@pytest.mark.parametrize("cut", [b"\0", b"\0\0\0\5ab", b"\0\0\0\2ab\0\0"])
def test_a_packet_that_is_cut_off_is_an_error(cut: bytes) -> None:
    with pytest.raises(ValueError, match="over the end"):
        list(nal.prefixed_units(cut, 4))


def test_a_unit_too_long_for_its_length_field_is_an_error() -> None:
    with pytest.raises(OverflowError):
        nal.prefixed([b"\x65" * 300], 1)


def test_messages_outside_the_allow_list_go_and_the_others_stay() -> None:
    sei = b"\x06" + GPS + RECOVERY + b"\x04\x02ab" + b"\x80"
    assert nal.without_other_messages(sei, 1, nal.DISPLAY_MESSAGES) == b"\x06" + RECOVERY + b"\x80"


@pytest.mark.parametrize(
    "sei",
    [
        b"\x06" + GPS + b"\x80",
        b"\x06\x06\x09" + b"x" * 9 + b"\x80",
        b"\x06\x06\x40ab\x80",
        b"\x06\xff\xff",
        b"\x06",
        b"",
    ],
    ids=["nothing else", "longer than such a message is", "cut off", "no size", "empty", "no unit"],
)
def test_a_unit_without_wanted_messages_goes_whole(sei: bytes) -> None:
    assert nal.without_other_messages(sei, 1, nal.DISPLAY_MESSAGES) is None


@given(st.lists(st.sampled_from([0, 0, 0, 1, 3, 4, 255]), min_size=24, max_size=24).map(bytes))
def test_emulation_prevention_is_kept_up(payload: bytes) -> None:
    sei = b"\x06" + nal._escaped(b"\x05\x02ab\x89\x18" + payload + b"\x80")
    wanted = {137: 24}
    filtered = nal.without_other_messages(sei, 1, wanted)
    assert filtered is not None
    assert not any(start in filtered for start in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert filtered.replace(b"\0\0\3", b"\0\0") == b"\x06\x89\x18" + payload + b"\x80"


@pytest.mark.parametrize(("bits", "values"), [("1010011001001", (0, 1, 2, 3, 0)), ("00111101", (6, 0))])
def test_exp_golomb_codes_are_read(bits: str, values: tuple[int, ...]) -> None:
    body = int(bits.ljust(64, "0"), 2).to_bytes(8, "big")
    assert nal.unsigned_exp_golomb(b"\x68" + body, 1, len(values)) == values
    with pytest.raises(ValueError, match="cut off"):
        nal.unsigned_exp_golomb(b"\x68\0\0", 1, 1)


def test_a_parameter_box_comes_back_as_it_was_written() -> None:
    sets = ParameterSets(2, (b"\x67\x4d\x40\x1e\x80", b"\x67\x64\x00\x28\x80"), (b"\x68\x80", b"\x68\x40"))
    box = write_avcc(sets, 1, 8)
    assert box[1:4] == b"\x64\x00\x28"
    assert read_avcc(box) == sets
    for cut in range(len(box) - 4):
        assert read_avcc(box[:cut]) is None
