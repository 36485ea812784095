"""The keepers of all cameras of a town, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from passerby.serve.job import CameraJob
from passerby.serve.keeper import Keeper, Surroundings
from passerby.serve.town import CameraSettings


class Keepers(Mapping[str, Keeper]):
    """Those that run, and those of cameras that are switched off. KeyError: there is no such camera.

    Args:
        make_job: what the process of a camera is told, by its name.
        surroundings: of all of them.
    """

    def __init__(self, make_job: Callable[[str], CameraJob], surroundings: Surroundings) -> None:
        self._make_job, self._surroundings = make_job, surroundings
        self._keepers: dict[str, Keeper] = {}

    def __getitem__(self, name: str) -> Keeper:
        return self._keepers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keepers))

    def __len__(self) -> int:
        return len(self._keepers)

    def keep(self, camera: CameraSettings) -> None:
        """Begin with a camera, or begin anew with one that was ended."""
        keeper = Keeper(camera.name, lambda: self._make_job(camera.name), self._surroundings)
        self._keepers[camera.name] = keeper
        if camera.enabled:
            keeper.start()

    def end(self, *names: str) -> None:
        """Finish their segments, all at once, and wait until their processes have ended."""
        keepers = [self._keepers[name] for name in names]
        for keeper in keepers:
            keeper.ask_to_stop()
        for keeper in keepers:
            keeper.wait()

    def forget(self, *names: str) -> None:
        """Cameras that were ended are there no more."""
        for name in names:
            del self._keepers[name]

    def restart_every(self, restart_s: float) -> None:
        """So often processes that begin from now on start anew."""
        self._surroundings = replace(self._surroundings, restart_s=restart_s)
