"""What is known of one camera: kept from what its process says, and told to everybody the same."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

from passerby.live import CameraState, CameraStatus
from passerby.serve.fan_out import FanOut
from passerby.serve.link import Message, figures_in, instant_in, part_in, segment_in, words_in
from passerby.telemetry import printable

_SILENCE_S = 600.0
"""So long the same sentence is not repeated in the log."""

_log = logging.getLogger(__name__)


class Known:
    """State, figures, last picture and live parts of a camera.

    Attributes:
        fan_out: its live parts.
    """

    def __init__(self, name: str) -> None:
        self.fan_out = FanOut()
        self._lock = threading.Lock()
        self._status = CameraStatus(name, CameraState.STOPPED, datetime.now(UTC))
        self._lost = False
        self._logged_s: dict[str, float] = {}
        self._still: tuple[bytes, datetime] | None = None

    @property
    def status(self) -> CameraStatus:
        """How it is."""
        return self._status

    @property
    def still(self) -> tuple[bytes, datetime] | None:
        """The last redacted picture, JPEG, and when it arrived; None while the camera is not there."""
        return self._still

    def tell(self, state: CameraState, why: str) -> None:
        """It is in this state now; `why` is a sentence, or "" when all is well."""
        with self._lock:
            self._status = self._status.in_state(state, why, datetime.now(UTC))
            self._log(state, why)

    def live_ended(self) -> None:
        """The camera or its process is gone: what was live is not any more, and nobody is shown it as if it were."""
        self.fan_out.pause()
        with self._lock:
            self._still = None

    def hear(self, message: Message) -> bool:
        """Take in what the process says; whether it shows that something playable was made.

        Raises:
            ValueError, TypeError, KeyError: it talks nonsense.
        """
        if message.kind == "part":
            self.fan_out.publish(part_in(message))
            return True
        if message.kind == "still":
            self._still = (message.data, instant_in(message.told["at"]))
        elif message.kind == "state":
            self.tell(CameraState(message.told["state"]), words_in(message, "why"))
        else:
            return self._hear_facts(message)
        return False

    def _log(self, state: CameraState, why: str) -> None:
        """For who reads the log of a service: what is wrong, now and then, and that a lost camera is back."""
        now_s = time.monotonic()
        if state in (CameraState.LOST, CameraState.DEGRADED):
            self._lost |= state is CameraState.LOST
            if now_s - self._logged_s.get(why, -_SILENCE_S) >= _SILENCE_S:
                self._logged_s[why] = now_s
                _log.warning("camera %s: %s: %s", self._status.name, state, printable(why))
        elif state is CameraState.LIVE and self._lost:
            self._lost, self._logged_s = False, {}
            _log.warning("camera %s: live again", self._status.name)

    def _hear_facts(self, message: Message) -> bool:
        with self._lock:
            if message.kind == "figures":
                self._status = replace(self._status, figures=figures_in(message))
            elif message.kind == "opened":
                width, height = int(message.told["width"]), int(message.told["height"])
                self._status = replace(self._status, width=width, height=height, codec=words_in(message, "codec"))
            elif message.kind == "segment":
                self._status = replace(self._status, last_segment_at=segment_in(message).ends_at)
            else:
                raise ValueError(message.kind)
        return message.kind == "segment"
