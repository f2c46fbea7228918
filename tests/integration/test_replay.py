"""Replay gives what live gave, whatever came in: late, twice, refused, in pieces, with restarts and entities in between."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.runtime.replay import live, replayed, state_hash

Line = dict[str, Any]
START = datetime.fromisoformat("2026-03-02T08:00:00+08:00")
REPS, CUSTOMERS, SCRIPTS = ("m1", "r1", "r2"), ("c1", "c2"), ("s1", "s2", "s3")


class Life:
    """A random life of a small team, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._now = START
        self._sent: list[bytes] = []

    def known(self) -> Iterator[tuple[str, Line]]:
        """Who and what is known before anything happens."""
        for number in REPS:
            yield "rep", self._rep(number)
        for number in CUSTOMERS:
            yield "customer", self._customer(number)
        for number in SCRIPTS[:2]:
            yield "script", self._script(number)

    def change(self) -> tuple[str, Line]:
        """Somebody or something changes, or becomes known at last."""
        makes = {"rep": (self._rep, REPS), "customer": (self._customer, CUSTOMERS), "script": (self._script, SCRIPTS)}
        kind = self._draw.choice(list(makes))
        make, keys = makes[kind]
        return kind, make(self._draw.choice(keys))

    def lines(self, count: int) -> list[bytes]:
        """The next lines: most in order, some late, some too late, some twice, some wrong."""
        return [self._line() for _ in range(count)]

    @property
    def later(self) -> str:
        """An instant that deadlines may be let pass to."""
        self._now += timedelta(hours=self._draw.choice((0, 5, 80)))
        return self._now.isoformat()

    def _line(self) -> bytes:
        chance = self._draw.random()
        if self._sent and chance < 0.05:
            return self._draw.choice(self._sent)
        if chance < 0.08:
            return self._draw.choice((b"{", b"[]", b'{"id": "x"}', "é".encode("latin-1")))
        self._now += timedelta(minutes=self._draw.choice((0, 1, 40, 300)))
        back = self._draw.choice((0, 0, 0, 0, 1, 30, 160, 200))
        line = self._event(self._now - timedelta(hours=back))
        self._sent.append(line)
        return line

    def _event(self, time: datetime) -> bytes:
        kinds = _events(self._draw, time)
        kind = self._draw.choice(list(kinds))
        who = {"rep_id": self._draw.choice((*REPS, *REPS, "nobody")), "customer_id": self._draw.choice(CUSTOMERS)}
        number = str(self._draw.randrange(2_000))
        data = who | kinds[kind]
        event = {"id": number, "source": "app", "type": kind, "time": time.isoformat(), "data": data}
        return json.dumps(event, ensure_ascii=False).encode()

    def _rep(self, number: str) -> Line:
        employee_no = str(self._draw.randrange(100))
        data = {"id": number, "employee_no": employee_no, "active": self._draw.random() < 0.9}
        return data if number == "m1" else {**data, "manager": "m1"}

    def _customer(self, number: str) -> Line:
        tier, industry = self._draw.choice("KABC"), self._draw.choice(("bakery", "retail"))
        return {"id": number, "name": number, "tier": tier.replace("K", "KA"), "industry": industry}

    def _script(self, number: str) -> Line:
        industry, verified = self._draw.choice(("bakery", "any")), self._draw.random() < 0.8
        return {"id": number, "scene": "first", "text": "你好", "industry": industry, "verified": verified}


def _events(draw: random.Random, time: datetime) -> dict[str, Line]:
    visit = {"visit_id": f"v{draw.randrange(12)}"}
    quote = {"quote_id": f"q{draw.randrange(8)}", "amount": draw.choice((1, 2.5, 1e6))}
    popup = {"popup_id": f"p{draw.randrange(4)}", "script_id": draw.choice(SCRIPTS), **draw.choice(({}, visit))}
    rating = draw.choice(("effective", "partly", "ineffective"))
    evidence = {"lat": 30.25, "lon": 120.16, "device_id": "d", "device_time": time.isoformat(), "notes": "谈了新品"}
    return {
        "visit.planned": {**visit, "planned_for": (time + timedelta(hours=20)).isoformat()},
        "visit.checked_in": {**visit, **evidence, "photo_hash": str(draw.randrange(40))},
        "visit.closed": visit,
        "feedback.submitted": {**visit, "text": "好"},
        "quote.created": quote,
        "quote.sent": quote,
        "quote.replied": quote,
        "quote.accepted": quote,
        "asset.shared": {**quote, "kind": "h5"},
        "follow_up.requested": {"follow_up_id": f"f{draw.randrange(6)}", "reason": "x"},
        "follow_up.completed": {"follow_up_id": f"f{draw.randrange(6)}", "reason": "x"},
        "communication.started": {"communication_id": "k", "purpose": "price"},
        "popup.used": popup,
        "popup.rated": {**popup, "rating": rating, "reason": draw.choice(("有用", " "))},
        "script.result": {"script_id": draw.choice(SCRIPTS), "days_saved": draw.choice((2, 2.0, 0.1, -3))},
        "proposal.opened": {"proposal_id": "p"},
        "page.left": {"proposal_id": "p", "seconds": draw.choice((100, 130.5))},
        "agreement.signed": {"amount": 10},
        "trial.started": {"trial_id": f"t{draw.randrange(6)}"},
        "trial.reported": {"trial_id": f"t{draw.randrange(6)}"},
    }


