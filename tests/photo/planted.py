"""Pictures that carry more than a picture: each plants texts and pictures that no copy may hold."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from PIL import Image

MAKER = b"PLANTED-MAKER-4711"
SERIAL = b"PLANTED-SERIAL-0815"
PERSON = b"PLANTED-PERSON-NAME"
PLACE = b"PLANTED-PLACE-51N-7E"
TEXTS = (MAKER, SERIAL, PERSON, PLACE)

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
    b' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1">'
    b"<mwg-rs:Name>" + PERSON + b"</mwg-rs:Name></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def thumbnail(face: Image.Image) -> bytes:
    """A small JPEG of a face, as cameras put it into EXIF data."""
    stored = io.BytesIO()
    face.resize((80, 60)).save(stored, "JPEG", quality=50)
    return stored.getvalue()


def exif(face: Image.Image, orientation: int = 1) -> bytes:
    """EXIF data with maker, serial number, place and a thumbnail: a TIFF of five directories, without its "Exif"."""
    small = thumbnail(face)
    out = bytearray(b"II*\0\x08\0\0\0")
    first = 2 + 4 * 12 + 4
    exif_at, gps_at = 8 + first, 8 + first + 18
    ifd1_at = gps_at + 18
    texts_at = ifd1_at + 2 + 2 * 12 + 4
    places, at = [], texts_at
    for text in (MAKER, SERIAL, PLACE):
        places.append((len(text) + 1, at))
        at += len(text) + 1
    entries = [(0x10F, 2, *places[0]), (0x112, 3, 1, orientation), (0x8769, 4, 1, exif_at), (0x8825, 4, 1, gps_at)]
    out += _directory(entries, ifd1_at)
    out += _directory([(0xA431, 2, *places[1])], 0)
    out += _directory([(0x1D, 2, *places[2])], 0)
    out += _directory([(0x201, 4, 1, at), (0x202, 4, 1, len(small))], 0)
    for text in (MAKER, SERIAL, PLACE):
        out += text + b"\0"
    return bytes(out) + small


def _directory(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)


def jpeg(picture: Image.Image) -> bytes:
    """A plain JPEG."""
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=90)
    return stored.getvalue()


def with_segments(plain: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with more segments at its start: marker code and content of each."""
    more = b"".join(bytes([0xFF, code]) + struct.pack(">H", len(content) + 2) + content for code, content in segments)
    return plain[:2] + more + plain[2:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def clip(path: Path, face: Image.Image) -> bytes:
    """A short MP4 that shows the face."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 200, 150, "yuv420p"
        pixels = np.asarray(face.resize((200, 150)), np.uint8)
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def psd(face: Image.Image) -> bytes:
    """A Photoshop file: the picture, and the same face upside down in a hidden layer called like a person."""
    width, height = face.size
    channels = [np.asarray(face.rotate(180), np.uint8)[..., index].tobytes() for index in range(3)]
    record = struct.pack(">4iH", 0, 0, height, width, 3)
    record += b"".join(struct.pack(">hI", index, 2 + len(channels[index])) for index in range(3))
    name = bytes([len(PERSON)]) + PERSON
    name += bytes(-len(name) % 4)
    record += b"8BIMnorm" + bytes([255, 0, 2, 0]) + struct.pack(">I", 8 + len(name)) + bytes(8) + name
    layers = struct.pack(">h", 1) + record + b"".join(b"\0\0" + channel for channel in channels)
    layers += bytes(len(layers) % 2)
    section = struct.pack(">I", len(layers)) + layers + bytes(4)
    resource = b"8BIM" + struct.pack(">HH", 0x0404, 0) + struct.pack(">I", len(PLACE)) + PLACE
    shown = np.asarray(face, np.uint8).transpose(2, 0, 1).tobytes()
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    resources = struct.pack(">I", len(resource)) + resource
    return header + bytes(4) + resources + struct.pack(">I", len(section)) + section + b"\0\0" + shown
