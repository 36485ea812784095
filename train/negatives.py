#!/usr/bin/env python3
"""Make training pictures without people from photos that Debian ships: animals, flowers, tools, ruins, hands.

    python -m train.negatives DEBS INTO

DEBS is a folder with the packages that `negatives.json` names (`apt-get download` fetches them). INTO gets the folder
`negatives` with pictures and an empty list of boxes for each: photos as they are, made smaller, and scenes in which
things that were cut out by others (stamps of Tux Paint, hands) stand before a photo. The same packages give the same
pictures. No person stands in any of them; pictures with people, statues or apes were left out by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LISTS = Path(__file__).with_name("negatives.json")

SCENES = 500
SIDE = 640  # px, of the longer side of what is written
_QUALITY = 85
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


def make(debs: Path, into: Path, lists: Path = LISTS, scenes: int = SCENES) -> int:
    """Write the pictures and `boxes.json`; the number of pictures.

    Args:
        debs: folder with the packages.
        into: folder that gets the folder `negatives`.
        lists: JSON: `packages` (file, SHA-256, licence), `photos` and `things`, as names of files in them.
        scenes: how many pictures are put together.

    Raises:
        ValueError: a package has another hash than its list says.
        FileNotFoundError: a package, or a picture that is on the list, is missing.
    """
    listed: dict[str, Any] = json.loads(lists.read_text())
    target = into / "negatives"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = _unpacked(debs, listed["packages"], Path(scratch))
        photos = [_opened(unpacked, name).convert("RGB") for name in listed["photos"]]
        things = [_opened(unpacked, name).convert("RGBA") for name in listed["things"]]
    rng = np.random.default_rng(1)
    made = [*photos, *(scene(photos, things, rng) for _ in range(scenes))]
    for number, picture in enumerate(made):
        picture.save(target / f"{number:04d}.jpg", quality=_QUALITY)
    boxes: dict[str, Any] = {f"{number:04d}.jpg": {"boxes": []} for number in range(len(made))}
    (target / "boxes.json").write_text(json.dumps(boxes, indent=0))
    return len(made)


def scene(photos: list[Image.Image], things: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """One to four things, of any size and turned a little, before a part of a photo or before a colour."""
    ground = _ground(photos, rng)
    for _ in range(int(rng.integers(1, 5))):
        thing = things[int(rng.integers(len(things)))].copy()
        side = int(np.exp(rng.uniform(np.log(40), np.log(420))))
        thing = thing.resize(_fitting(thing.size, side)).rotate(rng.uniform(-40, 40), expand=True)
        if rng.random() < 0.5:
            thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        ground.paste(thing, (int(rng.integers(-side // 2, SIDE)), int(rng.integers(-side // 2, SIDE * 3 // 4))), thing)
    return ground


def _ground(photos: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    extent = (SIDE, SIDE * 3 // 4)
    if rng.random() < 0.3:
        return Image.new("RGB", extent, tuple(int(value) for value in rng.integers(0, 256, 3)))
    photo = photos[int(rng.integers(len(photos)))]
    part = rng.uniform(0.3, 1.0)
    width, height = int(photo.width * part), int(photo.height * part)
    x, y = int(rng.integers(photo.width - width + 1)), int(rng.integers(photo.height - height + 1))
    return photo.crop((x, y, x + width, y + height)).resize(extent)


def _fitting(size: tuple[int, int], side: int) -> tuple[int, int]:
    longer = max(size)
    return max(1, size[0] * side // longer), max(1, size[1] * side // longer)


def _unpacked(debs: Path, packages: dict[str, dict[str, str]], scratch: Path) -> Path:
    """The folder with what is in the packages, pictures inside of Qt resources laid beside them."""
    for file, how in packages.items():
        if hashlib.sha256((debs / file).read_bytes()).hexdigest() != how["sha256"]:
            raise ValueError(f"{file} is another file than negatives.json names; fetch the version in its name")
        subprocess.run(["dpkg-deb", "-x", str(debs / file), str(scratch)], check=True)
    for resource in sorted(scratch.rglob("*.rcc")):
        for number, content in enumerate(embedded(resource.read_bytes())):
            (scratch / f"{resource.stem}-{number:03d}").write_bytes(content)
    return scratch


def embedded(resource: bytes) -> Iterator[bytes]:
    """The pictures in an uncompressed Qt resource file: each stands behind its length, 32 bit, big-endian."""
    starts = sorted(at for mark in _SIGNATURES for at in _all(resource, mark))
    for at in starts:
        (length,) = struct.unpack(">I", resource[at - 4 : at]) if at >= 4 else (0,)
        content = resource[at : at + length]
        if len(content) == length >= 3000 and _is_picture(content):
            yield content


def _all(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _is_picture(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return min(picture.size) >= 120
    except (OSError, SyntaxError):
        return False


def _opened(folder: Path, name: str) -> Image.Image:
    """A picture in the packages, its longer side at most `SIDE`."""
    with Image.open(folder / name) as file:
        picture = file.convert("RGBA")
    if max(picture.size) > SIDE:
        picture = picture.resize(_fitting(picture.size, SIDE), Image.Resampling.LANCZOS)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("debs", type=Path)
    parser.add_argument("into", type=Path)
    args = parser.parse_args()
    print(f"{make(args.debs, args.into)} pictures")


if __name__ == "__main__":
    main()
