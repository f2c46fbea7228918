from __future__ import annotations

import io

import pytest
from PIL import Image

from connectors import Picture


class Clock:
    """Virtual POSIX seconds."""

    def __init__(self, now: float = 1_773_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def picture() -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return Picture(out.getvalue(), "热力图", "heatmap.png")
