"""The path of a video: two passes over the file, one to look and one to paint, and a third over the copy."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from passerby.account import Account, Result
from passerby.check.contact_sheet import TILE_WIDTH
from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.detect.attention import AttentionOptions, look_at
from passerby.detect.ensemble import Ensemble
from passerby.detect.watch import MotionWatch
from passerby.media import Frame, VideoInfo
from passerby.pending import pending
from passerby.pipeline.choosing import video_detector
from passerby.pipeline.looking import planned, second_look
from passerby.read.video import VideoLimits, VideoSource, open_video, picture_of
from passerby.redact.cover import Painter
from passerby.redact.plan import Plan
from passerby.regions import NOTHING, Look, Track
from passerby.stages import run_ahead
from passerby.track.smoother import follow
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


def redact_video_of(account: Account) -> Result:
    """Write a copy of a video in which every face is covered."""
    settings = account.settings
    limits = VideoLimits(settings.max_hours, settings.max_megapixels or VideoLimits().max_megapixels)
    with open_video(account.source, name=account.name, limits=limits) as video:
        encoding = choose_encoding(video.info, _encode_options(account), container_of(account.target))
        detector = video_detector(account.settings)
        account.begin(video.info, [encoding.stated])
        plan = account.given_plan(video.info.upright_size)
        looks, tracks = _look_through(video, account, detector if plan is None else None)
        if plan is None:
            plan = planned(account, looks, tracks, video.info.upright_size, video.info.time_base)
        plan = plan.with_gops(video.gops)
        account.looked_through(plan, looks, tracks, video.damage)
        with pending(account.target, replace=account.replace) as unfinished:
            with account.stage("write"):
                written = _paint_video(video, plan, unfinished.part, account)
            account.written(written)
            with account.stage("check"):
                _check_video(unfinished.part, plan, _expected(video.info, looks, account, written), account)
            account.finish(unfinished.part, plan)
            unfinished.commit()
    return account.result


def _look_through(video: VideoSource, account: Account, detector: Ensemble | None) -> tuple[list[Look], list[Track]]:
    """The first pass: every frame is decoded, and looked at; None where somebody else looked already."""
    info = video.info
    watch = MotionWatch() if detector is not None and "motion" in account.settings.cover else None
    decoded = video.frames() if watch is None else watch.over(video.frames())
    with account.stage("look"), run_ahead(decoded, depth=_DECODED_AHEAD, name="decode") as frames:
        if detector is not None and detector.members:
            account.looked_with(detector.models)
            options = AttentionOptions(thorough=account.settings.thorough, threads=account.threads)
            found = look_at(frames, picture_of, detector, options)
        else:
            found = (Look(f.pts, NOTHING, "unseen" if f.damaged else "whole") for f in frames)
        looks = list(account.counted(found, "look", info.frame_count))
    if watch is not None:
        looks = watch.added_to(looks)
    if detector is not None:
        detector.rest()  # the encoder needs the memory next
    with account.stage("track"):
        return looks, follow(looks, time_base=info.time_base, frame_size=info.upright_size)


def _paint_video(video: VideoSource, plan: Plan, part: Path, account: Account) -> Written:
    """The second pass: clear GOPs are copied, the others decoded, painted and encoded."""
    options, container = _encode_options(account), container_of(account.target)
    clear = account.settings.copy_clear and any(gop.action == "copy" for gop in plan.gops)
    splice = clear and splice_obstacle(account.source, video.info, options, container) is None
    painter = Painter(account.settings.style)
    writer = open_writer(part, container, video.info, options, source=account.source, splice=splice)
    with writer:
        for run in video.runs(lambda gop: splice and plan.is_clear(gop.pts)):
            if run.packets is not None:
                writer.copy(run.packets, run.gops[0])
                account.advance("write", len(run.gops[0].pts))
            elif run.frames is not None:
                covered = (painter.cover(frame, plan.regions_at(frame.pts)) for frame in run.frames)
                with run_ahead(covered, depth=_DECODED_AHEAD, name="decode and paint") as painted:
                    writer.encode(account.counted(painted, "write", len(plan)), run.gops)
        return writer.close()


def _check_video(part: Path, plan: Plan, expected: ExpectedVideo, account: Account) -> None:
    """Read the finished file back, frame by frame, and look at some of them again."""
    second = second_look(account, plan, expected.pts, expected.time_base)
    sheet = account.contact_sheet()
    looks: deque[Future[None]] = deque()

    def on_frame(index: int, frame: Frame) -> None:
        if index in second.sample:
            if looks:
                looks.popleft().result()  # one look at a time, one frame kept for it
            looks.append(looker.submit(second.look_at, index, frame))
        pts = int(expected.pts[index])
        if sheet is not None and plan.paints(pts):
            sheet.add(partial(picture_of, frame, TILE_WIDTH), pts, plan.time_base, index, plan.regions_at(pts))
        account.advance("check", 1)

    with ThreadPoolExecutor(1, thread_name_prefix="second look") as looker:
        problems = read_back_video(part, expected, on_frame=on_frame)
        for look in looks:
            look.result()
    account.checked(problems, second)


def _expected(info: VideoInfo, looks: list[Look], account: Account, written: Written) -> ExpectedVideo:
    return ExpectedVideo.copy_of(
        info,
        container=container_of(account.target),
        codec=written.codec,
        pts=np.array([look.pts for look in looks], np.int64),
        colour=written.colour,
        audio_kept=bool(written.audio),
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
