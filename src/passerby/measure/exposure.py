"""What of a labelled box can still be seen in a copy, and what else of the picture was changed: from pixels alone.

Nothing here knows what was found or planned. The texture of the original is searched for in the copy: a box is cut
into blocks of 4x4 luma samples; a block with texture counts as kept when the copy shows the same texture there, about
as bright. So re-encoding hides nothing, and paint, a blur and a mosaic do.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

from passerby.media import Picture

Luma = npt.NDArray[np.uint8]
"""Brightness of an upright picture: uint8, shape (H, W), ITU-R BT.601."""

BoxPx = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the upright picture, half-open."""

BLOCK_PX = 4
TEXTURED = 4.0
"""A block has texture when its samples deviate by more than this from their mean (root of the mean square)."""
ALIKE = 0.7
"""Least correlation of a block with the original's, to be the same texture."""
AS_BRIGHT = 12.0
"""Largest difference of the means of the two, in levels of 256."""
EXPOSED = 0.25
"""A box is exposed when more than this share of its textured blocks is kept."""
CHANGED = 24
"""A sample is changed when it differs by more than this, in levels of 256; less is what encoders do."""


def luma_of(picture: Picture) -> Luma:
    """The brightness of a picture: RGB, uint8, shape (H, W, 3)."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def whole_pixels(box: BoxPx) -> tuple[int, int, int, int]:
    """The box with its edges at the nearest whole pixels."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    return x1, y1, x2, y2


def inside(luma: Luma, box: BoxPx) -> Luma:
    """The part of a picture that lies in the box."""
    x1, y1, x2, y2 = whole_pixels(box)
    return luma[max(0, y1) : y2, max(0, x1) : x2]


def kept_share(original: Luma, copy: Luma) -> float:
    """Share of the textured blocks whose texture is still there, from 0 to 1; 0 where no block has texture.

    Both are the same part of the two pictures; rows and columns beyond the last whole block are left out.
    """
    height, width = (side // BLOCK_PX * BLOCK_PX for side in original.shape)
    if not (height and width):
        return 0.0
    before, after = _blocks(original[:height, :width]), _blocks(copy[:height, :width])
    mean_before, mean_after = before.mean(axis=1), after.mean(axis=1)
    before, after = before - mean_before[:, None], after - mean_after[:, None]
    textured = np.sqrt((before**2).mean(axis=1)) > TEXTURED
    if not textured.any():
        return 0.0
    norm = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
    alike = np.divide((before * after).sum(axis=1), norm, out=np.zeros_like(norm), where=norm > 1e-3) > ALIKE
    kept = alike & (np.abs(mean_before - mean_after) < AS_BRIGHT)
    return float(kept[textured].mean())


def _blocks(luma: Luma) -> npt.NDArray[np.float32]:
    """Each block as a row of 16 samples, float32."""
    rows, columns = luma.shape[0] // BLOCK_PX, luma.shape[1] // BLOCK_PX
    blocks = luma.astype(np.float32).reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    return blocks.transpose(0, 2, 1, 3).reshape(-1, BLOCK_PX * BLOCK_PX)


def changed_shares(original: Luma, copy: Luma, boxes: Iterable[BoxPx]) -> tuple[float, float | None]:
    """Share of the whole picture that was changed, and of what lies far from every box, from 0 to 1.

    A box grown by 0.6 of its longer side and 4 px on every side is near; the second is None where all of it is.
    """
    changed = np.abs(original.astype(np.int16) - copy) > CHANGED
    far = np.ones(original.shape, np.bool_)
    for box in boxes:
        x1, y1, x2, y2 = whole_pixels(box)
        pad = int(0.6 * max(x2 - x1, y2 - y1)) + 4
        far[max(0, y1 - pad) : max(0, y2 + pad), max(0, x1 - pad) : max(0, x2 + pad)] = False
    return float(changed.mean()), float(changed[far].mean()) if far.any() else None
