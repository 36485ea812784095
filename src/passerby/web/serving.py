"""How the server is run: what its library may take, tell and believe."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from passerby.serve.town import Town
from passerby.web.connections import BoundedProtocol
from passerby.web.limits import MOST_HEADER_BYTES, MOST_SOCKET_BYTES

_KEEP_ALIVE_S = 30
CLOSING_S = 3
"""How long the server may take to let go of who watches; the segments are finished meanwhile."""


def server_config(app: FastAPI, town: Town) -> uvicorn.Config:
    """For `uvicorn.Server`. Host, port and TLS are the town's.

    There is no log of requests: a one-time link stands in its address, and who watched what is in the log of accounts
    where it matters.
    """
    return uvicorn.Config(
        app,
        host=town.host,
        port=town.port,
        ssl_certfile=town.tls_cert,
        ssl_keyfile=town.tls_key,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=2 * MOST_HEADER_BYTES,
        ws="websockets-sansio",
        ws_max_size=MOST_SOCKET_BYTES,
        ws_per_message_deflate=False,  # video does not get smaller
        proxy_headers=bool(town.trusted_proxies),
        forwarded_allow_ips=list(town.trusted_proxies),
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=CLOSING_S,
    )
