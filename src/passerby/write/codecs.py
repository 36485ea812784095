"""Which encoder, pixel format and settings a video gets: what the source is, in the words that the user chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, get_args

import av
from av.codec.codec import UnknownCodecError

from passerby.errors import OutputError, SettingsError
from passerby.media import Colour, VideoInfo

Container = Literal["mp4", "mov", "mkv", "webm"]
Codec = Literal["h264", "hevc", "av1"]
CodecName = Literal["auto", "h264", "hevc", "av1"]
Quality = Literal["small", "good", "high", "near-lossless"]
Speed = Literal["fastest", "fast", "balanced", "thorough"]

KEYFRAME_EVERY_S = 2
USUAL_RATE_FPS = Fraction(25)
"""What encoders are told where the container does not say; it only spaces keyframes and estimates levels."""


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What a user may choose about the finished video.

    Attributes:
        codec: "auto" is H.264, or what keeps the source's pixels where H.264 does not.
        quality: the encoder's constant quality (CRF).
        speed: the encoder's preset.
        hardware: "nvenc", "qsv", "amf", "videotoolbox", "vaapi": used only when asked for.
        keep_audio: copy the sound, its tags left out.
        threads: for the encoder; 0 is as many as there are cores.
    """

    codec: CodecName = "auto"
    quality: Quality = "good"
    speed: Speed = "fast"
    hardware: str | None = None
    keep_audio: bool = False
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """What will be encoded.

    Attributes:
        codec: "h264", "hevc" or "av1".
        encoder: FFmpeg's name of the encoder.
        pixel_format: what the encoder is fed; equal to the source's wherever the encoder takes that.
        colour: how it is tagged: as the source is, and RGB always as RGB.
        settings: options of the encoder.
        interlaced: encode as interlaced.
        stated: what a person should know, in a few words, or None.
    """

    codec: Codec
    encoder: str
    pixel_format: str
    colour: Colour
    settings: dict[str, str] = field(default_factory=dict)
    interlaced: bool = False
    stated: str | None = None


_SOFTWARE: dict[Codec, str] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
_TITLES = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1"}
_HARDWARE = ("nvenc", "qsv", "amf", "videotoolbox", "vaapi")
_HOLDS: dict[Container, set[Codec]] = {
    "mp4": set(_SOFTWARE),
    "mov": {"h264", "hevc"},
    "mkv": set(_SOFTWARE),
    "webm": {"av1"},
}

_CRF: dict[Codec, dict[Quality, int]] = {
    "h264": {"small": 27, "good": 22, "high": 17, "near-lossless": 10},
    "hevc": {"small": 29, "good": 23, "high": 19, "near-lossless": 12},
    "av1": {"small": 42, "good": 32, "high": 24, "near-lossless": 14},
}
_PRESETS: dict[Codec, dict[Speed, str]] = {
    "h264": {"fastest": "ultrafast", "fast": "veryfast", "balanced": "fast", "thorough": "slow"},
    "hevc": {"fastest": "ultrafast", "fast": "superfast", "balanced": "fast", "thorough": "slow"},
    "av1": {"fastest": "12", "fast": "10", "balanced": "8", "thorough": "5"},
}

