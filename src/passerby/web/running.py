"""`passerby serve`: cameras and pages, from the first line in the terminal to the last finished segment."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from passerby.errors import SettingsError
from passerby.serve.accounts import Accounts
from passerby.serve.certificate import usable_certificate
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import Town
from passerby.serve.town_file import load_town
from passerby.web.app import create_app
from passerby.web.rereading import Rereading
from passerby.web.serving import CLOSING_S, server_config
from passerby.web.signals import Signals, heard_signals


def run_town(file: Path | None, folder: Path, *, host: str | None = None, port: int | None = None) -> int:
    """Serve a town until SIGTERM or SIGINT, then finish all segments. SIGHUP has the file read again.

    Returns the exit code.

    Args:
        file: its settings; None for a town without any.
        folder: of its data; made if need be.
        host: address to listen on, in place of the one in the settings.
        port: likewise.

    Raises:
        SettingsError: settings, certificate, credentials or address are not allowed.
        AccountError, ArchiveError, OutputError: the folder cannot be used.
    """
    asked = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    town = (load_town(file) if file is not None else Town()).model_copy(update=asked)
    usable_certificate(town)
    _log_to_stderr()
    with heard_signals() as signals, _listening(town) as listening:
        supervisor = Supervisor(town, folder)
        accounts = Accounts(folder)
        try:
            accounts.settle(town.account)
            server = uvicorn.Server(server_config(create_app(supervisor, accounts), town))
            with supervisor:
                page = threading.Thread(target=server.run, args=([listening],), name="page", daemon=True)
                page.start()
                _greet(supervisor, accounts, folder, _address(town, listening))
                _wait(signals, page, Rereading(file, asked, town, supervisor, accounts, server.config))
                server.should_exit = True
            page.join(CLOSING_S + 1)
        finally:
            accounts.close()
    return 0 if signals.ended else 1  # a page that ends by itself has said why


@contextmanager
def _listening(town: Town) -> Generator[socket.socket]:
    """The socket of the page.

    Raises:
        SettingsError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in town.host else socket.AF_INET
    try:
        listening = socket.create_server((town.host, town.port), family=family)
    except (OSError, OverflowError) as error:
        why = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "it is no address"
        raise SettingsError(
            f"{town.host}, port {town.port}: nobody can listen there: {why}; nothing was started",
            hint="Choose another with --host and --port",
        ) from error
    with listening:
        yield listening


def _wait(signals: Signals, page: threading.Thread, reread: Callable[[], object]) -> None:
    while page.is_alive() and not signals.ended:
        if signals.wait(1.0) == "reread":
            reread()


def _address(town: Town, listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"{'https' if town.tls_cert else 'http'}://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _greet(supervisor: Supervisor, accounts: Accounts, folder: Path, address: str) -> None:
    """What a person at the terminal has to know."""
    town = supervisor.town
    count = len(town.camera)
    cameras = "no camera yet" if not count else "1 camera" if count == 1 else f"{count} cameras"
    print(f"passerby: {cameras}, data in {folder}, pages at {address}", flush=True)
    if not town.tls_cert and not _is_local(town.host):
        print(f"mind: pages are not encrypted, and {town.host} is more than this machine; set tls_cert and tls_key")
    link = accounts.first_link(address)
    if link is not None:
        print(
            f"There is no account yet. Open this link to make the first one; it works once:\n\n    {link}\n", flush=True
        )


def _is_local(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
