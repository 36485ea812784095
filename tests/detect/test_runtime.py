"""ONNX Runtime behind one door: providers by name, errors as ours, many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.runtime import Session, available_providers
from passerby.detect.zoo import entry_of, read_model
from passerby.errors import ModelError


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(read_model(entry_of("centerface-int8")), name="centerface-int8", provider="cpu")


def test_the_cpu_is_always_there() -> None:
    assert available_providers()[-1] == "cpu"


def test_a_provider_that_is_not_installed_is_refused_by_name() -> None:
    absent = next(name for name in ("cuda", "directml", "coreml") if name not in available_providers())
    with pytest.raises(ModelError, match=f"provider {absent} is not part of"):
        Session(b"", name="x", provider=absent)


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ModelError, match="provider abacus is unknown"):
        Session(b"", name="x", provider="abacus")


def test_something_that_is_no_model_cannot_be_started() -> None:
    with pytest.raises(ModelError, match="cannot be started on cpu"):
        Session(b"not a model", name="x", provider="cpu")


def test_a_failure_while_running_is_an_error_of_ours(session: Session) -> None:
    with pytest.raises(ModelError, match="model centerface-int8 failed on cpu, the picture was not looked at"):
        session.run(np.zeros((1, 32, 32, 4), np.uint8))


def test_several_threads_get_what_one_gets(session: Session, astronaut: npt.NDArray[np.uint8]) -> None:
    parts = [np.ascontiguousarray(astronaut[i : i + 192, i : i + 256])[None] for i in range(0, 256, 32)]
    alone = [session.run(part)["heatmap"] for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = [outputs["heatmap"] for outputs in pool.map(session.run, parts * 3)]
    for one, other in zip(alone * 3, together, strict=True):
        assert np.array_equal(one, other)


def test_a_batch_gives_what_its_pictures_give(session: Session, astronaut: npt.NDArray[np.uint8]) -> None:
    pictures = np.stack([astronaut[:256, 64:320], astronaut[:256, 64:320][:, ::-1]])
    batch = session.run(pictures)["heatmap"]
    for picture, heatmap in zip(pictures, batch, strict=True):
        assert np.allclose(session.run(np.ascontiguousarray(picture)[None])["heatmap"][0], heatmap, atol=1e-5)
