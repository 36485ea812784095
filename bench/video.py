"""Time and memory of whole runs, in turn with the floor and with a peer, as a table.

    python bench/video.py [--runs 5] [--deface PATH_TO_DEFACE] [--long]

Each row is the median of several runs, every one a process of its own from start to end. `--deface` names the program
of an installation of deface 1.5.0 with ONNX Runtime (in an environment of its own); `--long` adds the 20-minute clip.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import clips

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds of wall time, seconds of both processors, peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str]) -> Cost:
    """Run it to its end and ask the operating system what it took.

    Raises:
        SystemExit: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"failed: {' '.join(command)}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turn(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cost]:
    """Medians of each command, one after the other and round again, after one round that does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            cost = run(command)
            if turn:
                costs[name].append(cost)
    return {
        name: Cost(*(statistics.median(getattr(c, key) for c in each) for key in ("wall_s", "cpu_s", "peak_mb")))
        for name, each in costs.items()
    }


def passerby(source: Path, folder: Path, *options: str) -> list[str]:
    program = str(Path(sys.executable).with_name("passerby"))
    return [
        program,
        "redact",
        str(source),
        "-o",
        str(folder / f"{source.stem}.out.mp4"),
        "--force",
        "--quiet",
        *options,
    ]


def floor(source: Path, folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "floor.py"), str(source), str(folder / f"{source.stem}.floor.mp4")]


def show(title: str, costs: dict[str, Cost], against: str) -> None:
    print(f"\n{title}\n\n| | wall s | cpu s | peak MB | against {against} |\n|---|--:|--:|--:|--:|")
    for name, cost in costs.items():
        ratio = cost.wall_s / costs[against].wall_s
        print(f"| {name} | {cost.wall_s:.2f} | {cost.cpu_s:.2f} | {cost.peak_mb:.0f} | {ratio:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--deface", type=Path)
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crowd = clips.crowd(folder)
        commands = {"decode + encode": floor(crowd, folder), "passerby": passerby(crowd, folder)}
        show("1080p, people in every frame", in_turn(commands, args.runs), "decode + encode")
        if args.deface:
            peer = {
                "deface": [str(args.deface), str(crowd), "-o", str(folder / "deface.mp4")],
                "passerby": commands["passerby"],
            }
            show("The same against deface", in_turn(peer, 1), "passerby")
        for moving, camera in ((False, "fixed"), (True, "moving")):
            empty = clips.mostly_empty(folder, moving=moving)
            commands = {"decode + encode": floor(empty, folder), "passerby": passerby(empty, folder)}
            title = f"1080p, people in a fifth of the GOPs, {camera} camera"
            show(title, in_turn(commands, args.runs), "decode + encode")
        help_command = [str(Path(sys.executable).with_name("passerby")), "--help"]
        show("Starting", in_turn({"passerby --help": help_command}, args.runs), "passerby --help")
        if args.long:
            lengths = {f"{m} min": passerby(clips.small_and_long(folder, m), folder) for m in (1, 20)}
            show("320x240, memory against length", in_turn(lengths, 1), "1 min")


if __name__ == "__main__":
    main()
