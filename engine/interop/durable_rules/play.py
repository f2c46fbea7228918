"""What an action is given: what matched, the state, and the ways to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.errors import RulewrightError


class ObservedError(RulewrightError):
    """A fact is asserted that is known already."""


class Content(dict[str, Any]):
    """A JSON object whose properties can also be read and set with a dot; one that is not there is None, setting None removes it."""

    def __getattr__(self, name: str) -> Any:
        value = self.get(name)
        if isinstance(value, (dict, list)):
            value = self[name] = content(value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value


def content(value: Any) -> Any:
    """An object as `Content`, a list of such as well, anything else as it is."""
    if isinstance(value, dict) and not isinstance(value, Content):
        return Content(value)
    return [content(item) for item in value] if isinstance(value, list) else value


class Desk(Protocol):
    """What an action may ask of its host."""

    def post(self, ruleset: str, message: Any) -> Sequence[str]:
        """Post an event."""

    def assert_fact(self, ruleset: str, fact: Any) -> Sequence[str]:
        """Assert a fact."""

    def retract_fact(self, ruleset: str, fact: Any) -> Sequence[str]:
        """Retract a fact."""

    def start_timer(self, ruleset: str, sid: str, name: str, seconds: float) -> None:
        """Start a timer."""

    def cancel_timer(self, ruleset: str, sid: str, name: str) -> None:
        """Stop a timer."""


class Context:
    """What a firing matched, by the names of its patterns: `c.first.amount`, `c.m.subject`; a list under `c.m` for counts.

    `c.s` is the state of the `sid`: what an action leaves in it is kept. The verbs go to the same ruleset and `sid` unless another
    ruleset is named first.
    """

    def __init__(
        self, host: Desk, ruleset: str, sid: str, match: Sequence[Mapping[str, Any]], state: Content, *, many: bool
    ) -> None:
        self.s = state
        self.sid = sid
        self.deleted = False
        self._host = host
        self._ruleset = ruleset
        self._match = dict(match[0])
        if many:
            plain = [one["m"] if len(one) == 1 and "m" in one else one for one in match]
            self._match = {"m": plain}

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __getitem__(self, name: str) -> Any:
        """What a pattern matched, by any name; None where it matched nothing."""
        return content(self._match.get(name))

    def post(self, *message: Any) -> None:
        """`post(event)` or `post(ruleset, event)`."""
        self._host.post(*self._addressed(message))

    def assert_fact(self, *fact: Any) -> None:
        """`assert_fact(fact)` or `assert_fact(ruleset, fact)`. Raises `ObservedError` when it is known already."""
        self._host.assert_fact(*self._addressed(fact))

    def retract_fact(self, *fact: Any) -> None:
        """`retract_fact(fact)` or `retract_fact(ruleset, fact)`."""
        self._host.retract_fact(*self._addressed(fact))

    def start_timer(self, name: str, seconds: float, manual_reset: bool = False) -> None:
        """Let the timer `name` ring after so many seconds, from anew when it runs already."""
        if manual_reset:
            raise RulewrightError("unsupported", "timers with manual reset are not carried over")
        self._host.start_timer(self._ruleset, self.sid, name, seconds)

    def cancel_timer(self, name: str) -> None:
        """Stop a timer, or take back that it rang, where no rule has seen that."""
        self._host.cancel_timer(self._ruleset, self.sid, name)

    def delete_state(self) -> None:
        """Forget the state of the `sid` once the action has ended."""
        self.deleted = True

    def _addressed(self, given: Sequence[Any]) -> tuple[str, Any]:
        ruleset, message = (self._ruleset, *given) if len(given) == 1 else given
        return ruleset, {"sid": self.sid, **message}
