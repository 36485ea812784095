"""What goes where. Everything that can be refused is refused before any work: two inputs for one output, an output that
is an input, a folder in the place of a file.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from passerby.errors import SettingsError
from passerby.read.photo import PHOTO_SUFFIXES
from passerby.read.video import VIDEO_SUFFIXES

STATE_FOLDER = ".passerby"
"""Beside the outputs: one report for each, by which a batch that was killed goes on where it stopped."""

_FALLBACKS = dict.fromkeys([".jp2", ".j2k", ".jpf", ".jpx", ".psd", ".ppm", ".pgm", ".pbm", ".pnm"], ".png") | {
    ".mpo": ".jpg",
    ".dib": ".bmp",
    ".avifs": ".avif",
}
"""Formats that are read and not written, and the suffix of what is written instead."""
_KEPT_CONTAINERS = frozenset({".mp4", ".m4v", ".mov"})


@dataclass(frozen=True, slots=True)
class Job:
    """One file to redact.

    Attributes:
        source: the input.
        target: the output's final name.
        name: the input's label in messages: its name, or its path inside the folder that was given.
    """

    source: Path
    target: Path
    name: str

    @property
    def state(self) -> Path:
        """The report by which a later run knows that this job is finished."""
        return self.target.parent / STATE_FOLDER / f"{self.target.name}.json"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a command line asks for.

    Attributes:
        jobs: what is to be done.
        left_out: files in its folders that are neither photos nor videos by their names.
        copies: inputs that are redacted copies themselves, and are left alone.
    """

    jobs: tuple[Job, ...]
    left_out: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


def plan_batch(
    inputs: Sequence[str],
    output: Path | None,
    *,
    one_folder: bool = False,
    is_copy: Callable[[Path], bool] = lambda source: False,
) -> Batch:
    """Decide which file goes where.

    Args:
        inputs: files, folders and glob patterns.
        output: a file (for one file), a folder (for anything), or None for names beside the inputs.
        one_folder: `output` was written with a slash at its end: it is a folder even if it does not exist.
        is_copy: whether an input is a finished copy itself; such are left alone, as when `*.mp4` is given again.

    Raises:
        SettingsError: an input does not exist, or the outputs would meet each other or an input.
    """
    sources = list(dict.fromkeys(_expanded(inputs)))
    if not sources:
        raise SettingsError("nothing to redact: no input was given")
    into_folder = output is not None and (one_folder or output.is_dir() or any(s.is_dir() for s in sources))
    if output is not None and len(sources) > 1 and not into_folder:
        raise SettingsError(
            f"{len(sources)} inputs cannot be written to the one file {output.name}; nothing was started",
            hint="end the name with a slash to make it a folder",
        )
    if output is not None and output.is_file() and any(s.is_dir() for s in sources):
        raise SettingsError(f"{output.name} is a file, and a folder cannot be written to it; nothing was started")
    jobs: list[Job] = []
    left_out: list[str] = []
    for source in sources:
        if source.is_dir():
            root = _folder_target(source, output, shared=len(sources) > 1)
            jobs += _jobs_in_folder(source, root, left_out)
        else:
            jobs.append(Job(source, _file_target(source, output, into_folder=into_folder), source.name))
    copies = [job for job in jobs if is_copy(job.source)]
    jobs = [job for job in jobs if job not in copies]
    _refuse_meetings(jobs)
    return Batch(tuple(jobs), tuple(left_out), tuple(job.name for job in copies))


def target_name(name: str) -> str:
    """The name of the copy inside an output folder: the same, unless its format cannot be written."""
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in _FALLBACKS:
        return path.stem + _FALLBACKS[suffix]
    if suffix in PHOTO_SUFFIXES or suffix in _KEPT_CONTAINERS:
        return name
    return path.stem + ".mp4"


def _expanded(inputs: Sequence[str]) -> Iterator[Path]:
    for given in inputs:
        path = Path(given)
        if path.exists():
            yield path
            continue
        # Path.glob takes no absolute patterns.
        matches = sorted(glob.glob(given, recursive=True)) if glob.has_magic(given) else []  # noqa: PTH207
        if not matches:
            raise SettingsError(
                f"{given}: no such file or folder; nothing was started", hint="check the spelling of the name"
            )
        yield from map(Path, matches)


def _folder_target(source: Path, output: Path | None, *, shared: bool) -> Path:
    name = source.resolve().name
    if output is None:
        return source.resolve().parent / f"{name}.redacted"
    return output / name if shared else output


def _file_target(source: Path, output: Path | None, *, into_folder: bool) -> Path:
    if output is None:
        named = Path(target_name(source.name))
        return source.with_name(f"{named.stem}.redacted{named.suffix}")
    return output / target_name(source.name) if into_folder else output


def _jobs_in_folder(folder: Path, root: Path, left_out: list[str]) -> list[Job]:
    """A job for each photo and video below `folder`; links to folders are not followed."""
    found: list[Path] = []
    skipped = {root.resolve()}
    for where, folders, files in os.walk(folder):
        here = Path(where)
        folders[:] = sorted(f for f in folders if f != STATE_FOLDER and (here / f).resolve() not in skipped)
        found += [here / name for name in sorted(files)]
    media = [p for p in found if p.suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES and not p.name.startswith(".")]
    left_out += [str(p.relative_to(folder)) for p in found if p not in set(media)]
    names = Counter(p.with_name(target_name(p.name)) for p in media)
    jobs = []
    for path in media:
        target = path.with_name(target_name(path.name))
        if names[target] > 1 and target != path:
            # holiday.avi beside holiday.mp4: both become an MP4, so that one keeps its old suffix before the new.
            target = path.with_name(path.name + target.suffix)
        relative = path.relative_to(folder)
        jobs.append(Job(path, root / relative.parent / target.name, str(relative)))
    return jobs


def _refuse_meetings(jobs: Sequence[Job]) -> None:
    sources: dict[tuple[int, int] | None, Job] = {_identity(job.source): job for job in jobs}
    sources.pop(None, None)
    targets: dict[Path, Job] = {}
    for job in jobs:
        resolved = job.target.resolve()
        other = targets.setdefault(resolved, job)
        if other is not job:
            raise SettingsError(
                f"{other.name} and {job.name} would both be written to {job.target.name}; nothing was started",
                hint="give them an output folder each, or rename one",
            )
        met = sources.get(_identity(job.target)) if _exists(job.target) else None
        if met is not None:
            raise SettingsError(
                f"{job.target.name}: the output is the input {met.name}; inputs are never overwritten, "
                "nothing was started",
                hint="choose another name with -o",
            )
        if job.target.is_dir():
            raise SettingsError(f"{job.target.name}: a folder of that name exists; nothing was started")


def _exists(target: Path) -> bool:
    try:
        return target.exists()
    except OSError as error:
        raise SettingsError(
            f"{target.name}: there can be no file of that name: {os.strerror(error.errno or 0).lower()}; "
            "nothing was started",
            hint="choose another name with -o",
        ) from error


def _identity(path: Path) -> tuple[int, int] | None:
    """The file itself, whatever links lead to it; None where they lead nowhere, which that job will say."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
