"""The plan: made from looks and tracks, kept as JSON, corrected by people."""

from __future__ import annotations

import json
import runpy
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import OutputError, RedactionIncomplete, SettingsError
from passerby.media import Gop
from passerby.redact import plan_file
from passerby.redact.plan import Plan, PlanSettings, make_plan
from passerby.redact.polygons import Polygon, parse_polygon
from passerby.regions import LABELS, MARGINS, Detections, Look, Regions, Track

REPOSITORY = Path(__file__).parents[2]
SHA256 = "0123456789abcdef" * 4
SIZE = (640, 480)
FACE, PLATE = LABELS.index("face"), LABELS.index("plate")


def make_track(pts: list[int], boxes: Sequence[Sequence[float]], label: int = FACE) -> Track:
    n = len(pts)
    return Track(
        label,
        np.array(pts, np.int64),
        np.array(boxes, np.float32).reshape(n, 4),
        np.zeros(n, np.float32),
        np.zeros(n, np.bool_),
    )


def looks(*pts: int, unseen: tuple[int, ...] = ()) -> list[Look]:
    return [Look(p, Detections(), "unseen" if p in unseen else "whole") for p in pts]


def plan_of(frames: list[Look], tracks: list[Track], **more: Any) -> Plan:
    settings: dict[str, Any] = {
        "sha256": SHA256,
        "size": SIZE,
        "time_base": Fraction(1, 25),
        "margins": dict.fromkeys(MARGINS, 0.0),
    } | more
    return make_plan(frames, tracks, **settings)


def boxes_at(plan: Plan, pts: int) -> list[list[float]]:
    regions = plan.regions_at(pts)
    assert regions is not None
    return [list(map(float, box)) for box in regions.boxes]


BOX = [100.0, 100.0, 140.0, 150.0]


def test_regions_are_track_boxes_grown_by_the_margin() -> None:
    tracks = [make_track([10, 20], [BOX, [110, 100, 150, 150]]), make_track([20], [[300, 300, 320, 310]], PLATE)]
    plan = plan_of(looks(0, 10, 20), tracks, margins={"face": 0.5, "plate": 0.5})
    assert boxes_at(plan, 0) == []
    assert boxes_at(plan, 10) == [[80, 75, 160, 175]]
    assert boxes_at(plan, 20) == [[90, 75, 170, 175], [290, 295, 330, 315]]
    at_20 = plan.regions_at(20)
    assert at_20 is not None
    assert at_20.labels.tolist() == [FACE, PLATE]


def test_a_frame_that_was_not_looked_at_or_is_unknown_is_painted_whole() -> None:
    plan = plan_of(
        looks(0, 10, 20, unseen=(10,)), [make_track([10, 20, 30], [BOX] * 3)], keep=[Polygon.of([(0, 0), (1, 1)])]
    )
    assert plan.regions_at(10) is None
    assert plan.regions_at(30) is None
    assert plan.regions_at(5) is None
    assert plan.regions_at(-1) is None
    assert boxes_at(plan, 20) == []
    assert plan.is_covered.tolist() == [False, True, False]


@pytest.mark.parametrize("bad", [[np.nan, 0, 10, 10], [0, 0, np.inf, 10], [20, 20, 10, 10], [20, 20, 20, 40]])
def test_a_box_that_makes_no_sense_covers_its_frame(bad: list[float]) -> None:
    plan = plan_of(looks(0, 10), [make_track([0, 10], [BOX, bad])], margins={"face": 0.1})
    assert plan.regions_at(10) is None
    assert len(boxes_at(plan, 0)) == 1


def test_a_box_outside_of_the_picture_paints_nothing() -> None:
    gone = [[640, 0, 700, 50], [0, -60, 50, 0], [700, 0, 700, 0], [640, 40, 640, 80]]
    plan = plan_of(looks(0, 1, 2, 3), [make_track([0, 1, 2, 3], gone)])
    assert not plan.is_covered.any()


def test_a_clear_stretch_is_one_where_every_frame_is_known_looked_at_and_empty() -> None:
    plan = plan_of(looks(0, 1, 2, 3, 4, unseen=(3,)), [make_track([2], [BOX])])
    assert plan.is_clear(np.array([0, 1, 4]))
    for pts in ([0, 2], [3], [0, 9], [-5], []):
        assert not plan.is_clear(np.array(pts, np.int64))


