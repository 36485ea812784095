"""The floor under a redactor that encodes: decode and encode a clip with PyAV, nothing in between.

python bench/floor.py IN OUT [PRESET CRF]
"""

from __future__ import annotations

import sys

import av


def main(source: str, target: str, preset: str = "veryfast", crf: str = "22") -> None:
    with av.open(source) as clip, av.open(target, "w", format="mp4") as out:
        video = clip.streams.video[0]
        video.thread_type = "AUTO"
        stream = out.add_stream("libx264", rate=video.average_rate, options={"preset": preset, "crf": crf})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pix_fmt or "yuv420p"
        stream.time_base = video.time_base
        for frame in clip.decode(video):
            frame.pict_type = av.video.frame.PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:])
