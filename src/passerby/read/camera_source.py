"""Connecting to a camera: what FFmpeg may use for it, and its errors in words that give nothing away."""

from __future__ import annotations

import errno

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from passerby.errors import CameraError, CameraLost, CameraRefused, CameraUnreachable, CameraUnusable, SourceUnreadable
from passerby.read.camera_address import CameraAddress
from passerby.read.streams import choose_stream, open_container

CODECS = frozenset({"h264", "hevc", "mjpeg", "rawvideo"})
"""What cameras may send; USB cameras send raw pictures, too."""

_RECEIVE_BUFFER_BYTES = 4 << 20
_PROBE = {"analyzeduration": "1", "fpsprobesize": "0", "probesize": "32"}
"""Do not look ahead to guess what the decoder finds out: a camera may send one frame a minute."""


def connect(address: CameraAddress) -> InputContainer:
    """Opens the camera; blocks until it has sent its first packets or the time-out has passed.

    Raises:
        av.error.FFmpegError: as it comes, with the credentials in it; only for `explained`.
        SourceUnreadable: of a file that is no video.
    """
    # With a level set, FFmpeg's log may hold addresses.
    av.logging.set_level(None)
    if address.kind == "file":
        return open_container(address.path, f"the file of camera {address.name}")
    container = av.open(
        address.connection,
        "r",
        format={"rtsp": "rtsp", "http": "mpjpeg", "usb": "v4l2"}[address.kind],
        container_options=_options(address),
        metadata_errors="replace",
        timeout=(address.timeout_s, address.timeout_s),
    )
    assert isinstance(container, InputContainer)
    return container


def _options(address: CameraAddress) -> dict[str, str]:
    options = {"protocol_whitelist": _protocols(address), **_PROBE}
    if address.kind == "rtsp":
        options |= {"rtsp_transport": address.transport, "allowed_media_types": "video"}
        options |= {"buffer_size": str(_RECEIVE_BUFFER_BYTES)} if address.transport == "udp" else {}
    elif address.kind == "http":
        options["max_redirects"] = "0"
    return options


def _protocols(address: CameraAddress) -> str:
    """What the connection itself needs, and nothing that a camera could send us off to."""
    if address.kind == "usb":
        return "file"
    protocols = {"tcp", "tls"} if address.secure else {"tcp"}
    if address.kind == "http":
        protocols |= {"http", "https"} if address.secure else {"http"}
    elif address.transport == "udp":
        protocols |= {"udp", "rtp"}
    return ",".join(sorted(protocols))


def choose_live_stream(container: InputContainer, address: CameraAddress) -> VideoStream:
    """The video stream of a camera.

    Raises:
        CameraUnusable: there is none, or none of a codec that cameras are known to send.
        SourceUnreadable: a file without video.
    """
    if address.kind == "file":
        return choose_stream(container, f"the file of camera {address.name}")
    stream = next(iter(container.streams.video), None)
    # PyAV's annotations leave out that a stream may have no decoder.
    codec = "" if stream is None or stream.codec_context is None else stream.codec_context.codec.canonical_name
    if stream is None or codec not in CODECS:
        what = codec or "no video"
        raise CameraUnusable(
            f"camera {address.name} sends {what}, not H.264, HEVC or MJPEG",
            hint="Choose H.264 in the camera's own settings",
        )
    return stream


def silent(address: CameraAddress, *, connected: bool) -> CameraError:
    """Of a camera that has sent nothing for its time-out."""
    if connected:
        return CameraLost(f"camera {address.name} sent nothing for {address.timeout_s:g} s")
    return CameraUnreachable(
        f"camera {address.name} cannot be reached: it did not answer within {address.timeout_s:g} s"
    )


def explained(address: CameraAddress, error: Exception, *, connected: bool, waited_s: float) -> CameraError:
    """An error while connecting or reading, in words of our own: those of the libraries quote the address.

    Args:
        address: of the camera.
        error: from `connect` or from reading.
        connected: the camera had sent a picture before.
        waited_s: since the camera last sent anything. What FFmpeg says after a time-out is arbitrary.
    """
    who = f"camera {address.name}"
    if isinstance(error, CameraError):
        return error
    if address.kind != "file" and waited_s >= address.timeout_s:
        return silent(address, connected=connected)
    if isinstance(error, SourceUnreadable):
        unopened = CameraUnusable if address.path.is_file() else CameraUnreachable
        return (CameraLost if connected else unopened)(error.message, hint=error.hint)
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        asked = "refuses this user and password" if address.username else "asks for a user and a password"
        return CameraRefused(f"{who} {asked}", hint="Try them in the camera's own page, and set them anew")
    if connected:
        broken = isinstance(error, OSError) and error.errno == errno.EIO
        return CameraLost(f"{who} broke off: {'the connection broke' if broken else _in_words(error)}")
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return CameraUnusable(f"{who} answers, but not with video that can be read")
    return CameraUnreachable(f"{who} cannot be reached: {_in_words(error)}")


def _in_words(error: Exception) -> str:
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError):
        return _SYSTEM_WORDS.get(error.errno or 0, "the connection failed")
    return f"the connection failed ({type(error).__name__})"


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (av.error.HTTPNotFoundError, "it has no stream under this path (404)"),
    (av.error.HTTPError, "it answers with an error"),
    (av.error.InvalidDataError, "it sent what is no video"),
    (av.error.ArgumentError, "its answer is not understood"),
    (av.error.EOFError, "it ended the connection"),
    (ConnectionRefusedError, "nothing answers at this address and port"),
    (ConnectionError, "the connection broke"),
    (TimeoutError, "it does not answer"),
    (FileNotFoundError, "there is no such device"),
    (PermissionError, "this user may not use it"),
)
_SYSTEM_WORDS = {
    errno.EIO: "no host goes by its name, the connection failed, or it points to another address",
    errno.EHOSTUNREACH: "no way leads to its host",
    errno.ENETUNREACH: "no way leads to its network",
    errno.EBUSY: "something else uses the device",
    errno.ENODEV: "there is no such device",
    errno.ENXIO: "there is no such device",
    errno.ENOTTY: "the device is no camera",
}
