"""The lamps board as SVG: a row a rep, a column a week. Level is told by colour, by shape and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from engine.demo import season
from engine.demo.lamps import Level, Row
from engine.demo.markup import text

_NAMES, _CELL, _HIGH, _HEAD, _REGION = 78, 54, 36, 40, 30
_FILL: dict[Level, str] = {"green": "#dcefe2", "yellow": "#ffe08a", "red": "#b3202c"}
_INK: dict[Level, str] = {"green": "#14532d", "yellow": "#4d3800", "red": "#ffffff"}
_WORDS: dict[Level, str] = {"green": "绿 green", "yellow": "黄 yellow", "red": "红 red"}


def board(rows: Sequence[Row]) -> str:
    """An SVG that scales with the page's width; every cell has a tooltip."""
    weeks = len(rows[0].levels) if rows else 0
    parts = [_heads(weeks)]
    y = _HEAD
    for region, reps in groupby(rows, key=lambda row: row.region):
        parts.append(f'<text class="region" x="0" y="{y + 21}">{text(region)}</text>')
        y += _REGION
        for row in reps:
            parts.append(_line(row, y))
            y += _HIGH
    title = "灯板：每位销售每周的最差级别 / The worst level of every rep in every week"
    size = f"0 0 {_NAMES + weeks * _CELL} {y}"
    return f'<svg class="board" viewBox="{size}" role="img" aria-label="{text(title)}">{"".join(parts)}</svg>'


def mark(level: Level, x: float, y: float, colour: str) -> str:
    """The shape of a level, about twelve wide, its middle at (x, y): a disc, a triangle, a square."""
    if level == "green":
        return f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/>'
    if level == "yellow":
        return f'<path d="M{x} {y - 6} l6.5 11.5 h-13 z" fill="{colour}"/>'
    return f'<rect x="{x - 5.5}" y="{y - 5.5}" width="11" height="11" fill="{colour}"/>'


def legend() -> str:
    """What shapes, colours and numbers mean."""
    items = "".join(
        f'<li><svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="5" fill="{_FILL[level]}"/>'
        f"{mark(level, 12, 12, _INK[level])}</svg>{text(_WORDS[level])}</li>"
        for level in _FILL
    )
    return f'<ul class="legend">{items}<li>数字：当周高价值客户拜访次数 · number: key-customer visits of the week</li></ul>'


def _heads(weeks: int) -> str:
    cells = []
    for week in range(weeks):
        monday = season.START + timedelta(weeks=week)
        x = _NAMES + week * _CELL + _CELL / 2
        cells.append(f'<text class="week" x="{x}" y="15">W{monday.isocalendar().week}</text>')
        cells.append(f'<text class="date" x="{x}" y="33">{monday:%m-%d}</text>')
    return "".join(cells)


def _line(row: Row, y: int) -> str:
    middle = y + _HIGH / 2
    cells = [f'<text class="name" x="0" y="{middle + 6}">{text(row.name)}</text>']
    for week, (level, visits) in enumerate(zip(row.levels, row.visits, strict=True)):
        x, ink = _NAMES + week * _CELL, _INK[level]
        title = f"{row.name} · 第{week + 1}周 week {week + 1} · {_WORDS[level]} · {visits}"
        cells.append(
            f"<g><title>{text(title)}</title>"
            f'<rect x="{x + 2}" y="{y + 2}" width="{_CELL - 4}" height="{_HIGH - 4}" rx="7" fill="{_FILL[level]}"/>'
            f"{mark(level, x + 17, middle, ink)}"
            f'<text class="count" x="{x + 37}" y="{middle + 6}" style="fill:{ink}">{visits}</text></g>'
        )
    return "".join(cells)
