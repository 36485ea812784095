from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby import nal
from passerby.read import parameters
from passerby.read.messages import payload_types

from .clips import X264, Clip, make


def _sets(path: Path) -> nal.ParameterSets:
    with av.open(str(path)) as file:
        sets = nal.read_avcc(file.streams.video[0].codec_context.extradata or b"")
    assert sets is not None
    return sets


@pytest.mark.parametrize(
    ("clip", "bits", "chroma", "frames_only"),
    [
        (Clip(frames=2), 8, 1, True),
        (Clip(frames=2, pixel_format="yuv422p10le"), 10, 2, True),
        (Clip(frames=2, pixel_format="yuv444p"), 8, 3, True),
        (Clip(frames=2, settings=X264 | {"flags": "+ildct+ilme", "x264-params": "tff=1:cqm=jvt"}), 8, 1, False),
    ],
    ids=["8 bit", "10 bit 4:2:2", "4:4:4", "interlaced"],
)
def test_the_sps_of_an_encoder_is_read(clip: Clip, bits: int, chroma: int, frames_only: bool, tmp_path: Path) -> None:
    sets = _sets(make(tmp_path / "clip.mp4", clip))
    assert sets.length_bytes == 4
    sequence = parameters.sequence_parameters(sets.sps[0])
    assert sequence is not None
    assert (sequence.bits, sequence.chroma_format, sequence.frames_only) == (bits, chroma, frames_only)
    assert max(sequence.crop) == 0
    assert not parameters.may_be_redundant(sets.pps[0])


def test_cropping_is_told_in_pixels_for_each_edge(tmp_path: Path) -> None:
    sequence = parameters.sequence_parameters(_sets(make(tmp_path / "clip.mp4", Clip(size=(150, 90), frames=2))).sps[0])
    assert sequence is not None
    assert sequence.crop == (0, 10, 0, 6)


def test_a_pps_that_allows_redundant_pictures_is_told() -> None:
    # pps 0, sps 0, CAVLC, one slice group, one reference each, no weights, QP 26, then: 1 0 and the flag.
    #   ue(0)=1 ue(0)=1 00 ue(0)=1 ue(0)=1 ue(0)=1 000 1 1 1 10 X 1
    for flag in (0, 1):
        bits = f"11001110001111 0{flag}1".replace(" ", "").ljust(24, "0")
        assert parameters.may_be_redundant(b"\x68" + int(bits, 2).to_bytes(3, "big")) is bool(flag)


_MOST_FIELDS = (
    "nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500:cqm=jvt:overscan=show:videoformat=pal:colorprim=bt709:"
    "transfer=bt709:colormatrix=bt709:chromaloc=1:sar=300/299:pic-struct=1"
)


@pytest.mark.parametrize("params", ["", _MOST_FIELDS, _MOST_FIELDS + ":8x8dct=0:cabac=0", "cqm=flat:8x8dct=0"])
def test_what_follows_the_syntax_of_a_parameter_set_is_told(params: str, tmp_path: Path) -> None:
    sets = _sets(make(tmp_path / "clip.mp4", Clip(frames=2, settings=X264 | {"x264-params": params})))
    assert parameters.sps_ends(sets.sps[0])
    assert parameters.pps_ends(sets.pps[0])
    for more in (b"\x80", b"52.5200N 13.4050E", b"\0" * 40 + b"\1"):
        assert not parameters.sps_ends(sets.sps[0] + more)
        assert not parameters.pps_ends(sets.pps[0] + more)


def test_units_are_found_behind_lengths_and_start_codes() -> None:
    units = [b"\x67abc", b"\x68d", b"\x65" + bytes(range(1, 60))]
    assert list(nal.prefixed_units(b"".join(len(unit).to_bytes(2, "big") + unit for unit in units), 2)) == units
    assert list(nal.annex_b_units(b"\0" + b"".join(b"\0\0\1" + unit for unit in units) + b"\0\0")) == units
    with pytest.raises(ValueError, match="over the end"):
        list(nal.prefixed_units(b"\0\0\0\x09abc", 4))


def test_payload_types_are_read_past_255() -> None:
    assert list(payload_types(b"\x06\x05\x02ab\xff\x02\x01c\x80")) == [5, 257]


def test_zeros_behind_the_stop_bit_are_no_message() -> None:
    assert list(payload_types(b"\x06\x05\x02ab\x80\0\0")) == [5]


def test_a_message_that_is_cut_off_is_named_too() -> None:
    assert list(payload_types(b"\x06\x05\x09ab\x80")) == [5]


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_in_another_way(data: bytes) -> None:
    nal.read_avcc(data)
    parameters.sequence_parameters(data)
    parameters.may_be_redundant(data)
    parameters.sps_ends(data)
    parameters.pps_ends(data)
    list(payload_types(data))
    list(nal.annex_b_units(data))
    with suppress(ValueError):
        list(nal.prefixed_units(data, 4))
