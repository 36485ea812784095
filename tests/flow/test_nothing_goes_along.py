"""What else is in a file: sound, pictures, texts, places. None of it is in the copy, and nothing shows a face."""

from __future__ import annotations

import io
import shutil
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

import passerby
from passerby.errors import RedactionIncomplete

from .commands import Said, files_in, passerby_process
from .commands import passerby as command
from .scenes import FACE_SHOWN, SIZE, Clip, Rgb, decoded, face, faces_in, load_json, make, picture, raw_frames

MARK = "PLANTED"
"""Is in every text that is planted."""


def sei(kind: int, content: bytes) -> bytes:
    """A supplemental message as a NAL unit behind a start code, as they come from the encoder."""
    return b"\0\0\0\1" + bytes([6, kind, len(content)]) + content + b"\x80"


def with_messages(number: int, packet: Any) -> Any:
    """A packet with a text, and with what could be a caption, in front of its picture."""
    text = bytes(range(1, 17)) + f"{MARK}-serial-{number}".encode()
    spoken = b"\xb5\x01\x31GA94" + f"{MARK}-caption".encode()
    planted = av.Packet(sei(5, text) + sei(4, spoken) + bytes(packet))
    planted.pts, planted.dts, planted.time_base = packet.pts, packet.dts, packet.time_base
    planted.duration, planted.is_keyframe, planted.stream = packet.duration, packet.is_keyframe, packet.stream
    return planted


def with_everything(file: av.container.OutputContainer) -> Callable[[], None]:
    """Tags, chapters, a cover picture of the face, a second video of it, sound, subtitles."""
    file.metadata.update({name: f"{MARK}-{name}" for name in ("title", "artist", "comment", "copyright")})
    cover = file.add_stream("mjpeg", 1)
    cover.width, cover.height, cover.pix_fmt = 170, 190, "yuvj420p"
    cover.disposition = Disposition.attached_pic
    second = file.add_stream("libx264", 25)
    second.width, second.height, second.pix_fmt = 170, 190, "yuv420p"
    sound = file.add_stream("aac", rate=48000)
    for stream in (second, sound):
        stream.metadata["handler_name"] = f"{MARK}-handler"
    words = file.add_stream("mov_text")
    words.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\n[Events]\n"
    words.metadata["handler_name"] = f"{MARK}-words"
    chapter = {
        "id": 1,
        "start": 0,
        "end": 500,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": f"{MARK}-chapter"},
    }
    file.set_chapters([chapter])  # type: ignore[list-item]
    head = av.VideoFrame.from_ndarray(face(), "rgb24")
    packets = [*cover.encode(head.reformat(format="yuvj420p")), *cover.encode(None)]

    def write() -> None:
        file.mux(packets)
        for _ in range(8):
            file.mux(second.encode(head.reformat(format="yuv420p")))
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 48000), np.float32), "fltp", "stereo")
        silence.sample_rate = 48000
        text = f"{MARK}-subtitle".encode()
        subtitle = av.Packet(struct.pack(">H", len(text)) + text)
        subtitle.pts = subtitle.dts = 0
        subtitle.duration, subtitle.time_base, subtitle.stream = 1000, Fraction(1, 1000), words
        file.mux([*second.encode(None), *sound.encode(silence), *sound.encode(None), subtitle])

    return write


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with all of that, of which some GOPs are clear."""
    clip = Clip(
        frames=64,
        shown=lambda index: index in FACE_SHOWN,
        before=with_everything,
        change=with_messages,
    )
    path = make(tmp_path_factory.mktemp("loaded") / "loaded.mp4", clip)
    content = path.read_bytes()
    for what in ("title", "copyright", "chapter", "subtitle", "handler", "serial", "caption"):
        assert f"{MARK}-{what}".encode() in content, what
    assert b"x264 - core" in content
    assert b"\xff\xd8\xff" in content
    return path


@pytest.fixture(scope="module")
def loaded_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG with EXIF, a thumbnail of the face, XMP, a comment, and a second picture behind its end."""
    thumbnail = io.BytesIO()
    Image.fromarray(face()).save(thumbnail, "JPEG")
    exif = Image.Exif()
    exif[0x10F], exif[0x112], exif[0xA431] = f"{MARK}-maker", 1, f"{MARK}-body-serial"
    exif.get_ifd(0x8825)[29] = f"{MARK}-date"
    exif.get_ifd(0x8769)[0x927C] = f"{MARK}-note".encode() + thumbnail.getvalue()
    path = tmp_path_factory.mktemp("loaded") / "loaded.jpg"
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><name>{MARK}-person</name></x:xmpmeta>".encode()
    Image.fromarray(picture(0, (400, 300))).save(path, quality=92, exif=exif, xmp=xmp, comment=f"{MARK}-comment")
    with path.open("ab") as file:
        file.write(thumbnail.getvalue())
    return path


