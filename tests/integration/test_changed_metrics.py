"""A metric that a later pack defines otherwise begins anew: nothing crashes, nothing is mixed, nothing half-counted is judged."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from engine import Engine

FRAME = """
pack: {{name: changing, version: "1", title: {{en: Changing}}, params: {{least: {least}}}}}
calendars: {{shanghai: {{tz: {zone}}}}}
entities: {{desk: {{data: {{id: string}}}}}}
events:
  sale: &sale {{lateness: 7d, keys: {{desk: data.desk}}, data: {{desk: ref(desk), amount: double, item: string}}}}
  refund: *sale
metrics:
  counted: {{by: desk, {counted}}}
alerts:
  slow: {{by: desk, red: '{red}'}}
"""
COUNT = "of: sale, value: count(), window: {sliding: 28d}"
FORMS = [
    COUNT,
    "of: sale, value: avg(data.amount), window: {sliding: 28d}",
    "of: sale, value: sum(data.amount), window: {calendar: day, in: shanghai}",
    "of: sale, value: min(data.amount), window: {calendar: day, in: shanghai}",
    "of: sale, value: distinct(data.item), window: {tumbling: 24h}",
    "of: {num: sale, den: refund}, window: {session: 1h}",
    "of: sale, value: 'ratio(data.amount, data.amount)', window: lifetime",
    "open: {from: sale, until: refund, per: data.item}",
]
MANY, SALES = 100.0, "2026-03-02T10:0{}"


class Desk:
    """A desk whose pack changes: `under` opens the same store with another definition of its metric."""

    def __init__(self, tmp_path: Path, open_pack: Callable[..., Engine], event: Callable[..., Any]) -> None:
        self._url = f"sqlite:///{tmp_path / 'log.db'}"
        self._open, self._event = open_pack, event
        self.engine: Engine | None = None

    def under(self, counted: str, *, red: str = "false", least: int = 1, zone: str = "Asia/Shanghai") -> Desk:
        if self.engine is not None:
            self.engine.close()
        text = FRAME.format(counted=counted, red=red, least=least, zone=zone)
        self.engine = self._open(text, store=self._url)
        self.engine.put("desk", {"id": "d"}, "2026-01-01T00:00:00+08:00")
        return self

    def sell(self, *times: str, amount: float = MANY) -> None:
        assert self.engine is not None
        for time in times:
            outcome = self.engine.handle(self._event("sale", time, desk="d", amount=amount, item="tea"))
            assert [one["kind"] for one in outcome if one["kind"] in ("reject", "error")] == []

    def levels(self, until: str) -> list[tuple[str, str]]:
        assert self.engine is not None
        return [(one["at"][5:10], one["level"]) for one in self.engine.advance(f"{until}:00+08:00").alerts]

    @property
    def counted(self) -> Any:
        assert self.engine is not None
        return self.engine.metrics("desk", "d")["counted"]


@pytest.fixture
def desk(tmp_path: Path, open_pack: Callable[..., Engine], event: Callable[..., Any]) -> Desk:
    return Desk(tmp_path, open_pack, event)


@pytest.mark.parametrize(("first", "then"), list(permutations(FORMS, 2)))
def test_no_form_meets_what_another_has_counted(desk: Desk, first: str, then: str) -> None:
    desk.under(first).sell(*[SALES.format(minute) for minute in range(3)])
    desk.under(then).sell(SALES.format(4), amount=1.0)
    if then.startswith("open"):
        assert desk.counted.count == 1
    elif "refund" in then:
        assert desk.counted.now is None
    else:
        assert desk.counted.now == 1
    assert list(desk.engine.store.parked()) == []  # type: ignore[union-attr]


def test_items_that_waited_under_another_name_are_let_go(desk: Desk) -> None:
    desk.under("open: {from: sale, until: refund, per: data.item}").sell(SALES.format(0))
    desk.under("open: {from: sale, until: refund, per: data.desk}")
    assert desk.counted.count == 0


@pytest.mark.parametrize("shown", ["title: {en: Another title}", "target: 9"])
def test_what_does_not_touch_the_count_leaves_it(desk: Desk, shown: str) -> None:
    desk.under(COUNT).sell(SALES.format(0))
    desk.under(f"{COUNT}, {shown}").sell(SALES.format(1))
    assert desk.counted.now == 2


def test_a_parameter_in_a_condition_is_part_of_it(desk: Desk) -> None:
    counted = f"{COUNT}, where: data.amount >= double(params.least)"
    desk.under(counted, least=1).sell(SALES.format(0))
    desk.under(counted, least=1).sell(SALES.format(1))
    assert desk.counted.now == 2
    desk.under(counted, least=50).sell(SALES.format(2))
    assert desk.counted.now == 1
    desk.under(COUNT, least=1).sell(SALES.format(3))
    desk.under(COUNT, least=50).sell(SALES.format(4))
    assert desk.counted.now == 2


def test_days_of_another_zone_are_other_days(desk: Desk) -> None:
    desk.under(FORMS[2]).sell(SALES.format(0))
    desk.under(FORMS[2], zone="Europe/Berlin").sell(SALES.format(1))
    assert desk.counted.now == MANY


WEEK = "of: sale, window: {calendar: week, in: shanghai}"
FEW = "metrics.counted.last(1).exists(n, n < 3)"
MONDAY = "2026-03-02T10:00"


@pytest.mark.parametrize("roster", ["", ", roster: desk"])
def test_a_window_is_judged_by_a_definition_that_was_there_when_it_began(desk: Desk, roster: str) -> None:
    desk.under(f"{WEEK}, where: data.amount > 5.0{roster}", red=FEW).sell(
        MONDAY, "2026-03-03T10:00", "2026-03-04T10:00"
    )
    desk.under(f"{WEEK}, where: data.amount > 6.0{roster}", red=FEW).sell("2026-03-05T10:00")
    assert desk.levels("2026-03-09T12:00") == []
    assert desk.counted.last(5) == []
    desk.sell("2026-03-10T10:00")
    desk.sell("2026-03-04T11:00")
    assert desk.counted.last(5) == []
    assert desk.levels("2026-03-16T12:00") == [("03-16", "red")]
    assert desk.counted.last(5) == [1]
