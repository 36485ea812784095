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
        file: name of the ONNX file in `passerby.models`.
        card: name of its card there, Markdown.
        sha256: of the file, 64 hexadecimal digits.
        licence: SPDX identifier.
        label: what it finds, one of `regions.LABELS`.
        takes: the input in words.
        multiple: both sides of the input must be multiples of this, in pixels.
        threshold: least score that counts, from 0 to 1.
        margin: how much a box is to be grown on every side before it is painted, as a share of its width and height.
    """

    name: str
    file: str
    card: str
    sha256: str
    licence: str
    label: str
    takes: str
    multiple: int
    threshold: float
    margin: float


_ZOO = (
    ModelEntry(
        name="centerface",
        file="centerface.onnx",
        card="centerface.md",
        sha256="2ab5396d1f5e2b2b3301c84bdde039aa5a6f5969d0ac299872c718ca17e32007",
        licence="MIT",
        label="face",
        takes="RGB, uint8, shape (batch, height, width, 3)",
        multiple=32,
        threshold=0.1,
        margin=0.1,
    ),
    ModelEntry(
        name="centerface-int8",
        file="centerface-int8.onnx",
        card="centerface-int8.md",
        sha256="44b8bc81c2530ce6534fc8e148155361f90c6954eb0d5e978a8322ca8c57d824",
        licence="MIT",
        label="face",
        takes="RGB, uint8, shape (batch, height, width, 3)",
        multiple=32,
        threshold=0.1,
        margin=0.1,
    ),
)


def zoo() -> tuple[ModelEntry, ...]:
    """Every model, the default of its label first."""
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
        raise ModelError(f"model {entry.name} is missing from the installation", hint=_REINSTALL) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ModelError(f"{entry.file} is not the model that was measured, it was not loaded", hint=_REINSTALL)
    return content


_REINSTALL = "Install passerby again."