@pytest.mark.parametrize("seed", range(6))
def test_any_log_replayed_into_an_empty_store_gives_the_same_state(tmp_path: Path, seed: int) -> None:
    draw, life = random.Random(seed), Life(seed)
    url = f"sqlite:///{tmp_path / 'log.db'}"
    engine = Engine.open("sales", url)
    for kind, data in life.known():
        engine.put(kind, data, "2026-01-01T00:00:00+08:00")
    for _ in range(40):
        engine.handle_many(life.lines(draw.randrange(1, 16)))
        if draw.random() < 0.3:
            engine.put(*life.change())
        if draw.random() < 0.2:
            engine.advance(life.later)
        if draw.random() < 0.2:
            engine.close()
            engine = Engine.open("sales", url)
    again = replayed(engine.program, engine.store)
    committed = live(engine.store, list(again))
    assert len(again) > 20
    assert state_hash(again) == state_hash(committed)
    engine.close()


RULES = """
pack: {name: rules, version: "1", title: {en: Rules}}
entities:
  rep: {key: id, data: {id: string, boss: ref(rep)?, active: bool}}
events:
  seen: {lateness: 7d, keys: {rep: data.rep}, data: {rep: ref(rep), n: int, share: double, item: string}}
  done: {lateness: 7d, keys: {rep: data.rep}, data: {rep: ref(rep), item: string}}
  odd: &odd {lateness: 7d, keys: {rep: data.rep}, data: {rep: ref(rep), n: int, item: string}}
  strange: *odd
metrics:
  a_part: {of: seen, by: rep, value: sum(100 / data.n), window: {sliding: 2d}}
  b_week: {of: seen, by: rep, value: avg(data.share), window: {calendar: day}, roster: rep where rep.active}
  c_burst: {of: [seen, done], by: rep, window: {session: 2h}}
  d_open: {by: rep, open: {from: seen, until: done, per: "data.item + string(1 / size(data.item))"}}
  e_odd: {of: odd, by: rep, value: sum(100 / data.n), window: lifetime}
  f_odd: {by: rep, open: {from: strange, until: done, per: "data.item + string(1 / size(data.item))"}}
alerts:
  busy: {by: rep, yellow: metrics.a_part.now > 300, red: metrics.d_open.oldest > hours(9), for: 1h}
rules:
  seen_twice:
    by: rep
    match:
      - {event: seen, as: s}
      - {event: seen, within: 1h, as: before, where: before.data.item == s.data.item && before.id != s.id}
    then: [{assert: {fact: twice, item: s.data.item, since: s.time}}]
  quiet:
    by: rep
    match:
      - {fact: twice, as: t}
      - {none: done, within: 3h, as: d, where: d.data.item == t.item}
    when: now - t.since > hours(5)
    then: [{assert: {fact: stale, item: t.item}}]
"""


def _small(draw: random.Random, now: datetime) -> Line:
    data = {"rep": draw.choice(("r1", "r2")), "item": draw.choice(("", "a", "b")), "n": draw.choice((0, 0, 1, 3))}
    data["share"] = draw.choice((1, 0.1, 2.0))
    time = now - timedelta(hours=draw.choice((0, 0, 0, 2, 30, 150)))
    kind = draw.choice(("seen", "seen", "done", "odd", "strange"))
    return {"id": str(draw.random()), "source": "app", "type": kind, "time": time.isoformat(), "data": data}


@pytest.mark.parametrize("seed", range(5))
def test_rules_that_forget_and_values_that_fail_replay_as_well(
    open_pack: Callable[..., Engine], tmp_path: Path, seed: int
) -> None:
    draw, now, url = random.Random(seed), START, f"sqlite:///{tmp_path / 'log.db'}"
    engine = open_pack(RULES, store=url)
    for number in ("r1", "r2"):
        engine.put("rep", {"id": number, "active": number == "r1"})
    for _ in range(100):
        now += timedelta(minutes=draw.choice((1, 30, 300)))
        engine.handle(_small(draw, now))
        if draw.random() < 0.5:
            engine.close()
            engine = open_pack(RULES, store=url)
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))


@pytest.mark.parametrize(("kind", "metric"), [("odd", "e_odd"), ("strange", "f_odd")])
def test_a_metric_that_fails_at_its_first_event_is_kept_as_it_is(
    open_pack: Callable[..., Engine], tmp_path: Path, kind: str, metric: str
) -> None:
    engine = open_pack(RULES, store=f"sqlite:///{tmp_path / 'log.db'}")
    engine.put("rep", {"id": "r2", "active": False})
    data = {"rep": "r2", "n": 0, "item": ""}
    outcome = engine.handle({"id": "1", "source": "app", "type": kind, "time": START.isoformat(), "data": data})
    assert [one["name"] for one in outcome.of("error")] == [metric]
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))
