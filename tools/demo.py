"""Make the material of `make demo`: a real photo, and a clip that pans over it.

    python tools/demo.py FOLDER

The photo is scikit-image's astronaut (Eileen Collins, NASA, public domain).
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image

FRAMES, RATE_FPS, SIZE = 75, 25, 384


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    photo = np.asarray(skimage.data.astronaut(), np.uint8)
    Image.fromarray(photo).save(folder / "astronaut.png")
    with av.open(str(folder / "astronaut.mp4"), "w") as clip:
        stream = clip.add_stream("libx264", rate=RATE_FPS, options={"crf": "18"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, RATE_FPS)
        for index in range(FRAMES):
            x = round((512 - SIZE) * (0.5 - 0.5 * np.cos(2 * np.pi * index / FRAMES)))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(photo[:SIZE, x : x + SIZE]), format="rgb24")
            frame.pts = index
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
