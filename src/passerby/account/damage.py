"""What is said of an input that is cut off or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerby.read.damage import Damage


def is_cut_off(damage: Damage) -> bool:
    """Whether part of the input is not there: a copy of the rest is made only where somebody asked for it."""
    return damage.truncated or bool(damage.missing_frames)


def damage_in_words(damage: Damage) -> Iterator[str]:
    """Everything that is damaged, one by one."""
    if damage.truncated:
        yield "the file ends before its content does"
    for stretch in damage.stretches:
        yield f"frames at PTS {stretch.pts_from} to {stretch.pts_to}: {stretch.reason}"
    yield from damage.notes


def what_can_be_read(damage: Damage, frames: int) -> str:
    """How much of an input that is cut off a copy would hold."""
    return f"only {_length(damage)} ({frames} frames) can be read{_missing(damage)}"


def what_was_read(damage: Damage) -> str:
    """How much of an input that is cut off the copy holds."""
    return f"only {_length(damage)} could be read{_missing(damage)}"


def what_was_painted_whole(damage: Damage, frames: int) -> str:
    """How many of all frames showed errors."""
    return f"{damage.frames_damaged} of {frames} frames could not be decoded without errors and were painted whole"


def _length(damage: Damage) -> str:
    announced = f" of {damage.announced_s:.1f} s" if damage.announced_s else ""
    return f"{damage.readable_s:.1f} s{announced}"


def _missing(damage: Damage) -> str:
    return f", {damage.missing_frames} frames are missing" if damage.missing_frames else ""
