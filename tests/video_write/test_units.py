from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.nal import DISPLAY_MESSAGES, unescaped
from passerby.write.units import escaped, prefixed, without_other_messages

GPS = b"\x05\x18" + b"0123456789abcdef" + b"+51.5-00"
RECOVERY = b"\x06\x01\xc4"


def test_a_unit_too_long_for_its_length_field_is_an_error() -> None:
    with pytest.raises(OverflowError):
        prefixed([b"\x65" * 300], 1)


def test_messages_outside_the_allow_list_go_and_the_others_stay() -> None:
    sei = b"\x06" + GPS + RECOVERY + b"\x04\x02ab" + b"\x80"
    assert without_other_messages(sei, 1, DISPLAY_MESSAGES) == b"\x06" + RECOVERY + b"\x80"


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
    assert without_other_messages(sei, 1, DISPLAY_MESSAGES) is None


@given(st.lists(st.sampled_from([0, 0, 0, 1, 3, 4, 255]), min_size=24, max_size=24).map(bytes))
def test_emulation_prevention_is_kept_up(payload: bytes) -> None:
    sei = b"\x06" + escaped(b"\x05\x02ab\x89\x18" + payload + b"\x80")
    wanted = {137: 24}
    filtered = without_other_messages(sei, 1, wanted)
    assert filtered is not None
    assert not any(start in filtered for start in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unescaped(filtered) == b"\x06\x89\x18" + payload + b"\x80"
