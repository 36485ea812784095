"""What a camera costs with passerby and with Debian's `motion`, which only records, in turn.

    python bench/motion.py [--rounds 2] [--rows nobody fifth crowd]

The clips of `cameras.py`, served over RTSP by GStreamer in real time. `motion` looks for movement with its own settings
and records while there is some: encoding what it decoded, or storing what the camera sent. passerby looks for people,
and records all the time. Each is a process of its own; what counts is its processor time after the first seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from cameras import CLIP_S, LEAD_S, RATE, crowd, made, measured, street
from passerby.read.camera import CameraAddress, open_camera

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.cameras.rtsp import rtsp_server

SETTINGS = """
netcam_url {url}
netcam_use_tcp on
width {width}
height {height}
framerate {rate}
movie_output on
movie_passthrough {passthrough}
picture_output off
target_dir {folder}
daemon off
webcontrol_port 0
stream_port 0
log_level 3
"""
WAYS = {"motion, encoding": "off", "motion, storing": "on", "passerby": None}


def clip_of(row: str, folder: Path) -> tuple[Path, tuple[int, int]]:
    """A clip of `cameras.py`, and its size."""
    if row == "crowd":
        return made(folder / "crowd.mp4", crowd(folder), 4_000_000), (1920, 1080)
    walks = range(8, 12) if row == "fifth" else range(0)
    return made(folder / f"{row}.mp4", street(1280, 720, walks), 1_500_000), (1280, 720)


@contextmanager
def running(command: list[str]) -> Iterator[psutil.Process]:
    """A program, ended when the block is left."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def cost(command: list[str]) -> dict[str, float]:
    """Processor time for a second of the camera, and memory, of a program that runs for ever."""
    with running(command) as process:
        time.sleep(LEAD_S)
        began_s, before = time.monotonic(), process.cpu_times()
        time.sleep(CLIP_S)
        after = process.cpu_times()
        used_s = after.user + after.system - before.user - before.system
        return {"cpu": used_s / (time.monotonic() - began_s), "memory_mb": process.memory_info().rss / 2**20}


def motion(url: str, size: tuple[int, int], passthrough: str) -> dict[str, float]:
    """Its cost, and what it recorded."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "motion.conf")
        settings.write_text(
            SETTINGS.format(url=url, width=size[0], height=size[1], rate=RATE, passthrough=passthrough, folder=folder)
        )
        found = cost(["motion", "-c", str(settings)])
        stored = sum(path.stat().st_size for path in Path(folder).iterdir() if path != settings)
        return {**found, "stored_mb": stored / 1e6}


def passerby(url: str) -> dict[str, float]:
    """Likewise."""
    command = [sys.executable, __file__, "--run", url]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def redact(url: str) -> dict[str, float]:
    """One camera, in this process."""
    stop = threading.Event()
    camera = open_camera(CameraAddress.parse("bench", url), stop=stop)
    return measured(camera, stop, LEAD_S + CLIP_S + 2.0)


def in_turn(rows: list[str], rounds: int) -> None:
    """All of them, one after the other and round again."""
    print("| Camera | By | Of a core | Memory, MB | Recorded, MB |\n|---|---|--:|--:|--:|")
    for row in rows:
        with tempfile.TemporaryDirectory() as name:
            clip, size = clip_of(row, Path(name))
            found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way, passthrough in WAYS.items():
                    with rtsp_server(clip) as server:
                        run = passerby(server.url) if passthrough is None else motion(server.url, size, passthrough)
                    found[way].append(run)
        for way, runs in found.items():
            middle = {key: statistics.median(run[key] for run in runs) for key in ("cpu", "memory_mb", "stored_mb")}
            cost_told = f"{100 * middle['cpu']:.1f} % | {middle['memory_mb']:.0f} | {middle['stored_mb']:.1f}"
            print(f"| {row} | {way} | {cost_told} |", flush=True)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rows", nargs="+", choices=("nobody", "fifth", "crowd"), default=["nobody", "fifth", "crowd"])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(redact(arguments.run)), flush=True)
        os._exit(0)  # a look that is still under way is not waited for
    if shutil.which("motion") is None:
        sys.exit("motion is not installed: apt-get install motion")
    in_turn(arguments.rows, arguments.rounds)


if __name__ == "__main__":
    main()
