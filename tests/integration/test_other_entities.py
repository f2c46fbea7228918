"""What a change of an entity does to partitions of other keys that read it: nothing by itself; it is seen when they are next woken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

PACK = """
calendars: {shanghai: {tz: Asia/Shanghai}}
entities:
  rep: {data: {id: string, manager: ref(rep)?, active: bool}}
  customer: {data: {id: string, tier: KA | A}}
events:
  visited: {keys: {rep: data.rep}, data: {rep: ref(rep), customer: ref(customer)}}
  greeted: {keys: {rep: data.rep}, data: {rep: ref(rep)}}
rules:
  known:
    by: rep
    match: [{event: visited, as: v}]
    then: [{assert: {fact: knows, customer: v.data.customer}, keep: true}]
  precious:
    by: rep
    match:
      - {fact: knows, as: k}
      - {none: visited, within: 1d, as: recent, where: recent.data.customer == k.customer}
      - {entity: customer, as: c, where: c.id == k.customer && c.tier == 'KA'}
    then: [{assert: {fact: due, customer: c.id}}]
alerts:
  waits: {by: rep, yellow: "has(rep.manager) && !rep.manager.active"}
"""
Say = Callable[..., Any]


@pytest.fixture
def engine(open_pack: Callable[..., Engine], event: Say) -> Engine:
    opened = open_pack(PACK)
    opened.put("rep", {"id": "m1", "active": True}, "2026-01-01T00:00:00+08:00")
    opened.put("rep", {"id": "r1", "manager": "m1", "active": True}, "2026-01-01T00:00:00+08:00")
    opened.put("customer", {"id": "c1", "tier": "A"}, "2026-01-01T00:00:00+08:00")
    opened.handle(event("visited", "2026-03-02T10:00", rep="r1", customer="c1"))
    return opened


def facts(engine: Engine) -> list[str]:
    return [one.name for one in engine._session.partition("rep", "r1").memory.facts.values()]


def test_a_rule_sees_another_entity_when_time_wakes_it(engine: Engine) -> None:
    engine.put("customer", {"id": "c1", "tier": "KA"})
    assert facts(engine) == ["knows"]
    engine.advance("2026-03-03T09:00:00+08:00")
    assert facts(engine) == ["knows"]
    engine.advance("2026-03-03T10:00:01+08:00")
    assert facts(engine) == ["knows", "due"]
    engine.put("customer", {"id": "c1", "tier": "A"})
    engine.advance("2026-03-20T00:00:00+08:00")
    assert facts(engine) == ["knows", "due"]


def test_a_rule_sees_another_entity_when_an_event_that_it_looks_back_at_wakes_it(engine: Engine, event: Say) -> None:
    engine.put("customer", {"id": "c1", "tier": "KA"})
    engine.put("customer", {"id": "c2", "tier": "KA"})
    engine.advance("2026-03-04T10:00:00+08:00")
    engine.put("customer", {"id": "c1", "tier": "A"})
    engine.handle(event("greeted", "2026-03-04T11:00", rep="r1"))
    assert facts(engine) == ["knows", "due"]
    engine.handle(event("visited", "2026-03-04T12:00", rep="r1", customer="c2"))
    assert facts(engine) == ["knows", "knows"]


def test_an_alert_sees_another_entity_when_its_own_changes(engine: Engine) -> None:
    assert engine.put("rep", {"id": "m1", "active": False}).alerts == []
    assert engine.state("rep", "r1")["alerts"] == {"waits": "green"}
    (firing,) = engine.put("rep", {"id": "r1", "manager": "m1", "active": False}).alerts
    assert (firing["key"], firing["level"]) == ("r1", "yellow")
