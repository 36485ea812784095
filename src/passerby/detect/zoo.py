"""The models that passerby knows, by name. What each was measured to find and to miss stands on its card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from passerby.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the zoo.

    Attributes:
        name: how it is called in settings.
        sha256: of the file, 64 hexadecimal digits.
        licence: SPDX identifier.
        finds: labels of what it finds, of `regions.LABELS`, the first is what it is best at.
        family: how its outputs are read, a key of `heads.FAMILIES`.
        threshold: least score that counts, from 0 to 1.
        takes: the input in words.
        multiple: both sides of the input must be multiples of this, in pixels.
    """

    name: str
    sha256: str
    licence: str
    finds: tuple[str, ...]
    family: str
    threshold: float
    takes: str = "RGB, uint8, shape (batch, height, width, 3)"
    multiple: int = 32

    @property
    def file(self) -> str:
        """Name of the ONNX file in `passerby.models`."""
        return f"{self.name}.onnx"

    @property
    def card(self) -> str:
        """Name of its card there, Markdown."""
        return f"{self.name}.md"


_ZOO = (
    ModelEntry(
        name="headnet",
        sha256="116a4d89ecb93f95be6e88b677f7cf745f31ed56e466a581452b47af99e78124",
        licence="Apache-2.0",
        finds=("head", "plate"),
        family="heads",
        threshold=0.2,
    ),
    ModelEntry(
        name="headnet-int8",
        sha256="9304e2ef751787ccbb7964ef2533eb330db46080180c5debabc1d117c0ecf169",
        licence="Apache-2.0",
        finds=("head", "plate"),
        family="heads",
        threshold=0.2,
    ),
    ModelEntry(
        name="centerface",
        sha256="2ab5396d1f5e2b2b3301c84bdde039aa5a6f5969d0ac299872c718ca17e32007",
        licence="MIT",
        finds=("face",),
        family="centre",
        threshold=0.1,
    ),
    ModelEntry(
        name="centerface-int8",
        sha256="44b8bc81c2530ce6534fc8e148155361f90c6954eb0d5e978a8322ca8c57d824",
        licence="MIT",
        finds=("face",),
        family="centre",
        threshold=0.1,
    ),
    ModelEntry(
        name="text",
        sha256="2e82932b81d329390db4e20d7befd4f26122dda87dccc1b12ea1b271cbcb50ce",
        licence="Apache-2.0",
        finds=("text",),
        family="text",
        threshold=0.2,
    ),
    ModelEntry(
        name="text-int8",
        sha256="11159aea2ba852daaed050bfc7ce174e709de5fbcbdc87b9ea2bfc5632c4b53f",
        licence="Apache-2.0",
        finds=("text",),
        family="text",
        threshold=0.2,
    ),
    ModelEntry(
        name="nanodet",
        sha256="6a26506c595d50f2c41d0662b9d88cd708cc17e4d08c19ece03f09fd3eeae995",
        licence="Apache-2.0",
        finds=("person", "vehicle"),
        family="nanodet",
        threshold=0.2,
    ),
    ModelEntry(
        name="nanodet-int8",
        sha256="f598411f4140cc67174bad8c86a20bb5a4b67a8ca31ed3c5c2bb5031d05142b6",
        licence="Apache-2.0",
        finds=("person", "vehicle"),
        family="nanodet",
        threshold=0.2,
    ),
)


def zoo() -> tuple[ModelEntry, ...]:
    """Every model; of those that find the same, the most exact first."""
    return _ZOO


def entry_of(name: str) -> ModelEntry:
    """The model of that name.

    Raises:
        ModelError: the zoo has no such model.
    """
    for entry in _ZOO:
        if entry.name == name:
            return entry
    raise ModelError(f"model {name} is not in the zoo", hint=f"Known are {', '.join(entry.name for entry in _ZOO)}.")


def read_model(entry: ModelEntry) -> bytes:
    """The content of a model's file.

    Raises:
        ModelError: the file is missing or not the one that the zoo knows.
    """
    file = resources.files("passerby.models") / entry.file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {entry.name}: {entry.file} is missing from the installation (its SHA-256 is {entry.sha256}), "
            "nothing was looked at",
            hint=_REINSTALL,
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise ModelError(
            f"model {entry.name}: {entry.file} is not the file that was measured, its SHA-256 is {found}, not "
            f"{entry.sha256}; it was not loaded",
            hint=_REINSTALL,
        )
    return content


_REINSTALL = "Install passerby again."
