"""A shop with an engine of its own, for tests of rules: what it is sent, what it notes, what it remembers."""

from collections.abc import Callable
from typing import Any

from engine import Engine
from engine.core.partition import Memory

FRAME = """
pack: {{name: rules, version: "1", title: {{en: Rules}}}}
calendars:
  shanghai: {{tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}}
entities:
  shop: {{key: id, data: {{id: string, tier: A | B}}}}
events:
  order: {{lateness: 7d, keys: {{shop: data.shop}}, data: {{shop: ref(shop), n: int, tags: list(string)?}}}}
  stop: {{lateness: 7d, keys: {{shop: data.shop}}, data: {{shop: ref(shop), n: int, tags: list(string)?}}}}
  ask: {{lateness: 7d, keys: {{shop: data.shop}}, data: {{shop: ref(shop), n: int}}}}
  noted: {{lateness: 7d, keys: {{shop: data.shop}}, data: {{shop: ref(shop), what: string}}}}
metrics:
  orders: {{of: order, by: shop, value: count(), window: {{calendar: day, in: shanghai}}, roster: shop where true}}
workflows:
  desk:
    by: shop
    initial: calm
    states:
      calm: {{on: {{order: busy}}}}
      busy: {{after: [{{for: 2h, to: calm}}]}}
rules:
{rules}
"""

NOTE = "{emit: noted, data: {shop: key, what: "


class Shop:
    """An engine over these rules with one shop; `send` answers what was noted and what failed."""

    def __init__(self, engine: Engine, event: Callable[..., dict[str, Any]]) -> None:
        self.engine, self._event = engine, event
        self.tier("A", "2026-03-01T00:00:00+08:00")

    def send(self, kind: str, time: str, n: int = 0, **data: Any) -> list[str]:
        return said(self.engine.handle(self._event(kind, f"2026-03-{time}", shop="s", n=n, **data)))

    def tier(self, tier: str, at: str) -> list[str]:
        return said(self.engine.put("shop", {"id": "s", "tier": tier}, at))

    def advance(self, time: str) -> list[str]:
        return said(self.engine.advance(f"2026-03-{time}:00+08:00"))

    @property
    def memory(self) -> Memory:
        return self.engine._session.partition("shop", "s").memory


def said(records: Any) -> list[str]:
    shown = {"emit": lambda one: str(one["data"]["what"]), "error": lambda one: f"!{one['code']}"}
    return [shown[one["kind"]](one) for one in records if one["kind"] in shown]
