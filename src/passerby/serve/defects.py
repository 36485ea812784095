"""What nobody expected, in words that give nothing away."""

from __future__ import annotations

import traceback
from pathlib import Path


def defect_in_words(defect: Exception) -> str:
    """By its kind and place: its own words may hold anything, addresses and passwords included."""
    frames = traceback.extract_tb(defect.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"passerby has a defect ({type(defect).__name__}{where})"
