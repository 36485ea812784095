"""What stands in a Matroska or WebM file, element by element (RFC 8794, RFC 9559): only what playing the video needs.

An allow-list, as for MP4. Cluster by cluster only the headers are read, so that memory does not grow with the file.
"""

from __future__ import annotations

import os
import re
from typing import BinaryIO, NamedTuple

MAX_ELEMENT_BYTES = 1 << 16
"""Void elements and small values may be this large."""

TAG_VALUES = {"DURATION": re.compile(r"\d\d:\d\d:\d\d\.\d{9}"), "ENCODER": re.compile(r"Lavf|Lavc [a-z0-9_-]+")}
"""What libavformat's muxer writes as tags of its own even when it is asked for none, and the values it gives them."""

_ALL: frozenset[int] = frozenset()  # stands for: whatever is in it is needed
_EBML, _SEGMENT, _CLUSTER, _TAGS, _TAG, _SIMPLE = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1254C367, 0x7373, 0x67C8
_INFO, _TRACKS, _TRACK, _GROUP, _VOID, _CRC = 0x1549A966, 0x1654AE6B, 0xAE, 0xA0, 0xEC, 0xBF
_SEEK_HEAD, _CUES, _VIDEO, _COLOUR, _PROJECTION, _AUDIO = 0x114D9B74, 0x1C53BB6B, 0xE0, 0x55B0, 0x7670, 0xE1
_MASTERING = 0x55D0
_TAG_NAME, _TAG_STRING, _MUXER, _WRITER, _TRACK_TYPE = 0x45A3, 0x4487, 0x4D80, 0x5741, 0x83
_TRACK_NUMBER, _SIMPLE_BLOCK, _BLOCK = 0xD7, 0xA3, 0xA1
_EXAMINED = frozenset({_VOID, _TAG_NAME, _TAG_STRING, _MUXER, _WRITER, _TRACK_TYPE, _TRACK_NUMBER})

_NAMES = {
    0x7BA9: "title",
    0x4461: "date",
    0x1043A770: "chapters",
    0x1941A469: "attachments",
    0x536E: "track name",
    0xA5: "block addition",
    0x75A1: "block addition",
    0x3CB923: "link to another file",
    0x3C83AB: "link to another file",
    0x7384: "file name",
}
_CHILDREN: dict[int, frozenset[int]] = {
    0: frozenset({_EBML, _SEGMENT, _VOID}),
    _EBML: _ALL,
    _SEGMENT: frozenset({_SEEK_HEAD, _INFO, _TRACKS, _CUES, _CLUSTER, _TAGS, _VOID, _CRC}),
    _SEEK_HEAD: _ALL,
    _CUES: _ALL,
    # Segment UID, timestamp scale, duration, muxing and writing application
    _INFO: frozenset({0x73A4, 0x2AD7B1, 0x4489, _MUXER, _WRITER, _VOID, _CRC}),
    _TRACKS: frozenset({_TRACK, _VOID, _CRC}),
    # number, UID, type, flags, lacing, cache, durations, scale, languages, codec and its delays, block additions
    _TRACK: frozenset({_TRACK_NUMBER, 0x73C5, _TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x9C, 0x6DE7, 0x6DF8, 0x23E383, 0x234E7A,
                       0x23314F, 0x55EE, 0x22B59C, 0x22B59D, 0x86, 0x63A2, 0xAA, 0x56AA, 0x56BB, _VIDEO, _AUDIO, _VOID,
                       _CRC}),
    # interlacing, stereo, alpha, sizes, cropping, display, aspect, colour, projection
    _VIDEO: frozenset({0x9A, 0x9D, 0x53B8, 0x53C0, 0xB0, 0xBA, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0, 0x54BA, 0x54B2,
                       0x54B3, _COLOUR, _PROJECTION}),
    _COLOUR: frozenset({0x55B1, 0x55B2, 0x55B3, 0x55B4, 0x55B5, 0x55B6, 0x55B7, 0x55B8, 0x55B9, 0x55BA, 0x55BB, 0x55BC,
                        0x55BD, _MASTERING}),
    _MASTERING: frozenset(range(0x55D1, 0x55DB)),
    _PROJECTION: frozenset({0x7671, 0x7673, 0x7674, 0x7675}),
    _AUDIO: frozenset({0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1}),
    # timestamp, position, previous size, simple block
    _CLUSTER: frozenset({0xE7, 0xA7, 0xAB, _SIMPLE_BLOCK, _GROUP, _VOID, _CRC}),
    # block, duration, reference priority, reference, discard padding
    _GROUP: frozenset({_BLOCK, 0x9B, 0xFA, 0xFB, 0x75A2}),
    _TAGS: frozenset({_TAG, _VOID, _CRC}),
    # targets, simple tag
    _TAG: frozenset({0x63C0, _SIMPLE}),
    # name, language, default, string
    _SIMPLE: frozenset({_TAG_NAME, 0x447A, 0x4484, _TAG_STRING}),
}  # fmt: skip