# Pixel formats that the encoders take under another name or with finer chroma; nothing is lost on the way.
_EQUIVALENTS = {
    "yuv411p": "yuv422p",
    "yuvj411p": "yuvj422p",
    "yuv410p": "yuv420p",
    "yuv440p": "yuv444p",
    "yuvj440p": "yuvj444p",
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "uyvy422": "yuv422p",
    "yuyv422": "yuv422p",
    "yvyu422": "yuv422p",
    "uyyvyy411": "yuv422p",
    "yuv420p9le": "yuv420p10le",
    "yuv422p9le": "yuv422p10le",
    "yuv444p9le": "yuv444p10le",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p210le": "yuv422p10le",
    "yuv440p10le": "yuv444p10le",
    "yuv440p12le": "yuv444p12le",
    **dict.fromkeys(("rgb24", "bgr24", "0rgb", "rgb0", "0bgr", "bgr0"), "gbrp"),
}
_TAKEN: dict[Codec, set[str]] = {
    "h264": {f"yuv{j}{c}p" for j in ("", "j") for c in (420, 422, 444)} | {"gray", "gbrp"},
    "hevc": {f"yuv{c}p{b}" for c in (420, 422, 444) for b in ("", "10le", "12le")}
    | {f"yuvj{c}p" for c in (420, 422, 444)}
    | {f"{kind}{bits}" for kind in ("gbrp", "gray") for bits in ("", "10le", "12le")},
    "av1": {"yuv420p", "yuvj420p", "yuv420p10le"},
}


def choose_encoding(like: VideoInfo, options: EncodeOptions, container: Container) -> Encoding:
    """Which encoder and pixel format keep what the source has: bits, chroma, size.

    Raises:
        SettingsError: the options do not go together, or not with this container.
        OutputError: no encoder here keeps this video's pixels, or not the one that was asked for.
    """
    _check(options, container)
    pixels = _EQUIVALENTS.get(like.pixel_format, like.pixel_format)
    codec = options.codec if options.codec != "auto" else _codec_for(like, pixels, container)
    if codec is None:
        raise _refusal(like, pixels, f"{container.upper()} with any codec")
    if codec not in _HOLDS[container]:
        raise SettingsError(
            f"{container.upper()} cannot hold {_TITLES[codec]}; nothing was started",
            hint=f"Use .mp4 or .mkv, or --codec {min(_HOLDS[container])}",
        )
    if pixels not in _TAKEN[codec] or not _fits(like, pixels, codec):
        raise _refusal(like, pixels, _TITLES[codec])
    interlaced = like.interlaced and codec == "h264" and like.height % 4 == 0 and not options.hardware
    encoder = _encoder(codec, pixels, options.hardware)
    return Encoding(
        codec,
        encoder,
        _fed(encoder, like.pixel_format, pixels),
        Colour(like.colour.primaries, like.colour.transfer, 0, True) if _is_rgb(pixels) else like.colour,
        _settings(encoder, codec, options),
        interlaced,
        _statement(like, codec, pixels, interlaced),
    )


def keyframe_interval(like: VideoInfo) -> int:
    """Frames between keyframes, at most."""
    return max(1, round(KEYFRAME_EVERY_S * encoder_rate(like)))


def encoder_rate(like: VideoInfo) -> Fraction:
    """Frames per second, as encoders are told."""
    rate = like.rate_fps or USUAL_RATE_FPS
    return rate if 1 <= rate <= 480 else USUAL_RATE_FPS


def _check(options: EncodeOptions, container: Container) -> None:
    choices = (
        ("container", container, get_args(Container)),
        ("codec", options.codec, get_args(CodecName)),
        ("quality", options.quality, get_args(Quality)),
        ("speed", options.speed, get_args(Speed)),
        ("hardware encoder", options.hardware or _HARDWARE[0], _HARDWARE),
    )
    for what, chosen, known in choices:
        if chosen not in known:
            raise SettingsError(f"there is no {what} {chosen!r}; nothing was started", hint=f"Use {', '.join(known)}")


def _codec_for(like: VideoInfo, pixels: str, container: Container) -> Codec | None:
    kept = (c for c in _SOFTWARE if c in _HOLDS[container] and pixels in _TAKEN[c] and _fits(like, pixels, c))
    return next(kept, None)


def _is_rgb(pixels: str) -> bool:
    return pixels.startswith("gbrp")


def _fits(like: VideoInfo, pixels: str, codec: Codec) -> bool:
    # H.264 and HEVC crop whole chroma samples, so that subsampled sides must be even; AV1 has no such rule.
    if codec == "av1":
        return True
    across = 2 if "420" in pixels or "422" in pixels else 1
    down = 2 if "420" in pixels else 1
    return like.width % across == 0 and like.height % down == 0