def test_only_gops_that_can_be_copied_and_are_clear_are_copied() -> None:
    def gop(index: int, pts: list[int], why_not: str = "") -> Gop:
        return Gop(index, np.array(pts, np.int64), np.array(pts, np.int64), not why_not, why_not)

    gops = [gop(0, [0, 1]), gop(1, [2, 3]), gop(2, [4, 5], "it is open"), gop(3, [6]), gop(4, [7])]
    plan = plan_of(looks(0, 1, 2, 3, 4, 5, 7, unseen=(7,)), [make_track([3], [BOX])], gops=gops)
    assert [(g.first_pts, g.frames, g.action, g.why) for g in plan.gops] == [
        (0, 2, "copy", ""),
        (2, 2, "encode", "something in it is covered"),
        (4, 2, "encode", "it is open"),
        (6, 1, "encode", "not every frame of it was looked at"),
        (7, 1, "encode", "not every frame of it was looked at"),
    ]


def test_time_stamps_that_do_not_rise_and_negative_margins_are_refused() -> None:
    with pytest.raises(RedactionIncomplete, match="do not rise"):
        plan_of(looks(0, 10, 10), [])
    for margin in (-0.1, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="margin"):
            plan_of(looks(0), [], margins={"face": margin})


def test_keep_leaves_only_what_lies_wholly_inside_before_it_grows() -> None:
    left_half = parse_polygon("0,0 0.5,1")
    boxes: list[list[float]] = [BOX, [300, 100, 330, 150], [-20, -20, 40, 40], [400, 100, 440, 150]]
    plan = plan_of(looks(0), [make_track([0], [box]) for box in boxes], margins={"face": 0.5}, keep=[left_half])
    assert [box[0] for box in boxes_at(plan, 0)] == [285, 380]


def test_only_covers_what_touches_one_of_the_polygons() -> None:
    only = [parse_polygon("0,0 0.25,0.5"), parse_polygon("0.75,0.5 1,0.5 1,1")]
    boxes: list[list[float]] = [
        BOX,
        [150, 230, 170, 260],
        [161, 0, 200, 50],
        [600, 300, 620, 320],
        [480, 450, 490, 470],
    ]
    plan = plan_of(looks(0), [make_track([0], [box]) for box in boxes], only=only)
    assert [box[0] for box in boxes_at(plan, 0)] == [100, 150, 600]


def test_a_box_across_the_notch_of_a_polygon_is_not_inside_it() -> None:
    notched = parse_polygon("0,0 1,0 1,1 0.55,1 0.5,0.1 0.45,1 0,1")
    plan = plan_of(looks(0), [make_track([0], [[200, 100, 440, 400]]), make_track([0], [BOX])], keep=[notched])
    assert boxes_at(plan, 0) == [[200, 100, 440, 400]]


