"""What other settings of a town mean for what is running."""

from __future__ import annotations

from passerby.serve.town import Town

FROM_START = ("host", "port", "trusted_proxies", "database")
"""Settings that count from the next start on: the server and the catalogue are open."""

_OF_EVERY_PROCESS = ("threads", "restart_h")


def cameras_to_restart(before: Town, after: Town) -> set[str]:
    """Cameras that are new, gone, or whose process has to know of what changed."""
    if any(getattr(before, name) != getattr(after, name) for name in _OF_EVERY_PROCESS):
        return {camera.name for camera in (*before.camera, *after.camera)}
    known = {camera.name: camera.for_process for camera in before.camera}
    wanted = {camera.name: camera.for_process for camera in after.camera}
    return {name for name in known | wanted if known.get(name) != wanted.get(name)}


def what_waits(before: Town, after: Town) -> list[str]:
    """Names of the settings that changed and count from the next start on."""
    names = [name for name in FROM_START if getattr(before, name) != getattr(after, name)]
    return names + ["tls_cert"] * ((before.tls_cert is None) != (after.tls_cert is None))
