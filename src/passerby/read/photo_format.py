"""Which picture format a file holds, by its first bytes; names do not count."""

from __future__ import annotations

from passerby.errors import SourceUnreadable

HEAD_BYTES = 64
"""As many bytes of a file as are needed to tell."""

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib"}
    | {".heic", ".heif", ".hif", ".avif", ".avifs", ".jp2", ".j2k", ".jpf", ".jpx", ".psd"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
"""Lower-case suffixes that pictures usually have."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"8BPS\0\1", "PSD"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"BM", "BMP"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_SEQUENCE_BRANDS = frozenset({b"msf1", b"hevc", b"hevx"})


def photo_format(head: bytes) -> str | None:
    """The format of a picture that begins with these bytes, as in `PhotoInfo.format`, or None.

    Videos are None, and so are HEIF files that are nothing but a sequence: FFmpeg plays those.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in (b" ", b"\t", b"\n", b"\r"):
        return "PPM"
    return _brand(head) if head[4:8] == b"ftyp" else None


def _brand(head: bytes) -> str | None:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    major, others = head[8:12], {head[at : at + 4] for at in range(16, length - 3, 4)}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and others & _AVIF_BRANDS and not others & {b"heic", b"heix"}):
        return "AVIF"
    if major in _HEIF_BRANDS or (major in _SEQUENCE_BRANDS and others & _HEIF_BRANDS):
        return "HEIF"
    return None


def unknown_format(name: str, head: bytes) -> SourceUnreadable:
    """What to say of a file that holds no picture of a known format."""
    if not head:
        return SourceUnreadable(f"{name}: is empty; nothing was written", hint="Copy it again from where it came from")
    if not any(byte < 9 or 13 < byte < 32 for byte in head):
        return SourceUnreadable(f"{name}: holds text, not a picture; nothing was written")
    return SourceUnreadable(
        f"{name}: is not a picture in a known format; nothing was written",
        hint="JPEG, PNG, WebP, TIFF, GIF, HEIC, AVIF, BMP, JPEG 2000, PSD and PPM can be read",
    )
