"""Figures for Prometheus; docs/reference/metrics.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from passerby.live import CameraFigures, CameraState, CameraStatus
from passerby.serve.network import Network
from passerby.serve.permissions import Caller, Permission
from passerby.web.asking import Needs, TheNetwork, cameras_for

router = APIRouter(tags=["figures"])

_Reads = Annotated[Caller, Depends(Needs(Permission.METRICS))]


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure of each camera."""

    name: str
    said: str
    of: Callable[[CameraFigures], float]
    counts: bool = False


_FIGURES = (
    _Figure("fps", "Frames that arrived in the last second.", lambda f: f.fps),
    _Figure("frames", "Frames written.", lambda f: f.frames, counts=True),
    _Figure("dropped_frames", "Frames left out, the machine could not keep up.", lambda f: f.dropped, counts=True),
    _Figure("covered_whole_frames", "Frames painted whole.", lambda f: f.covered_whole, counts=True),
    _Figure("covered_share", "Painted share of the picture in the last second, 0 to 1.", lambda f: f.covered_share),
    _Figure("looks", "Looks of the detector.", lambda f: f.looks, counts=True),
    _Figure("look_seconds", "Mean time of the last looks.", lambda f: f.look_s),
    _Figure("delay_seconds", "From arrival to written, in the last second.", lambda f: f.delay_s),
    _Figure("reconnects", "Times that the camera had to be connected again.", lambda f: f.reconnects, counts=True),
    _Figure("received_bytes", "From the camera.", lambda f: f.bytes_in, counts=True),
    _Figure("written_bytes", "To the disk.", lambda f: f.bytes_written, counts=True),
    _Figure("copied_gops", "GOPs stored as the camera sent them.", lambda f: f.copied_gops, counts=True),
    _Figure("encoded_gops", "GOPs painted and encoded.", lambda f: f.encoded_gops, counts=True),
    _Figure("waiting_bytes", "Frames in memory until the delay has passed.", lambda f: f.waiting_bytes),
    _Figure("memory_bytes", "Of the camera's process.", lambda f: f.memory_bytes),
)


class NetworkCollector(Collector):
    """Asks the network when somebody asks for figures.

    Args:
        network: of cameras.
        names: the cameras to tell of.
        viewers: one entry for each live socket, its camera's name before a space.
    """

    def __init__(self, network: Network, names: Collection[str], viewers: Iterable[str]) -> None:
        self._network, self._names, self._viewers = network, names, list(viewers)

    def collect(self) -> Iterator[Metric]:
        """As in prometheus_client."""
        statuses = [status for status in self._network.statuses() if status.name in self._names]
        for figure in _FIGURES:
            kind = CounterMetricFamily if figure.counts else GaugeMetricFamily
            family = kind(f"passerby_camera_{figure.name}", figure.said, labels=["camera"])
            for status in statuses:
                family.add_metric([status.name], figure.of(status.figures))
            yield family
        yield _states(statuses)
        yield _last_segments(statuses)
        yield self._watching(statuses)
        yield from self._storage()

    def _watching(self, statuses: list[CameraStatus]) -> Metric:
        family = GaugeMetricFamily("passerby_camera_viewers", "Live sockets that are open.", labels=["camera"])
        watched = [viewer.partition(" ")[0] for viewer in self._viewers]
        for status in statuses:
            family.add_metric([status.name], watched.count(status.name))
        return family

    def _storage(self) -> Iterator[Metric]:
        archive = self._network.archive
        sizes = GaugeMetricFamily("passerby_camera_stored_bytes", "Recordings on the disk.", labels=["camera"])
        counts = GaugeMetricFamily("passerby_camera_stored_segments", "Files of recordings.", labels=["camera"])
        for usage in archive.usage():
            if usage.camera in self._names:
                sizes.add_metric([usage.camera], usage.size_bytes)
                counts.add_metric([usage.camera], usage.segments)
        yield sizes
        yield counts
        yield GaugeMetricFamily("passerby_disk_free_bytes", "Free on the archive's disk.", archive.free_bytes())
        floor = self._network.town.floor_gb * 1e9
        yield GaugeMetricFamily("passerby_disk_floor_bytes", "Below this, the oldest recordings go.", floor)
        failed = bool(self._network.erasing_trouble)
        yield GaugeMetricFamily("passerby_erasing_failed", "1 while recordings that are due stay.", float(failed))


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(request: Request, network: TheNetwork, caller: _Reads) -> Response:
    """In the text format of Prometheus, of the cameras that the caller may see."""
    names = {camera.name for camera in cameras_for(network, caller)}
    registry = CollectorRegistry()
    registry.register(NetworkCollector(network, names, request.app.state.viewers))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _states(statuses: list[CameraStatus]) -> Metric:
    family = GaugeMetricFamily("passerby_camera_state", "1 for the state that it is in.", labels=["camera", "state"])
    for status in statuses:
        for state in CameraState:
            family.add_metric([status.name, state.value], float(status.state is state))
    return family


def _last_segments(statuses: list[CameraStatus]) -> Metric:
    said = "When the last playable segment was finished, in seconds since 1970."
    family = GaugeMetricFamily("passerby_camera_last_segment_timestamp_seconds", said, labels=["camera"])
    for status in statuses:
        if status.last_segment_at is not None:
            family.add_metric([status.name], status.last_segment_at.timestamp())
    return family
