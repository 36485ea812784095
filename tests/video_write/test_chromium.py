"""A file of copied and encoded GOPs, in a browser: it plays to its end, and seeking shows the right pictures."""

from __future__ import annotations

import functools
import http.server
import json
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from .video_clips import Clip, make, rewrite

Blocks = npt.NDArray[np.float64]
CHROMIUM = shutil.which("chromium")
SIZE = (320, 180)
PAGE = """<!doctype html><video id=v muted src=spliced.mp4></video><canvas id=c width=320 height=180></canvas><script>
const video = document.getElementById('v'), paper = document.getElementById('c').getContext('2d');
const result = {errors: [], pictures: [], ended: false};
const event = name => new Promise(done => video.addEventListener(name, done, {once: true}));
const send = () => fetch('/result', {method: 'POST', body: JSON.stringify(result)});
video.addEventListener('error', () => { result.errors.push(video.error.message); send(); });
function blocks(data) {
  const sums = new Array(16 * 9 * 3).fill(0);
  for (let y = 0; y < 180; y++) for (let x = 0; x < 320; x++) for (let c = 0; c < 3; c++)
    sums[(Math.floor(y / 20) * 16 + Math.floor(x / 20)) * 3 + c] += data[(y * 320 + x) * 4 + c] / 400;
  return sums;
}
async function look(time) {
  const shown = event('seeked');
  video.currentTime = time;
  await shown;
  await new Promise(done => setTimeout(done, 60));
  paper.drawImage(video, 0, 0);
  result.pictures.push(blocks(paper.getImageData(0, 0, 320, 180).data));
}
async function run() {
  if (video.readyState < 2) await event('loadeddata');
  for (const time of TIMES) await look(time);
  video.currentTime = 0;
  const ended = event('ended');
  await video.play();
  await ended;
  result.ended = true;
  result.duration = video.duration;
  await send();
}
run().catch(error => { result.errors.push(String(error)); send(); });
</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves byte ranges, as seeking needs, and takes the result."""

    results: queue.Queue[dict[str, Any]]

    def do_GET(self) -> None:
        content = (Path(self.directory) / self.path.lstrip("/")).read_bytes() if self.path != "/favicon.ico" else b""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = int(asked[2]) + 1 if asked and asked[2] else len(content)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "video/mp4" if self.path.endswith(".mp4") else "text/html")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content[start:end])))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{start + len(content[start:end]) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[start:end])

    def do_POST(self) -> None:
        self.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    Handler.results = queue.Queue()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Handler.results
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def watch(folder: Path, patience_s: float = 240) -> dict[str, Any]:
    assert CHROMIUM is not None
    quiet = ["quic", "background-networking", "component-update", "sync", "gpu", "default-apps", "extensions"]
    command = [CHROMIUM, "--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{word}" for word in quiet)]
    command += ["--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder / 'profile'}"]
    with served(folder) as (address, results):
        browser = subprocess.Popen(
            [*command, "--remote-debugging-port=0", f"{address}/page.html"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return results.get(timeout=patience_s)
        finally:
            browser.terminate()
            browser.wait(20)


def blocks(frame: av.VideoFrame) -> Blocks:
    """Mean colours of blocks of 20x20 pixels, shape (9, 16, 3)."""
    pixels = frame.to_ndarray(format="rgb24").astype(np.float64)
    return np.asarray(pixels.reshape(9, 20, 16, 20, 3).mean(axis=(1, 3)))


@pytest.mark.parametrize("settings", [{"bf": "3"}, {"bf": "0", "profile": "baseline"}], ids=["B-frames", "baseline"])
def test_chromium_plays_and_seeks_a_file_of_copied_and_encoded_gops(tmp_path: Path, settings: dict[str, str]) -> None:
    source = make(tmp_path / "source.mp4", Clip(size=SIZE, frames=40, settings=settings))
    made = rewrite(source, tmp_path / "spliced.mp4", clear=lambda gop: gop.index in (1, 3))
    assert (made.written.gops_copied, made.written.gops_encoded) == (2, 3)
    with av.open(str(made.path)) as file:
        frames = [(float(frame.time or 0), blocks(frame)) for frame in file.decode(video=0)]
    looked_at = [frames[i] for i in (9, 2, 21, 30, 15, 38, 0, 16, 25)]
    times = [time + 0.02 for time, _ in looked_at]
    (tmp_path / "page.html").write_text(PAGE.replace("TIMES", json.dumps(times)))

    result = watch(tmp_path)

    assert result["errors"] == []
    assert result["ended"]
    assert result["duration"] == pytest.approx(1.6, abs=0.01)
    for (time, expected), drawn in zip(looked_at, result["pictures"], strict=True):
        shown = np.array(drawn, np.float64).reshape(expected.shape)
        distances = {at: float(np.abs(picture - shown).mean()) for at, picture in frames}
        assert min(distances, key=lambda at: distances[at]) == time
        assert distances[time] < 5
