"""What the painter promises: everything inside a region is gone, and nothing painted depends on it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import RedactionIncomplete, SettingsError
from passerby.media import Frame, Orientation, PixelLayout, Plane
from passerby.redact.cover import Painter, Style
from passerby.regions import LABELS, Regions

SOURCE = Path(__file__).parents[2] / "src" / "passerby"
FACE, PLATE = LABELS.index("face"), LABELS.index("plate")
LAYOUTS = (
    PixelLayout("yuv420p", "yuv", 8, False, (1, 1)),
    PixelLayout("yuv420p10le", "yuv", 10, False, (1, 1)),
    PixelLayout("yuv422p", "yuv", 8, False, (1, 0)),
    PixelLayout("yuv444p12le", "yuv", 12, False),
    PixelLayout("yuv411p", "yuv", 8, False, (2, 0)),
    PixelLayout("nv12", "yuv", 8, False, (1, 1)),
    PixelLayout("p010le", "yuv", 10, False, (1, 1), shift_bits=6),
    PixelLayout("yuva420p", "yuv", 8, True, (1, 1), alpha=3),
    PixelLayout("RGB", "rgb"),
    PixelLayout("RGBA", "rgb", alpha=3),
    PixelLayout("rgb48le", "rgb", 16),
    PixelLayout("L", "gray"),
    PixelLayout("LA", "gray", alpha=1),
    PixelLayout("CMYK", "cmyk"),
)
STYLES: tuple[Style, ...] = ("fill", "black", "frost")


def make_planes(layout: PixelLayout, width: int, height: int, seed: int) -> tuple[Plane, ...]:
    """Noise of every value that the layout can hold, packed as the format packs it."""
    rng = np.random.default_rng(seed)
    colours = {"yuv": 3, "rgb": 3, "gray": 1, "cmyk": 4}[layout.kind]
    shapes = []
    for index in range(colours + (layout.alpha is not None)):
        x, y = layout.shift_of(index)
        shapes.append((-(-height >> y), -(-width >> x)))

    def noise(shape: tuple[int, ...]) -> Any:
        if layout.bits == 8:
            return rng.integers(0, 256, shape, np.uint8)
        return rng.integers(0, layout.peak + 1, shape, np.uint16) << layout.shift_bits

    if layout.name in ("nv12", "p010le"):
        chroma = noise((*shapes[1], 2))
        return noise(shapes[0]), chroma[..., 0], chroma[..., 1]
    if layout.kind != "yuv":
        packed = noise((height, width, len(shapes)))
        return tuple(packed[..., i] for i in range(len(shapes)))
    return tuple(noise(shape) for shape in shapes)


def copies(planes: tuple[Plane, ...]) -> tuple[Plane, ...]:
    return tuple(plane.copy() for plane in planes)


def upright_mask(regions: Regions, width: int, height: int, *, widened: int | None) -> npt.NDArray[np.bool_]:
    """Pixels of the upright frame that a region touches; `widened`: those that its shape, so many px wider, may."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    mask = np.zeros((height, width), np.bool_)
    for (x1, y1, x2, y2), label in zip(regions.boxes.astype(np.float64), regions.labels, strict=True):
        if widened is None:
            mask |= (x < x2) & (x + 1 > x1) & (y < y2) & (y + 1 > y1) & (x1 < x2) & (y1 < y2)
            continue
        x1, y1, x2, y2 = x1 - widened, y1 - widened, x2 + widened, y2 + widened
        if label == PLATE:
            mask |= (x < x2) & (x + 1 > x1) & (y < y2) & (y + 1 > y1)
            continue
        across = np.maximum(np.maximum(x - (x1 + x2) / 2, (x1 + x2) / 2 - x - 1), 0) / (x2 - x1)
        down = np.maximum(np.maximum(y - (y1 + y2) / 2, (y1 + y2) / 2 - y - 1), 0) / (y2 - y1)
        mask |= across**2 + down**2 <= 0.5
    return mask


