"""The events of deadlines: each firing has an id of its own, also when a deadline sets itself again at the same instant."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.codec import identity
from engine.core.event import Event
from engine.runtime.timeline import Timer

MAX_FIRINGS = 100
"""So often a deadline may fire at one instant before it is called endless."""


class Firings:
    """Counts firings of the present instant. `logged(id)`: whether a firing is in the log, written before a restart at that instant.

    `shared`: others may have written firings of any instant.
    """

    def __init__(self, began: int | None, logged: Callable[[str], bool], *, shared: bool = False) -> None:
        self._shared = shared
        self._instant = began
        self._began = began
        self._logged = logged
        self._counts: dict[Timer, int] = {}

    def event(self, due: int, timer: Timer) -> Event | None:
        """The event of a deadline that has come; None when it has come too often at this very instant."""
        if self._instant != due:
            self._instant = due
            self._counts = {}
        count = self._counts.get(timer, 0)
        number = _number(due, timer, count)
        while (self._shared or due == self._began) and count < MAX_FIRINGS and self._logged(number):
            count += 1
            number = _number(due, timer, count)
        self._counts[timer] = count + 1
        if count >= MAX_FIRINGS:
            return None
        scope, key, name = timer
        data = {"name": name}
        return Event(id=number, source="rulewright", type="timer.fired", at=due, data=data, keys=((scope, key),))


def first_number(due: int, timer: Timer) -> str:
    """The id of the first firing of a deadline at an instant."""
    return _number(due, timer, 0)


def _number(due: int, timer: Timer, ordinal: int) -> str:
    scope, key, name = timer
    return identity(scope, key, "timer", name, due, ordinal)


def is_firing(event: Event) -> bool:
    """Whether an event is a deadline's that may have been moved since; those of entities stand whatever happens."""
    return event.type == "timer.fired" and not str(event.data["name"]).startswith("entity/")