@pytest.fixture(scope="module")
def everything(loaded: Path, loaded_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """All that passerby writes when everything is asked for, and all that it says: for a video, and for a photo."""
    folder = tmp_path_factory.mktemp("everything")
    temporary = folder / "tmp"
    temporary.mkdir()
    out = err = ""
    for source, name in ((loaded, "video"), (loaded_photo, "photo")):
        said = passerby_process(
            "redact",
            source,
            *("-o", folder / f"{name}{source.suffix}", "--contact-sheet"),
            *("--report", folder / f"{name}.report.json", "--plan", folder / f"{name}.plan.json"),
            env={"TMPDIR": str(temporary)},
        )
        assert said.code == 0, said
        out, err = out + said.out, err + said.err
    return folder, Said(0, out, err)


def test_only_what_was_asked_for_is_written(everything: tuple[Path, Said]) -> None:
    folder, _ = everything
    assert files_in(folder) == {
        *("video.mp4", "video.mp4.contact-sheet.png", "video.report.json", "video.plan.json"),
        *("photo.jpg", "photo.jpg.contact-sheet.png", "photo.report.json", "photo.plan.json"),
    }
    assert sorted(path.name for path in (folder / ".passerby").iterdir()) == ["photo.jpg.json", "video.mp4.json"]


def test_no_library_leaves_anything_in_the_folder_for_temporary_files(everything: tuple[Path, Said]) -> None:
    # ONNX Runtime would write an identifier there, under which it reports to its maker.
    folder, _ = everything
    assert not list((folder / "tmp").iterdir())


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_reaches_for_the_network(made: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    watched = ["strace", "-f", "-e", "trace=socket,connect", "-o", str(log)]
    said = passerby_process("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", under=watched)
    assert said.code == 0, said
    assert "AF_INET" not in log.read_text()


def test_no_text_that_was_planted_is_in_any_file_or_message(everything: tuple[Path, Said]) -> None:
    folder, said = everything
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path, content in written.items():
        assert MARK.encode() not in content, path
        assert b"x264 - core" not in content, path
        assert str(folder).encode() not in content, path
    assert MARK not in said.out + said.err


def pictures_in(path: Path) -> list[Rgb]:
    """Every picture that can be got out of a file, also such as stand somewhere inside of it."""
    content, found = path.read_bytes(), []
    if path.suffix == ".mp4":
        found += decoded(path).pictures
    starts = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n": "PNG"}
    for magic, kind in starts.items():
        at = content.find(magic)
        while at >= 0:
            try:
                with Image.open(io.BytesIO(content[at:]), formats=[kind]) as image:
                    found.append(np.asarray(image.convert("RGB")))
            except (OSError, SyntaxError):
                pass  # it only began like a picture
            at = content.find(magic, at + 1)
    return found


def test_the_real_detector_finds_no_face_in_anything_that_was_written(
    everything: tuple[Path, Said], loaded: Path, loaded_photo: Path
) -> None:
    # It would find them, if they were there.
    assert len(pictures_in(loaded_photo)) >= 3
    assert all(len(faces_in(pixels)) for pixels in pictures_in(loaded_photo))
    assert any(len(faces_in(pixels)) for pixels in pictures_in(loaded))
    folder, _ = everything
    looked_at = 0
    for path in folder.rglob("*"):
        for pixels in pictures_in(path) if path.is_file() else []:
            looked_at += 1
            assert not len(faces_in(pixels)), path
    assert looked_at >= 66


def test_of_the_streams_only_the_video_is_left_and_it_is_named_what_went(
    everything: tuple[Path, Said], loaded: Path
) -> None:
    folder, said = everything
    with av.open(str(folder / "video.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]
        assert not file.chapters()
        assert set(file.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
        assert set(file.streams.video[0].metadata) <= {"handler_name", "language", "vendor_id"}
        assert (file.streams.video[0].width, file.streams.video[0].height) == SIZE
    report = load_json(folder / "video.report.json")
    for what in ("cover picture", "second video stream", "audio (aac)", "chapters", "subtitle", "metadata"):
        assert any(what in dropped for dropped in report["dropped"]), what
        assert what in said.out


def test_gops_with_planted_messages_are_copied_without_them_and_decode_as_before(
    everything: tuple[Path, Said], loaded: Path
) -> None:
    folder, _ = everything
    report = load_json(folder / "video.report.json")
    # The face is in frames 24 to 39, and covered for half a second, 12 frames, before and after.
    assert report["gops_copied"] == 2
    assert raw_frames(folder / "video.mp4")[:8] == raw_frames(loaded)[:8]
    assert raw_frames(folder / "video.mp4")[56:] == raw_frames(loaded)[56:]


def test_tags_of_a_camera_are_gone(tmp_path: Path) -> None:
    def tagged(file: av.container.OutputContainer) -> Callable[[], None]:
        file.metadata.update(
            {"location": f"{MARK}-place", "com.apple.quicktime.make": f"{MARK}-make", "serial": f"{MARK}-1"}
        )
        return lambda: None

    source = make(tmp_path / "in.mp4", Clip(before=tagged, muxer={"movflags": "use_metadata_tags"}))
    assert f"{MARK}-place".encode() in source.read_bytes()
    report = passerby.redact_video(source, tmp_path / "out.mp4").report
    assert MARK.encode() not in (tmp_path / "out.mp4").read_bytes()
    assert any("location" in what for what in report.dropped)


def test_sound_that_is_kept_is_the_only_thing_that_comes_along(loaded: Path, tmp_path: Path) -> None:
    result = passerby.redact_video(loaded, tmp_path / "out.mp4", passerby.Settings(audio="keep"))
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
    assert MARK.encode() not in (tmp_path / "out.mp4").read_bytes()
    assert not any(what.startswith("audio") for what in result.report.dropped)


def test_messages_of_errors_hold_no_values_of_tags(loaded: Path, tmp_path: Path) -> None:
    content = loaded.read_bytes()
    (tmp_path / "half.mp4").write_bytes(content[: len(content) // 2])
    said = command("redact", tmp_path / "half.mp4")
    assert said.code == 1
    assert MARK not in said.out + said.err
    with pytest.raises(passerby.PasserbyError) as caught:
        passerby.redact_video(tmp_path / "half.mp4", tmp_path / "out.mp4")
    assert not isinstance(caught.value, RedactionIncomplete)
    assert MARK not in repr(caught.value) + str(caught.value.report)


def test_probe_names_tags_and_never_their_values(loaded: Path, loaded_photo: Path) -> None:
    for source in (loaded, loaded_photo):
        for more in ([], ["--json"]):
            said = command("probe", source, *more)
            assert said.code == 0
            assert MARK not in said.out + said.err
            assert "would go" in said.out
