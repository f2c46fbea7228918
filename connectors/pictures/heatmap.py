"""The heat map of somebody's check-ins: where, how often, in which order. No map tiles, nothing leaves the
house.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from connectors.pictures import density, fonts
from connectors.pictures.fonts import Face
from connectors.pictures.projection import Box, Projection, around, bar
from connectors.protocol import Picture

_PAPER, _PANEL, _GRID, _EDGE = (255, 255, 255), (246, 248, 251), (232, 236, 242), (216, 222, 231)
_INK, _SOFT, _STRONG = (29, 37, 51), (104, 116, 135), (186, 26, 52)
_TRACK, _POINT = (46, 84, 150), (29, 62, 122)
_FINE = 2
"""Lines and points are drawn twice as large and reduced, which smooths their edges."""

_LEAST_METRES = 600.0
_MARGIN, _HEADER, _FOOTER = 28, 104, 58
_SPREAD = 70.0


@dataclass(frozen=True, slots=True)
class Point:
    """One check-in: degrees (WGS 84 or GCJ-02, all the same one), and an aware time."""

    lat: float
    lon: float
    time: datetime


def heatmap(
    points: Sequence[Point],
    *,
    title: str,
    start: datetime,
    end: datetime,
    size: tuple[int, int] = (960, 640),
    font: Face | str | None = None,
) -> Picture:
    """The check-ins with `start` <= time <= `end` as a PNG; none at all is a valid picture that says so.

    `font` is a face or the path of a font file; None finds one. Without Chinese in the font the words are
    English. Positions that cannot be on Earth are left out. The same input gives the same bytes.
    """
    face = font if isinstance(font, Face) else fonts.find(font)
    shown = sorted((p for p in points if start <= p.time <= end and _on_earth(p)), key=lambda p: (p.time, p.lat, p.lon))
    image = Image.new("RGB", size, _PAPER)
    box = Box(_MARGIN, _HEADER, size[0] - _MARGIN, size[1] - _FOOTER)
    words = _Words(face, title, start, end, len(shown))
    _frame(image, box)
    if shown:
        projection = around([(p.lat, p.lon) for p in shown], box, margin=72, least=_LEAST_METRES)
        _chart(image, box, projection, shown, face, start)
        _latest(image, projection, shown[-1], words, face)
        _scale(image, box, projection, face)
        _legend(image, box, words, face)
    else:
        _centred(image, box, words.nothing, face)
    _head(image, words, face)
    return Picture(_png(image, words.alt), words.alt, "heatmap.png")


class _Words:
    """Every text of the picture, in Chinese where the face has it."""

    def __init__(self, face: Face, title: str, start: datetime, end: datetime, count: int) -> None:
        dash = "–" if face.covers("–") else "-"
        self.period = f"{start:%Y-%m-%d %H:%M} {dash} {end.astimezone(start.tzinfo):%Y-%m-%d %H:%M}"
        self.zone = start.tzinfo
        days = round((end - start).total_seconds() / 86_400)
        zh = face.cjk
        self.title = title if _tells(face, title) else "Check-in heat map"
        plural = "" if count == 1 else "s"
        self.count = f"{count} 次签到" if zh else f"{count} check-in{plural}"
        none_zh, none_en = f"近{days}天没有签到记录", f"No check-ins in {days} days"
        self.nothing = none_zh if zh else none_en
        self.latest = "最近" if zh else "latest"
        self.few, self.many = ("少", "多") if zh else ("few", "many")
        said = f"{count} 次签到" if count else none_zh
        self.alt = f"{title}:{self.period},{said}"


def _on_earth(point: Point) -> bool:
    return math.isfinite(point.lat) and abs(point.lat) <= 85 and abs(point.lon) <= 180


def _tells(face: Face, title: str) -> bool:
    """Whether the title survives in this face: all of it, or at least a word of it."""
    kept = face.clean(title)
    return kept == " ".join(title.split()) or sum(c.isalpha() for c in kept) >= 3


def _frame(image: Image.Image, box: Box) -> None:
    draw = ImageDraw.Draw(image)
    corners = (box.left, box.top, box.right, box.bottom)
    draw.rounded_rectangle(corners, radius=10, fill=_PANEL, outline=_EDGE)
    step = 64
    for x in range(round(box.left) + step, round(box.right), step):
        draw.line((x, box.top + 1, x, box.bottom - 1), fill=_GRID)
    for y in range(round(box.top) + step, round(box.bottom), step):
        draw.line((box.left + 1, y, box.right - 1, y), fill=_GRID)


def _chart(
    image: Image.Image, box: Box, projection: Projection, shown: Sequence[Point], face: Face, start: datetime
) -> None:
    spots = [projection.place(p.lat, p.lon) for p in shown]
    inside = [(x - box.left, y - box.top) for x, y in spots]
    corner = (round(box.left), round(box.top))
    heat = density.layer(inside, (round(box.width), round(box.height)), radius=_SPREAD)
    image.paste(heat, corner, heat)
    lines = Image.new("RGBA", (round(box.width) * _FINE, round(box.height) * _FINE), (*_TRACK, 0))
    draw = ImageDraw.Draw(lines)
    busy = min(1.0, math.sqrt(12 / len(shown)))
    days = [p.time.astimezone(start.tzinfo).date() for p in shown]
    for index in range(1, len(inside)):
        # A line over night joins two days' rounds, and stays in the background.
        alpha = round((190 if days[index] == days[index - 1] else 80) * busy)
        ends = [coordinate * _FINE for spot in (inside[index - 1], inside[index]) for coordinate in spot]
        draw.line(ends, fill=(*_TRACK, alpha), width=3)
    for x, y, count in _gathered(inside):
        _disc(draw, x * _FINE, y * _FINE, count, face)
    smooth = lines.reduce(_FINE)
    image.paste(smooth, corner, smooth)


def _latest(image: Image.Image, projection: Projection, last: Point, words: _Words, face: Face) -> None:
    """A ring around the newest check-in, and when it was: in the local time of the period."""
    draw = ImageDraw.Draw(image)
    x, y = projection.place(last.lat, last.lon)
    text = f"{words.latest} {last.time.astimezone(words.zone):%m-%d %H:%M}"
    font, right = face.at(15), projection.box.right - 12
    left = x + 20 if x + 20 + font.getlength(text) < right else x - 20 - font.getlength(text)
    draw.ellipse((x - 15, y - 15, x + 15, y + 15), outline=_STRONG, width=2)
    draw.text((left, y), text, font=font, fill=_STRONG, anchor="lm", stroke_width=3, stroke_fill=_PANEL)


def _gathered(spots: Sequence[tuple[float, float]]) -> list[tuple[float, float, int]]:
    """Spots that would cover each other, as one with their number."""
    groups: list[tuple[float, float, int]] = []
    for x, y in spots:
        for index, (left, top, count) in enumerate(groups):
            if math.hypot(x - left, y - top) < 11:
                groups[index] = (left, top, count + 1)
                break
        else:
            groups.append((x, y, 1))
    return groups


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, count: int, face: Face) -> None:
    radius = (5.5 if count == 1 else 11.5) * _FINE
    draw.ellipse(
        (x - radius, y - radius, x + radius, y + radius),
        fill=(*_POINT, 255),
        outline="white",
        width=2 * _FINE,
    )
    if count > 1:
        size = (13 if count < 100 else 10) * _FINE
        draw.text((x, y), str(count), font=face.at(size), fill="white", anchor="mm")


def _head(image: Image.Image, words: _Words, face: Face) -> None:
    draw = ImageDraw.Draw(image)
    right = image.width - _MARGIN
    taken = face.at(30).getlength(words.count)
    draw.text((right, 56), words.count, font=face.at(30), fill=_STRONG, anchor="rs")
    title = face.fit(words.title, 30, right - _MARGIN - taken - 32)
    draw.text((_MARGIN, 56), title, font=face.at(30), fill=_INK, anchor="ls")
    draw.text((_MARGIN, 86), face.clean(words.period), font=face.at(18), fill=_SOFT, anchor="ls")


def _scale(image: Image.Image, box: Box, projection: Projection, face: Face) -> None:
    draw = ImageDraw.Draw(image)
    length, label = bar(projection.metres_per_pixel, 180)
    left, y = box.left, box.bottom + 26
    draw.line((left, y, left + length, y), fill=_SOFT, width=2)
    for x in (left, left + length):
        draw.line((x, y - 5, x, y + 5), fill=_SOFT, width=2)
    draw.text((left + length + 12, y), label, font=face.at(16), fill=_SOFT, anchor="lm")


def _legend(image: Image.Image, box: Box, words: _Words, face: Face) -> None:
    """The ramp of colours, from few to many."""
    draw = ImageDraw.Draw(image)
    y, font = box.bottom + 26, face.at(16)
    right = box.right - font.getlength(words.many) - 10
    draw.text((box.right, y), words.many, font=font, fill=_SOFT, anchor="rm")
    strip = Image.merge("RGBA", [Image.linear_gradient("L").rotate(90).point(t) for t in density.ramp()])
    strip = strip.resize((140, 10))
    image.paste(strip, (round(right) - 140, round(y) - 5), strip)
    draw.text((right - 150, y), words.few, font=font, fill=_SOFT, anchor="rm")


def _centred(image: Image.Image, box: Box, text: str, face: Face) -> None:
    middle = (box.left + box.width / 2, box.top + box.height / 2)
    ImageDraw.Draw(image).text(middle, text, font=face.at(28), fill=_SOFT, anchor="mm")


def _png(image: Image.Image, description: str) -> bytes:
    info = PngInfo()
    info.add_itxt("Description", description, lang="zh")
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info, compress_level=4)
    return out.getvalue()
