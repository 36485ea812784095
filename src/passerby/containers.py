"""The parts that a picture file is made of, found without decoding it: segments, chunks, blocks, boxes, tags.

The reader names what it will not pass on by these, and the check walks the finished file with them. A walk stops where
the file stops making sense; whether that matters is for the decoder or the check to say.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

Data = bytes | mmap

TAIL = "tail"
"""Name of the part that begins where the container has ended."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, where it starts, where its content starts, and where it ends; offsets in bytes."""

    name: str
    start: int
    content: int
    end: int

    def read(self, data: Data, limit: int | None = None) -> bytes:
        """The content, or its first `limit` bytes."""
        end = self.end if limit is None else min(self.end, self.content + limit)
        return bytes(data[self.content : end])


def jpeg_segments(data: Data) -> Iterator[Part]:
    """Markers by name ("APP1", "SOF2", "SOS" with its coded data, "EOI"), then the tail, if any."""
    next_marker = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
    at, size = 2, len(data)
    while at + 2 <= size and data[at] == 0xFF:
        code = data[at + 1]
        if code == 0xFF:  # fill bytes
            at += 1
            continue
        if code == 0xD9:
            yield Part("EOI", at, at + 2, at + 2)
            if at + 2 < size:
                yield Part(TAIL, at + 2, at + 2, size)
            return
        if at + 4 > size:
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if code == 0xDA:
            found = next_marker.search(data, end)
            end = found.start() if found else size
        yield Part(_jpeg_name(code), at, at + 4, min(end, size))
        at = end


def _jpeg_name(code: int) -> str:
    names = {0xC4: "DHT", 0xDB: "DQT", 0xDA: "SOS", 0xDD: "DRI", 0xFE: "COM", 0xCC: "DAC"}
    if code in names:
        return names[code]
    if 0xC0 <= code <= 0xCF:
        return f"SOF{code - 0xC0}"
    return f"APP{code - 0xE0}" if 0xE0 <= code <= 0xEF else f"0x{code:02X}"


def png_chunks(data: Data) -> Iterator[Part]:
    """Chunks by type ("IHDR"), then the tail, if any. The check sums are the decoder's affair."""
    at, size = 8, len(data)
    while at + 12 <= size:
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > size:
            return
        yield Part(kind.decode("latin-1"), at, at + 8, end - 4)
        at = end
        if kind == b"IEND":
            break
    if at < size:
        yield Part(TAIL, at, at, size)


def riff_chunks(data: Data) -> Iterator[Part]:
    """Chunks of a WebP by type ("VP8X", "ANMF"), then the tail, if any."""
    if len(data) < 12:
        return
    size = len(data)
    stop = min(8 + int.from_bytes(data[4:8], "little"), size)
    yield from _riff(data, 12, stop)
    if stop + (stop & 1) < size:
        yield Part(TAIL, stop, stop, size)


def anmf_chunks(data: Data, frame: Part) -> Iterator[Part]:
    """Chunks inside one animation frame of a WebP."""
    return _riff(data, frame.content + 16, frame.end)


def _riff(data: Data, at: int, stop: int) -> Iterator[Part]:
    while at + 8 <= stop:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(at + 8 + length, stop)
        yield Part(bytes(data[at : at + 4]).decode("latin-1"), at, at + 8, end)
        at = at + 8 + length + (length & 1)


_GIF_EXTENSIONS = {0xF9: "control", 0xFE: "comment", 0x01: "text", 0xFF: "application"}


def gif_blocks(data: Data) -> Iterator[Part]:
    """Blocks: "control", "comment", "text", "application", "image", "trailer", then the tail, if any."""
    size = len(data)
    if size < 13:
        return
    at = 13 + _gif_table(data[10])
    while at < size:
        kind = data[at]
        if kind == 0x3B:
            yield Part("trailer", at, at + 1, at + 1)
            if at + 1 < size:
                yield Part(TAIL, at + 1, at + 1, size)
            return
        if kind == 0x21 and at + 2 < size:
            end = _gif_skip(data, at + 2)
            yield Part(_GIF_EXTENSIONS.get(data[at + 1], f"0x{data[at + 1]:02X}"), at, at + 2, end)
        elif kind == 0x2C and at + 10 < size:
            end = _gif_skip(data, at + 11 + _gif_table(data[at + 9]))
            yield Part("image", at, at + 1, end)
        else:
            yield Part(TAIL, at, at, size)
            return
        at = end


def _gif_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_skip(data: Data, at: int) -> int:
    """The end of a run of sub-blocks."""
    size = len(data)
    while at < size and data[at]:
        at += data[at] + 1
    return min(at + 1, size)


