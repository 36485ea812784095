"""Pictures without people are made from packages that are what their list says, the same ones each time."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.negatives import embedded, make

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="packages are opened with Debian's dpkg-deb")


def picture(colour: tuple[int, ...], size: tuple[int, int], kind: str = "PNG") -> bytes:
    into = io.BytesIO()
    grain = np.random.default_rng(sum(colour)).integers(0, 60, (size[1], size[0], len(colour)), np.uint8)
    Image.fromarray(grain + np.array(colour, np.uint8) // 2).save(into, kind)
    return into.getvalue()


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A package with a photo, a thing with a transparent ground, and a Qt resource with another photo."""
    shared = tmp_path / "tree/usr/share"
    shared.mkdir(parents=True)
    (shared / "meadow.png").write_bytes(picture((30, 160, 30), (900, 600)))
    (shared / "ball.png").write_bytes(picture((200, 30, 30, 255), (200, 200)))
    inside = picture((20, 20, 200), (300, 200), "JPEG")
    (shared / "sky.rcc").write_bytes(b"qres" + struct.pack(">I", len(inside)) + inside + b"names")
    (tmp_path / "tree/DEBIAN").mkdir()
    (tmp_path / "tree/DEBIAN/control").write_text(
        "Package: toys\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: toys\n"
    )
    subprocess.run(["dpkg-deb", "-b", str(tmp_path / "tree"), str(tmp_path / "toys.deb")], check=True)
    digest = hashlib.sha256((tmp_path / "toys.deb").read_bytes()).hexdigest()
    listed = {
        "packages": {"toys.deb": {"sha256": digest}},
        "photos": ["usr/share/meadow.png", "sky-000"],
        "things": ["usr/share/ball.png"],
    }
    path = tmp_path / "lists.json"
    path.write_text(json.dumps(listed))
    return path


def test_photos_and_scenes_are_written_with_no_boxes_and_are_the_same_each_time(tmp_path: Path, lists: Path) -> None:
    for into in ("a", "b"):
        assert make(tmp_path, tmp_path / into, lists, scenes=3) == 5
    boxes = json.loads((tmp_path / "a/negatives/boxes.json").read_text())
    assert len(boxes) == 5
    assert all(entry["boxes"] == [] for entry in boxes.values())
    for name in boxes:
        first, second = (tmp_path / into / "negatives" / name for into in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        with Image.open(first) as made:
            assert max(made.size) <= 640


def test_another_package_is_refused(tmp_path: Path, lists: Path) -> None:
    with (tmp_path / "toys.deb").open("ab") as deb:
        deb.write(b"more")
    with pytest.raises(ValueError, match=r"toys\.deb is another file"):
        make(tmp_path, tmp_path / "a", lists)


def test_of_a_resource_only_whole_pictures_of_some_size_are_taken() -> None:
    good, small = picture((9, 9, 9), (300, 200)), picture((9, 9, 9), (40, 40))
    parts = [struct.pack(">I", len(content)) + content for content in (good, small)]
    cut = struct.pack(">I", len(good)) + good[:500]
    assert list(embedded(b"qres" + parts[0] + parts[1] + cut)) == [good]
