"""How long questions to a large catalogue in SQLite take, in milliseconds.

python bench/catalogue.py [--segments 3600000] [--cameras 100] [--segment-s 10] [--folder FOLDER]

Fills a catalogue through its own tables with segments as a network would record them: reconnects leave gaps, and what
is covered changes with the time of day. Then asks for timelines of random cameras at random times, as pages do, each
time another. Next to the time that passed stands the processor's, which tells more where others are at work on the
machine. The files themselves do not exist. With --folder the catalogue is kept, and used again.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from passerby.archive import Archive, open_archive
from passerby.archive.catalogue import default_database
from passerby.archive.database import Database
from passerby.archive.listing import row_of
from passerby.archive.schema import camera_table, recording_table, segment_table
from passerby.live import CoveredSecond, SegmentInfo

START = datetime(2026, 11, 20, tzinfo=UTC)
SIZE_BYTES = 1_000_000
RECONNECTS_A_DAY = 4
BATCH = 10_000
QUERIES = 300
Rows = tuple[dict[str, Any] | None, dict[str, Any]]


def rows_of(number: int, count: int, segment_s: float) -> Iterator[Rows]:
    """Rows of one camera's segments, each with the row of its recording where one begins."""
    draw, at, media_s, recording = random.Random(number), START, 0.0, number * 100_000
    new: dict[str, Any] | None = _recording(recording, number)
    for index in range(count):
        if draw.random() < RECONNECTS_A_DAY * segment_s / 86400:
            at, media_s, recording = at + timedelta(seconds=draw.uniform(1, 60)), 0.0, recording + 1
            new = _recording(recording, number)
        lasts_s = segment_s + draw.uniform(-0.03, 0.03)
        busy = draw.random() < (0.3 if 6 <= at.hour < 22 else 0.02)
        info = _segment(f"camera-{number:03}", index, at, media_s, lasts_s, draw.uniform(0.01, 0.4) if busy else 0.0)
        yield new, row_of(info, number, recording)
        at, media_s, new = at + timedelta(seconds=lasts_s), media_s + lasts_s, None


def _recording(number: int, camera: int) -> dict[str, Any]:
    name = f"{number:032x}"
    return {"id": number, "camera_id": camera, "name": name, "codec": "avc1.64001f", "width": 1280, "height": 720}


def _segment(camera: str, index: int, at: datetime, media_s: float, lasts_s: float, share: float) -> SegmentInfo:
    return SegmentInfo(
        camera=camera,
        recording="",
        path=f"{camera}/{at:%Y/%m/%d/%H/%Y%m%dT%H%M%S}.{at.microsecond // 1000:03}Z-01234567-{index}.mp4",
        begins_at=at,
        ends_at=at + timedelta(seconds=lasts_s),
        media_start_s=media_s,
        duration_s=lasts_s,
        frames=150,
        copied_frames=0,
        covered_share=share,
        covered=tuple(CoveredSecond(float(second), share) for second in range(int(lasts_s))),
        size_bytes=SIZE_BYTES,
        sha256=random.randbytes(32).hex(),
        codec="avc1.64001f",
        width=1280,
        height=720,
    )


def fill(folder: Path, cameras: int, each: int, segment_s: float) -> None:
    """Write the rows in the order of time, as cameras do, so that pages of the file are mixed as they would be."""
    catalogue = Database.at(default_database(folder), busy_s=10)
    numbers = range(1, cameras + 1)
    held = {"segments": each, "size_bytes": each * SIZE_BYTES, "longest_us": round((segment_s + 0.03) * 1e6)}
    named = [{"id": number, "name": f"camera-{number:03}", **held} for number in numbers]
    catalogue.write(lambda connection: connection.execute(insert(camera_table), named))
    in_turn = (
        rows for together in zip(*(rows_of(n, each, segment_s) for n in numbers), strict=True) for rows in together
    )
    while batch := list(islice(in_turn, BATCH)):
        catalogue.write(partial(_insert, batch))
    catalogue.close()


def _insert(batch: list[Rows], connection: Connection) -> None:
    recordings = [recording for recording, _ in batch if recording is not None]
    if recordings:
        connection.execute(insert(recording_table), recordings)
    connection.execute(insert(segment_table), [segment for _, segment in batch])


def measure(name: str, ask: Callable[[], object], times: int = QUERIES) -> None:
    """Print the row of one question."""
    ask()
    took_ms, busy_ms = [], []
    for _ in range(times):
        began, began_busy = time.perf_counter(), time.process_time()
        ask()
        took_ms.append(1000 * (time.perf_counter() - began))
        busy_ms.append(1000 * (time.process_time() - began_busy))
    p95, p95_busy = (statistics.quantiles(ms, n=20, method="inclusive")[-1] for ms in (took_ms, busy_ms))
    wall = f"{statistics.median(took_ms):.1f} | {p95:.1f}"
    print(f"| {name} | {wall} | {statistics.median(busy_ms):.1f} | {p95_busy:.1f} |", flush=True)


def questions(archive: Archive, cameras: int, lasts: timedelta) -> None:
    """Ask what pages ask."""
    draw = random.Random(1)

    def somewhere(length: timedelta) -> tuple[str, datetime, datetime]:
        begins_at = START + draw.random() * max(timedelta(0), lasts - length)
        return f"camera-{draw.randint(1, cameras):03}", begins_at, begins_at + length

    print("| Question | p50, ms | p95, ms | processor p50, ms | processor p95, ms |\n|---|--:|--:|--:|--:|")
    for name, hours in (("timeline of an hour", 1), ("of a day", 24), ("of three days", 72)):
        measure(name, lambda hours=hours: archive.timeline(*somewhere(timedelta(hours=hours))))  # type: ignore[misc]
    measure("segments of ten minutes", lambda: archive.segments(*somewhere(timedelta(minutes=10))))
    measure("what all cameras use", archive.usage, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=3_600_000)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--segment-s", type=float, default=10.0)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    each = args.segments // args.cameras
    with tempfile.TemporaryDirectory() as temporary, closing(open_archive(args.folder or Path(temporary))) as archive:
        if not archive.usage():
            began = time.perf_counter()
            fill(archive.folder, args.cameras, each, args.segment_s)
            print(f"filled in {time.perf_counter() - began:.0f} s")
        size_bytes = (archive.folder / "catalogue.sqlite").stat().st_size
        print(f"{each * args.cameras} segments of {args.cameras} cameras: {size_bytes / 1e6:.0f} MB")
        questions(archive, args.cameras, timedelta(seconds=each * args.segment_s))


if __name__ == "__main__":
    main()
