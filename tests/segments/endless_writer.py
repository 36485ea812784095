"""Records a clip over and over until somebody kills it: `python endless_writer.py REPOSITORY CLIP ARCHIVE`.

Says of each part, once it is stored, where it begins in media time.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

LENGTH = 24 * 512


def main(clip_path: Path, archive: Path) -> None:
    from passerby.live import LivePart
    from passerby.write.segments import SegmentOptions, SegmentWriter
    from tests.segments.live_clips import BEGINS_AT, camera_clip, like

    def tell(part: LivePart) -> None:
        if part.kind == "part":
            print(part.media_s, flush=True)

    clip = camera_clip(clip_path)
    options = SegmentOptions(segment_s=0.7, part_s=0.1)
    writer = SegmentWriter(
        archive, "gate", clip.info, clip.extradata, options=options, on_part=tell,
        on_segment=lambda info, path: None, begins_at=BEGINS_AT,
    )  # fmt: skip
    for turn in count():
        shown = clip.redacted()
        for number, packets in enumerate(clip.gops):
            later = [like(packet, bytes(packet)) for packet in packets]
            for packet in later:
                packet.pts = (packet.pts or 0) + turn * LENGTH
            if number % 2:
                writer.copy(later, BEGINS_AT)
                continue
            for packet, old in zip(later, packets, strict=True):
                writer.encode(replace(shown[old.pts or 0], pts=packet.pts or 0), BEGINS_AT, 0.25)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(Path(sys.argv[2]), Path(sys.argv[3]))
