"""How densely points lie, as a layer of colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageMath

_CELL = 4
"""Density is computed on every fourth pixel and smoothed in between."""

_FULL = 4.0
"""This many points in one place, or the densest place if that is denser, have the strongest colour."""

_STOPS: tuple[tuple[float, tuple[int, int, int, int]], ...] = (
    (0.0, (255, 236, 170, 0)),
    (0.08, (255, 232, 150, 70)),
    (0.25, (254, 209, 98, 140)),
    (0.5, (250, 148, 60, 180)),
    (0.75, (232, 84, 52, 205)),
    (1.0, (186, 26, 52, 222)),
)


def layer(spots: Sequence[tuple[float, float]], size: tuple[int, int], radius: float) -> Image.Image:
    """An RGBA picture of `size`. Each spot (x, y in pixels) spreads by a Gaussian of sigma `radius` / 2.5."""
    cells = (size[0] // _CELL + 1, size[1] // _CELL + 1)
    density = Image.new("F", cells, 0.0)
    kernel = _kernel(max(round(radius / _CELL), 2))
    half = kernel.width // 2
    for x, y in spots:
        corner = (round(x / _CELL) - half, round(y / _CELL) - half)
        area = (*corner, corner[0] + kernel.width, corner[1] + kernel.height)
        density.paste(_sum(density.crop(area), kernel), area)
    _, peak = density.getextrema()
    top = max(float(peak), _FULL) if isinstance(peak, int | float) else _FULL
    smooth = density.resize((cells[0] * _CELL, cells[1] * _CELL), Image.Resampling.BICUBIC)
    shade = smooth.crop((0, 0, *size)).point(lambda value: value * (255.0 / top) + 0.0).convert("L")
    return Image.merge("RGBA", [shade.point(table) for table in ramp()])


@lru_cache(maxsize=1)
def ramp() -> tuple[list[int], list[int], list[int], list[int]]:
    """Red, green, blue and alpha for each of 256 densities."""
    colours = [_colour(value / 255) for value in range(256)]
    red, green, blue, alpha = (list(channel) for channel in zip(*colours, strict=True))
    return red, green, blue, alpha


def _colour(share: float) -> tuple[int, ...]:
    for (low, start), (high, end) in pairwise(_STOPS):
        if share <= high:
            part = (share - low) / (high - low)
            return tuple(round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return _STOPS[-1][1]


@lru_cache(maxsize=4)
def _kernel(radius: int) -> Image.Image:
    """A Gaussian of peak 1, cut at `radius` cells (2.5 sigma) where it has fallen to 0.04, and let down to
    0 there.
    """
    width = 2 * radius + 1
    foot = math.exp(-(2.5**2) / 2)
    kernel = Image.new("F", (width, width), 0.0)
    for y in range(width):
        for x in range(width):
            squared = ((x - radius) ** 2 + (y - radius) ** 2) / radius**2
            value = math.exp(-squared * 2.5**2 / 2)
            kernel.putpixel((x, y), max(value - foot, 0.0) / (1 - foot))
    return kernel


def _sum(one: Image.Image, other: Image.Image) -> Image.Image:
    total = ImageMath.lambda_eval(lambda images: images["one"] + images["other"], one=one, other=other)
    if not isinstance(total, Image.Image):
        raise TypeError("adding two pictures gave no picture")
    return total
