"""Files out of the archive's folder, by way of an open descriptor: what is erased meanwhile is still sent whole."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK = 256 << 10
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def open_inside(folder: Path, path: Path) -> int:
    """A descriptor of a plain file below the folder.

    Raises:
        HTTPException: 404, where there is none; a link, or a way out of the folder, is none.
    """
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise FileNotFoundError
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        raise HTTPException(404, "the file is not there any more") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise HTTPException(404, "the file is not there any more")
    return descriptor


def file_response(descriptor: int, media_type: str, *, wanted: str | None, headers: Mapping[str, str]) -> Response:
    """The file, or the part of it that a `Range` header wants. The descriptor is closed when all was sent, or not.

    Args:
        descriptor: of the open file.
        media_type: of its content.
        wanted: the header `Range`, or None. One range is understood; anything else gets the whole file, as HTTP allows.
        headers: to send along.

    Raises:
        HTTPException: 416, where the range lies behind the end.
    """
    size = os.fstat(descriptor).st_size
    try:
        part = _part(wanted, size)
    except HTTPException:
        os.close(descriptor)
        raise
    first, end = part or (0, size)
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - first)}
    if part:
        told["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return _OpenFile(descriptor, first, end, 206 if part else 200, told, media_type)


class _OpenFile(StreamingResponse):
    """Bytes of an open file, piece by piece; it is closed whether or not somebody reads to the end."""

    def __init__(
        self, descriptor: int, first: int, end: int, status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._file.seek(first)
        super().__init__(self._chunks(end - first), status, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As in ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    def _chunks(self, left: int) -> Iterator[bytes]:
        while left > 0 and (chunk := self._file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _part(wanted: str | None, size: int) -> tuple[int, int] | None:
    """First byte, and the one after the last; None where no range is asked for, or none that is understood."""
    found = _RANGE.fullmatch(wanted) if wanted else None
    if found is None or found.groups() == ("", ""):
        return None
    first_text, last_text = found.groups()
    if first_text and last_text and int(last_text) < int(first_text):
        return None
    if not first_text:
        first, end = max(0, size - int(last_text)), size
    else:
        first, end = int(first_text), min(size, int(last_text) + 1) if last_text else size
    if first >= end:
        raise HTTPException(416, "the range is not in the file", headers={"Content-Range": f"bytes */{size}"})
    return first, end
