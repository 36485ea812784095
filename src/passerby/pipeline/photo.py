"""The path of a photo or an animation. There is only one chance to find a face in it, so it is looked at many times."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np

from passerby.account import Account, Result
from passerby.check.photo_readback import read_back_photo
from passerby.detect.photo import find_in_photo
from passerby.errors import SettingsError
from passerby.media import PHOTO_TIME_BASE, PhotoInfo
from passerby.pending import pending
from passerby.pipeline.choosing import as_called, photo_nets
from passerby.pipeline.looking import planned, second_look
from passerby.read.photo import Photo, PhotoLimits, open_photo, pictures_of
from passerby.redact.cover import Painter
from passerby.redact.plan import Plan
from passerby.regions import Detections, Look, Track
from passerby.track.smoother import TrackOptions, follow
from passerby.write.photo import SUFFIXES, output_format, write_photo

NO_LIMITS = PhotoLimits(math.inf)
"""For the copy: it is as large as the original, which was let in."""


def redact_photo_of(account: Account) -> Result:
    """Write a copy of a photo or an animation in which every face is covered."""
    settings = account.settings
    if "motion" in settings.cover:
        raise SettingsError(
            f"{account.name}: a photo or an animation has no background that could be learned, so motion cannot be "
            "covered in it; nothing was written",
            hint="leave motion out of --cover for photos",
        )
    limits = PhotoLimits(settings.max_megapixels or PhotoLimits().max_megapixels, settings.max_frames)
    with open_photo(account.source, name=account.name, limits=limits) as photo:
        account.begin(photo.info, _format_stated(account, photo.info))
        size = (photo.info.width, photo.info.height)
        plan = account.given_plan(size)
        if plan is None:
            looks, tracks = _look_at_photo(photo, account)
            plan = planned(account, looks, tracks, size, PHOTO_TIME_BASE)
        else:
            looks, tracks = [Look(pts, Detections()) for pts in range(photo.info.frame_count)], []
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


def _format_stated(account: Account, info: PhotoInfo) -> list[str | None]:
    """What is to be said of the copy's format.

    Raises:
        SettingsError: the user asks for a name that says another format.
    """
    format_name, _, fallback = output_format(info)
    suffix, own = account.target.suffix.lower(), account.source.suffix.lower()
    if suffix in SUFFIXES[format_name]:
        return [fallback]
    if suffix != own and fallback is None:
        raise SettingsError(
            f"{account.target.name}: the copy of {account.name} is {format_name}, and the name says otherwise; "
            "nothing was written",
            hint=f"choose a name that ends in {SUFFIXES[format_name][0]}",
        )
    return [fallback, f"{account.target.name} holds {format_name}, whatever its name says"]


def _look_at_photo(photo: Photo, account: Account) -> tuple[list[Look], list[Track]]:
    """Every picture in several ways: in a photo there is only one chance to find a face."""
    nets = photo_nets(account.settings)
    account.looked_with(nets.models)
    with account.stage("look"):
        looks = []
        for frame in account.counted(photo.frames(), "look", photo.info.frame_count):
            found = Detections.join([find_in_photo(nets, picture) for picture in pictures_of(frame)])
            looks.append(Look(frame.pts, as_called(found, account.settings)))
    size = (photo.info.width, photo.info.height)
    with account.stage("track"):
        # No detection of a photo is left out for want of a track.
        tracks = follow(looks, time_base=PHOTO_TIME_BASE, frame_size=size, options=TrackOptions(start_threshold=0))
    return looks, tracks


def _check_photo(part: Path, plan: Plan, info: PhotoInfo, account: Account) -> None:
    problems = read_back_photo(part, info, source=account.source)
    second = second_look(account, plan, np.arange(info.frame_count), PHOTO_TIME_BASE)
    sheet = account.contact_sheet()
    if not problems:
        with open_photo(part, name=account.name, limits=NO_LIMITS) as copy:
            for index, frame in enumerate(copy.frames()):
                picture = pictures_of(frame)[-1]
                if index in second.sample:
                    second.look_at_picture(picture, frame.pts)
                if sheet is not None and plan.paints(frame.pts):
                    sheet.add(
                        partial(np.asarray, picture), frame.pts, PHOTO_TIME_BASE, index, plan.regions_at(frame.pts)
                    )
    account.checked(problems, second)
