"""How many live cameras one core redacts, in turn with the floor of copying a stream without decoding it.

    python bench/cameras.py [--seconds 25] [--rounds 3] [--together 12]

Every figure is processor time for a second of one camera, in a process of its own that plays a made clip in real time,
after its first seconds (models are loaded then). `--together` pins so many cameras to one core instead, nobody in view,
and tells what was dropped or covered for want of time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, CameraStream, open_camera
from passerby.read.camera_pair import CameraPair
from passerby.settings import Settings

Rgb = npt.NDArray[np.uint8]
RATE = 15
GOP_S = 2
CLIP_S = 20
LEAD_S = 6
"""The first seconds do not count."""


def scenery(width: int, height: int) -> Rgb:
    """A wall in which nobody is."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(60, 190, (height // 40, width // 40, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def street(width: int, height: int, walks: range, before: Rgb | None = None) -> Iterator[Rgb]:
    """A fixed camera with the noise of its sensor; in the seconds of `walks` two persons cross the picture."""
    import skimage.data  # not in the processes that are measured

    wall = (scenery(width, height) if before is None else before).astype(np.int16)
    person = cv2.resize(np.asarray(skimage.data.astronaut(), np.uint8)[:, 90:360], (height // 5, height * 3 // 8))
    grain = np.random.default_rng(1).normal(0, 2, (height + 64, width + 64, 1)).astype(np.int16)
    shift = np.random.default_rng(2)
    for index in range(RATE * CLIP_S):
        picture = wall.copy()
        if index // RATE in walks:
            for number in range(2):
                left = (index % (RATE * len(walks))) * width // (RATE * len(walks) + 20) // 2 + number * width // 3
                top = height // 4 + number * height // 8
                picture[top : top + person.shape[0], left : left + person.shape[1]] = person
        x, y = shift.integers(0, 64, 2)
        yield np.clip(picture + grain[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def crowd(folder: Path) -> Iterator[Rgb]:
    """1080p, people in every frame."""
    import clips

    with av.open(str(clips.crowd(folder))) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            if index == RATE * CLIP_S:
                return
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def made(target: Path, frames: Iterator[Rgb], bits_per_s: int) -> Path:
    """A clip as cameras encode: no reordering, a keyframe every two seconds, about this rate."""
    with av.open(str(target), "w") as out:
        stream = out.add_stream("libx264", RATE)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt, stream.bit_rate = "yuv420p", bits_per_s
        stream.options = {
            "preset": "veryfast",
            "bf": "0",
            "g": str(RATE * GOP_S),
            "keyint_min": str(RATE * GOP_S),
            "sc_threshold": "0",
            "maxrate": str(bits_per_s),
            "bufsize": str(bits_per_s),
            "x264-params": "open-gop=0",
        }
        for index, picture in enumerate(frames):
            if not index:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


class Tally:
    """An outlet that keeps nothing but figures, with the processor time at each."""

    def __init__(self) -> None:
        self.figures_at: list[tuple[float, float, CameraFigures]] = []

    def part(self, part: LivePart) -> None:
        """Nobody watches."""

    def segment(self, info: SegmentInfo, path: Path) -> None:
        """It goes at once: a benchmark fills no disk."""
        path.unlink()

    def figures(self, figures: CameraFigures) -> None:
        """Once a second."""
        self.figures_at.append((time.monotonic(), time.process_time(), figures))

    def state(self, state: CameraState, why: str) -> None:
        """What is wrong shows in the figures."""

    def still(self, jpeg: bytes, at: datetime) -> None:
        """Made, and thrown away."""


def redact(clip: Path, seconds: float) -> dict[str, float]:
    """One camera for so many seconds, in this process."""
    stop = threading.Event()
    return measured(open_camera(CameraAddress.parse("bench", str(clip)), stop=stop), stop, seconds)


def measured(camera: CameraStream | CameraPair, stop: threading.Event, seconds: float) -> dict[str, float]:
    """Redact what is connected for so many seconds."""
    tally = Tally()
    threading.Timer(seconds, stop.set).start()
    with tempfile.TemporaryDirectory() as folder, camera:
        options = StreamOptions(Settings(), segment_s=10.0)
        redact_stream(camera, Path(folder), options, tally, camera_name="bench", stop=stop)
    counted = [entry for entry in tally.figures_at if entry[0] - tally.figures_at[0][0] >= LEAD_S]
    (from_s, from_cpu, before), (to_s, to_cpu, after) = counted[0], counted[-1]
    return {
        "cpu": (to_cpu - from_cpu) / (to_s - from_s),
        "memory_mb": max(figures.memory_bytes for _, _, figures in tally.figures_at) / 2**20,
        "stored_mb": after.bytes_written / 1e6,
        "dropped": after.dropped,
        "covered_whole": after.covered_whole - before.covered_whole,
        "copied_gops": after.copied_gops,
        "encoded_gops": after.encoded_gops,
        "looks_per_s": (after.looks - before.looks) / (to_s - from_s),
        "look_s": after.look_s,
        "delay_s": statistics.mean(figures.delay_s for _, _, figures in counted),
    }


def copy(clip: Path, seconds: float) -> dict[str, float]:
    """The floor: the packets of the clip in real time, into fragments, undecoded."""
    began, cpu = time.monotonic(), time.process_time()
    with av.open(str(clip)) as source, tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        options = {"movflags": "frag_keyframe+empty_moov"}
        with av.open(file.name, "w", format="mp4", options=options) as out:
            stream = out.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is None or packet.time_base is None:
                    continue
                time.sleep(max(0.0, began + float(packet.dts * packet.time_base) - time.monotonic()))
                if time.monotonic() - began > seconds:
                    break
                packet.stream = stream
                out.mux(packet)
    return {"cpu": (time.process_time() - cpu) / (time.monotonic() - began)}


def child(how: str, clip: Path, seconds: float, core: int | None = None) -> subprocess.Popen[str]:
    """Run one of the two in a process of its own."""
    command = [sys.executable, __file__, "--run", how, str(clip), "--seconds", str(seconds)]
    pin = None if core is None else (lambda: os.sched_setaffinity(0, {core}))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pin)


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        sys.exit("a run failed")
    found: dict[str, Any] = json.loads(out)
    return found


def show(name: str, runs: Sequence[dict[str, float]]) -> None:
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    rest = ", ".join(f"{key} {value:.3g}" for key, value in middle.items() if key != "cpu")
    print(f"| {name} | {100 * middle['cpu']:.1f} % | {1 / middle['cpu']:.1f} | {rest} |", flush=True)


def in_turn(folder: Path, seconds: float, rounds: int) -> None:
    """All kinds of cameras, one after the other and round again."""
    still = made(folder / "still.mp4", street(1280, 720, range(0)), 1_500_000)
    fifth = made(folder / "fifth.mp4", street(1280, 720, range(8, 12)), 1_500_000)
    full = made(folder / "full.mp4", crowd(folder), 4_000_000)
    kinds = {
        "stream copy, 720p": ("copy", still),
        "720p15, nobody": ("redact", still),
        "720p15, people a fifth of the time": ("redact", fifth),
        "1080p15, people all the time": ("redact", full),
    }
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, (how, clip) in kinds.items():
            runs[name].append(result(child(how, clip, seconds)))
    print("| Camera | of a core | cameras per core | |\n|---|--:|--:|---|")
    for name, each in runs.items():
        show(name, each)


def together(folder: Path, seconds: float, count: int) -> None:
    """So many cameras on one core, nobody in view."""
    still = made(folder / "still.mp4", street(1280, 720, range(0)), 1_500_000)
    processes = [child("redact", still, seconds, core=0) for _ in range(count)]
    show(f"{count} together on one core", [result(process) for process in processes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=LEAD_S + CLIP_S + 2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--together", type=int)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        how, clip = args.run
        print(json.dumps((redact if how == "redact" else copy)(Path(clip), args.seconds)), flush=True)
        os._exit(0)  # a look that is still under way is not waited for
    with tempfile.TemporaryDirectory() as name:
        if args.together:
            together(Path(name), args.seconds, args.together)
        else:
            in_turn(Path(name), args.seconds, args.rounds)


if __name__ == "__main__":
    main()