share = st.floats(0, 1, allow_subnormal=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(share, share), min_size=3, max_size=3), st.tuples(share, share), st.tuples(share, share))
def test_a_kept_box_has_all_its_corners_and_a_box_with_a_corner_inside_is_touched(
    points: list[tuple[float, float]], one: tuple[float, float], other: tuple[float, float]
) -> None:
    try:
        triangle = Polygon.of(points)
    except SettingsError:
        return
    (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(one, other, strict=True))
    box = np.array([[x1, y1, x2, y2]], np.float32) * 100
    a, b, c = (np.array(p) * 100 for p in triangle.points)

    def inside(x: float, y: float) -> float:
        """How deep a point lies in the triangle, in px; negative outside."""
        turn = np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
        depths = [
            turn * ((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])) / max(np.hypot(*(q - p)), 1e-9)
            for p, q in ((a, b), (b, c), (c, a))
        ]
        return float(min(depths))

    depths = [inside(float(x), float(y)) for x in box[0, [0, 2]] for y in box[0, [1, 3]]]
    if triangle.contains(box, 100, 100)[0]:
        assert min(depths) > -1e-2
    elif min(depths) > 1e-2:
        assert (box[0, 2:] == box[0, :2]).any()
    if max(depths) > 1e-2:
        assert triangle.touches(box, 100, 100)[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.1,0.1",
        "a,b c,d",
        "0.1 0.1",
        "0.1,0.1,0.1 0.2,0.2",
        "0,0 2,2",
        "0,0 nan,1",
        "0.5,0.5 0.5,0.9",
        "0,0 1,1 1,0 0,1",
        "0,0 0.5,0.5 1,1",
    ],
)
def test_nonsense_is_no_polygon(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_polygon(text)
    assert caught.value.hint


def test_two_points_are_a_rectangle() -> None:
    assert parse_polygon(" 0.1,0.2  0.5,0.6 ").points == ((0.1, 0.2), (0.5, 0.2), (0.5, 0.6), (0.1, 0.6))


pixel = st.floats(-2000, 8000, width=32)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    frames = sorted(draw(st.sets(st.integers(-(2**40), 2**40), max_size=8)))
    whole = [draw(st.booleans()) for _ in frames]
    counts = [0 if w else draw(st.integers(0, 3)) for w in whole]
    boxes = []
    for _ in range(sum(counts)):
        x1, y1 = draw(pixel), draw(pixel)
        boxes.append([x1, y1, x1 + draw(st.floats(1, 500, width=32)), y1 + draw(st.floats(1, 500, width=32))])
    return Plan(
        SHA256,
        1920,
        1080,
        draw(st.fractions(Fraction(1, 90000), 1).filter(lambda f: f > 0)),
        np.array(frames, np.int64),
        np.array(whole, np.bool_),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([draw(st.sampled_from([FACE, PLATE])) for _ in boxes], np.uint8),
        settings=PlanSettings(margins=(("face", 0.1),), keep=(parse_polygon("0,0 0.3,0.3"),)),
    )


@settings(max_examples=100, deadline=None)
@given(plan=plans())
def test_a_plan_survives_json(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("plan", numbered=True) / "a.plan.json"
    plan.save(path)
    read = Plan.load(path)
    same = ("sha256", "width", "height", "time_base", "settings", "gops")
    assert [getattr(read, name) for name in same] == [getattr(plan, name) for name in same]
    for name in ("pts", "whole", "offsets", "labels"):
        np.testing.assert_array_equal(getattr(read, name), getattr(plan, name))
    assert (read.boxes[:, :2] <= plan.boxes[:, :2]).all()
    assert (read.boxes[:, 2:] >= plan.boxes[:, 2:]).all()
    np.testing.assert_allclose(read.boxes, plan.boxes, rtol=1e-7, atol=0.01)
    first = path.read_bytes()
    read.save(path)
    assert path.read_bytes() == first
    jsonschema.validate(json.loads(first), plan_file.plan_schema())


def saved(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    path = tmp_path / "clip.plan.json"
    plan_of(looks(0, 1, 2, 3, unseen=(3,)), [make_track([1, 2], [BOX, BOX])]).save(path)
    return path, json.loads(path.read_text("utf-8"))


def test_corrections_cover_and_uncover_stretches_of_frames(tmp_path: Path) -> None:
    path, content = saved(tmp_path)
    added = [10, 10, 50.5, 60]
    content["corrections"] = [
        {"action": "cover", "label": "face", "first_pts": 0, "last_pts": 9, "box": added},
        {"action": "uncover", "label": "face", "first_pts": 2, "last_pts": 2, "box": [90, 90, 150, 160]},
        {"action": "uncover", "label": "face", "first_pts": 0, "last_pts": 9, "box": [110, 90, 150, 160]},
        {"action": "uncover", "label": "plate", "first_pts": 0, "last_pts": 9, "box": [0, 0, 640, 480]},
    ]
    path.write_text(json.dumps(content), "utf-8")
    plan = Plan.load(path)
    assert boxes_at(plan, 0) == [added]
    assert boxes_at(plan, 1) == [BOX, added]
    assert boxes_at(plan, 2) == [added]
    assert plan.regions_at(3) is None


def test_a_frame_taken_out_of_the_file_is_painted_whole_and_its_gop_is_not_copied(tmp_path: Path) -> None:
    path, content = saved(tmp_path)
    gop = Gop(0, np.array([0], np.int64), np.array([0], np.int64), True)
    assert Plan.load(path).with_gops([gop]).gops[0].action == "copy"
    del content["frames"][0]
    content["gops"] = [{"first_pts": 0, "frames": 1, "action": "copy", "why": ""}]
    path.write_text(json.dumps(content), "utf-8")
    plan = Plan.load(path)
    assert plan.regions_at(0) is None
    assert plan.with_gops([gop]).gops[0].action == "encode"


def test_a_plan_belongs_to_one_file() -> None:
    plan = plan_of(looks(0), [])
    assert plan.matches(SHA256.upper(), SIZE)
    assert not plan.matches("f" * 64, SIZE)
    assert not plan.matches(SHA256, (480, 640))


WRONG: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "another format": (("format",), "report", "format"),
    "a later version": (("version",), 2, "version"),
    "an unknown key": (("regoins",), [], "regoins"),
    "an unknown key in a frame": (("frames", 0, "whole"), True, "frames.0.whole"),
    "no PTS": (("frames", 1), {"regions": []}, "frames.1.pts"),
    "a PTS that does not rise": (("frames", 2, "pts"), 1, "frames.2.pts: time stamps must rise"),
    "a PTS beyond all time": (("frames", 2, "pts"), 2**63, "frames.2.pts"),
    "a fraction as PTS": (("frames", 2, "pts"), 1.5, "frames.2.pts"),
    "a box turned inside out": (("frames", 1, "regions", 0, "box"), [9, 9, 1, 1], "frames.1.regions.0.box: x1 must"),
    "a box with NaN": (("frames", 1, "regions", 0, "box"), [float("nan"), 9, 1, 1], "frames.1.regions.0.box.0"),
    "a box with text": (("frames", 1, "regions", 0, "box"), ["1", 9, 11, 11], "frames.1.regions.0.box.0"),
    "three numbers": (("frames", 1, "regions", 0, "box"), [1, 2, 3], "frames.1.regions.0.box"),
    "an unknown label": (("frames", 1, "regions", 0, "label"), "cat", "frames.1.regions.0.label"),
    "an unknown correction": (
        ("corrections",),
        [{"action": "hide", "label": "face", "first_pts": 0, "last_pts": 1, "box": [0, 0, 1, 1]}],
        "corrections.0.action",
    ),
    "a hash that is none": (("source", "sha256"), "abc", "source.sha256"),
    "a time base of nothing": (("source", "time_base"), [1, 0], "source.time_base.1"),
    "a polygon without area": (("settings", "keep"), [[[0, 0], [0, 1]]], "settings: a polygon has no area"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_in_a_plan_file_is_named(what: str, tmp_path: Path) -> None:
    path, content = saved(tmp_path)
    keys, value, where = WRONG[what]
    part: Any = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(SettingsError) as caught:
        Plan.load(path)
    assert caught.value.message.startswith(f"clip.plan.json: {where}")
    assert caught.value.hint
    assert not caught.value.message.endswith(".")
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_file_that_is_no_plan_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"x\.json"):
        Plan.load(path)


def test_a_plan_file_that_is_missing_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"none\.json: the plan cannot be read"):
        Plan.load(tmp_path / "none.json")
    path, _ = saved(tmp_path)
    monkeypatch.setattr(plan_file, "MOST_BYTES", 100)
    with pytest.raises(SettingsError, match="over"):
        Plan.load(path)


def test_a_plan_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    target.mkdir()
    with pytest.raises(OutputError, match="taken: cannot be written: a folder of that name exists"):
        plan_of(looks(0), []).save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_labels_in_the_file_are_those_that_can_be_found() -> None:
    assert set(get_args(plan_file.Label)) == set(MARGINS)


def test_the_schemas_in_the_documentation_are_current() -> None:
    schemas = runpy.run_path(str(REPOSITORY / "tools" / "write_schemas.py"))["SCHEMAS"]
    for name, schema in schemas.items():
        written = json.loads((REPOSITORY / "docs" / "reference" / name).read_text("utf-8"))
        assert written == schema(), "run tools/write_schemas.py"


def test_the_example_in_the_documentation_is_a_plan(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "reference" / "plan.md").read_text("utf-8")
    path = tmp_path / "example.plan.json"
    path.write_text(text.split("```json\n")[1].split("```")[0], "utf-8")
    plan = Plan.load(path)
    regions = plan.regions_at(512)
    assert isinstance(regions, Regions)
    assert len(regions) == 1
    assert plan.regions_at(1024) is None
