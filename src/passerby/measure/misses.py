"""A sheet of what stays exposed, for whoever works on the detectors. It shows people: it is written on request only."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from passerby.measure.exposure import whole_pixels
from passerby.measure.material import LabelledSet
from passerby.measure.summary import Miss, Summary
from passerby.measure.ways import pictures_in
from passerby.media import Picture
from passerby.pending import write_durably

_TILE_PX = 144
_CAPTION_PX = 30
_COLUMNS = 8
_MOST_TILES = 96
_AROUND = 0.75
"""How much of its longer side is shown around a box: without it nobody sees why it was missed."""
_BACKGROUND, _INK, _FRAME = (24, 24, 24), (230, 230, 230), (213, 94, 0)


def write_misses(summaries: Sequence[Summary], sets: Sequence[LabelledSet], target: Path) -> int:
    """Write crops of the originals around exposed boxes as a PNG; how many there are. Without any, nothing is written.

    Raises:
        OutputError: the file cannot be written.
    """
    tiles = [tile for summary in summaries for tile in _tiles(summary, sets)][:_MOST_TILES]
    if tiles:
        content = io.BytesIO()
        _sheet(tiles).save(content, format="PNG")
        write_durably(target, content.getvalue())
    return len(tiles)


def _tiles(summary: Summary, sets: Sequence[LabelledSet]) -> Iterator[tuple[Image.Image, str]]:
    """Each file is read once, and of a clip only the frames with misses are kept."""
    files = {file.name: file for labelled in sets if labelled.name == summary.set for file in labelled.files}
    for name in dict.fromkeys(miss.file for miss in summary.misses):
        misses = [miss for miss in summary.misses if miss.file == name]
        frames = {miss.frame for miss in misses}
        for index, picture in enumerate(pictures_in(files[name].path, clip=files[name].clip)):
            if index in frames:
                for miss in (miss for miss in misses if miss.frame == index):
                    yield _crop(picture, miss), f"{summary.way}, {100 * miss.kept:.0f} %\n{Path(name).name} #{index}"
            if index >= max(frames):
                break


def _crop(picture: Picture, miss: Miss) -> Image.Image:
    x1, y1, x2, y2 = whole_pixels(miss.box)
    around = round(_AROUND * max(x2 - x1, y2 - y1))
    # What lies beyond the edges of the picture comes out black.
    view = Image.fromarray(picture).crop((x1 - around, y1 - around, x2 + around, y2 + around))
    scale = _TILE_PX / max(view.size)
    shown = view.resize((max(1, round(view.width * scale)), max(1, round(view.height * scale))))
    corner = around * scale
    ImageDraw.Draw(shown).rectangle((corner, corner, shown.width - corner, shown.height - corner), outline=_FRAME)
    return shown


def _sheet(tiles: Sequence[tuple[Image.Image, str]]) -> Image.Image:
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = _TILE_PX + 8, _TILE_PX + _CAPTION_PX + 8
    sheet = Image.new("RGB", (columns * width, rows * height), _BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for index, (tile, caption) in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet.paste(tile, (column * width + 4, row * height + 4))
        pen.multiline_text((column * width + 4, row * height + _TILE_PX + 6), caption, fill=_INK, font=font)
    return sheet
