"""What stands in an MP4 file, box by box (ISO/IEC 14496-12): only what playing the video needs, and nothing after it.

An allow-list: a box that is not named here is a problem, wherever it stands. Nothing is decoded and only headers and
small boxes are read, so that memory does not grow with the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from passerby.check.fragments import FRAGMENT_BOXES, fragment_problem

MAX_FREE_BYTES = 1 << 16
"""A `free` box may be this large, if it holds zeros only."""

HANDLER_NAMES = frozenset({"", "VideoHandler", "SoundHandler", "DataHandler"})
"""Names that libavformat gives to handlers; any other was carried over from the input."""

_BRANDS = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 av01 hvc1 hev1 qt__ dash msdh msix cmfc cmf2".split()
)
_CHILDREN: dict[str, frozenset[str]] = {
    parent: frozenset(children.split())
    for parent, children in {
        "": "ftyp styp moov mdat free wide moof mfra sidx",
        "moov": "mvhd trak mvex udta",
        "mvex": "mehd trex",
        "trak": "tkhd edts mdia",
        "edts": "elst",
        "mdia": "mdhd hdlr minf",
        "minf": "vmhd smhd hdlr dinf stbl",
        "dinf": "dref",
        "stbl": "stsd stts ctts cslg stsc stsz stco co64 stss stps sdtp sgpd sbgp",
        "moof": "mfhd traf",
        "traf": "tfhd tfdt trun sdtp sgpd sbgp",
        "mfra": "tfra mfro",
        "video": "avcC hvcC av1C vpcC colr pasp btrt mdcv clli fiel",
        "audio": "esds dac3 dec3 dOps dfLa alac btrt chan chnl wave",
    }.items()
}
_VIDEO_ENTRIES = frozenset({"avc1", "avc3", "hvc1", "hev1", "av01", "vp08", "vp09"})
_AUDIO_ENTRIES = frozenset(["mp4a", "ac-3", "ec-3", "Opus", "fLaC", "alac", ".mp3", "sowt", "twos", "lpcm", "ipcm"])

# Bytes before the entries, where the number of entries stands, and bytes per entry.
_TABLES = {
    "stts": (8, 4, 8),
    "ctts": (8, 4, 8),
    "stsc": (8, 4, 12),
    "stco": (8, 4, 4),
    "co64": (8, 4, 8),
    "stss": (8, 4, 4),
    "stps": (8, 4, 4),
}


class Box(NamedTuple):
    """A box: its type, and where its payload starts and ends in the file, in bytes."""

    kind: str
    start: int
    end: int


class BoxMalformed(ValueError):
    """The boxes do not add up; the message says where, in words."""


@dataclass(slots=True)
class Mp4Structure:
    """What `examine_mp4` found.

    Attributes:
        problems: in words; empty if all is well.
        media: payload of every `mdat`, start and end in the file, in bytes.
    """

    problems: list[str] = field(default_factory=list)
    media: list[tuple[int, int]] = field(default_factory=list)


def examine_mp4(file: BinaryIO, *, audio: bool) -> Mp4Structure:
    """Walk over all boxes of a seekable file; `audio` allows audio tracks."""
    found = Mp4Structure()
    size = file.seek(0, os.SEEK_END)
    walk = _Walk(file, audio, found)
    try:
        kinds = [box.kind for box in walk.children(0, size, "")]
    except BoxMalformed as malformed:
        found.problems.append(str(malformed))
        return found
    found.problems += [
        f"it has {kinds.count(kind)} {kind} boxes" for kind in ("ftyp", "moov") if kinds.count(kind) != 1
    ]
    return found


class _Walk:
    """One walk over one file; every method adds to the problems found."""

    def __init__(self, file: BinaryIO, audio: bool, found: Mp4Structure) -> None:
        self._file = file
        self._audio = audio
        self._found = found

    def children(self, start: int, end: int, parent: str) -> Iterator[Box]:
        """Boxes that tile `start` to `end`, each one examined; raises `BoxMalformed` where they do not."""
        at = start
        while at < end:
            box = self._box_at(at, end, parent)
            yield box
            if box.kind in _CHILDREN[parent]:
                self._examine(box)
            else:
                self._problem(f"a box {_shown(box.kind)} stands in {parent or 'the file'}, which playing does not need")
            at = box.end

    def _box_at(self, at: int, end: int, parent: str) -> Box:
        head = self._read(at, min(end, at + 16))
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        if len(head) < header or size < header or at + size > end:
            raise BoxMalformed(
                f"the boxes of {parent or 'the file'} do not end where it ends: {end - at} bytes stand over"
            )
        return Box(head[4:8].decode("latin-1"), at + header, at + size)

    def _examine(self, box: Box) -> None:
        if box.kind == "mdat":
            self._found.media.append((box.start, box.end))
        elif box.kind == "udta":
            self._examine_user_data(box)
        elif box.kind in _CHILDREN:
            for _ in self.children(box.start, box.end, box.kind):
                pass
        elif box.kind in _TABLES:
            self._examine_table(box)
        elif box.kind in FRAGMENT_BOXES:
            self._examine_fragment(box)
        elif examine := getattr(self, f"_examine_{box.kind}", None):
            examine(box, self._read(box.start, min(box.end, box.start + (1 << 20))))

    def _examine_user_data(self, box: Box) -> None:
        """libavformat writes one even when there is nothing to say: a handler and an empty list."""
        empty = b"\0\0\0\x21hdlr" + b"\0" * 8 + b"mdirappl" + b"\0" * 9 + b"\0\0\0\x08ilst"
        meta = b"\0\0\0\x35meta" + b"\0" * 4 + empty
        if self._read(box.start, min(box.end, box.start + 1024)) not in (b"", meta):
            self._problem("user data (udta) holds tags")

    def _examine_table(self, box: Box) -> None:
        header, count_at, entry = _TABLES[box.kind]
        count = int.from_bytes(self._read(box.start + count_at, box.start + count_at + 4), "big")
        if box.end - box.start != header + count * entry:
            self._problem(f"the box {box.kind} is longer than its table")

    def _examine_fragment(self, box: Box) -> None:
        head = self._read(box.start, min(box.end, box.start + 8))
        if words := fragment_problem(box.kind, head, box.end - box.start):
            self._problem(words)

    def _examine_stsz(self, box: Box, payload: bytes) -> None:
        size, count = int.from_bytes(payload[4:8], "big"), int.from_bytes(payload[8:12], "big")
        if box.end - box.start != 12 + (0 if size else 4 * count):
            self._problem("the box stsz is longer than its table")

    def _examine_elst(self, box: Box, payload: bytes) -> None:
        if box.end - box.start != 8 + int.from_bytes(payload[4:8], "big") * (20 if payload[:1] == b"\1" else 12):
            self._problem("the box elst is longer than its table")

    def _examine_free(self, box: Box, payload: bytes) -> None:
        if box.end - box.start > MAX_FREE_BYTES or payload.strip(b"\0"):
            self._problem("a free box holds more than a few zeros")

    def _examine_ftyp(self, box: Box, payload: bytes) -> None:
        brands = {payload[at : at + 4].replace(b" ", b"_") for at in (0, *range(8, len(payload), 4))}
        if not brands <= _BRANDS:
            self._problem(f"{box.kind} names a brand of another maker")

    def _examine_wide(self, box: Box, payload: bytes) -> None:
        if payload:
            self._problem("a wide box holds something")

    _examine_styp = _examine_ftyp

    def _examine_mvhd(self, box: Box, payload: bytes) -> None:
        if payload[4 : 20 if payload[:1] == b"\1" else 12].strip(b"\0"):
            self._problem(f"{box.kind} says when the file was made")

    _examine_tkhd = _examine_mdhd = _examine_mvhd

    def _examine_hdlr(self, box: Box, payload: bytes) -> None:
        name = payload[24:].rstrip(b"\0").decode("latin-1")
        if name not in HANDLER_NAMES and name[1:] not in HANDLER_NAMES:  # QuickTime puts the length first
            self._problem("a handler has a name of its own")
        kind = payload[8:12]
        if kind not in (b"vide", b"alis", b"url ") and not (self._audio and kind == b"soun"):
            self._problem(f"a track of kind {_shown(kind.decode('latin-1'))} stands beside the video")

    def _examine_dref(self, box: Box, payload: bytes) -> None:
        if payload[4:] not in (b"\0\0\0\1\0\0\0\x0curl \0\0\0\1", b"\0\0\0\1\0\0\0\x0calis\0\0\0\1"):
            self._problem("media data is looked for outside the file (dref)")

    def _examine_stsd(self, box: Box, payload: bytes) -> None:
        at = box.start + 8
        while at < box.end:
            entry = self._box_at(at, box.end, "stsd")
            if entry.kind in _VIDEO_ENTRIES:
                self._examine_video_entry(entry)
            elif self._audio and entry.kind in _AUDIO_ENTRIES:
                self._examine_audio_entry(entry)
            else:
                self._problem(f"a sample entry {_shown(entry.kind)} is none that may stand here")
            at = entry.end

    def _examine_video_entry(self, entry: Box) -> None:
        if self._read(entry.start + 42, entry.start + 74).strip(b"\0"):
            self._problem("the sample entry names the compressor")
        for _ in self.children(entry.start + 78, entry.end, "video"):
            pass

    def _examine_audio_entry(self, entry: Box) -> None:
        version = int.from_bytes(self._read(entry.start + 8, entry.start + 10), "big")
        for _ in self.children(entry.start + 28 + {1: 16, 2: 36}.get(version, 0), entry.end, "audio"):
            pass

    def _examine_colr(self, box: Box, payload: bytes) -> None:
        if payload[:4] not in (b"nclx", b"nclc"):
            self._problem("a colour profile is attached (colr)")

    def _read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, end - start))

    def _problem(self, words: str) -> None:
        if words not in self._found.problems:
            self._found.problems.append(words)


def _shown(kind: str) -> str:
    """A four-character code as it can be printed."""
    return "".join(letter if " " < letter < "\x7f" else "?" for letter in kind)
