"""ONNX Runtime: which provider, how many threads, and its errors as ours. No other module imports it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.errors import ModelError
from passerby.media import Picture

Outputs = dict[str, npt.NDArray[np.float32]]

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""Where a model can run, best first: our name and ONNX Runtime's."""

SMALLEST = 32
"""Width and height of the smallest picture that every model of the zoo takes, in pixels."""

QUIET = 4  # of ONNX Runtime's severities: fatal only, for it would write to stderr past our logs


def _onnxruntime() -> Any:
    """The library, told to keep to itself: from 1.29 on its official builds report to their maker over the network.

    Only the variable stops all of it, and only before the first import; the call is for older builds on Windows.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def available_providers() -> tuple[str, ...]:
    """Names of the providers that the installed ONNX Runtime has, best first; "cpu" is always among them."""
    there = set(_onnxruntime().get_available_providers())
    return tuple(name for name, theirs in PROVIDERS.items() if theirs in there)


class Session:
    """One model, loaded and ready. `run` may be called from several threads at once.

    Attributes:
        provider: name of the provider that runs it, a key of `PROVIDERS`.
    """

    def __init__(self, model: bytes, *, name: str, provider: str | None = None, threads: int = 1) -> None:
        """Load `model`, the bytes of an ONNX file called `name` in messages.

        Args:
            model: the file's content.
            name: the model's name.
            provider: a key of `PROVIDERS`, or None for the best that works here.
            threads: threads for one call of `run`, from 1.

        Raises:
            ModelError: the provider is unknown or not installed, or the model cannot run on it.
        """
        self._name = name
        wanted = _wanted(provider)
        for candidate in wanted:
            self._session, error = _open(model, candidate, threads)
            if self._session is not None:
                self.provider = candidate
                self._outputs = [output.name for output in self._session.get_outputs()]
                return
            if candidate == wanted[-1]:
                raise ModelError(f"model {name} cannot be started on {candidate}, nothing was looked at") from error

    def run(self, pictures: npt.NDArray[np.uint8] | Picture) -> Outputs:
        """The model's outputs by name, float32, shape (B, channels, rows, columns).

        Args:
            pictures: RGB, uint8, shape (B, H, W, 3).

        Raises:
            ModelError: ONNX Runtime failed; its own error is the cause.
        """
        try:
            return dict(zip(self._outputs, self._session.run(self._outputs, {"pixels": pictures}), strict=True))
        except Exception as error:
            raise ModelError(f"model {self._name} failed on {self.provider}, the picture was not looked at") from error

    def rest(self) -> None:
        """Give memory back to the operating system: what one large look took stays reserved for the next otherwise."""
        options = _onnxruntime().RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        smallest = np.zeros((1, SMALLEST, SMALLEST, 3), np.uint8)
        try:
            self._session.run(self._outputs, {"pixels": smallest}, options)
        except Exception as error:
            raise ModelError(f"model {self._name} failed on {self.provider}") from error


def _wanted(provider: str | None) -> tuple[str, ...]:
    """Names of the providers to try, in order."""
    available = available_providers()
    if provider is None:
        return available
    if provider not in PROVIDERS:
        raise ModelError(f"provider {provider} is unknown", hint=f"Choose one of {', '.join(PROVIDERS)}.")
    if provider not in available:
        raise ModelError(
            f"provider {provider} is not part of the ONNX Runtime installed here",
            hint=f"Installed are {', '.join(available)}.",
        )
    return (provider,)


def _open(model: bytes, provider: str, threads: int) -> tuple[Any, Exception | None]:
    """A session that really runs on `provider`, or None and why not."""
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    # Plans are kept for every shape ever seen; pictures come in any shape, so memory would grow with their variety.
    options.enable_mem_pattern = False
    # Idle workers that spin would take the cores from decoder and encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[PROVIDERS[provider]])
    except Exception as error:
        return None, error
    # ONNX Runtime falls back to the CPU with a warning where a provider cannot be loaded.
    if PROVIDERS[provider] not in session.get_providers():
        return None, RuntimeError(f"{PROVIDERS[provider]} could not be loaded")
    return session, None
