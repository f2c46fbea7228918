"""Windows of every kind, and levels that must hold for a while, through small packs."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

FRAME = """
pack: {{name: windows, version: "1", title: {{en: Windows}}}}
calendars:
  shanghai: {{tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}}
entities:
  desk: {{key: id, data: {{id: string, open: bool}}}}
events:
  sale: {{lateness: 7d, keys: {{desk: data.desk}}, data: {{desk: ref(desk), amount: double, tags: list(string)?}}}}
metrics:
  sales: {{title: {{en: Sales}}, of: sale, by: desk, value: {value}, window: {window}}}
alerts:
  hot: {{title: {{en: Hot}}, by: desk, yellow: '{yellow}'{hold}}}
"""


@pytest.fixture
def desk(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> Callable[..., tuple[Engine, Callable[..., Any]]]:
    """`desk(value, window, yellow)`: an engine, and `sell(time, amount)` that answers the alert levels it caused."""

    def make(
        value: str, window: str, yellow: str = "metrics.sales.last(1).exists(n, n > 1000000.0)", hold: str = ""
    ) -> Any:
        engine = open_pack(FRAME.format(value=value, window=window, yellow=yellow, hold=hold))
        engine.put("desk", {"id": "d", "open": True})

        def sell(time: str, amount: float = 1.0) -> list[tuple[str, str]]:
            found = engine.handle(event("sale", f"2026-03-{time}", desk="d", amount=amount))
            assert not found.rejects
            return [(one["at"][8:16], one["level"]) for one in found.alerts]

        return engine, sell

    return make


def view(engine: Engine) -> Any:
    return engine.metrics("desk", "d")["sales"]


def test_sessions_join_when_a_late_event_closes_the_gap(desk: Callable[..., Any]) -> None:
    engine, sell = desk("sum(data.amount)", "{session: 30m}")
    sell("02T10:00", 1.0)
    sell("02T10:40", 2.0)
    sell("02T12:00", 4.0)
    assert view(engine).last(5) == [2.0, 1.0]
    sell("02T10:20", 8.0)
    assert view(engine).last(5) == [11.0]
    assert view(engine).now == 4.0


SMALL = "metrics.sales.last(1).exists(n, n < 5.0)"


def test_an_alert_hears_that_a_closed_session_was_joined_to_a_running_one(desk: Callable[..., Any]) -> None:
    _, sell = desk("sum(data.amount)", "{session: 30m}", SMALL)
    sell("02T10:00", 1.0)
    assert sell("02T10:40", 2.0) == [("02T10:30", "yellow")]
    assert sell("02T10:20", 4.0) == [("02T10:40", "green")]


def test_an_alert_hears_that_a_closed_session_was_opened_again(desk: Callable[..., Any]) -> None:
    engine, sell = desk("sum(data.amount)", "{session: 30m}", SMALL)
    sell("02T10:00", 1.0)
    assert [one["level"] for one in engine.advance("2026-03-02T10:35:00+08:00").alerts] == ["yellow"]
    assert sell("02T10:20", 1.0) == [("02T10:35", "green")]
    assert [one["at"][11:16] for one in engine.advance("2026-03-02T12:00:00+08:00").alerts] == ["10:50"]


ROSTER = "{calendar: day, in: shanghai}, roster: desk where desk.open"


@pytest.mark.parametrize("listed", [True, False])
def test_a_roster_forgets_windows_that_it_never_judged(
    open_pack: Callable[..., Engine], event: Callable[..., Any], listed: bool
) -> None:
    engine = open_pack(FRAME.format(value="count()", window=ROSTER, yellow="metrics.sales.last(1)[0] > 9", hold=""))
    engine.put("desk", {"id": "d", "open": listed}, "2026-01-01T00:00:00+08:00")
    for day in range(1, 29):
        engine.handle(event("sale", f"2026-02-{day:02}T10:00", desk="d", amount=1.0))
    state = engine._session.partition("desk", "d").metrics.windows["sales"]
    assert (len(state.open), len(state.closed)) == ((9, 27) if listed else (1, 0))
    assert view(engine).now == 1


def test_a_roster_of_keys_that_are_not_known_stays_small(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    pack = FRAME.format(value="count()", window=ROSTER, yellow="metrics.sales.last(1)[0] > 9", hold="")
    engine = open_pack(pack.replace("desk: ref(desk)", "desk: string"))
    for day in range(1, 29):
        engine.handle(event("sale", f"2026-02-{day:02}T10:00", desk="d", amount=1.0))
    assert len(engine._session.partition("desk", "d").metrics.windows["sales"].open) <= 16


def test_tumbling_windows_take_late_events_into_the_window_that_they_belong_to(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{tumbling: 1h}")
    for time in ("02T10:10", "02T10:50", "02T11:00", "02T13:30", "02T11:59"):
        sell(time)
    assert (view(engine).last(3), view(engine).now) == ([2, 2], 1)


@pytest.mark.parametrize(
    ("value", "closed"),
    [
        ("avg(data.amount)", 2.0),
        ("min(data.amount)", 1.0),
        ("max(data.amount)", 3.0),
        ("distinct(data.amount)", 2),
        ("'percentile(data.amount, 50)'", 1.0),
        ("'percentile(data.amount, 100)'", 3.0),
    ],
)
def test_every_aggregate_has_its_value_for_a_closed_day(desk: Callable[..., Any], value: str, closed: float) -> None:
    engine, sell = desk(value, "{calendar: day, in: shanghai}")
    sell("02T10:00", 1.0)
    sell("02T11:00", 3.0)
    sell("03T10:00", 9.0)
    assert view(engine).last(1) == [closed]


def test_lists_are_counted_by_their_content(
    open_pack: Callable[..., Engine], event: Callable[..., Any], tmp_path: Any
) -> None:
    pack = FRAME.format(
        value="'distinct(has(data.tags) ? data.tags : [])'", window="lifetime", yellow="metrics.sales.now > 9", hold=""
    )
    store = f"sqlite:///{tmp_path / 'store.db'}"
    for day, tags in enumerate((["a", "b"], ["b"], ["a", "b"], ["b"], [])):
        engine = open_pack(pack, store=store)
        engine.put("desk", {"id": "d", "open": True}, "2026-03-01T00:00:00+08:00")
        engine.handle(event("sale", f"2026-03-0{day + 2}T10:00", desk="d", amount=1.0, id=f"s{day}", tags=tags))
        now = view(engine).now
        engine.close()
    assert now == 3


def test_a_level_that_must_hold_for_a_while_fires_when_it_has(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{sliding: 2h}", "metrics.sales.now >= 2", ", for: 1h")
    assert sell("02T10:00") == []
    assert sell("02T10:30") == []
    assert [(one["at"][8:16], one["level"]) for one in engine.advance("2026-03-02T11:29:59+08:00").alerts] == []
    assert [(one["at"][8:16], one["level"]) for one in engine.advance("2026-03-02T11:30:00+08:00").alerts] == [
        ("02T11:30", "yellow")
    ]


def test_a_level_that_does_not_hold_long_enough_never_fires(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{sliding: 1h}", "metrics.sales.now >= 2", ", for: 50m")
    sell("02T10:00")
    sell("02T10:30")
    assert engine.advance("2026-03-03T00:00:00+08:00").alerts == []


def test_an_entity_version_that_holds_later_is_seen_when_its_time_comes(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    engine = open_pack(FRAME.format(value="count()", window="{tumbling: 1h}", yellow="desk.open == false", hold=""))
    engine.put("desk", {"id": "d", "open": True})
    engine.handle(event("sale", "2026-03-02T10:00", desk="d", amount=1.0))
    assert engine.put("desk", {"id": "d", "open": False}, "2026-03-02T12:00:00+08:00").alerts == []
    assert engine.entity("desk", "d") == {"id": "d", "open": True}
    assert engine.advance("2026-03-02T11:59:59+08:00").alerts == []
    assert [(one["at"][8:16], one["level"]) for one in engine.advance("2026-03-02T12:00:00+08:00").alerts] == [
        ("02T12:00", "yellow")
    ]


def test_a_level_that_cannot_be_computed_does_not_lose_the_deadline_of_another(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    pack = FRAME.format(value="count()", window="{tumbling: 7d}", yellow="metrics.sales.last(1)[0] < 3", hold="")
    pack += "    red: metrics.waiting.oldest > hours(1)\n".replace(
        "    red", "  late: {title: {en: Late}, by: desk, red", 1
    ).rstrip()
    pack += ", yellow: 'metrics.sales.last(1)[0] < 3'}\n"
    pack = pack.replace(
        "alerts:", "  waiting: {title: {en: W}, by: desk, open: {from: sale, until: paid, per: data.desk}}\nalerts:"
    )
    pack = pack.replace(
        "metrics:", "  paid: {lateness: 7d, keys: {desk: data.desk}, data: {desk: ref(desk)}}\nmetrics:", 1
    )
    engine = open_pack(pack)
    engine.put("desk", {"id": "d", "open": True})
    engine.handle(event("sale", "2026-03-02T10:00", desk="d", amount=1.0))
    levels = [(one["at"][8:19], one["level"]) for one in engine.advance("2026-03-02T12:00:00+08:00").alerts]
    assert levels == [("02T11:00:01", "red")]


def test_an_outside_event_may_not_speak_as_the_engine(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    engine = open_pack(FRAME.format(value="count()", window="{tumbling: 1h}", yellow="desk.open == false", hold=""))
    engine.put("desk", {"id": "d", "open": True})
    line = {**event("sale", "2026-03-02T10:00", desk="d", amount=1.0), "source": "rulewright"}
    assert [one["code"] for one in engine.handle(line).rejects] == ["reserved_source"]


def test_a_long_session_is_still_open_to_late_events_when_it_began_long_ago(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{session: 5d}")
    for time in ("02T10:00", "06T10:00", "10T10:00", "14T10:00", "18T10:00", "22T10:00", "26T10:00", "30T10:00"):
        sell(time)
    for month, day in ((4, 3), (4, 7), (4, 11), (4, 15), (4, 19), (4, 23), (4, 27)):
        engine.handle(line(f"2026-{month:02}-{day:02}T10:00:00+08:00"))
    engine.advance("2026-05-03T10:00:00+08:00")
    assert view(engine).last(3) == [15]
    engine.handle(line("2026-04-28T10:00:00+08:00"))
    assert view(engine).last(3) == [16]


def line(time: str) -> dict[str, Any]:
    return {"id": time, "source": "line", "type": "sale", "time": time, "data": {"desk": "d", "amount": 1.0}}


def test_no_more_than_sixty_closed_windows_are_seen_though_late_events_may_reach_more(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{tumbling: 1h}")
    for hour in range(96):
        sell(f"{2 + hour // 24:02}T{hour % 24:02}:10")
    assert len(view(engine).last(100)) == 60
    sell("02T00:20")
    assert view(engine).last(100) == [1] * 60


def test_windows_that_no_late_event_can_reach_are_dropped(desk: Callable[..., Any]) -> None:
    engine, sell = desk("count()", "{tumbling: 1h}")
    for hour in range(24 * 28):
        sell(f"{2 + hour // 24:02}T{hour % 24:02}:10")
    state = engine._session.partition("desk", "d").metrics.windows["sales"]
    assert (len(state.open), len(state.closed)) == (7 * 24 + 1, 7 * 24 + 60)


@pytest.mark.parametrize(
    "value", ["sum(data.amount / 0.0)", "'percentile(data.amount / 0.0, 50)'", "max(data.amount / 0.0)"]
)
def test_what_is_not_finite_is_not_counted_and_says_so(
    open_pack: Callable[..., Engine], event: Callable[..., Any], value: str
) -> None:
    engine = open_pack(FRAME.format(value=value, window="{tumbling: 1h}", yellow="desk.open == false", hold=""))
    engine.put("desk", {"id": "d", "open": True})
    found = engine.handle(event("sale", "2026-03-02T10:00", desk="d", amount=1.0))
    assert [(one["code"], one["kind"]) for one in found] == [("bad_argument", "error")]


EMITTING = """
pack: {name: emitting, version: "1"}
events:
  call: {lateness: 7d, keys: {desk: data.desk}, data: {desk: string}}
  noted: {keys: {desk: data.desk}, data: {desk: string}}
metrics:
  notes: {of: noted, by: desk, window: {tumbling: 1h}}
rules:
  note: {by: desk, match: [{event: call, as: c}], then: [{emit: noted, data: {desk: c.data.desk}}]}
"""


def test_an_emitted_event_reaches_its_window_however_late_its_cause_was(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    engine = open_pack(EMITTING)
    for hour in range(24, 72):
        engine.handle(event("call", f"2026-03-{2 + hour // 24:02}T{hour % 24:02}:10", desk="d"))
    engine.handle(event("call", "2026-03-03T00:20", desk="d"))
    assert engine.metrics("desk", "d")["notes"].last(60) == [1] * 46 + [2]
