"""What moves in a video of a fixed camera, frame by frame, while others look at the same frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from passerby.detect.background import Background, BackgroundOptions
from passerby.detect.blocks import boxes_of
from passerby.detect.evidence import Mask
from passerby.media import Frame
from passerby.regions import Boxes, Look


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """The squares that differ in one frame, None for all of it, and the frame's upright size in pixels."""

    blocks: Mask | None
    size: tuple[int, int]


class MotionWatch:
    """Boxes of all that differs from the background, in each frame that passes.

    What differs in a frame is covered in the frames before and after it too: nothing comes or goes all at once.
    """

    def __init__(self, options: BackgroundOptions | None = None) -> None:
        self._background = Background(options)
        self._moving: list[Boxes | None] = []
        self._last: list[_Watched] = []

    def over(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Watch frames, in order, and pass them on."""
        for frame in frames:
            self._last.append(_Watched(self._background.blocks(frame), frame.upright_size))
            if len(self._last) > 1:
                self._close(self._last[-2])
                self._last = self._last[-2:]
            yield frame
        if self._last:
            self._close(self._last[-1])

    def added_to(self, looks: Sequence[Look]) -> list[Look]:
        """Looks at all the frames that passed, with what moved in each."""
        return [replace(look, moving=moving) for look, moving in zip(looks, self._moving, strict=True)]

    def _close(self, watched: _Watched) -> None:
        """Everything around this frame has come: the one before it and the one after it, where there are any."""
        blocks = watched.blocks
        if blocks is None:
            self._moving.append(None)
            return
        for beside in self._last:
            if beside.blocks is not None and beside.blocks.shape == blocks.shape:
                blocks = blocks | beside.blocks
        self._moving.append(boxes_of(blocks, watched.size))