def _refusal(like: VideoInfo, pixels: str, where: str) -> OutputError:
    odd = f"{like.width}x{like.height} " if like.width % 2 or like.height % 2 else ""
    others = [c for c in _SOFTWARE if pixels in _TAKEN[c] and _fits(like, pixels, c)]
    return OutputError(
        f"{like.name}: {odd}{like.pixel_format} pictures cannot be kept as they are in {where}; nothing was written",
        hint=f"Use .mp4 and --codec {others[0]}" if others else "Convert the video to 8, 10 or 12 bits of YUV first",
    )


def _encoder(codec: Codec, pixels: str, hardware: str | None) -> str:
    name = f"{codec}_{hardware}" if hardware else _SOFTWARE[codec]
    if name == "libx264" and pixels == "gbrp":
        name = "libx264rgb"
    try:
        av.Codec(name, "w")
    except UnknownCodecError as error:
        raise SettingsError(
            f"this build of FFmpeg has no encoder {name}; nothing was started", hint="Leave the hardware encoder out"
        ) from error
    return name


def _fed(encoder: str, given: str, pixels: str) -> str:
    """The source's own pixel format where the encoder takes it, else the equivalent; hardware has its own names."""
    taken = {f.name for f in av.Codec(encoder, "w").video_formats or ()}
    semi_planar = {"yuv420p": "nv12", "yuvj420p": "nv12", "yuv420p10le": "p010le"}
    for name in (given, pixels, semi_planar.get(pixels, pixels), "rgb24" if pixels == "gbrp" else pixels):
        if not taken or name in taken:
            return name
    raise OutputError(f"{encoder} does not take {given} pictures; nothing was written", hint="Use another codec")


def _settings(encoder: str, codec: Codec, options: EncodeOptions) -> dict[str, str]:
    crf, preset = str(_CRF[codec][options.quality]), _PRESETS[codec][options.speed]
    if encoder.startswith("libx264"):
        return {"preset": preset, "crf": crf, "a53cc": "0"}
    if encoder == "libx265":
        return {"preset": preset, "crf": crf, "a53cc": "0", "dolbyvision": "0"}
    if encoder == "libsvtav1":
        return {"preset": preset, "crf": crf, "dolbyvision": "0"}
    return _hardware_settings(encoder, crf, options.speed)


def _hardware_settings(encoder: str, crf: str, speed: Speed) -> dict[str, str]:
    step = get_args(Speed).index(speed)
    if encoder.endswith("nvenc"):
        quiet = {"a53cc": "0", "s12m_tc": "0", "extra_sei": "0"}
        return {"preset": f"p{1 + 2 * step}", "rc": "vbr", "cq": crf, "b": "0", **quiet}
    if encoder.endswith("qsv"):
        return {"global_quality": crf, "preset": ("veryfast", "faster", "medium", "slower")[step]}
    if encoder.endswith("amf"):
        return {"rc": "cqp", "qp_i": crf, "qp_p": crf, "quality": ("speed", "speed", "balanced", "quality")[step]}
    if encoder.endswith("vaapi"):
        return {"rc_mode": "CQP", "global_quality": crf, "sei": "0"}
    return {"q": crf, "a53cc": "0"}


def _statement(like: VideoInfo, codec: Codec, pixels: str, interlaced: bool) -> str | None:
    said = []
    if like.bits > 8:
        said.append(f"{like.bits}-bit kept through {_TITLES[codec]}")
    if codec == "av1" and (like.width % 2 or like.height % 2):
        said.append(f"odd size {like.width}x{like.height} kept through AV1")
    if like.interlaced and not interlaced:
        said.append("interlaced frames are stored as whole frames")
    if any(sampling in like.pixel_format for sampling in ("410", "411", "440")):
        said.append(f"{like.pixel_format} kept through {pixels}")
    return "; ".join(said) or None
