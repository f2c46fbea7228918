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
