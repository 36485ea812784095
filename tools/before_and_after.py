"""Makes docs/astronaut.webp: a photo and its redacted copy, side by side.

Usage: python tools/before_and_after.py [TARGET]

The photo is scikit-image's astronaut (Eileen Collins, NASA, public domain).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import skimage.data
from PIL import Image

import passerby

PICTURE = Path(__file__).parents[1] / "docs" / "astronaut.webp"
GAP_PX = 16


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        photo, copy = Path(folder) / "astronaut.png", Path(folder) / "astronaut.redacted.png"
        Image.fromarray(skimage.data.astronaut()).save(photo)
        passerby.redact_photo(photo, copy)
        with Image.open(photo) as before, Image.open(copy) as after:
            both = Image.new("RGBA", (before.width + GAP_PX + after.width, before.height))
            both.paste(before, (0, 0))
            both.paste(after, (before.width + GAP_PX, 0))
    both.save(target, quality=85, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
