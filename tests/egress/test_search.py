"""The search finds what it looks for, in every wrapping: a walk that finds nothing says something."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.egress import scene
from tests.egress.search import Given, Search


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.make_clip(tmp_path_factory.mktemp("clip") / "street.mp4")


@pytest.fixture(scope="module")
def search(clip: Path) -> Search:
    return Search(clip, {"password": "moorhen-4711"})


def jpeg(picture: scene.Rgb, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", **options)
    return file.getvalue()


def leaks(search: Search, data: bytes) -> str:
    return "\n".join(search.through([Given("it", data)]).leaks)


def test_the_clip_itself_shows_face_and_plate_in_every_frame_with_somebody(search: Search, clip: Path) -> None:
    findings = search.through([Given("the clip", clip.read_bytes())])
    assert findings.pictures == scene.FRAMES
    shown = [index for index in range(scene.FRAMES) if scene.somebody_shows(index)]
    for index in range(scene.FRAMES):
        told = [leak for leak in findings.leaks if leak.startswith(f"the clip, picture {index}:")]
        assert [word for word in ("size 1.0", "size 0.5", "of the face", "of the plate") if word in str(told)] == (
            ["size 1.0", "size 0.5", "of the face", "of the plate"] if index in shown else []
        )
        assert (f"the clip holds bytes of frame {index} as the camera sent it" in findings.leaks) == (index in shown)


def test_the_empty_street_holds_nothing(search: Search) -> None:
    assert not search.seen_in("street", scene.street(False))


@pytest.mark.parametrize("quality", [30, 90])
@pytest.mark.parametrize("size", [(480, 272), (320, 180), (960, 544)])
def test_a_picture_of_any_size_and_quality_is_seen(search: Search, quality: int, size: tuple[int, int]) -> None:
    picture = Image.fromarray(scene.street(True)).resize(size)
    told = leaks(search, jpeg(np.asarray(picture), quality=quality))
    assert "a face at" in told
    assert "of the face" in told


def test_a_picture_inside_other_bytes_is_seen(search: Search) -> None:
    assert "of the plate" in leaks(search, b"SQLite format 3\0" * 9 + jpeg(scene.street(True)) + b"tail" * 9)


def test_a_picture_inside_json_is_seen(search: Search) -> None:
    told = json.dumps({"still": base64.b64encode(jpeg(scene.street(True))).decode(), "codec": "h264"})
    assert "a face at" in leaks(search, told.encode())


def test_a_video_that_breaks_off_is_seen(search: Search, clip: Path) -> None:
    data = clip.read_bytes()
    assert "of the face" in leaks(search, _fragmented(clip)[: len(data) // 3])


def test_rows_of_pixels_are_seen(search: Search, clip: Path) -> None:
    import av

    with av.open(str(clip)) as file:
        frame = next(file.decode(video=0)).to_ndarray(format="gray")
    assert "luma of the face in frame 0" in leaks(search, frame.tobytes())


@pytest.mark.parametrize(
    "text", ["moorhen-4711", *(base64.b64encode(b"admin"[:before] + b"moorhen-4711!").decode() for before in range(3))]
)
def test_a_secret_is_seen_as_it_is_and_in_base64(search: Search, text: str) -> None:
    assert "it holds password" in leaks(search, f"ERROR: rtsp://user:{text}@host".encode())


def _fragmented(clip: Path) -> bytes:
    import av

    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(clip)) as source, av.open(file, "w", format="mp4", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()
