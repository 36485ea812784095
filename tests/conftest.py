"""What several tests share: real pictures that a package ships, and the labelled material where it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from hypothesis import settings

# The same examples each time, so that a change is judged by what it changes. HYPOTHESIS_PROFILE=default draws new ones.
settings.register_profile("fixed", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

REPOSITORY = Path(__file__).parents[1]

LIVE = frozenset({"egress", "pages", "serve"})
"""Folders whose tests start whole programs, mostly wait for them, and share those that run."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `pytest -n 2`: live tests one after the other in one process, beside them all others, file by file."""
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "live" if Path(file).parent.name in LIVE else file

    return Lanes(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with labelled media beside the repository; a test that asks for it is skipped where it is missing."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "media").is_dir():
        pytest.skip("no labelled media beside the repository")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """A real face, public domain: RGB, uint8, shape (512, 512, 3). The face is at about x 177..272, y 68..187."""
    return np.asarray(skimage.data.astronaut(), np.uint8)
