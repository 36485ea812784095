"""Looks for somebody in bytes: in the videos and pictures that they are or hold, and in the bytes themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from passerby.detect.detector import NetDetector
from passerby.measure.exposure import kept_share
from tests.egress import scene
from tests.egress.scene import BoxPx, Luma, Rgb

LOW = 0.1
"""Of the net's scores; what passerby itself covers has more."""
KEPT = 0.05
"""Share of a place's textured blocks that may look alike by chance; `score.py` speaks of exposed from 0.25 on."""
FLAT = 24
"""Levels of 256 between the darkest and the lightest pixel of a picture that was painted all over and encoded."""

_JPEG, _PNG, _WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"WEBPVP8"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{400,}={0,2}")


@dataclass(frozen=True)
class Given:
    """Something that left.

    Attributes:
        name: where it was found, in words.
        data: its bytes.
    """

    name: str
    data: bytes = field(repr=False)


@dataclass
class Findings:
    """What a search saw.

    Attributes:
        pictures: how many were decoded; what is the same byte for byte is decoded once.
        different: how many of them were not the same.
        showing: those that were neither flat nor damaged beyond decoding.
        leaks: what must not be there, each a sentence.
    """

    pictures: int = 0
    different: int = 0
    showing: int = 0
    leaks: list[str] = field(default_factory=list)


class Search:
    """Knows whom and what to look for.

    Args:
        clip: that the cameras show; its frames with somebody must not be found, neither as pictures nor as bytes.
        secrets: texts that must not be found, by what they are.
    """

    def __init__(self, clip: Path, secrets: Mapping[str, str] | None = None) -> None:
        self._net = NetDetector("centerface", provider="cpu")
        luma = scene.luma_of(scene.street(True))
        self._places = {"face": scene.FACE, "plate": scene.PLATE}
        self._texture = {name: _cut(luma, box) for name, box in self._places.items()}
        self._bytes = {**dict(coded_bytes(clip)), **dict(luma_bytes(clip))}
        self._secrets = [
            (name, text.encode()) for name, secret in (secrets or {}).items() for text in _spellings(secret)
        ]

    def through(self, given: Iterable[Given], *, allowed: Mapping[str, set[str]] | None = None) -> Findings:
        """Look through everything.

        Args:
            given: what left.
            allowed: files that may hold some of the secrets, and which.
        """
        findings, seen, known = Findings(), dict[bytes, tuple[str, Rgb]](), set[tuple[str, bytes]]()
        for one in given:
            key = (one.name.split(" ")[0], hashlib.blake2b(one.data).digest())
            if key in known:
                continue
            known.add(key)
            may_hold = (allowed or {}).get(one.name.split(" ")[0], set())
            findings.leaks += [f"{one.name} holds {name}" for name in self._held(one.data, may_hold)]
            for number, picture in enumerate(pictures_in(one.data)):
                findings.pictures += 1
                seen.setdefault(hashlib.blake2b(picture.tobytes()).digest(), (f"{one.name}, picture {number}", picture))
        showing = [one for one in seen.values() if int(np.ptp(one[1])) > FLAT]
        findings.different, findings.showing = len(seen), len(showing)
        with ThreadPoolExecutor(2) as pool:
            for leak in pool.map(lambda one: self.seen_in(*one), showing):
                findings.leaks += leak
        return findings

    def seen_in(self, name: str, picture: Rgb) -> list[str]:
        """What shows in one picture, RGB, of any size."""
        leaks = []
        for scale in (1.0, 0.5):
            found = self._net.find(picture, scale=scale, threshold=LOW)
            told = zip(found.boxes.round().astype(int).tolist(), found.scores.round(2).tolist(), strict=True)
            leaks += [f"{name}: a face at {box}, score {score}, size {scale}" for box, score in told]
        fitted = scene.luma_of(picture)
        if picture.shape[1::-1] != scene.SIZE:
            fitted = np.asarray(cv2.resize(fitted, scene.SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
        for thing, box in self._places.items():
            kept = kept_share(self._texture[thing], _cut(fitted, box))
            if kept > KEPT:
                leaks.append(f"{name}: {kept:.0%} of the {thing} is there")
        return leaks

    def _held(self, data: bytes, allowed: set[str]) -> Iterator[str]:
        for name, needle in self._bytes.items():
            if needle in data:
                yield name
        for name, needle in self._secrets:
            if needle in data and name not in allowed:
                yield name


def coded_bytes(clip: Path) -> Iterator[tuple[str, bytes]]:
    """From the middle of each coded picture in which somebody is: nothing else of a stream is so long the same."""
    for index, data in enumerate(scene.coded_pictures(clip)):
        if scene.somebody_shows(index) and len(data) >= 48:
            middle = len(data) // 2
            yield f"bytes of frame {index} as the camera sent it", data[middle - 12 : middle + 12]


def luma_bytes(clip: Path) -> Iterator[tuple[str, bytes]]:
    """Rows of the faces and plates, as they lie in memory."""
    with av.open(str(clip)) as file:
        for index, frame in enumerate(file.decode(video=0)):
            if scene.somebody_shows(index):
                luma = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
                for thing, (x1, y1, x2, y2) in {"face": scene.FACE, "plate": scene.PLATE}.items():
                    yield f"luma of the {thing} in frame {index}", luma[(y1 + y2) // 2, x1:x2].tobytes()


def pictures_in(data: bytes) -> Iterator[Rgb]:
    """Every frame and picture that can be decoded from these bytes, RGB; of a cut video as far as it goes."""
    if data[4:8] in (b"ftyp", b"styp", b"moof"):
        yield from _frames(data)
    elif picture := _picture(data):
        yield np.asarray(picture)
    else:
        yield from _embedded(data)
        for encoded in _BASE64.findall(data):
            with suppress(binascii.Error):
                yield from _embedded(base64.b64decode(encoded + b"=" * (-len(encoded) % 4)))


def _frames(data: bytes) -> Iterator[Rgb]:
    with suppress(av.FFmpegError), av.open(io.BytesIO(data), "r") as file:
        for packet in file.demux(video=0):
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _embedded(data: bytes) -> Iterator[Rgb]:
    """Pictures that begin anywhere."""
    starts = [match.start() for kind in (_JPEG, _PNG) for match in re.finditer(re.escape(kind), data)]
    starts += [match.start() - 8 for match in re.finditer(_WEBP, data) if match.start() >= 8]
    for start in starts:
        if picture := _picture(data[start:]):
            yield np.asarray(picture)


def _picture(data: bytes) -> Image.Image | None:
    if not (data.startswith((_JPEG, _PNG)) or data[8:15] == _WEBP):
        return None
    with suppress(OSError, ValueError, SyntaxError):
        return Image.open(io.BytesIO(data)).convert("RGB")
    return None


def _spellings(text: str) -> Iterator[str]:
    """As it is, and what is always there of it in base64, wherever in a longer text it begins."""
    yield text
    for before in range(3):
        whole = base64.b64encode(b"?" * before + text.encode() + b"?" * 3).decode()
        yield whole[(before * 8 + 5) // 6 : (before + len(text.encode())) * 8 // 6]


def _cut(luma: Luma, box: BoxPx) -> Luma:
    x1, y1, x2, y2 = box
    return luma[y1:y2, x1:x2]
