"""Pillow's remarks on odd files, kept from the user: what matters of them is an error here."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_outer: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet() -> Generator[None, None, None]:
    """No Python warning comes out of the block.

    The filters belong to the whole process: the first of several threads sets them aside, the last puts them back.
    """
    global _depth, _outer
    with _lock:
        if _depth == 0:
            _outer = warnings.catch_warnings()
            _outer.__enter__()
            warnings.simplefilter("ignore")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _outer is not None:
                _outer.__exit__(None, None, None)
                _outer = None
