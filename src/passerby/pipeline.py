"""The path of a frame: read, detect, track, redact, write, check. One function for each mode.

Looking comes first and gives a plan; painting follows the plan. The copy gets its name only after it was read back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from passerby.account import Account, Artefacts, Result
from passerby.check.contact_sheet import TILE_WIDTH
from passerby.check.photo_readback import read_back_photo
from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.check.second_look import SecondLook
from passerby.detect.attention import AttentionOptions, look_at
from passerby.detect.detector import FaceDetector
from passerby.detect.photo import find_in_photo
from passerby.errors import SettingsError, SourceUnreadable
from passerby.media import PHOTO_TIME_BASE, Frame, PhotoInfo
from passerby.read.photo import PHOTO_SUFFIXES, Photo, PhotoLimits, is_photo, open_photo, pictures_of
from passerby.read.video import VideoLimits, VideoSource, is_video, open_video, picture_of
from passerby.redact.cover import Painter
from passerby.redact.plan import Plan, is_spared, make_plan
from passerby.redact.polygons import Polygon
from passerby.regions import Boxes, Detections, Look, Track
from passerby.settings import Settings
from passerby.stages import run_ahead
from passerby.telemetry import OnProgress, unheard
from passerby.track.smoother import TrackOptions, follow
from passerby.write.pending import pending
from passerby.write.photo import output_format, write_photo
from passerby.write.video import (
    EncodeOptions,
    Written,
    choose_encoding,
    container_of,
    open_writer,
    splice_obstacle,
)

_DECODED_AHEAD = 4
"""Frames that wait between decoding and the next stage: enough to keep both busy, 3 MB each at 1080p."""


class How(TypedDict, total=False):
    """What may be said of a run besides its settings.

    Attributes:
        name: the input's label in messages; its file name by default.
        artefacts: what else to write, or to paint from.
        replace: put the copy in the place of what stands under the target's name.
        threads: processors to use; all of them by default.
        on_progress: told how far it has come, from several threads.
    """

    name: str
    artefacts: Artefacts
    replace: bool
    threads: int
    on_progress: OnProgress


def redact_file(source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]) -> Result:
    """Write a redacted copy of a photo or a video, whichever the file holds; its contents decide, not its name.

    Args:
        source: the input; it is never altered.
        target: the name of the copy, which must be free unless it may be replaced.
        settings: what the user chose.
        how: see `How`.

    Raises:
        SourceError: the input cannot be used.
        RedactionIncomplete: the copy was withheld.
        OutputError: the copy cannot be stored.
        ModelError: the detector cannot run here.
        SettingsError: the settings do not fit this input, or the names do not go together.
    """
    with _account(source, target, settings, how) as account:
        if is_photo(account.source):
            return _redact_photo(account)
        # Where it is neither, the attempt to open what its name promises says best what is wrong with it.
        if is_video(account.source) or account.source.suffix.lower() not in PHOTO_SUFFIXES:
            return _redact_video(account)
        return _redact_photo(account)


def redact_photo(
    source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]
) -> Result:
    """Write a copy of a photo or an animation in which every face is covered. As `redact_file` otherwise."""
    with _account(source, target, settings, how) as account:
        return _redact_photo(account)


def redact_video(
    source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]
) -> Result:
    """Write a copy of a video in which every face is covered. As `redact_file` otherwise."""
    with _account(source, target, settings, how) as account:
        return _redact_video(account)


def _account(source: Path | str, target: Path | str, settings: Settings | None, how: How) -> Account:
    source, target = Path(source), Path(target)
    if not source.exists():
        raise SourceUnreadable(f"{source.name}: no such file; nothing was written")
    if target.exists() and target.samefile(source):
        raise SettingsError(f"{target.name}: the output is the input; inputs are never overwritten")
    if target.exists() and not how.get("replace"):
        raise SettingsError(f"{target.name}: exists already; nothing was written", hint="choose another name")
    artefacts = how.get("artefacts") or Artefacts()
    artefacts.refuse_meetings(source, target)
    return Account(
        source,
        target,
        settings or Settings(),
        how.get("name") or source.name,
        artefacts,
        replace=how.get("replace", False),
        threads=how.get("threads") or os.cpu_count() or 1,
        on_progress=how.get("on_progress", unheard),
    )


def _redact_video(account: Account) -> Result:
    settings = account.settings
    limits = VideoLimits(settings.max_hours, min(settings.max_megapixels, VideoLimits().max_megapixels))
    with open_video(account.source, name=account.name, limits=limits) as video:
        encoding = choose_encoding(video.info, _encode_options(account), container_of(account.target))
        account.begin(video.info, [encoding.stated])
        plan = account.given_plan(video.info.upright_size)
        looks, tracks = _look_through(video, account, looking=plan is None)
        if plan is None:
            plan = _planned(account, looks, tracks, video.info.upright_size, video.info.time_base)
        plan = plan.with_gops(video.gops)
        account.looked_through(plan, looks, tracks, video.damage)
        expected = _expected(video, looks, account, encoding.codec)
        with pending(account.target, replace=account.replace) as unfinished:
            with account.stage("write"):
                account.written(_paint_video(video, plan, unfinished.part, account))
            with account.stage("check"):
                _check_video(unfinished.part, plan, expected, account)
            account.finish(unfinished.part, plan)
            unfinished.commit()
    return account.result


def _look_through(video: VideoSource, account: Account, *, looking: bool) -> tuple[list[Look], list[Track]]:
    """The first pass: every frame is decoded, and looked at unless somebody else did that already."""
    info = video.info
    with account.stage("look"), run_ahead(video.frames(), depth=_DECODED_AHEAD, name="decode") as frames:
        if looking:
            options = AttentionOptions(thorough=account.settings.thorough, threads=account.threads)
            found = look_at(frames, picture_of, _detector(account.settings.provider), options)
        else:
            found = (Look(f.pts, Detections(), "unseen" if f.damaged else "whole") for f in frames)
        looks = list(account.counted(found, "look", info.frame_count))
    with account.stage("track"):
        return looks, follow(looks, time_base=info.time_base, frame_size=info.upright_size)


def _planned(
    account: Account, looks: list[Look], tracks: list[Track], size: tuple[int, int], time_base: Fraction
) -> Plan:
    settings = account.settings
    return make_plan(
        looks,
        tracks,
        sha256=account.source_sha256,
        size=size,
        time_base=time_base,
        margin=settings.margin if settings.margin is not None else _detector(settings.provider).entry.margin,
        keep=_polygons(settings.keep),
        only=_polygons(settings.only),
        cover=settings.cover,
    )


def _paint_video(video: VideoSource, plan: Plan, part: Path, account: Account) -> Written:
    """The second pass: clear GOPs are copied, the others decoded, painted and encoded."""
    options, container = _encode_options(account), container_of(account.target)
    clear = any(gop.action == "copy" for gop in plan.gops)
    splice = clear and splice_obstacle(account.source, video.info, options, container) is None
    painter = Painter(account.settings.style)
    writer = open_writer(part, container, video.info, options, source=account.source, splice=splice)
    with writer:
        for run in video.runs(lambda gop: splice and plan.is_clear(gop.pts)):
            if run.packets is not None:
                writer.copy(run.packets, run.gops[0])
                account.advance("write", len(run.gops[0].pts))
            elif run.frames is not None:
                with run_ahead(run.frames, depth=_DECODED_AHEAD, name="decode again") as frames:
                    painted = (painter.cover(frame, plan.regions_at(frame.pts)) for frame in frames)
                    writer.encode(account.counted(painted, "write", len(plan)), run.gops)
        return writer.close()


def _check_video(part: Path, plan: Plan, expected: ExpectedVideo, account: Account) -> None:
    """Read the finished file back, frame by frame, and look at some of them again."""
    second = _second_look(account, plan, expected.pts, expected.time_base)
    sheet = account.contact_sheet()

    def on_frame(index: int, frame: Frame) -> None:
        second.look_at(index, frame)
        pts = int(expected.pts[index])
        if sheet is not None and _is_covered(plan, pts):
            sheet.add(partial(picture_of, frame, TILE_WIDTH), pts, plan.time_base, index, plan.regions_at(pts))
        account.advance("check", 1)

    problems = read_back_video(part, expected, on_frame=on_frame)
    account.checked(problems, second)


def _redact_photo(account: Account) -> Result:
    with open_photo(account.source, name=account.name, limits=PhotoLimits(account.settings.max_megapixels)) as photo:
        account.begin(photo.info, [output_format(photo.info)[2]])
        size = (photo.info.width, photo.info.height)
        plan = account.given_plan(size)
        if plan is None:
            looks, tracks = _look_at_photo(photo, account)
            plan = _planned(account, looks, tracks, size, PHOTO_TIME_BASE)
        else:
            looks, tracks = [], []
        account.looked_through(plan, looks, tracks, None)
        with pending(account.target, replace=account.replace) as unfinished:
            painter = Painter(account.settings.style)
            with account.stage("write"):
                painted = (painter.cover(frame, plan.regions_at(frame.pts)) for frame in photo.frames())
                write_photo(unfinished.part, account.counted(painted, "write", photo.info.frame_count), photo.info)
            with account.stage("check"):
                _check_photo(unfinished.part, plan, photo.info, account)
            account.finish(unfinished.part, plan)
            unfinished.commit()
    return account.result


def _look_at_photo(photo: Photo, account: Account) -> tuple[list[Look], list[Track]]:
    """Every picture in several ways: in a photo there is only one chance to find a face."""
    detector = _detector(account.settings.provider)
    with account.stage("look"):
        looks = []
        for frame in account.counted(photo.frames(), "look", photo.info.frame_count):
            found = Detections.join([find_in_photo(detector, picture) for picture in pictures_of(frame)])
            looks.append(Look(frame.pts, found))
    size = (photo.info.width, photo.info.height)
    with account.stage("track"):
        # No detection of a photo is left out for want of a track.
        tracks = follow(looks, time_base=PHOTO_TIME_BASE, frame_size=size, options=TrackOptions(start_threshold=0))
    return looks, tracks


def _check_photo(part: Path, plan: Plan, info: PhotoInfo, account: Account) -> None:
    problems = read_back_photo(part, info, source=account.source)
    second = _second_look(account, plan, plan.pts, PHOTO_TIME_BASE)
    sheet = account.contact_sheet()
    if not problems:
        with open_photo(part, name=account.name, limits=PhotoLimits(account.settings.max_megapixels)) as copy:
            for index, frame in enumerate(copy.frames()):
                picture = pictures_of(frame)[-1]
                if index in second.sample:
                    second.look_at_picture(picture, frame.pts)
                if sheet is not None and _is_covered(plan, frame.pts):
                    sheet.add(
                        partial(np.asarray, picture), frame.pts, PHOTO_TIME_BASE, index, plan.regions_at(frame.pts)
                    )
    account.checked(problems, second)


def _second_look(account: Account, plan: Plan, pts: npt.NDArray[np.int64], time_base: Fraction) -> SecondLook:
    keep, only = _polygons(account.settings.keep), _polygons(account.settings.only)

    def spared(boxes: Boxes) -> npt.NDArray[np.bool_]:
        return is_spared(boxes, (plan.width, plan.height), keep, only)

    detector = _detector(account.settings.provider)
    account.looked_with(detector.entry.name, detector.entry.sha256, detector.provider)
    return SecondLook(detector, plan.regions_at, pts=pts, time_base=time_base, name=account.name, spared=spared)


def _is_covered(plan: Plan, pts: int) -> bool:
    regions = plan.regions_at(pts)
    return regions is None or len(regions) > 0


def _expected(video: VideoSource, looks: list[Look], account: Account, codec: str) -> ExpectedVideo:
    info = video.info
    return ExpectedVideo(
        container=container_of(account.target),
        codec=codec,
        pts=np.array([look.pts for look in looks], np.int64),
        time_base=info.time_base,
        width=info.width,
        height=info.height,
        display_matrix=info.display_matrix,
        sample_aspect=info.sample_aspect,
        colour=info.colour,
        bits=info.bits,
        audio_kept=account.settings.audio == "keep",
    )


def _encode_options(account: Account) -> EncodeOptions:
    settings = account.settings
    return EncodeOptions(
        codec=settings.codec,
        quality=settings.quality,
        speed=settings.speed,
        hardware=settings.hardware,
        keep_audio=settings.audio == "keep",
        threads=account.threads,
    )


def _polygons(given: Iterable[Iterable[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(Polygon.of(points) for points in given)


@lru_cache(maxsize=4)
def _detector(provider: str) -> FaceDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return FaceDetector(provider=None if provider == "auto" else provider)
