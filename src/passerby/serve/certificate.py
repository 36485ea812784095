"""The files of a town's certificate, tried before anything depends on them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from passerby.errors import SettingsError
from passerby.serve.town import Town


def usable_certificate(town: Town) -> tuple[Path, Path] | None:
    """Certificate and key, after they were tried; None for a town without.

    Raises:
        SettingsError: one of them cannot be read, or they do not go together; which and why is told.
    """
    if town.tls_cert is None or town.tls_key is None:
        return None
    for setting, path in (("tls_cert", town.tls_cert), ("tls_key", town.tls_key)):
        try:
            path.read_bytes()
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise SettingsError(f"{setting}: {path.name} cannot be read: {why}") from error
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(town.tls_cert, town.tls_key, password="")
    except ssl.SSLError as error:
        raise SettingsError(_in_words(error, town.tls_cert, town.tls_key)) from error
    return town.tls_cert, town.tls_key


def _in_words(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"tls_key: {key.name} is not the key of the certificate in {certificate.name}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
    except ssl.SSLError:
        return f"tls_cert: {certificate.name} holds no certificate in PEM"
    if b"ENCRYPTED" in key.read_bytes():
        return f"tls_key: {key.name} is locked with a password; passerby takes one that is not"
    return f"tls_key: {key.name} holds no private key in PEM"
