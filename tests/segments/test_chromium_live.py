"""In a browser: a segment and an export play to their end, and live parts play from whichever keyframe one joins at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from passerby.live import LivePart
from passerby.write.segments import SegmentOptions, export
from tests.video_write.test_chromium import CHROMIUM, watch

from .live_clips import SMALL, Recorded, camera_clip, record

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

_SEEN_S = 3.82
"""In the middle of a picture after the change."""
CLIP = replace(SMALL, size=(160, 96), frames=60, gop=8)
SCRIPT = """<!doctype html><meta charset=utf-8><video id=v muted></video><script>
const video = document.getElementById('v'), result = {errors: []};
const event = (name, on = video) => new Promise(done => on.addEventListener(name, done, {once: true}));
const send = () => fetch('/result', {method: 'POST', body: JSON.stringify(result)});
video.addEventListener('error', () => { result.errors.push(video.error.message); send(); });
async function playToTheEnd() {
  const ended = event('ended');
  let frames = 0;
  const count = () => { frames++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  await video.play();
  await ended;
  return {frames, duration: video.duration, at: video.currentTime, width: video.videoWidth, height: video.videoHeight};
}
async function file(name) {
  video.src = name;
  await event('loadeddata');
  const seeked = event('seeked');
  const loaded = video.duration;
  video.currentTime = 0.7;
  await seeked;
  video.currentTime = 0;
  return {loaded, ...await playToTheEnd()};
}
async function pixels(name, at) {
  video.src = name;
  await event('loadeddata');
  const seeked = event('seeked');
  video.currentTime = at;
  await seeked;
  const canvas = Object.assign(document.createElement('canvas'), {width: 160, height: 96});
  const paint = canvas.getContext('2d');
  paint.drawImage(video, 0, 0);
  return Array.from(paint.getImageData(0, 0, 160, 96).data).filter((_, index) => index % 4 === 1);
}
async function live(codec, parts) {
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await event('sourceopen', source);
  const buffer = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
  for (const part of parts) {
    buffer.appendBuffer(await (await fetch(part)).arrayBuffer());
    await event('updateend', buffer);
  }
  const [start, end] = [buffer.buffered.start(0), buffer.buffered.end(0)];
  const unbounded = source.duration === Infinity;
  source.endOfStream();
  video.currentTime = start;
  return {ranges: buffer.buffered.length, start, end, unbounded, ...await playToTheEnd()};
}
(async () => { ACTIONS; await send(); })().catch(error => { result.errors.push(String(error)); send(); });
</script>"""


def play(folder: Path, actions: dict[str, str]) -> dict[str, Any]:
    steps = "; ".join(f"result[{json.dumps(name)}] = await {action}" for name, action in actions.items())
    (folder / "page.html").write_text(SCRIPT.replace("ACTIONS", steps))
    result = watch(folder, patience_s=240)
    assert result.pop("errors") == []
    return result


def put(folder: Path, parts: Sequence[LivePart]) -> str:
    names = []
    for number, part in enumerate(parts):
        name = f"{len(list(folder.glob('part-*')))}-{number}"
        (folder / f"part-{name}").write_bytes(part.data)
        names.append(f"part-{name}")
    return json.dumps(names)


def joined_at(recorded: Recorded, number: int) -> list[LivePart]:
    """What a viewer gets who joins at the keyframe of that number."""
    init, *parts = recorded.parts
    start = [at for at, part in enumerate(parts) if part.keyframe][number]
    return [init, *parts[start:]]


def test_chromium_plays_segments_exports_and_live_parts(tmp_path: Path) -> None:
    recordings, options = {}, SegmentOptions(segment_s=0.9, part_s=0.2)
    for kind, start_codes in (("file camera", False), ("network camera", True)):
        clip = camera_clip(tmp_path / "camera.mp4", CLIP, start_codes=start_codes)
        recordings[kind] = record(tmp_path / kind, clip, lambda gop: gop % 3 != 1, options)
    recorded = recordings["network camera"]
    (tmp_path / "camera.mp4").unlink()
    later, path = recorded.segments[1]
    assert later.media_start_s > 0
    path.rename(tmp_path / "segment.mp4")
    export(recordings["file camera"].paths, tmp_path / "export.mp4", begins_s=0.5, ends_s=9, name="gate")
    # Its parameter sets go by the same numbers as those of the file camera.
    changed = camera_clip(tmp_path / "camera.mp4", replace(CLIP, settings={"bf": "0", "x264-params": "cabac=1:ref=2"}))
    other = record(tmp_path / "changed", changed, lambda gop: gop % 3 != 1, options)
    both = [*recordings["file camera"].paths, *other.paths]
    export(both, tmp_path / "both.mp4", begins_s=0, ends_s=9, name="gate")
    (tmp_path / "camera.mp4").unlink()
    codec = json.dumps(recorded.parts[0].codec)
    middle = joined_at(recorded, 4)

    shown = play(
        tmp_path,
        {
            "segment": "file('segment.mp4')",
            "export": "file('export.mp4')",
            "both": "file('both.mp4')",
            "seen": f"pixels('both.mp4', {_SEEN_S})",
            "live": f"live({codec}, {put(tmp_path, recorded.parts)})",
            "joined": f"live({codec}, {put(tmp_path, middle)})",
        },
    )

    seen = np.array(shown.pop("seen")).reshape(96, 160)
    with av.open(str(tmp_path / "both.mp4")) as file:
        wanted = [frame.to_ndarray(format="rgb24")[..., 1] for frame in file.decode(video=0)][int(_SEEN_S * 25)]
    assert np.abs(seen - wanted.astype(int)).mean() < 6, "the second kind of pictures is decoded with its own sets"
    assert shown["both"]["duration"] == pytest.approx(4.8, abs=0.001)
    assert {(one["width"], one["height"]) for one in shown.values()} == {(160, 96)}
    segment, exported, live, joined = (shown[name] for name in ("segment", "export", "live", "joined"))
    assert segment["loaded"] == segment["duration"] == pytest.approx(later.duration_s, abs=0.001)
    assert segment["at"] == pytest.approx(later.duration_s, abs=0.001)
    assert exported["duration"] == pytest.approx(2.4 - 0.32, abs=0.001)
    assert (live["ranges"], live["unbounded"]) == (1, True)
    assert (live["start"], live["end"]) == (0, pytest.approx(2.4, abs=0.001))
    assert (joined["ranges"], joined["start"]) == (1, pytest.approx(middle[1].media_s, abs=0.001))
    assert joined["start"] > 1
    assert joined["end"] == pytest.approx(2.4, abs=0.001)
    assert all(one["frames"] for one in shown.values())
