from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby import nal
from passerby.write.splice import write_avcc
from passerby.write.units import annex_b, escaped, prefixed

UNIT = st.binary(min_size=1, max_size=40).map(lambda body: b"\x65" + body.replace(b"\0", b"\1") + b"\x80")
PAYLOAD = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 3, 255]), max_size=60).map(bytes)


@given(st.lists(UNIT, max_size=5), st.sampled_from([1, 2, 4]))
def test_units_come_back_from_both_kinds_of_packets(units: list[bytes], length_bytes: int) -> None:
    assert list(nal.prefixed_units(prefixed(units, length_bytes), length_bytes)) == units
    assert list(nal.annex_b_units(annex_b(units))) == units


@pytest.mark.parametrize("cut", [b"\0", b"\0\0\0\5ab", b"\0\0\0\2ab\0\0"])
def test_a_packet_that_is_cut_off_is_an_error(cut: bytes) -> None:
    with pytest.raises(ValueError, match="over the end"):
        list(nal.prefixed_units(cut, 4))


def _unescaped_byte_by_byte(unit: bytes) -> bytes:
    """As H.264 7.3.1 tells it: a 3 behind two zeros goes, and counting starts anew."""
    kept, zeros = bytearray(), 0
    for byte in unit:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        kept.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(kept)


@given(PAYLOAD)
def test_what_was_escaped_comes_back(payload: bytes) -> None:
    assert nal.unescaped(escaped(payload)) == payload


@given(PAYLOAD)
def test_emulation_prevention_bytes_go_and_no_others(unit: bytes) -> None:
    assert nal.unescaped(unit) == _unescaped_byte_by_byte(unit)


@pytest.mark.parametrize(
    ("unit", "payload"),
    [
        (b"\0\0\3", b"\0\0"),
        (b"\0\0\3\0\0\3", b"\0\0\0\0"),
        (b"\0\0\3\0\3", b"\0\0\0\3"),
        (b"\0\0\3\3", b"\0\0\3"),
        (b"a\0\0\3\0\0\3\0b", b"a\0\0\0\0\0b"),
    ],
)
def test_emulation_prevention_is_taken_away_at_any_position(unit: bytes, payload: bytes) -> None:
    assert nal.unescaped(unit) == payload


@pytest.mark.parametrize(("bits", "values"), [("1010011001001", (0, 1, 2, 3, 0)), ("00111101", (6, 0))])
def test_exp_golomb_codes_are_read(bits: str, values: tuple[int, ...]) -> None:
    body = int(bits.ljust(64, "0"), 2).to_bytes(8, "big")
    read = nal.Bits(body)
    assert tuple(read.ue() for _ in values) == values
    with pytest.raises(ValueError, match="cut off"):
        nal.Bits(b"\0\0").ue()


def test_a_number_that_no_code_is_long_enough_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="no Exp-Golomb code"):
        nal.Bits(b"\0\0\3" * 3 + b"\0\xff").ue()


def test_a_parameter_box_comes_back_as_it_was_written() -> None:
    sets = nal.ParameterSets(2, (b"\x67\x4d\x40\x1e\x80", b"\x67\x64\x00\x28\x80"), (b"\x68\x80", b"\x68\x40"))
    box = write_avcc(sets, 1, 8)
    assert box[1:4] == b"\x64\x00\x28"
    assert nal.read_avcc(box) == sets
    for cut in range(len(box) - 4):
        assert nal.read_avcc(box[:cut]) is None
