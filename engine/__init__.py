"""The Rulewright engine: packs, the pure step, the store and the workers around it.

>>> from engine import Engine
>>> with Engine.open("sales") as engine:
...     outcome = engine.handle({"id": "e1", "source": "app", "type": "quote.sent", "time": "2026-03-02T10:00:00+08:00",
...                              "data": {"quote_id": "q1", "rep_id": "r1"}})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.event import Event as Event
    from engine.pack import load as load
    from engine.runtime.engine import Engine as Engine
    from engine.runtime.explanation import Explanation as Explanation
    from engine.runtime.outcome import Outcome as Outcome

__version__ = "0.1.0"
__all__ = ["Engine", "Event", "Explanation", "Outcome", "load"]

_HOMES = {
    "Engine": "engine.runtime.engine",
    "Event": "engine.core.event",
    "Explanation": "engine.runtime.explanation",
    "Outcome": "engine.runtime.outcome",
    "load": "engine.pack",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `rulewright check` does not load the store."""
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
