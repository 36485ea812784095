"""What else is in a picture file, in words and names, never values: all that the copy will not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from PIL import ExifTags, Image, TiffTags

from passerby import containers
from passerby.containers import TAIL, Data, Part

_MOST_NAMES = 200
_JPEG_PICTURE = frozenset({"SOS", "DHT", "DQT", "DRI", "DAC", "EOI"}) | {f"SOF{n}" for n in range(16)}
_PNG_PICTURE = frozenset({"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "iCCP", "acTL", "fcTL", "fdAT"}) | {
    *("gAMA", "cHRM", "sRGB", "cICP")
}
_WEBP_PICTURE = frozenset({"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"})
_HEIF_PICTURE = frozenset({"hvc1", "av01", "grid", "iden", "iovl"})
_TIFF_PICTURE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 284, 292, 293, 317, 320, 321}
    | {322, 323, 324, 325, 332, 338, 339, 340, 341, 347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532, 34675}
)


def dropped_parts(format_name: str, data: Data) -> tuple[str, ...]:
    """What is in the file besides the pictures that are shown, in words, each said once."""
    walk: Callable[[Data], Iterable[str]] | None = _WALKS.get(format_name)
    words = [word for word in walk(data) if word] if walk is not None else []
    return tuple(dict.fromkeys(words))


def _jpeg(data: Data) -> Iterable[str]:
    for part in containers.jpeg_segments(data):
        if part.name == TAIL:
            yield _tail(data, part)
        elif part.name not in _JPEG_PICTURE:
            yield from _jpeg_segment(part.name, part.read(data))


def _jpeg_segment(name: str, content: bytes) -> Iterable[str]:
    known = {"APP1Exif\0": "EXIF", "APP2MPF\0": "second picture (MPF)", "APP13Photoshop": "IPTC and Photoshop data"}
    silent = ("APP0JFIF\0", "APP2ICC_PROFILE\0", "APP14Adobe")
    label = name.encode() + content[:12]
    if label.startswith(tuple(text.encode() for text in silent)):
        return
    if label.startswith(b"APP1http"):
        yield from _xmp(content)
    elif name == "COM":
        yield "comment"
    else:
        found = next((word for text, word in known.items() if label.startswith(text.encode())), None)
        yield found or f"private data ({name})"


def _xmp(content: bytes) -> Iterable[str]:
    """What XMP says of itself; the pictures and videos that it speaks of stand elsewhere in the file."""
    yield "XMP"
    signs = {
        b"hdrgm:": "gain map",
        b"GDepth:": "depth map",
        b"GImage:": "second picture (XMP)",
        b"mwg-rs:": "face regions (XMP)",
        b"MP:RegionInfo": "face regions (XMP)",
        b"MotionPhoto": "motion photo video",
        b"MicroVideo": "motion photo video",
    }
    yield from (word for sign, word in signs.items() if sign in content)


def _tail(data: Data, part: Part) -> str:
    if not any(data[part.start : part.end]):
        return ""
    if data.find(b"ftyp", part.start) >= 0:
        return "motion photo video"
    if data.find(b"\xff\xd8\xff", part.start) >= 0:
        return "second picture"
    return "data after the end of the picture"


def _png(data: Data) -> Iterable[str]:
    words = {"eXIf": "EXIF", "tEXt": "text", "zTXt": "text", "iTXt": "text", "tIME": "date", "pHYs": "resolution"}
    words["bKGD"] = "background colour"
    for part in containers.png_chunks(data):
        if part.name == TAIL:
            yield _tail(data, part)
        elif part.name == "iTXt" and part.read(data, 17) == b"XML:com.adobe.xmp":
            yield from _xmp(part.read(data))
        elif part.name not in _PNG_PICTURE:
            yield words.get(part.name, f"private data ({part.name})")


def _webp(data: Data) -> Iterable[str]:
    for part in containers.riff_chunks(data):
        if part.name == TAIL:
            yield _tail(data, part)
        elif part.name == "XMP ":
            yield from _xmp(part.read(data))
        elif part.name not in _WEBP_PICTURE:
            yield "EXIF" if part.name == "EXIF" else f"private data ({part.name.strip()})"


def _gif(data: Data) -> Iterable[str]:
    for part in containers.gif_blocks(data):
        if part.name == TAIL:
            yield _tail(data, part)
        elif part.name == "application":
            label = part.read(data, 12)[1:]
            if label == b"XMP DataXMP":
                yield from _xmp(part.read(data))
            elif label not in (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"):
                yield "private data (application extension)"
        elif part.name not in ("control", "image", "trailer"):
            yield part.name


def _heif(data: Data) -> Iterable[str]:
    shown = {"ftyp", "meta", "mdat", "free", "skip", "moov"}
    for part in containers.boxes(data):
        if part.name not in shown:
            is_video = part.name == "mpvd" or data.find(b"ftyp", part.start + 8, part.end) >= 0
            yield "motion photo video" if is_video else f"private data ({part.name.strip()})"
        elif part.name == "moov" and bytes(data[8:12]) != b"avis":
            yield "image sequence"
    types = Counter(containers.item_types(data))
    yield from ("EXIF" for _ in range(types.pop("Exif", 0)))
    if types.pop("mime", 0):
        yield from _xmp(bytes(data[:]))
    yield from (f"private data ({kind})" for kind in types if kind not in _HEIF_PICTURE)
    for urn in containers.auxiliary_types(data):
        yield _auxiliary(urn)


def _auxiliary(urn: str) -> str:
    if "alpha" in urn or urn.endswith(("hevc:2015:auxid:1", "avc:2015:auxid:1")):
        return ""
    if "depth" in urn or urn.endswith("hevc:2015:auxid:2"):
        return "depth map"
    return "gain map" if "gainmap" in urn else "auxiliary picture"


def _tiff(data: Data) -> Iterable[str]:
    pages = list(containers.tiff_directories(data))
    if len(pages) > 1:
        yield f"{len(pages) - 1} further page{'s' if len(pages) > 2 else ''}"
    words = {
        330: "further pictures (SubIFDs)",
        700: "XMP",
        33723: "IPTC and Photoshop data",
        34377: "IPTC and Photoshop data",
        34665: "EXIF",
        34853: "EXIF",
        37724: "hidden layers",
    }
    for tag in pages[0].tags if pages else ():
        if tag.number in words:
            yield words[tag.number]


def _psd(data: Data) -> Iterable[str]:
    at = 26
    for _ in range(2):  # colour table, image resources
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    layers = int.from_bytes(data[at + 8 : at + 10], "big", signed=True) if data[at : at + 4] != bytes(4) else 0
    if layers:
        yield f"{abs(layers)} hidden layer{'s' if abs(layers) > 1 else ''}"
    yield "image resources"


_WALKS: dict[str, Callable[[Data], Iterable[str]]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "HEIF": _heif,
    "AVIF": _heif,
    "TIFF": _tiff,
    "PSD": _psd,
}


def metadata_names(exif: Image.Exif) -> tuple[str, ...]:
    """Names of the EXIF or TIFF tags that are not passed on; those that cannot be parsed have no name."""
    names = [_tag_name(number, ExifTags.TAGS) for number in exif if number not in _TIFF_PICTURE]
    for directory, tags in (
        (ExifTags.IFD.Exif, ExifTags.TAGS),
        (ExifTags.IFD.GPSInfo, ExifTags.GPSTAGS),
        (ExifTags.IFD.IFD1, ExifTags.TAGS),
    ):
        prefix = "Thumbnail " if directory is ExifTags.IFD.IFD1 else ""
        names += [prefix + _tag_name(number, tags) for number in _directory(exif, directory)]
    return tuple(dict.fromkeys(names))[:_MOST_NAMES]


def has_thumbnail(exif: Image.Exif) -> bool:
    """Whether the EXIF data carries a picture of its own."""
    return bool({513, 273} & _directory(exif, ExifTags.IFD.IFD1).keys())


def _directory(exif: Image.Exif, directory: ExifTags.IFD) -> dict[int, object]:
    try:
        return dict(exif.get_ifd(directory))
    except Exception:  # EXIF is often malformed in ways of its own, and nothing of it is passed on
        return {}


def _tag_name(number: int, tags: dict[int, str]) -> str:
    return tags.get(number) or (TiffTags.lookup(number).name if number < 0x10000 else "") or f"tag {number}"
