"""From latitude and longitude to pixels, at one scale on both axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

METRES_PER_DEGREE = math.pi / 180 * 6_371_008.8
"""On the sphere of the Earth's mean radius (IUGG)."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels down."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Projection:
    """Equirectangular around a centre: true in all directions there, and within 1 % over 100 km."""

    lat: float
    lon: float
    metres_per_pixel: float
    box: Box

    def place(self, lat: float, lon: float) -> tuple[float, float]:
        """Pixels (x to the right, y down) of a position in degrees."""
        east = _wrapped(lon - self.lon) * METRES_PER_DEGREE * math.cos(math.radians(self.lat))
        north = (lat - self.lat) * METRES_PER_DEGREE
        x = self.box.left + self.box.width / 2 + east / self.metres_per_pixel
        return x, self.box.top + self.box.height / 2 - north / self.metres_per_pixel


def around(positions: Sequence[tuple[float, float]], box: Box, *, margin: float, least: float) -> Projection:
    """The projection that shows all positions (lat, lon) with `margin` pixels to spare.

    The height of the box stands for `least` metres or more, so that one place alone is not blown up.
    """
    first_lon = positions[0][1]
    lats = [lat for lat, _ in positions]
    lons = [first_lon + _wrapped(lon - first_lon) for _, lon in positions]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    high = (max(lats) - min(lats)) * METRES_PER_DEGREE
    wide = (max(lons) - min(lons)) * METRES_PER_DEGREE * math.cos(math.radians(lat))
    scale = max(high / (box.height - 2 * margin), wide / (box.width - 2 * margin), least / box.height)
    return Projection(lat, _wrapped(lon), scale, box)


def bar(metres_per_pixel: float, width: float) -> tuple[float, str]:
    """The longest round scale bar (1, 2 or 5 times a power of ten) within `width` pixels: its pixels and
    label.
    """
    most = metres_per_pixel * width
    power = 10.0 ** math.floor(math.log10(most))
    metres = next(step * power for step in (5, 2, 1) if step * power <= most)
    label = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    return metres / metres_per_pixel, label


def _wrapped(degrees: float) -> float:
    """A difference of longitudes in [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0