class _Element(NamedTuple):
    kind: int
    start: int
    end: int


class _Malformed(ValueError):
    """The elements do not add up; the message says where, in words."""


def examine_matroska(file: BinaryIO, *, audio: bool) -> list[str]:
    """Problems of a seekable file, in words; `audio` allows audio tracks."""
    walk = _Walk(file, audio)
    try:
        walk.examine_children(0, file.seek(0, os.SEEK_END), 0)
    except _Malformed as malformed:
        walk.problems.append(str(malformed))
    if walk.segments != 1:
        walk.problems.append(f"it has {walk.segments} segments")
    return list(dict.fromkeys(walk.problems))


class _Walk:
    """One walk over one file."""

    def __init__(self, file: BinaryIO, audio: bool) -> None:
        self._file = file
        self._audio = audio
        self._tag_name = ""
        self._tracks: set[int] = set()
        self.segments = 0
        self.problems: list[str] = []

    def examine_children(self, start: int, end: int, parent: int) -> None:
        """Every element from `start` to `end`; raises `_Malformed` where they do not tile it."""
        at, allowed = start, _CHILDREN[parent]
        while at < end:
            element = self._element_at(at, end)
            if allowed and element.kind not in allowed:
                self.problems.append(f"{_NAMES.get(element.kind, f'element {element.kind:X}')} stands in the file")
            elif _CHILDREN.get(element.kind):
                self.segments += element.kind == _SEGMENT
                self.examine_children(element.start, element.end, element.kind)
            else:
                self._examine_value(element)
            at = element.end

    def _element_at(self, at: int, end: int) -> _Element:
        self._file.seek(at)
        head = self._file.read(min(12, end - at))
        id_length = 9 - head[0].bit_length()
        size_length = 9 - head[id_length].bit_length() if id_length <= 4 and len(head) > id_length else 9
        header = id_length + size_length
        if id_length > 4 or size_length > 8 or len(head) < header:
            raise _Malformed(f"{end - at} bytes stand where an element should")
        size = int.from_bytes(head[id_length:header], "big") & ((1 << 7 * size_length) - 1)
        if size == (1 << 7 * size_length) - 1 or at + header + size > end:
            raise _Malformed("an element has no end, or one outside of what holds it")
        return _Element(int.from_bytes(head[:id_length], "big"), at + header, at + header + size)

    def _examine_value(self, element: _Element) -> None:
        self._file.seek(element.start)
        if element.kind in (_BLOCK, _SIMPLE_BLOCK):
            if (self._file.read(1) or b"\0")[0] & 0x7F not in self._tracks:
                self.problems.append("a block belongs to no track")
        elif element.kind in _EXAMINED:
            if element.end - element.start > MAX_ELEMENT_BYTES:
                self.problems.append("an empty or small element is far too large")
            self._examine_small(element.kind, self._file.read(min(element.end - element.start, MAX_ELEMENT_BYTES)))

    def _examine_small(self, kind: int, value: bytes) -> None:
        text = value.rstrip(b"\0").decode("utf-8", "replace")
        if kind == _VOID and text:
            self.problems.append("a void element holds something")
        elif kind in (_MUXER, _WRITER) and text != "Lavf":
            self.problems.append("the writing application is named")
        elif kind == _TRACK_TYPE and value != b"\1" and not (self._audio and value == b"\2"):
            self.problems.append("a track stands beside the video")
        elif kind == _TRACK_NUMBER:
            self._tracks.add(int.from_bytes(value, "big"))
        elif kind == _TAG_NAME:
            self._tag_name = text
        elif kind == _TAG_STRING:
            pattern = TAG_VALUES.get(self._tag_name)
            if pattern is None or not pattern.fullmatch(text):
                self.problems.append("tags stand in the file")
