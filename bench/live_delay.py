"""How much later than it happened, on top of `delay_s`, a live picture is on the page: from glass to page.

    python bench/live_delay.py [--seconds 60] [--delay 2] [--rate 15]

A camera draws the time of its clock into each picture and serves it over RTSP (GStreamer, as `serve_clock.py` says);
`passerby serve` redacts and records it; Chromium shows the live page, reads the time back from each picture as the
browser shows it, and tells how old it was. Twice: with nobody in view, and with somebody, so that all is painted.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from playwright.sync_api import Page, sync_playwright

Rgb = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720
HEAD = struct.Struct("<I?")
"""As in `serve_clock.py`, which Debian's Python runs."""
BITS, CHECK_BITS = 24, 8
BAR_PX, BAND_PX = WIDTH // (BITS + CHECK_BITS), 48
SETTLE_S = 15.0
"""Models load, and the player finds its pace."""
PASSWORD = "tall bridges hum at noon"

READ = """async ([seconds, bits, checkBits, bar, band]) => {
  const video = document.querySelector(".tile video");
  const canvas = new OffscreenCanvas(bar * (bits + checkBits), 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const ages = [];
  const until = performance.now() + 1000 * seconds;
  await new Promise((done) => {
    const shown = (now) => {
      context.drawImage(video, 0, band / 2, canvas.width, 1, 0, 0, canvas.width, 1);
      const pixels = context.getImageData(0, 0, canvas.width, 1).data;
      let time = 0, check = 0;
      for (let i = 0; i < bits + checkBits; i++) {
        const bit = pixels[4 * (i * bar + bar / 2)] > 128 ? 1 : 0;
        if (i < bits) time = time * 2 + bit; else check = check * 2 + bit;
      }
      const right = ((time & 255) ^ ((time >> 8) & 255) ^ ((time >> 16) & 255) ^ 90) === check;
      const at = performance.timeOrigin + now;
      if (right) ages.push((((at - time) % 2 ** bits) + 2 ** bits) % 2 ** bits);
      if (performance.now() < until) video.requestVideoFrameCallback(shown); else done();
    };
    video.requestVideoFrameCallback(shown);
  });
  return ages;
}"""


def bars(time_ms: int) -> Rgb:
    """The time as a row of black and white bars, with a check."""
    time = time_ms % (1 << BITS)
    check = (time & 255) ^ (time >> 8 & 255) ^ (time >> 16 & 255) ^ 90
    code = time << CHECK_BITS | check
    bits = [code >> shift & 1 for shift in range(BITS + CHECK_BITS - 1, -1, -1)]
    row = np.repeat(np.array(bits, np.uint8) * 220 + 16, BAR_PX)
    return np.asarray(np.broadcast_to(row[None, :, None], (BAND_PX, WIDTH, 3)), np.uint8)


def scene(people: bool) -> Rgb:
    """A wall, and somebody before it or nobody."""
    import skimage.data

    coarse = np.random.default_rng(1).integers(60, 190, (9, 16, 3)).astype(np.uint8)
    wall = np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    if people:
        wall[300:556, 500:756] = cv2.resize(np.asarray(skimage.data.astronaut(), np.uint8), (256, 256))
    return wall


class Camera(threading.Thread):
    """Draws, encodes and serves pictures of now, until it is stopped."""

    def __init__(self, people: bool, rate: int) -> None:
        super().__init__(daemon=True)
        self._scene, self._rate, self._stopped = scene(people), rate, threading.Event()
        command = ["/usr/bin/python3", str(Path(__file__).with_name("serve_clock.py"))]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._server.stdout is not None
        self.url = f"rtsp://127.0.0.1:{int(self._server.stdout.readline())}/clock"

    def run(self) -> None:
        """As a camera: at its rate, a keyframe each second, nothing held back."""
        encoder = self._encoder()
        began_s = time.monotonic()
        index = 0
        while not self._stopped.wait(max(0.0, began_s + index / self._rate - time.monotonic())):
            picture = self._scene.copy()
            picture[:BAND_PX] = bars(time.time_ns() // 1_000_000)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, self._rate)
            for packet in encoder.encode(frame):
                self._send(bytes(packet), packet.is_keyframe)
            index += 1

    def stop(self) -> None:
        """End the stream and its server."""
        self._stopped.set()
        self.join()
        self._server.kill()
        self._server.wait()

    def _encoder(self) -> VideoCodecContext:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, self._rate), Fraction(self._rate)
        options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "g": str(self._rate)}
        encoder.options = {**options, "x264-params": "sliced-threads=0:slices=1:threads=1"}
        return encoder

    def _send(self, data: bytes, keyframe: bool) -> None:
        assert self._server.stdin is not None
        with suppress(BrokenPipeError):
            self._server.stdin.write(HEAD.pack(len(data), keyframe) + data)
            self._server.stdin.flush()


@contextmanager
def serving(folder: Path, url: str, delay_s: float) -> Iterator[str]:
    """`passerby serve` with that camera; gives the link for the first account."""
    settings = folder / "town.toml"
    settings.write_text(f'[[camera]]\nname = "clock"\nurl = "{url}"\ndelay_s = {delay_s}\n')
    program = [sys.executable, "-m", "passerby.cli", "serve", str(settings)]
    command = [*program, "--folder", str(folder / "data"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(link[0] for line in process.stdout if (link := re.search(r"http://[^/]+/join/\S+", line)))
        finally:
            process.send_signal(signal.SIGTERM)


def watch(page: Page, link: str, seconds: float) -> list[float]:
    """Ages of the pictures in milliseconds, as the page showed them."""
    page.goto(link)
    for name, value in (("name", "anna"), ("password", PASSWORD), ("again", PASSWORD)):
        page.fill(f"input[name={name}]", value)
    page.click("button")
    page.wait_for_url("**/login")
    page.fill("input[name=name]", "anna")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.wait_for_selector(".tile video")
    page.wait_for_timeout(1000 * SETTLE_S)
    page.set_default_timeout(1000 * (seconds + 60))
    return cast(list[float], page.evaluate(READ, [seconds, BITS, CHECK_BITS, BAR_PX, BAND_PX]))


def measure(chromium: Any, people: bool, arguments: argparse.Namespace) -> list[float]:
    """One camera, from glass to page."""
    camera = Camera(people, arguments.rate)
    camera.start()
    try:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder), camera.url, arguments.delay) as link:
            page = chromium.new_page()
            try:
                return watch(page, link, arguments.seconds)
            finally:
                page.close()
    finally:
        camera.stop()


def main() -> None:
    """Both scenes, as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--delay", type=float, default=2.0)
    parser.add_argument("--rate", type=int, default=15)
    arguments = parser.parse_args()
    print("On top of delay_s, in seconds:\n\n| In view | Pictures | Median | 95th of 100 | Longest |")
    print("|---|--:|--:|--:|--:|")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for people, name in ((False, "nobody"), (True, "somebody")):
            ages = np.array(measure(chromium, people, arguments)) / 1000 - arguments.delay
            if not len(ages):
                sys.exit(f"{name}: no time could be read from any picture")
            middle, late = np.percentile(ages, [50, 95])
            print(f"| {name} | {len(ages)} | {middle:.2f} | {late:.2f} | {ages.max():.2f} |", flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