def boxes(data: Data, start: int = 0, stop: int | None = None) -> Iterator[Part]:
    """ISO base media boxes (HEIF, AVIF, MP4, JPEG 2000) by type; one that does not fit is cut at the end."""
    at, stop = start, len(data) if stop is None else stop
    while at + 8 <= stop:
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = at + 8
        if length == 1 and at + 16 <= stop:
            length, content = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif length == 0:
            length = stop - at
        if length < content - at:
            break
        yield Part(kind.decode("latin-1"), at, content, min(at + length, stop))
        at += length
    if at < stop:
        yield Part(TAIL, at, at, stop)


def box(data: Data, path: str, within: Part | None = None) -> Part | None:
    """The first box at a path like "meta/iprp/ipco"; full boxes among its parents are known by name."""
    here = within
    for name in path.split("/"):
        start = 0 if here is None else here.content + _full_box_header(here.name)
        stop = len(data) if here is None else here.end
        here = next((part for part in boxes(data, start, stop) if part.name == name), None)
        if here is None:
            return None
    return here


def _full_box_header(name: str) -> int:
    return 4 if name == "meta" else 0


def item_types(data: Data) -> list[str]:
    """Types of the items in a HEIF or AVIF file ("hvc1", "grid", "Exif", "mime"), in the order of their list."""
    iinf = box(data, "meta/iinf")
    if iinf is None:
        return []
    wide = data[iinf.content] > 0
    entries = boxes(data, iinf.content + (8 if wide else 6), iinf.end)
    return [_item_type(data, entry) for entry in entries if entry.name == "infe"]


def _item_type(data: Data, entry: Part) -> str:
    version = data[entry.content]
    at = entry.content + (8 if version == 2 else 10)
    return bytes(data[at : at + 4]).decode("latin-1") if version >= 2 else "?"


def auxiliary_types(data: Data) -> list[str]:
    """URNs of the auxiliary pictures' types, as far as the properties name them."""
    ipco = box(data, "meta/iprp/ipco")
    if ipco is None:
        return []
    found = [part for part in boxes(data, ipco.content, ipco.end) if part.name == "auxC"]
    return [bytes(data[p.content + 4 : p.end]).split(b"\0")[0].decode("latin-1") for p in found]


def colour_boxes(data: Data) -> list[Part]:
    """Every `colr` box with code points (nclx) of a HEIF or AVIF file, sequences included."""
    found = []
    ipco = box(data, "meta/iprp/ipco")
    if ipco is not None:
        found = [p for p in boxes(data, ipco.content, ipco.end) if p.name == "colr"]
    entry = box(data, "moov/trak/mdia/minf/stbl/stsd")
    for sample in boxes(data, entry.content + 8, entry.end) if entry is not None else ():
        found += [p for p in boxes(data, sample.content + 78, sample.end) if p.name == "colr"]
    return [p for p in found if bytes(data[p.content : p.content + 4]) == b"nclx"]


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry of a TIFF directory: where its values are, and how many bytes they take."""

    number: int
    kind: int
    count: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory of a TIFF: its entries, and where it starts and ends."""

    tags: tuple[Tag, ...]
    start: int
    end: int

    def tag(self, number: int) -> Tag | None:
        """The entry with that number, or None."""
        return next((tag for tag in self.tags if tag.number == number), None)


_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def tiff_directories(data: Data, limit: int = 10_000) -> Iterator[Directory]:
    """The chained directories of a TIFF (classic or BigTIFF): its pages."""
    order, big = _tiff_kind(data)
    at = int.from_bytes(data[8:16] if big else data[4:8], order)
    seen: set[int] = set()
    while 0 < at < len(data) and at not in seen and len(seen) < limit:
        seen.add(at)
        directory, at = _tiff_directory(data, at)
        yield directory


def _tiff_kind(data: Data) -> tuple[Literal["little", "big"], bool]:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    return order, int.from_bytes(data[2:4], order) == 43


def _tiff_directory(data: Data, at: int) -> tuple[Directory, int]:
    order, big = _tiff_kind(data)
    ends = "<" if order == "little" else ">"
    head, step, wide = (8, 20, 8) if big else (2, 12, 4)
    count = int.from_bytes(data[at : at + head], order)
    start, tags = at, []
    at += head
    for _ in range(min(count, 4096)):
        if at + step > len(data):
            break
        number, kind, items = struct.unpack(ends + ("HHQ" if big else "HHI"), data[at : at + step - wide])
        length = _TIFF_SIZES.get(kind, 1) * items
        value = at + step - wide
        if length > wide:
            value = int.from_bytes(data[value : value + wide], order)
        tags.append(Tag(number, kind, items, value, value + length))
        at += step
    following = int.from_bytes(data[at : at + wide], order)
    return Directory(tuple(tags), start, at + wide), following


def tiff_values(data: Data, tag: Tag) -> list[int]:
    """The values of an entry of whole numbers."""
    order, _ = _tiff_kind(data)
    size = _TIFF_SIZES.get(tag.kind, 1)
    raw = bytes(data[tag.start : tag.end])
    return [int.from_bytes(raw[i : i + size], order) for i in range(0, len(raw), size)]
