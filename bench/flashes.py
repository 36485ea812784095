"""How often a head that was covered flashes into view, as a Markdown table.

    python bench/flashes.py [SHARED] [--list]

Two clips of fixed cameras below SHARED are redacted through the public API, with `cover=("head",)`. Labelled heads are
linked from frame to frame, and each is judged by pixels alone, as `SHARED/eval/score.py` judges a box. A flash is a
time of less than a second in which a head is exposed after it was once covered for a second; it is open where the
labels of the head end with it. Heads that are never covered do not flash: they are missed, and counted apart.

Without labels: a place flickers if it is covered, bare and covered again within a second, while the picture there stays
as it is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import passerby
from labelled_heads import Box, Head, Luma, labelled, link, lumas
from passerby.account.artefacts import Artefacts
from passerby.redact.plan import Plan
from passerby.settings import Settings

KeptShare = Callable[[Luma, Luma], float]

CLIPS = (
    ("heads-eden-metro/seq-stairs-a.mp4", "heads-eden-metro/seq-stairs-a.json", 3.0, 12),
    ("video-people/vtest-300.avi", "video-people/vtest-300.avi.boxes.json", 10.0, 9),
)
"""Clip, labels, frames per second, and the least height of a head that counts, in pixels."""
EXPOSED = 0.25
"""Of a box's textured blocks, as in score.py."""
SECOND = 1.0
PLACE_PX = 8
SAME_LEVELS = 5.0
"""A place shows the same as long as it differs by no more, in gray levels."""


@dataclass(frozen=True, slots=True)
class Flash:
    """A short time in view: index of its first frame, how long in seconds, and where it begins; `ends`: it is open."""

    frame: int
    lasts_s: float
    box: Box
    ends: bool


