"""Certificates as `openssl` makes them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def made_certificate(folder: Path, *, password: str = "") -> tuple[Path, Path]:
    """Of 127.0.0.1, signed by itself: certificate and key, the key locked if there is a password."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key
