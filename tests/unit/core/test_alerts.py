"""Alerts: which way a level may go at once, what counts as withdrawn, and who is told of it."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

PACK = """
pack: {name: lamps, version: "1", title: {en: Lamps}}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
entities:
  rep: {key: id, data: {id: string, manager: ref(rep)?}}
events:
  load: {lateness: 7d, keys: {rep: data.rep}, data: {rep: ref(rep), n: int}}
metrics:
  load: {of: load, by: rep, value: sum(data.n), window: {sliding: 1h}}
alerts:
  busy:
    title: {en: Busy}
    by: rep
    red: metrics.load.now >= 2
    yellow: metrics.load.now >= 1
    HOLD
    notify:
      red:
        - {do: dingtalk.message, to: rep.manager, with: {title: busy, text: "{{ metrics.load.now }}"}}
        - {do: mail, to: rep.manager, with: {title: busy too}}
      yellow: []
channels:
  dingtalk.message: {connector: webhook, settings: {url: "https://example.com/a"}}
  mail: {connector: webhook, settings: {url: "https://example.com/b"}}
"""

SHORTER = "        - {do: mail, to: rep.manager, with: {title: busy too}}\n"
OWN = "retracted: [{do: mail, to: rep.manager, with: {title: not so}}]"

Send = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def lamp(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]]) -> Callable[..., tuple[Engine, Send]]:
    """`lamp(extra)`: an engine with the rep `r` of the manager `m1`, and `send(time, n)` that answers its records."""

    def make(extra: str = "", *, pack: str = PACK, store: str = "memory:") -> tuple[Engine, Send]:
        engine = open_pack(pack.replace("HOLD", extra), store=store)
        for number in ("m1", "m2", "other"):
            engine.put("rep", {"id": number}, "2026-03-01T00:00:00+08:00")
        engine.put("rep", {"id": "r", "manager": "m1"}, "2026-03-01T00:00:00+08:00")

        def send(time: str, n: int, rep: str = "r") -> list[dict[str, Any]]:
            return list(engine.handle(event("load", f"2026-03-02T{time}", id=time, rep=rep, n=n)))

        return engine, send

    return make


def levels(records: Any) -> list[tuple[str, str, str]]:
    return [(one["at"][11:16], one["level"], one["status"]) for one in records if one["kind"] == "alert"]


def corrections(records: Any) -> list[tuple[str, str, str]]:
    return [(one["do"], one["to"], one["with"]["title"]) for one in records if one["kind"] == "action"]


def test_a_graver_level_must_hold_and_a_lesser_one_is_entered_at_once(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    engine, send = lamp("for: 10m")
    send("10:00", 1)
    send("10:30", 1)
    assert levels(engine.advance("2026-03-02T10:39:00+08:00")) == []
    assert levels(engine.advance("2026-03-02T10:40:00+08:00")) == [("10:40", "red", "firing")]
    assert levels(engine.advance("2026-03-02T11:29:00+08:00")) == [("11:00", "yellow", "firing")]


def test_a_level_counts_from_when_it_or_a_graver_one_was_first_seen(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    engine, send = lamp("for: 10m")
    send("10:00", 1)
    send("10:08", 1)
    assert levels(engine.advance("2026-03-02T10:09:59+08:00")) == []
    assert levels(engine.advance("2026-03-02T10:17:59+08:00")) == [("10:10", "yellow", "firing")]
    assert levels(engine.advance("2026-03-02T10:18:00+08:00")) == [("10:18", "red", "firing")]


def test_a_level_that_is_left_before_it_was_entered_counts_anew(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    engine, send = lamp("for: 10m")
    send("10:00", 2)
    send("10:04", -1)
    send("10:06", 1)
    assert levels(engine.advance("2026-03-02T10:15:59+08:00")) == [("10:10", "yellow", "firing")]
    send("10:15", 0)
    assert levels(engine.advance("2026-03-02T10:16:00+08:00")) == [("10:16", "red", "firing")]
    send("10:17", -1)
    send("10:18", -1)
    assert engine.state("rep", "r")["alerts"] == {"busy": "green"}
    send("10:19", 2)
    assert levels(engine.advance("2026-03-02T10:28:59+08:00")) == []
    assert levels(engine.advance("2026-03-02T10:29:00+08:00")) == [("10:29", "red", "firing")]


def test_a_late_event_that_makes_it_worse_withdraws_nothing(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    _, send = lamp()
    assert levels(send("10:00", 1)) == [("10:00", "yellow", "firing")]
    send("10:30", 1, rep="other")
    assert levels(send("09:50", 1)) == [("10:30", "red", "firing")]


def test_a_late_event_that_makes_it_better_withdraws(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    _, send = lamp()
    assert levels(send("10:00", 2)) == [("10:00", "red", "firing")]
    send("10:30", 1, rep="other")
    assert levels(send("09:50", -1)) == [("10:30", "yellow", "retracted")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "",
            [("dingtalk.message", "m1", "【更正 / Correction】busy"), ("mail", "m1", "【更正 / Correction】busy too")],
        ),
        (OWN, [("mail", "m1", "not so"), ("mail", "m1", "【更正 / Correction】busy too")]),
    ],
)
def test_a_correction_goes_to_who_was_told(
    lamp: Callable[..., tuple[Engine, Send]], words: str, said: list[tuple[str, str, str]]
) -> None:
    engine, send = lamp(words)
    told = [one for one in send("10:00", 2) if one["kind"] == "action"]
    assert [one["to"] for one in told] == ["m1", "m1"]
    engine.put("rep", {"id": "r", "manager": "m2"}, "2026-03-02T10:00:00+08:00")
    send("10:30", 1, rep="other")
    taken_back = [one for one in send("09:50", -5) if one["kind"] == "action"]
    assert corrections(taken_back) == said
    assert [one["dedupe_key"] for one in taken_back] == [f"{one['dedupe_key']}/correction" for one in told]
    assert all(one["correction"] for one in taken_back)


YELLOW_TOO = PACK.replace("yellow: []", "yellow: [{do: mail, to: rep.manager, with: {title: rather busy}}]")
RED, MAIL = ("dingtalk.message", "m1", "busy"), ("mail", "m1", "busy too")
YELLOW = ("mail", "m1", "rather busy")


def marked(*said: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    return [(do, to, f"【更正 / Correction】{title}") for do, to, title in said]


@pytest.mark.parametrize(
    ("late", "n", "level", "withdrawn", "again"),
    [
        ("09:50", -5, "green", [YELLOW, RED, MAIL], []),
        ("10:10", -5, "green", [RED, MAIL], []),
        ("09:50", -1, "yellow", [RED, MAIL], [YELLOW]),
        ("10:25", -5, "green", [], []),
    ],
    ids=["both never were", "it was yellow", "it is yellow", "both were"],
)
def test_of_what_was_said_on_the_way_up_that_is_corrected_which_never_was_so(
    lamp: Callable[..., tuple[Engine, Send]],
    late: str,
    n: int,
    level: str,
    withdrawn: list[tuple[str, str, str]],
    again: list[tuple[str, str, str]],
) -> None:
    engine, send = lamp(pack=YELLOW_TOO)
    said = [one for time in ("10:00", "10:20") for one in send(time, 1) if one["kind"] == "action"]
    assert corrections(said) == [YELLOW, RED, MAIL]
    send("10:30", 1, rep="other")
    records = send(late, n)
    assert engine.state("rep", "r")["alerts"] == {"busy": level}
    assert corrections(records) == marked(*withdrawn) + again
    keys = {one["dedupe_key"] for one in said}
    assert {one["dedupe_key"].removesuffix("/correction") for one in records if one.get("correction")} <= keys


def test_what_still_holds_is_corrected_when_it_holds_no_more(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    _, send = lamp(pack=YELLOW_TOO)
    send("10:00", 1)
    send("10:20", 1)
    send("10:30", 1, rep="other")
    send("09:50", -1)
    assert corrections(send("09:51", -5)) == marked(YELLOW, YELLOW)
    assert corrections(send("09:52", -5)) == []


def test_what_was_so_and_passed_needs_no_correction_later(lamp: Callable[..., tuple[Engine, Send]]) -> None:
    engine, send = lamp(pack=YELLOW_TOO)
    send("10:00", 1)
    send("10:20", 1)
    assert levels(engine.advance("2026-03-02T11:05:00+08:00")) == [("11:00", "yellow", "firing")]
    assert corrections(send("10:19", -5)) == marked(YELLOW)


def test_what_was_sent_is_corrected_also_when_a_later_pack_sends_less(
    lamp: Callable[..., tuple[Engine, Send]], tmp_path: Any
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    first, send = lamp(store=store)
    send("10:00", 2)
    send("10:30", 1, rep="other")
    first.close()
    _, send = lamp(pack=PACK.replace(SHORTER, ""), store=store)
    assert corrections(send("09:50", -5)) == [
        ("dingtalk.message", "m1", "【更正 / Correction】busy"),
        ("mail", "m1", "【更正 / Correction】busy too"),
    ]