def score_of(shared: Path) -> KeptShare:
    spec = importlib.util.spec_from_file_location("score", shared / "eval" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kept: KeptShare = module.kept_share
    return kept


def judge(heads: Sequence[Head], original: Iterator[Luma], copy: Iterator[Luma], kept: KeptShare) -> None:
    """Say of each head in each frame whether it is exposed."""
    by_frame: dict[int, list[tuple[Head, Box]]] = {}
    for head in heads:
        for frame, box in zip(head.frames, head.boxes, strict=True):
            by_frame.setdefault(frame, []).append((head, box))
    for index, (luma, painted) in enumerate(zip(original, copy, strict=True)):
        for head, box in by_frame.get(index, []):
            x1, y1, x2, y2 = (max(0, round(value)) for value in box)
            head.exposed.append(kept(luma[y1:y2, x1:x2], painted[y1:y2, x1:x2]) > EXPOSED)


def flashes(head: Head, rate_fps: float) -> list[Flash]:
    """Times of less than a second in which a head is exposed that was covered for a second before."""
    found: list[Flash] = []
    was_covered = False
    for exposed, group in groupby(range(len(head.frames)), key=lambda i: head.exposed[i]):
        run = list(group)
        last = run[-1] + 1 == len(head.frames)
        until = head.frames[run[-1]] + 1 if last else head.frames[run[-1] + 1]
        lasts_s = (until - head.frames[run[0]]) / rate_fps
        if not exposed:
            was_covered |= lasts_s >= SECOND - 1e-9
        elif was_covered and lasts_s < SECOND - 1e-9:
            found.append(Flash(head.frames[run[0]], lasts_s, head.boxes[run[0]], last))
    return found


def painted_masks(plan: Plan) -> Iterator[npt.NDArray[np.bool_]]:
    """What is painted of each frame, in places of `PLACE_PX` squared: those whose middle is, as ellipses."""
    rows, columns = ((np.arange(-(-side // PLACE_PX)) + 0.5) * PLACE_PX for side in (plan.height, plan.width))
    for index, pts in enumerate(plan.pts.tolist()):
        mask = np.full((len(rows), len(columns)), bool(plan.whole[index]))
        regions = plan.regions_at(pts)
        for x1, y1, x2, y2 in regions.boxes.tolist() if regions else []:
            across, down = (columns - (x1 + x2) / 2) / (x2 - x1), (rows - (y1 + y2) / 2) / (y2 - y1)
            mask |= across[None] ** 2 + down[:, None] ** 2 <= 0.5
        yield mask


def flicker(plan: Plan, original: Iterator[Luma], rate_fps: float) -> list[tuple[int, int, int]]:
    """Places that are bare for less than a second between cover, with the picture as it was: frame, x, y."""
    most = int(np.ceil(SECOND * rate_fps)) - 1
    found: list[tuple[int, int, int]] = []
    masks: list[npt.NDArray[np.bool_]] = []
    shown: list[npt.NDArray[np.float32]] = []
    for index, (mask, luma) in enumerate(zip(painted_masks(plan), original, strict=True)):
        masks, shown = [*masks, mask][-most - 2 :], [*shown, _places(luma, mask.shape)][-most - 2 :]
        for bare in range(1, len(masks) - 1):
            gap = slice(len(masks) - 1 - bare, len(masks) - 1)
            again = mask & masks[gap.start - 1] & ~np.any(masks[gap], axis=0)
            apart = np.max([np.abs(shown[i] - shown[-1]) for i in range(gap.start - 1, gap.stop)], axis=0)
            rows, columns = np.nonzero(again & (apart < SAME_LEVELS))
            found += [(index - bare, int(x) * PLACE_PX, int(y) * PLACE_PX) for y, x in zip(rows, columns, strict=True)]
    return found


def _places(luma: Luma, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    rows, columns = shape
    whole = np.pad(luma, ((0, -luma.shape[0] % PLACE_PX), (0, -luma.shape[1] % PLACE_PX)), mode="edge")
    means = whole.reshape(rows, PLACE_PX, columns, PLACE_PX).mean(axis=(1, 3))
    return np.asarray(means, np.float32)


def measure(shared: Path, clip: str, boxes: str, rate_fps: float, least_px: float, folder: Path) -> list[Flash]:
    """Redact one clip and print its row."""
    source, labels = shared / "media" / clip, shared / "media" / boxes
    copy, plan_file = folder / f"{source.stem}.mp4", folder / f"{source.stem}.plan.json"
    passerby.redact_video(source, copy, Settings(cover=("head",)), artefacts=Artefacts(plan=plan_file))
    plan = Plan.load(plan_file)
    heads = link(labelled(source, labels, least_px), rate_fps)
    judge(heads, lumas(source), lumas(copy), score_of(shared))
    found = [flash for head in heads for flash in flashes(head, rate_fps)]
    never = sum(all(head.exposed) and len(head.frames) >= rate_fps for head in heads)
    seen = np.concatenate([head.exposed for head in heads])
    painted = np.mean([mask.mean() for mask in painted_masks(plan)])
    open_ended = sum(flash.ends for flash in found)
    print(
        f"| {source.stem} | {len(heads)} | {len(seen)} | {100 * seen.mean():.2f} % | {len(found)} ({open_ended}) "
        f"| {never} | {100 * painted:.2f} % | {100 * elsewhere(shared, source, copy, labels):.2f} % "
        f"| {len(flicker(plan, lumas(source), rate_fps))} |",
        flush=True,
    )
    return found


def elsewhere(shared: Path, source: Path, copy: Path, labels: Path) -> float:
    """Share of pixels changed far from any label, by score.py."""
    command = [sys.executable, str(shared / "eval" / "score.py"), str(source), str(copy), str(labels), "--json"]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(result["share_of_other_pixels_changed"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--list", action="store_true", help="print each flash: frame, seconds, place")
    args = parser.parse_args()
    print("| Clip | Heads | Boxes | Exposed | Flashes (open) | Never covered | Painted | Changed elsewhere | Flicker |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for clip in CLIPS:
            found = measure(args.shared, *clip, Path(folder))
            for flash in found if args.list else []:
                print(f"frame {flash.frame}, {flash.lasts_s:.1f} s, at {[round(value) for value in flash.box]}")


if __name__ == "__main__":
    main()
