"""Segments as a camera's process would leave them: a real file each, with what is known of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passerby.archive import Archive
from passerby.live import CoveredSecond, SegmentInfo

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
RECORDING = "0123456789abcdef0123456789abcdef"


def segment(
    folder: Path,
    camera: str = "hof",
    *,
    at_s: float = 0.0,
    lasts_s: float = 10.0,
    begins: datetime = START,
    recording: str = RECORDING,
    media_start_s: float | None = None,
    share: float = 0.5,
    content: bytes | None = None,
) -> tuple[SegmentInfo, Path]:
    """A file that stands where the writer puts it, `at_s` after `begins`."""
    begins_at = begins + timedelta(seconds=at_s)
    data = content if content is not None else f"{camera} {recording} {begins_at.isoformat()}".encode()
    stamp = begins_at.strftime("%Y%m%dT%H%M%S.") + f"{begins_at.microsecond // 1000:03}Z"
    path = f"{camera}/{begins_at:%Y/%m/%d/%H}/{stamp}-{recording[:8]}-{round(at_s)}.mp4"
    info = SegmentInfo(
        camera=camera,
        recording=recording,
        path=path,
        begins_at=begins_at,
        ends_at=begins_at + timedelta(seconds=lasts_s),
        media_start_s=at_s if media_start_s is None else media_start_s,
        duration_s=lasts_s,
        frames=round(15 * lasts_s),
        copied_frames=0,
        covered_share=share,
        covered=tuple(CoveredSecond(float(second), share) for second in range(round(lasts_s))),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        codec="avc1.64001f",
        width=1280,
        height=720,
    )
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    # As the writer does: whoever is killed meanwhile leaves no half of it under its name.
    unfinished = file.with_name(f"{file.name}.part")
    unfinished.write_bytes(data)
    unfinished.rename(file)
    return info, file


def record(archive: Archive, camera: str = "hof", *, segments: int = 6, at_s: float = 0.0, **how: object) -> None:
    """Segments of ten seconds, one after the other."""
    for index in range(segments):
        archive.add(*segment(archive.folder, camera, at_s=at_s + 10 * index, **how))  # type: ignore[arg-type]


def files_of(folder: Path) -> list[str]:
    """The segments' files, finished or not."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4*"))
