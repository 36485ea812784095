"""The finished picture file walked part by part: anything that is not on the list of its format is a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from passerby import containers
from passerby.containers import TAIL, Data, Part

_JPEG = frozenset({"DQT", "DHT", "DRI", "SOS", "EOI", "SOF0", "SOF1", "SOF2"})
_PNG = frozenset({"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "iCCP", "gAMA", "cHRM", "sRGB", "cICP", "acTL"})
_PNG_ANIMATION = frozenset({"fcTL", "fdAT"})
_WEBP = frozenset({"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"})
_WEBP_FRAME = frozenset({"VP8 ", "VP8L", "ALPH"})
_HEIF = frozenset({"ftyp", "meta", "mdat"})
_HEIF_META = frozenset({"hdlr", "pitm", "iloc", "iinf", "iprp", "iref", "idat", "dinf", "grpl"})
_HEIF_ITEMS = {"HEIF": frozenset({"hvc1", "grid"}), "AVIF": frozenset({"av01", "grid"})}
_ALPHA = frozenset({"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1"})
_TIFF = frozenset({256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 338, 339, 34675})
_TIFF_SLACK_BYTES = 64
_BMP_HEADERS_BYTES = 14 + 40 + 4 * 256


def structure_problems(format_name: str, data: Data) -> list[str]:
    """What stands in the file that should not, in words; empty if every part is one that the picture needs."""
    return list(dict.fromkeys(_WALKS[format_name](data)))


def _end(parts: list[Part], last: str) -> Iterator[str]:
    if any(part.name == TAIL for part in parts):
        yield "something stands after its end"
    elif not parts or parts[-1].name != last:
        yield "it has no end"


def _jpeg(data: Data) -> Iterator[str]:
    parts = list(containers.jpeg_segments(data))
    yield from _end(parts, "EOI")
    for part in parts:
        if part.name not in _JPEG and part.name != TAIL and not _known_segment(part.name, part.read(data)):
            yield f"it has a segment that it should not have ({part.name})"


def _known_segment(name: str, content: bytes) -> bool:
    if name == "APP0":
        return content[:5] == b"JFIF\0" and len(content) == 14
    if name == "APP14":
        return content[:5] == b"Adobe" and len(content) == 12
    return name == "APP2" and content[:12] == b"ICC_PROFILE\0"


def _png(data: Data) -> Iterator[str]:
    parts = list(containers.png_chunks(data))
    yield from _end(parts, "IEND")
    allowed = _PNG | (_PNG_ANIMATION if any(part.name == "acTL" for part in parts) else frozenset())
    for part in parts:
        if part.name not in allowed and part.name != TAIL:
            yield f"it has a chunk that it should not have ({part.name})"
        if part.name == "iCCP" and not part.read(data, 12).startswith(b"ICC Profile\0"):
            yield "its colour profile has a name"


def _webp(data: Data) -> Iterator[str]:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        yield "it has no end"
    for part in containers.riff_chunks(data):
        if part.name == TAIL:
            yield "something stands after its end"
        elif part.name not in _WEBP:
            yield f"it has a chunk that it should not have ({part.name.strip()})"
        elif part.name == "ANMF":
            inner = {chunk.name for chunk in containers.anmf_chunks(data, part)}
            yield from (f"it has a chunk that it should not have ({name.strip()})" for name in inner - _WEBP_FRAME)


def _gif(data: Data) -> Iterator[str]:
    parts = list(containers.gif_blocks(data))
    yield from _end(parts, "trailer")
    for part in parts:
        loops = part.name == "application" and part.read(data)[:13] == b"\x0bNETSCAPE2.0\x03"
        if loops and part.end - part.content != 17:
            yield "it has a loop extension of the wrong length"
        elif not loops and part.name not in ("control", "image", "trailer", TAIL):
            yield f"it has a block that it should not have ({part.name})"


def _heif(data: Data, format_name: str) -> Iterator[str]:
    # An AVIF sequence is a movie besides; its boxes are looked at by `_movie`.
    sequence = format_name == "AVIF" and bytes(data[8:12]) == b"avis"
    for part in containers.boxes(data):
        if part.name == "moov" and sequence:
            yield from _movie(data, part)
        elif part.name not in _HEIF:
            yield "something stands after its end" if part.name == TAIL else _box_problem(part)
    meta = containers.box(data, "meta")
    if meta is None:
        yield "it has no end"
        return
    inner = containers.boxes(data, meta.content + 4, meta.end)
    yield from (_box_problem(part) for part in inner if part.name not in _HEIF_META)
    for kind in set(containers.item_types(data)) - _HEIF_ITEMS[format_name]:
        yield f"it has an item that it should not have ({kind})"
    if set(containers.auxiliary_types(data)) - _ALPHA:
        yield "it has an auxiliary picture that is not its alpha"


def _box_problem(part: Part) -> str:
    return f"it has a box that it should not have ({part.name.strip()})"


_MOVIE = frozenset(
    {"mvhd", "trak", "tkhd", "tref", "edts", "elst", "mdia", "mdhd", "hdlr", "minf", "vmhd", "dinf", "dref", "url "}
    | {"stbl", "stsd", "stts", "stsc", "stsz", "stco", "co64", "stss", "ctts"}
)
_MOVIE_PARENTS = frozenset({"moov", "trak", "edts", "mdia", "minf", "stbl"})


def _movie(data: Data, parent: Part) -> Iterator[str]:
    for part in containers.boxes(data, parent.content, parent.end):
        if part.name not in _MOVIE:
            yield _box_problem(part)
        elif part.name in _MOVIE_PARENTS:
            yield from _movie(data, part)


def _tiff(data: Data) -> Iterator[str]:
    pages = list(containers.tiff_directories(data))
    if len(pages) != 1:
        yield f"it has {len(pages)} pages"
        return
    page = pages[0]
    for tag in page.tags:
        if tag.number not in _TIFF:
            yield f"it has a tag that it should not have ({tag.number})"
    offsets, lengths = page.tag(273), page.tag(279)
    if offsets is None or lengths is None:
        yield "it has no pixels"
        return
    strips = zip(containers.tiff_values(data, offsets), containers.tiff_values(data, lengths), strict=False)
    used = [(0, 8), (page.start, page.end), *((tag.start, tag.end) for tag in page.tags)]
    used += [(start, start + length) for start, length in strips]
    if _unused(used, len(data)) > _TIFF_SLACK_BYTES:
        yield "it has bytes that nothing refers to"


def _unused(used: list[tuple[int, int]], size: int) -> int:
    gaps, at = 0, 0
    for start, end in sorted(used):
        gaps, at = gaps + max(0, start - at), max(at, end)
    return gaps + max(0, size - at)


def _bmp(data: Data) -> Iterator[str]:
    start = int.from_bytes(data[10:14], "little")
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    row = (abs(width) * int.from_bytes(data[28:30], "little") + 31) // 32 * 4
    if start > _BMP_HEADERS_BYTES:
        yield "it has bytes that nothing refers to"
    if len(data) > start + row * abs(height):
        yield "something stands after its end"


_WALKS: dict[str, Callable[[Data], Iterator[str]]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "TIFF": _tiff,
    "BMP": _bmp,
    "HEIF": lambda data: _heif(data, "HEIF"),
    "AVIF": lambda data: _heif(data, "AVIF"),
}
