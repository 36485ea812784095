"""One picture of the covered frames, for a person who would rather look than read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from passerby.media import Picture
from passerby.pending import output_error, pending
from passerby.regions import Regions

MOST_TILES = 48
TILE_WIDTH = 320
_TILE_HEIGHT = 320
_GAP = 8
_CAPTION = 20
_BACKGROUND, _INK = (24, 24, 24), (230, 230, 230)


@dataclass(frozen=True, slots=True)
class _Tile:
    image: Image.Image
    caption: str


class ContactSheet:
    """Small copies of frames that were painted, evenly chosen, with their times; memory does not grow with the video.

    Give it every frame of interest. It keeps each of them until it has too many, then every second, every fourth ...
    """

    def __init__(self, target: Path, *, columns: int = 6) -> None:
        self._target = target
        self._columns = columns
        self._tiles: list[_Tile] = []
        self._step = 1
        self._offered = 0

    def add(
        self,
        make_picture: Callable[[], Picture],
        pts: int,
        time_base: Fraction,
        frame_index: int,
        regions: Regions | None,
    ) -> None:
        """Offer a frame.

        Args:
            make_picture: gives the redacted picture: RGB, uint8, shape (H, W, 3), upright. It is called at once, and
                only if the frame is chosen; it must not hand out a picture that was not painted.
            pts: of the frame, in units of `time_base`.
            time_base: seconds per unit of PTS.
            frame_index: of the frame in the video, from 0.
            regions: what was painted; None: the whole picture.
        """
        chosen = self._offered % self._step == 0
        self._offered += 1
        if not chosen:
            return
        if len(self._tiles) == MOST_TILES:
            # This frame's number is an even multiple of the step, so it stays in the sparser choice.
            self._tiles = self._tiles[::2]
            self._step *= 2
        image = Image.fromarray(make_picture())
        image.thumbnail((TILE_WIDTH, _TILE_HEIGHT), Image.Resampling.BOX, reducing_gap=None)
        self._tiles.append(_Tile(image, _caption(pts * time_base, frame_index, regions)))

    def write(self) -> Path | None:
        """Write the PNG, whole or not at all, replacing an older one; None if no frame was added.

        Raises:
            OutputError: the file cannot be written.
        """
        if not self._tiles:
            return None
        sheet = self._sheet()
        with pending(self._target, replace=True) as unfinished:
            try:
                sheet.save(unfinished.part, format="PNG")
            except OSError as error:
                raise output_error(self._target, error) from error
            unfinished.commit()
        return self._target

    def _sheet(self) -> Image.Image:
        columns = min(self._columns, len(self._tiles))
        rows = -(-len(self._tiles) // columns)
        # Wide enough for the caption of a narrow picture.
        width = max(TILE_WIDTH * 3 // 4, *(tile.image.width for tile in self._tiles))
        height = max(tile.image.height for tile in self._tiles) + _CAPTION
        size = (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
        sheet = Image.new("RGB", size, _BACKGROUND)
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
        for index, tile in enumerate(self._tiles):
            row, column = divmod(index, columns)
            x, y = _GAP + column * (width + _GAP), _GAP + row * (height + _GAP)
            sheet.paste(tile.image, (x, y))
            pen.text((x, y + tile.image.height + 2), tile.caption, fill=_INK, font=font)
        return sheet


def _caption(time_s: Fraction, frame_index: int, regions: Regions | None) -> str:
    covered = "all covered" if regions is None else f"{len(regions)} covered"
    return f"{_clock(time_s)}  #{frame_index}  {covered}"


def _clock(time_s: Fraction) -> str:
    """As h:mm:ss.mmm."""
    milliseconds = round(abs(time_s) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    sign = "-" if time_s < 0 else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
