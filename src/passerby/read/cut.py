"""Whether a file ends before its content does: what its container announces against what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from passerby.read.streams import top_level_boxes

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


@dataclass(frozen=True, slots=True)
class CutOff:
    """`truncated`: bytes are missing at the end. `missing_frames`: listed in the index and not there, 0 if unknown."""

    truncated: bool = False
    missing_frames: int = 0


def cut_off(path: Path, container: InputContainer, stream: VideoStream) -> CutOff:
    """Compares announced with present bytes, for MP4, MOV, Matroska, WebM and AVI. Others do not announce any."""
    kind = container.format.name
    if kind.startswith("mov"):
        return _cut_mov(path, stream)
    if kind.startswith("matroska"):
        return CutOff(_cut_matroska(path))
    if kind == "avi":
        return CutOff(_cut_riff(path))
    return CutOff()


def _cut_mov(path: Path, stream: VideoStream) -> CutOff:
    size = path.stat().st_size
    if stream.frames:
        # The index is whole: it says where every frame lies.
        missing = sum(1 for entry in stream.index_entries if entry.pos + entry.size > size and not entry.is_discard)
        return CutOff(missing > 0, missing)
    return CutOff(any(end > size for _, _, end in top_level_boxes(path)))


def _cut_matroska(path: Path) -> bool:
    """RFC 9559 and RFC 8794: an EBML header, then one Segment, whose size may be unknown (all ones)."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(_EBML):
        return False
    length, at = _ebml_size(head, 4)
    segment = head.find(_SEGMENT, at + (length or 0) if length is not None else at)
    if segment < 0:
        return False
    length, at = _ebml_size(head, segment + 4)
    return length is not None and at + length > path.stat().st_size


def _ebml_size(data: bytes, at: int) -> tuple[int | None, int]:
    """The size at this position, None if it is unknown, and where the content starts."""
    if at >= len(data) or not data[at]:
        return None, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), at + width


def _cut_riff(path: Path) -> bool:
    """Whether the last RIFF chunk of an AVI reaches over the end; one of size 0 was never finished and says nothing."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            header = file.read(8)
            length = int.from_bytes(header[4:], "little")
            if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
                return False
            at += 8 + length + (length & 1)
    return at > size + 1
