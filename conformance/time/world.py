"""A pack with every aggregate over every kind of window, and events on purpose at the edges of windows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from tempfile import TemporaryDirectory
from typing import Any

from engine.core.program import Program
from engine.pack import load

ZONE = timezone(timedelta(hours=8))
START = datetime(2026, 9, 24, tzinfo=ZONE)
DAYS = 9
LATENESS = timedelta(days=2)
DESKS = ("a", "b")

AGGREGATES = (
    "count()", "sum(data.x)", "avg(data.x)", "min(data.x)", "max(data.x)", "distinct(data.who)", "ratio(data.x, data.y)",
    "percentile(data.x, 75)",
)  # fmt: skip
WINDOWS = {
    "day": "{calendar: day, in: shanghai}",
    "workday": "{calendar: workday, in: shanghai}",
    "week": "{calendar: week, in: shanghai}",
    "month": "{calendar: month, in: shanghai}",
    "hours": "{tumbling: 11h}",
    "bursts": "{session: 3h}",
    "recent": "{sliding: 30h}",
    "ever": "lifetime",
}
ROSTERED = ("day", "workday", "week", "month", "hours")

_FRAME = """
pack: {name: time, version: "1", calendar: shanghai}
calendars:
  shanghai: {tz: Asia/Shanghai, holidays: CN}
entities:
  desk: {key: id, data: {id: string, listed: bool}}
  away: {key: id, data: {id: string, desk: ref(desk), from: timestamp, until: timestamp}}
events:
  sold: {lateness: 2d, keys: {desk: data.desk}, data: {desk: ref(desk), x: double, y: double, who: string, item: string}}
  paid: {lateness: 2d, keys: {desk: data.desk}, data: {desk: ref(desk), x: double, y: double, who: string, item: string}}
"""


def program(*kinds: str) -> Program:
    """The pack, ready to run, with these kinds of windows; by default with all of them."""
    with TemporaryDirectory() as folder:
        with open(f"{folder}/pack.yaml", "w", encoding="utf-8") as file:
            file.write(_FRAME + "".join(_sections(kinds or tuple(WINDOWS))))
        return load([folder])


def _sections(kinds: tuple[str, ...]) -> Iterator[str]:
    rostered = [name for name in ROSTERED if name in kinds]
    yield "metrics:\n  owed: {by: desk, open: {from: sold, until: paid, per: data.item}}\n"
    yield "  owed_large: {by: desk, open: {from: sold, until: paid, per: data.item}, where: data.x > 10.0}\n"
    for name in kinds:
        window = WINDOWS[name]
        for aggregate in AGGREGATES:
            yield f'  {name}_{aggregate.partition("(")[0]}: {{by: desk, of: sold, value: "{aggregate}", window: {window}}}\n'
        yield f"  {name}_share: {{by: desk, of: {{num: paid, den: sold}}, window: {window}}}\n"
    for name in rostered:
        rest = f"window: {WINDOWS[name]}, roster: desk where desk.listed, skip: away"
        yield f"  {name}_roster: {{by: desk, of: [sold, paid], value: count(), {rest}}}\n"
    yield "alerts:\n"
    for name in kinds:
        closed = f"metrics.{name}_sum.streak(n, n < 40.0) >= 2 || metrics.{name}_count.trend(3) > 0.5"
        yield f"  {name}: {{by: desk, red: '{closed}', yellow: 'metrics.{name}_count.now >= 3'}}\n"
    for name in rostered:
        yield f"  {name}_idle: {{by: desk, red: 'metrics.{name}_roster.streak(n, n == 0) >= 2'}}\n"
    yield "  owed: {by: desk, red: metrics.owed.oldest > hours(60), yellow: metrics.owed_large.count > 2}\n"


Data = dict[str, Any]


def entities() -> Iterator[Data]:
    """Two desks, one of which is away for some days."""
    for desk in DESKS:
        yield {"entity": "desk", "data": {"id": desk, "listed": True}, "at": "2026-01-01T00:00:00+08:00"}
    away = {"from": "2026-09-28T09:00:00+08:00", "until": "2026-09-30T18:00:00+08:00"}
    yield {"entity": "away", "data": {"id": "1", "desk": "a", **away}, "at": "2026-09-29T12:00:00+08:00"}


def events(dice: random.Random, count: int) -> list[tuple[datetime, Data]]:
    """Events in the order of time. Many lie on whole hours and days, some at the same instant, some in dense clusters."""
    found = [_event(dice, number, _instant(dice)) for number in range(count)]
    centre = _instant(dice)
    for number in range(count, count + dice.choice((0, 0, 40))):
        found.append(_event(dice, number, centre + timedelta(seconds=dice.randrange(1800))))
    return sorted(found, key=lambda one: one[0])


def _instant(dice: random.Random) -> datetime:
    step = dice.choice((timedelta(days=1), timedelta(hours=1), timedelta(hours=5), timedelta(seconds=1)))
    return START + step * dice.randrange(int(timedelta(days=DAYS) / step))


def _event(dice: random.Random, number: int, at: datetime) -> tuple[datetime, Data]:
    data = {
        "desk": dice.choice(DESKS), "x": dice.choice((0.1, 0.2, 1e16, -1e16, float(dice.randrange(30)))), "y": dice.choice((0.0, 0.3, 7.0)),
        "who": f"w{dice.randrange(6)}", "item": f"i{dice.randrange(12)}",
    }  # fmt: skip
    kind = dice.choice(("sold", "sold", "paid"))
    return at, {"id": f"e{number}", "source": "time", "type": kind, "time": at.isoformat(), "data": data}


def late(dice: random.Random, ordered: list[tuple[datetime, Data]]) -> list[tuple[datetime, Data]]:
    """The same events in an order in which each comes at most `LATENESS` after what happened later than it."""
    reach = dice.choice((timedelta(hours=2), LATENESS))
    return sorted(ordered, key=lambda one: one[0] + reach * dice.random() * 0.999)
