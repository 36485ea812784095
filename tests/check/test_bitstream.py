"""Beside its pictures a coded video carries only what decoding, timing and colour need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.check.bitstream import BitstreamScan, sei_types, unescaped

AVCC = b"\1\x64\0\x0a\xff\xe1\0\4\x67\x64\0\x0a\1\0\2\x68\xee\xfd\xf8\xf8\0"
AV1C = b"\x81\0\x0c\0"


def hevc_record(*arrays: tuple[int, bytes]) -> bytes:
    record = b"\1" + b"\0" * 20 + b"\3" + bytes([len(arrays)])
    for kind, unit in arrays:
        record += bytes([0x80 | kind, 0, 1]) + len(unit).to_bytes(2, "big") + unit
    return record


def found_in(codec: str, extradata: bytes, *units: bytes) -> list[str]:
    scan = BitstreamScan(codec, extradata)
    scan.examine(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units))
    return scan.problems


def sei(kind: int, payload: bytes = b"\1\2\3") -> bytes:
    return b"\xff" * (kind // 255) + bytes([kind % 255, len(payload)]) + payload + b"\x80"


@pytest.mark.parametrize("kind", [0, 1, 6, 45, 137, 144, 147])
def test_messages_that_decoding_and_colour_need_may_stay(kind: int) -> None:
    assert found_in("h264", AVCC, b"\x06" + sei(kind), b"\x65abc") == []
    assert found_in("hevc", hevc_record(), b"\x4e\x01" + sei(kind), b"\x26\x01abc") == []


@pytest.mark.parametrize("kind", [2, 4, 5, 47, 132, 136, 200, 300])
def test_other_messages_are_found_by_type(kind: int) -> None:
    assert found_in("h264", AVCC, b"\x06" + sei(kind), b"\x65abc") == [f"SEI messages of type {kind} stand in it"]
    assert found_in("hevc", hevc_record(), b"\x50\x01" + sei(kind)) == [f"SEI messages of type {kind} stand in it"]


def test_a_message_behind_an_allowed_one_is_found() -> None:
    assert found_in("h264", AVCC, b"\x06" + sei(6)[:-1] + sei(5)) == ["SEI messages of type 5 stand in it"]


def test_messages_in_the_codec_configuration_are_found() -> None:
    record = hevc_record((39, b"\x4e\x01" + sei(5)))
    assert BitstreamScan("hevc", record).problems == ["SEI messages of type 5 stand in it"]


@pytest.mark.parametrize("kind", [0, 13, 14, 15, 19, 20, 21, 24, 31])
def test_units_that_are_no_pictures_of_the_video_are_found(kind: int) -> None:
    assert found_in("h264", AVCC, bytes([0x60 | kind]) + b"abc") == [f"NAL units of type {kind} stand in it"]


def test_a_second_layer_is_found() -> None:
    assert found_in("hevc", hevc_record(), b"\x26\x09abc") == ["a second layer is coded beside the pictures"]


def test_filler_may_fill_and_nothing_else() -> None:
    assert found_in("h264", AVCC, b"\x0c" + b"\xff" * 20 + b"\x80") == []
    assert found_in("h264", AVCC, b"\x0c" + b"\xff\xffGPS\xff\x80") == ["filler data holds something"]


@pytest.mark.parametrize(
    "packet", [b"\0\0\0\x09\x65abc", b"\0\0\0\0", b"\0\0\0\4\x65abc\0\0", b"\0\0\0\5\x06\x05\x40ab"]
)
def test_a_packet_that_does_not_divide_into_units_is_found(packet: bytes) -> None:
    scan = BitstreamScan("h264", AVCC)
    scan.examine(packet)
    assert scan.problems == ["a packet does not divide into the units of its codec"]


@pytest.mark.parametrize("record", [b"", AVCC[:-7], AVCC + b"GPS", b"\0\0\0\1\x67"])
def test_a_configuration_that_holds_more_or_less_is_found(record: bytes) -> None:
    assert BitstreamScan("h264", record).problems == ["the codec configuration record cannot be read"]


def test_obus_of_the_pictures_may_stay_and_others_are_found() -> None:
    def found(packet: bytes) -> list[str]:
        scan = BitstreamScan("av1", AV1C)
        scan.examine(packet)
        return scan.problems

    assert found(b"\x12\0" + b"\x32\3abc" + b"\x2a\3\1ab") == []
    assert found(b"\x12\0" + b"\x2a\3\4ab") == ["metadata OBUs of type 4 stand in it"]
    assert found(b"\x12\0" + b"\x2a\3\5ab") == ["metadata OBUs of type 5 stand in it"]
    assert found(b"\x4a\3abc") == ["OBUs of type 9 stand in it"]
    assert found(b"\x7a\3\0\0\x80") == []
    assert found(b"\x7a\3GPS") == ["padding holds something"]
    assert found(b"\x36\x08\1a") == ["a second layer is coded beside the pictures"]
    assert found(b"\x32\x09abc") == ["a packet does not divide into the units of its codec"]


def test_a_codec_that_cannot_be_examined_is_found() -> None:
    assert BitstreamScan("mpeg2video", None).problems != []
    assert BitstreamScan("vp9", None).problems == []


def escaped(payload: bytes) -> bytes:
    result, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            result.append(3)
            zeros = 0
        result.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(result)


Message = st.tuples(st.integers(0, 600), st.binary(max_size=20).map(lambda data: data + b"\0\0\1"))


@given(st.lists(Message, max_size=5))
def test_every_type_of_message_is_read_through_the_emulation_prevention(messages: list[tuple[int, bytes]]) -> None:
    payload = b"".join(sei(kind, data)[:-1] for kind, data in messages) + b"\x80"
    assert unescaped(memoryview(escaped(payload))) == payload
    assert list(sei_types(payload)) == [kind for kind, _ in messages]
