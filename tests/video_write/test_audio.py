from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from passerby.errors import OutputError
from passerby.write.video import Container, EncodeOptions

from .video_clips import Clip, make, rewrite

KEPT = EncodeOptions(speed="fastest", keep_audio=True)


def with_sound(path: Path, codec: str = "aac", form: str = "mp4", late_s: Fraction = Fraction(0)) -> Path:
    """A clip with a tone, and tags all over."""
    pictures = make(path.with_suffix(".pictures"), Clip(settings={"bf": "2"}))
    with av.open(str(pictures)) as inside, av.open(str(path), "w", format=form) as out:
        out.metadata["comment"] = "secret"
        video = out.add_stream_from_template(inside.streams.video[0])
        sound = out.add_stream(codec, 48000)
        assert isinstance(sound, AudioStream)
        sound.metadata.update(language="deu", title="secret", handler_name="secret")
        packets: list[av.Packet[Any]] = [packet for packet in inside.demux(video=0) if packet.dts is not None]
        for packet in packets:
            packet.stream = video
        for start in range(0, 48000, 960):
            frame = av.AudioFrame.from_ndarray(tone(start), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, start + int(late_s * 48000), Fraction(1, 48000)
            packets += sound.encode(frame)
        packets += sound.encode(None)
        out.mux(sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base))
    return path


def tone(start: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.tile(0.3 * np.sin(np.arange(start, start + 960) * 0.05), (2, 1)).astype(np.float32)


def sound_in(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as file:
        return [(float(frame.time or 0), frame.to_ndarray().tobytes()) for frame in file.decode(audio=0)]


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("splice", [False, True])
def test_sound_that_is_asked_for_is_the_same_at_the_same_times(
    tmp_path: Path, container: Container, splice: bool
) -> None:
    source = with_sound(tmp_path / "source.mp4", late_s=Fraction(1, 3))
    clear = (lambda gop: gop.index == 1) if splice and container != "mkv" else None
    made = rewrite(source, tmp_path / "out", container, KEPT, clear=clear)
    assert made.problems == []
    assert made.written.audio == ("aac",)
    before, after = sound_in(source), sound_in(made.path)
    assert [sound for _, sound in after] == [sound for _, sound in before]
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=1e-3)
    raw = made.path.read_bytes()
    assert b"secret" not in raw
    with av.open(str(made.path)) as file:
        assert file.streams.audio[0].metadata.get("language", "und") == "und"


def test_sound_that_is_not_asked_for_is_not_there(tmp_path: Path) -> None:
    made = rewrite(with_sound(tmp_path / "source.mp4"), tmp_path / "out.mp4")
    assert made.written.audio == ()
    with av.open(str(made.path)) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def test_sound_that_the_container_cannot_hold_is_refused(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "source.mkv", "wavpack", "matroska")
    with pytest.raises(OutputError, match=r"its sound \(wavpack\) cannot be kept in MP4") as caught:
        rewrite(source, tmp_path / "out.mp4", options=KEPT)
    assert caught.value.hint == "Write to .mkv, or leave the sound out"


def test_a_video_without_sound_needs_none(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip())
    made = rewrite(source, tmp_path / "out.mp4", options=KEPT)
    assert made.problems == []
    assert made.written.audio == ()
