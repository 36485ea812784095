"""The built-in camera `demo:`, for who has none: a drawn street, encoded once into the data folder."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

from passerby.pending import pending
from passerby.serve.drawn_street import HEIGHT, RATE_FPS, WIDTH, pictures

FILE_NAME = "demo-1.mp4"
"""Another drawing gets another number, so that an old clip is not played for it."""

_making = threading.Lock()


def demo_clip(folder: Path) -> Path:
    """The clip in a folder, made at first use; some seconds of work.

    Raises:
        OutputError: it cannot be written.
    """
    clip = folder / FILE_NAME
    with _making:
        if not clip.exists():
            with pending(clip) as unfinished:
                _encode(unfinished.part)
                unfinished.commit()
    return clip


def _encode(part: Path) -> None:
    """As cameras do: H.264 without reordering, a keyframe every second.

    This is the one place where a video is written that no camera and no file has sent: nothing in it is private.
    """
    import av
    from av.video.stream import VideoStream

    options = {"g": str(RATE_FPS), "bf": "0", "sc_threshold": "0", "crf": "23", "preset": "superfast"}
    with av.open(str(part), "w", format="mp4") as clip:
        stream = clip.add_stream("libx264", RATE_FPS, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, RATE_FPS)
        stream.codec_context.thread_count = 1  # else every picture is cut into slices
        for index, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE_FPS)
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
