"""Trying a camera: connect, watch for some seconds, cover one picture, say what was seen. Nothing is stored."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from passerby.errors import CameraLost
from passerby.media import Frame, VideoInfo
from passerby.read.camera import CameraAddress, CameraStream, LivePicture, open_camera
from passerby.read.camera_pair import open_pair
from passerby.read.camera_told import told_time
from passerby.serve.covered_picture import covered_picture
from passerby.serve.network import CameraTrial, LookTrial
from passerby.serve.trial_look import WatchedLook, mean_rate_fps
from passerby.settings import Settings

_SHORTEST_S, _LONGEST_S = 4.0, 12.0
"""How long it is watched: the longer time where no second keyframe came before."""


@dataclass(slots=True)
class _Seen:
    """What a camera shows while it is watched; of the pictures only the last whole one."""

    last: Frame | None = None
    times_s: list[float] = field(default_factory=list)
    keys_s: list[float] = field(default_factory=list)
    offsets_s: list[float] = field(default_factory=list)
    why_not_copied: str = ""

    def add(self, picture: LivePicture) -> None:
        """One more."""
        frame = picture.frame
        self.times_s.append(float(frame.pts * frame.time_base))
        self.why_not_copied = picture.why_not_copied or self.why_not_copied
        if picture.packet is None and not self.why_not_copied:
            self.why_not_copied = "its frames are reordered, or its codec is not H.264"
        if picture.packet is not None and (told_at := told_time(picture.packet)) is not None:
            self.offsets_s.append((told_at - picture.arrived_at).total_seconds())
        if not frame.damaged:
            self.last = frame
            if frame.carrier.key_frame:
                self.keys_s.append(self.times_s[-1])

    @property
    def gop_s(self) -> float | None:
        """From keyframe to keyframe, the median."""
        steps = [after - before for before, after in pairwise(self.keys_s)]
        return statistics.median(steps) if steps else None

    @property
    def clock_offset_s(self) -> float | None:
        """The camera's clock less ours. What was on its way the shortest tells the most."""
        return max(self.offsets_s) if self.offsets_s else None


def try_camera(address: CameraAddress, look: CameraAddress | None = None) -> CameraTrial:
    """Watch a camera in this process, and its smaller stream, if there is one.

    Raises:
        CameraError: it cannot be reached or used.
    """
    if look is None:
        with open_camera(address) as camera:
            return _trial(camera.info, *_watch_whole(camera))
    with open_pair(address, look, stop=threading.Event()) as pair, WatchedLook(pair.look) as beside:
        seen, last = _watch_whole(pair.main)
        return _trial(pair.info, seen, last, beside.seen(last))


def _trial(info: VideoInfo, seen: _Seen, last: Frame, look: LookTrial | None = None) -> CameraTrial:
    still, covered = covered_picture(last, Settings())
    width, height = info.upright_size
    return CameraTrial(
        codec=info.codec,
        width=width,
        height=height,
        rate_fps=mean_rate_fps(seen.times_s),
        gop_s=seen.gop_s,
        clock_offset_s=seen.clock_offset_s,
        why_not_copied=seen.why_not_copied,
        still=still,
        covered=covered,
        look=look,
    )


def _watch_whole(camera: CameraStream) -> tuple[_Seen, Frame]:
    """As `_watch`, and the last whole picture."""
    seen = _watch(camera.pictures())
    if seen.last is None:
        raise CameraLost(f"camera {camera.info.name} sent no whole picture within {_LONGEST_S:.0f} s")
    return seen, seen.last


def _watch(pictures: Iterator[LivePicture]) -> _Seen:
    """Look on until enough was seen; a camera that breaks off after its first pictures has shown something, too."""
    seen, began_s = _Seen(), None
    try:
        for picture in pictures:
            began_s = picture.arrived_s if began_s is None else began_s
            seen.add(picture)
            watched_s = picture.arrived_s - began_s
            if watched_s > _LONGEST_S or (watched_s > _SHORTEST_S and len(seen.keys_s) > 1):
                break
    except CameraLost:
        if seen.last is None:
            raise
    return seen