def stored(upright: npt.NDArray[np.bool_], orientation: Orientation) -> npt.NDArray[np.bool_]:
    """The inverse of `Orientation.turn`, found by turning a picture of indices."""
    height, width = upright.shape
    stored_width, stored_height = orientation.upright_size(width, height)
    places = orientation.turn(np.arange(stored_width * stored_height).reshape(stored_height, stored_width))
    flat = np.zeros(stored_width * stored_height, np.bool_)
    flat[places.ravel()] = upright.ravel()
    return flat.reshape(stored_height, stored_width)


def footprint(mask: npt.NDArray[np.bool_], shift: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Samples of a subsampled plane of whose pixels any is in the mask."""
    x, y = shift
    height, width = mask.shape
    padded = np.zeros((-(-height >> y) << y, -(-width >> x) << x), np.bool_)
    padded[:height, :width] = mask
    cells = padded.reshape(padded.shape[0] >> y, 1 << y, padded.shape[1] >> x, 1 << x).any(axis=(1, 3))
    return np.asarray(cells, np.bool_)


def cells_touched(mask: npt.NDArray[np.bool_], layout: PixelLayout, plane: int) -> npt.NDArray[np.bool_]:
    """Samples of this plane that share a chroma sample with a pixel of the mask: what rounding outwards may take."""
    x, y = layout.shift_of(1)
    whole = footprint(mask, (x, y)).repeat(1 << y, axis=0).repeat(1 << x, axis=1)[: mask.shape[0], : mask.shape[1]]
    return footprint(whole, layout.shift_of(plane))


coordinate = st.one_of(st.floats(-40, 90, width=32), st.integers(-5, 70).map(float))


@st.composite
def region_lists(draw: st.DrawFn, most: int = 4) -> Regions:
    n = draw(st.integers(1, most))
    boxes = [
        sorted((draw(coordinate), draw(coordinate))) + sorted((draw(coordinate), draw(coordinate))) for _ in range(n)
    ]
    array = np.array(boxes, np.float32)[:, [0, 2, 1, 3]]
    return Regions(array, np.array(draw(st.lists(st.sampled_from([FACE, PLATE]), min_size=n, max_size=n)), np.uint8))


@st.composite
def cases(draw: st.DrawFn) -> tuple[PixelLayout, Orientation, int, int, int]:
    return (
        draw(st.sampled_from(LAYOUTS)),
        draw(st.sampled_from(list(Orientation))),
        draw(st.integers(1, 60)),
        draw(st.integers(1, 60)),
        draw(st.integers(0, 2**32)),
    )


def make_frame(case: tuple[PixelLayout, Orientation, int, int, int], pts: int = 0) -> Frame:
    layout, orientation, width, height, seed = case
    planes = make_planes(layout, width, height, seed + pts)
    return Frame(pts, Fraction(1, 25), layout, planes, orientation)


def paint_masks(frame: Frame, regions: Regions, *, whole_shape: bool) -> list[npt.NDArray[np.bool_]]:
    """Per plane: the samples that must be painted, or those that may be."""
    # A box just outside of a frame whose last chroma sample reaches over its edge touches that sample.
    cell = 1 << max(frame.layout.shift_of(1 if frame.layout.kind == "yuv" else 0))
    widened = max(1, cell - 1) if whole_shape else None
    mask = stored(upright_mask(regions, *frame.upright_size, widened=widened), frame.orientation)
    if whole_shape:
        return [cells_touched(mask, frame.layout, i) for i in range(len(frame.planes))]
    return [footprint(mask, frame.layout.shift_of(i)) for i in range(len(frame.planes))]


def painted_by_black(frame: Frame, regions: Regions) -> list[npt.NDArray[np.bool_]]:
    """Per plane: the samples that the painter overwrites, seen by painting two opposite pictures black."""
    out = []
    for value in (0, frame.layout.peak << frame.layout.shift_bits):
        planes = copies(frame.planes)
        for plane in planes:
            plane[...] = value
        Painter("black").cover(Frame(0, Fraction(1), frame.layout, planes, frame.orientation), regions)
        out.append(planes)
    return [a == b for a, b in zip(*out, strict=True)]


def with_other_insides(frame: Frame, masks: list[npt.NDArray[np.bool_]], seed: int) -> Frame:
    layout = frame.layout
    planes = copies(frame.planes)
    for plane, other, mask in zip(planes, make_planes(layout, *frame.size, seed), masks, strict=True):
        np.copyto(plane, other, where=mask)
    return Frame(frame.pts, frame.time_base, layout, planes, frame.orientation)


@settings(max_examples=150, deadline=None)
@given(cases(), region_lists())
def test_every_sample_that_a_box_touches_is_overwritten_and_nothing_beside_the_shape_changes(
    case: tuple[PixelLayout, Orientation, int, int, int], regions: Regions
) -> None:
    frame = make_frame(case)
    painted = painted_by_black(frame, regions)
    for mask, must in zip(painted, paint_masks(frame, regions, whole_shape=False), strict=True):
        assert mask[must].all()
    for mask, may in zip(painted, paint_masks(frame, regions, whole_shape=True), strict=True):
        assert not mask[~may].any()


@settings(max_examples=50, deadline=None)
@given(*(st.floats(0, 400, width=32) for _ in range(4)), st.sampled_from([FACE, PLATE]))
def test_the_corners_of_large_boxes_are_painted_too(a: float, b: float, c: float, d: float, label: int) -> None:
    box = [min(a, b), min(c, d), max(a, b), max(c, d)]
    regions = Regions(np.array([box], np.float32), np.array([label], np.uint8))
    frame = Frame(0, Fraction(1), PixelLayout("L", "gray"), make_planes(PixelLayout("L", "gray"), 400, 400, 0))
    (painted,) = painted_by_black(frame, regions)
    assert painted[paint_masks(frame, regions, whole_shape=False)[0]].all()


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=80, deadline=None)
@given(case=cases(), regions=region_lists(), seed=st.integers(0, 2**32))
def test_no_painted_sample_depends_on_the_samples_it_replaces(
    style: Style, case: tuple[PixelLayout, Orientation, int, int, int], regions: Regions, seed: int
) -> None:
    frame = make_frame(case)
    other = with_other_insides(frame, painted_by_black(frame, regions), seed)
    before = copies(frame.planes)
    first = Painter(style).cover(frame, regions)
    second = Painter(style).cover(other, regions)
    for a, b, old, painted in zip(first.planes, second.planes, before, painted_by_black(frame, regions), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[~painted], old[~painted])


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=40, deadline=None)
@given(case=cases(), frames=st.lists(region_lists(3), min_size=2, max_size=5), seed=st.integers(0, 2**32))
def test_nothing_of_an_inside_leaks_into_later_frames(
    style: Style, case: tuple[PixelLayout, Orientation, int, int, int], frames: list[Regions], seed: int
) -> None:
    one, two = Painter(style), Painter(style)
    for pts, regions in enumerate(frames):
        frame = make_frame(case, pts)
        other = with_other_insides(frame, painted_by_black(frame, regions), seed + pts)
        first, second = one.cover(frame, regions), two.cover(other, regions)
        for a, b in zip(first.planes, second.planes, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_samples_stay_within_what_the_layout_can_hold(layout: PixelLayout, style: Style) -> None:
    planes = make_planes(layout, 64, 48, 1)
    regions = Regions(np.array([[10, 10, 40, 40]], np.float32), np.array([FACE], np.uint8))
    out = Painter(style).cover(Frame(0, Fraction(1), layout, planes), regions)
    for index, plane in enumerate(out.planes):
        assert plane.max() <= layout.peak << layout.shift_bits
        assert not (plane & ((1 << layout.shift_bits) - 1)).any()
        if index == layout.alpha:
            assert (plane[20:30, 20:30] == layout.peak).all()


WHOLE: dict[str, Callable[[Frame], tuple[Frame, Regions | None]]] = {
    "nobody looked": lambda frame: (frame, None),
    "damaged": lambda frame: (
        Frame(frame.pts, frame.time_base, frame.layout, frame.planes, frame.orientation, damaged=True),
        Regions(),
    ),
    "NaN": lambda frame: (frame, Regions(np.array([[0, 0, np.nan, 4]], np.float32), np.zeros(1, np.uint8))),
    "infinite": lambda frame: (frame, Regions(np.array([[0, 0, np.inf, 4]], np.float32), np.zeros(1, np.uint8))),
    "inside out": lambda frame: (frame, Regions(np.array([[9, 9, 3, 3]], np.float32), np.zeros(1, np.uint8))),
    "unknown label": lambda frame: (frame, Regions(np.array([[1, 1, 3, 3]], np.float32), np.full(1, 9, np.uint8))),
}


@pytest.mark.parametrize("why", WHOLE)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_what_cannot_be_trusted_is_painted_whole(layout: PixelLayout, style: Style, why: str) -> None:
    frame, regions = WHOLE[why](Frame(0, Fraction(1), layout, make_planes(layout, 33, 21, 3)))
    out = Painter(style).cover(frame, regions)
    for index, plane in enumerate(out.planes):
        assert (plane == layout.black(index)).all()


def test_a_huge_region_covers_the_frame() -> None:
    frame = Frame(0, Fraction(1), LAYOUTS[0], make_planes(LAYOUTS[0], 64, 48, 1))
    regions = Regions(np.array([[-3e38, -3e38, 3e38, 3e38]], np.float32), np.array([FACE], np.uint8))
    assert all(mask.all() for mask in painted_by_black(frame, regions))
    out = Painter("fill").cover(frame, regions)
    assert [int(plane[0, 0]) for plane in out.planes] == [128, 128, 128]


def test_a_frame_without_regions_is_handed_on_untouched_with_its_planes_and_carrier() -> None:
    planes = make_planes(LAYOUTS[0], 31, 17, 1)
    before, carrier = copies(planes), object()
    out = Painter().cover(
        Frame(7, Fraction(1, 90000), LAYOUTS[0], planes, Orientation.MIRRORED, False, carrier), Regions()
    )
    assert out.carrier is carrier
    assert (out.pts, out.time_base, out.orientation) == (7, Fraction(1, 90000), Orientation.MIRRORED)
    for a, b, old in zip(out.planes, planes, before, strict=True):
        assert a is b
        np.testing.assert_array_equal(a, old)


def flat_frame(values: tuple[int, int, int], pts: int) -> Frame:
    planes = tuple(
        np.full((-(-96 >> LAYOUTS[0].shift_of(i)[1]), -(-128 >> LAYOUTS[0].shift_of(i)[0])), value, np.uint8)
        for i, value in enumerate(values)
    )
    return Frame(pts, Fraction(1, 25), LAYOUTS[0], planes)


FACE_REGION = Regions(np.array([[40, 30, 70, 64]], np.float32), np.array([FACE], np.uint8))


@pytest.mark.parametrize("style", ["fill", "frost"])
def test_a_region_takes_the_colour_of_what_is_around_it(style: Style) -> None:
    frame = flat_frame((90, 110, 150), 0)
    frame.planes[0][34:60, 44:66] = 220
    out = Painter(style).cover(frame, FACE_REGION)
    inside = out.planes[0][34:60, 44:66].astype(int)
    assert abs(inside.mean() - 90) < 2
    assert inside.std() < 8
    assert (out.planes[1][18:30, 24:32] == 110).all()
    assert (out.planes[2][18:30, 24:32] == 150).all()


def test_another_region_lends_no_colour() -> None:
    frame = flat_frame((90, 128, 128), 0)
    frame.planes[0][:, 72:] = 250
    regions = Regions(np.array([[40, 30, 70, 64], [71, 0, 128, 96]], np.float32), np.array([FACE, PLATE], np.uint8))
    out = Painter("fill").cover(frame, regions)
    assert (out.planes[0][34:60, 44:66] == 90).all()


def test_colours_are_steady_from_frame_to_frame_and_new_after_a_cut_a_gap_or_a_reset() -> None:
    painter = Painter("fill")

    def colour(value: int, pts: int) -> int:
        return int(painter.cover(flat_frame((value, 128, 128), pts), FACE_REGION).planes[0][48, 56])

    assert colour(100, 0) == 100
    assert 100 < colour(140, 1) < 105
    assert colour(230, 2) == 230
    assert colour(200, 2 + 26) == 200
    assert colour(180, 29) != 180
    painter.reset()
    assert colour(180, 30) == 180


def test_a_slow_change_comes_through_in_the_end() -> None:
    painter = Painter("fill")
    painter.cover(flat_frame((100, 128, 128), 0), FACE_REGION)
    frames = [painter.cover(flat_frame((104, 128, 128), pts), FACE_REGION) for pts in range(1, 76)]
    colours = [int(frame.planes[0][48, 56]) for frame in frames]
    assert colours == sorted(colours)
    assert colours[-1] == 104


def test_a_region_larger_than_the_grain_is_frosted_all_over() -> None:
    layout = PixelLayout("RGB", "rgb")
    packed = np.full((1400, 1300, 3), 7, np.uint8)
    packed[300:1100, 300:1000] = 255
    frame = Frame(0, Fraction(1), layout, tuple(packed[..., i] for i in range(3)))
    regions = Regions(np.array([[300, 300, 1000, 1100]], np.float32), np.array([FACE], np.uint8))
    Painter("frost").cover(frame, regions)
    assert packed.max() < 50


def test_the_same_seed_gives_the_same_frost() -> None:
    def frosted(seed: int) -> Plane:
        return Painter("frost", seed=seed).cover(flat_frame((90, 128, 128), 0), FACE_REGION).planes[0]

    np.testing.assert_array_equal(frosted(1), frosted(1))
    assert (frosted(1) != frosted(2)).any()


def test_a_sideways_frame_is_painted_where_the_upright_picture_shows_it() -> None:
    layout = PixelLayout("RGB", "rgb")
    packed = np.zeros((40, 60, 3), np.uint8)
    frame = Frame(0, Fraction(1), layout, tuple(packed[..., i] for i in range(3)), Orientation.QUARTER_RIGHT)
    packed[...] = 255
    Painter("black").cover(frame, Regions(np.array([[2, 3, 10, 30]], np.float32), np.array([PLATE], np.uint8)))
    upright = Orientation.QUARTER_RIGHT.turn(packed)
    assert upright.shape == (60, 40, 3)
    assert not upright[3:30, 2:10].any()
    assert upright.sum() == 255 * 3 * (60 * 40 - 27 * 8)


def test_planes_that_do_not_fit_the_layout_are_withheld() -> None:
    luma, u, v = make_planes(LAYOUTS[0], 32, 32, 1)
    for planes in ((luma,), (luma, u), (luma, u, v, luma), (luma, u[:-1], v), (luma.astype(np.uint16), u, v)):
        with pytest.raises(RedactionIncomplete, match="not laid out as yuv420p"):
            Painter().cover(Frame(0, Fraction(1), LAYOUTS[0], planes), Regions())


def test_a_style_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="blur"):
        Painter("blur")  # type: ignore[arg-type]


def test_only_the_painter_makes_redacted_frames() -> None:
    makers = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not any(name.name == "RedactedFrame" and name.asname for name in node.names), path
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "RedactedFrame":
                makers.add(path.relative_to(SOURCE).as_posix())
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("replace", "__new__", "cast"):
                assert "RedactedFrame" not in ast.unparse(node), path
    assert makers == {"redact/cover.py"}
