"""Two streams of one made camera, and what comes out when the smaller one is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from passerby.detect.detector import Detector
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, HeldPicture, LivePicture, open_camera
from passerby.read.camera_pair import CameraPair
from passerby.settings import Settings
from tests.stream.scenes import GOP, KNOWN, AlteredStream, Outlet, Rgb, make_clip

SIZE, SMALL = (480, 360), (320, 240)
Scene = Callable[[int], Rgb]
AnyPicture = LivePicture | HeldPicture


@cache
def bricks(seed: int = 0) -> Rgb:
    """A wall with something to tell its parts by."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(80, 150, (SIZE[1] // 16, SIZE[0] // 16, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_LINEAR), np.uint8)


def wall(index: int, seed: int = 0) -> Rgb:
    """Nobody is there; each frame has its own noise."""
    noise = np.random.default_rng(index).normal(0, 1.5, (SIZE[1], SIZE[0], 1))
    return np.asarray(np.clip(bricks(seed) + noise, 0, 255), np.uint8)


def place(index: int) -> tuple[int, int]:
    """Left and top of what walks."""
    return 30 + 3 * (index % 100), 90


def thing(index: int) -> Rgb:
    """Something walks that `Finder` knows, larger than in `scenes`."""
    picture = wall(index)
    left, top = place(index)
    picture[top : top + 54, left : left + 54] = KNOWN
    return picture


def small(scene: Scene) -> Scene:
    """The same, as the smaller stream shows it."""
    return lambda index: np.asarray(cv2.resize(scene(index), SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def make_pair(folder: Path, frames: int, scene: Scene, looked_at: Scene | None = None) -> list[Path]:
    """Both streams of a scene; `looked_at` is what the smaller one shows where that is another."""
    folder.mkdir(exist_ok=True)
    return [
        make_clip(folder / "main.mp4", frames, scene),
        make_clip(folder / "small.mp4", frames, small(looked_at or scene), gop=GOP + 3),
    ]


def as_it_is(index: int, picture: AnyPicture) -> AnyPicture:
    return picture


def play_pair(
    clips: list[Path],
    folder: Path,
    *,
    frames: int = 72,
    speed: float = 2.5,
    outlet: Outlet | None = None,
    detector: Detector | None = None,
    change: Callable[[int, AnyPicture], AnyPicture | None] = as_it_is,
    change_look: Callable[[int, AnyPicture], AnyPicture | None] = as_it_is,
    punctual: bool = True,
    **options: Any,
) -> tuple[Outlet, int]:
    """Redact so many frames of the main stream; also, how many of its packets were decoded for that.

    With `punctual` no picture counts as held up on its way, however busy the machine is.
    """
    outlet, stop = outlet or Outlet(), threading.Event()
    chosen = StreamOptions(**{"settings": Settings(cover=("head",)), "delay_s": 60.0, **options})
    began_s = time.monotonic()
    main, look = (
        open_camera(CameraAddress.parse(name, str(clip), timeout_s=60), stop=stop, speed=speed, began_s=began_s)
        for name, clip in zip(("street", "street (look_url)"), clips, strict=True)
    )

    def arriving(change: Callable[[int, AnyPicture], AnyPicture | None]) -> Callable[[int, AnyPicture], Any]:
        return lambda index, picture: change(
            index, replace(picture, arrived_s=began_s + (picture.taken_s or 0) / speed) if punctual else picture
        )

    altered: list[Any] = [
        AlteredStream(main, stop, frames, arriving(change)),
        AlteredStream(look, stop, None, arriving(change_look)),
    ]
    with CameraPair(*altered) as pair:
        redact_stream(pair, folder, chosen, outlet, camera_name="street", stop=stop, detector=detector)
    return outlet, main.decoded
