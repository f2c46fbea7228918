"""What the compilation of every section shares: the vocabulary, the calendars, and how names are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.cel import BOOL, UNSET, Scope, Type
from engine.core.calendar import Calendar
from engine.core.program import Expression
from engine.pack import bench
from engine.pack.bench import Piece
from engine.pack.diagnostic import did_you_mean
from engine.pack.reading import At, Definition, Definitions
from engine.pack.scope import EventShape, Vocabulary


@dataclass(frozen=True, slots=True)
class Build:
    """One compilation. `definitions` are the models, `vocabulary` what expressions may name."""

    definitions: Definitions
    vocabulary: Vocabulary
    calendars: Mapping[str, Calendar]

    @property
    def params(self) -> dict[str, Any]:
        """The values of the pack's parameters."""
        found: dict[str, Any] = self.vocabulary.params.constant
        return found

    def section(self, name: str) -> Mapping[str, Definition[Any]]:
        """The definitions of a section of the files."""
        return self.definitions.of(name)

    def known(self, name: str, names: Iterable[str], at: At, what: str) -> bool:
        """Whether a name is declared; reports it as `unknown_WHAT` when it is not."""
        names = list(names)
        if name in names:
            return True
        at.problem(f"unknown_{what}", f"there is no {what} `{name}`", did_you_mean(name, names))
        return False

    def event(self, name: str, at: At) -> EventShape | None:
        """A declared event type, or None with a report."""
        events = self.vocabulary.events
        return events[name] if self.known(name, events, at, "event") else None

    def scope_name(self, name: str, at: At) -> bool:
        """Whether some event reaches partitions of the scope; reported when none does."""
        return self.known(name, self.vocabulary.scopes, at, "scope")

    def reaching(self, name: str, scope: str, at: At) -> EventShape | None:
        """An event type that reaches the scope, or None with a report that names the way out."""
        shape = self.event(name, at)
        if shape is not None and not shape.reaches(scope):
            reached = ", ".join(f"`{one}`" for one in shape.keys) or "nothing"
            message = f"`{name}` does not reach partitions of `{scope}`, only those of {reached}"
            at.problem(
                "other_scope", message, f"add `{scope}` to its keys, or tell the other scope by an emitted event"
            )
            return None
        return shape

    def calendar(self, name: str | None, at: At) -> Calendar:
        """A declared calendar; the pack's default one for None and for a name that is reported as unknown."""
        if name is None or not self.known(name, self.calendars, at, "calendar"):
            return self.vocabulary.calendar
        return self.calendars[name]

    def condition(self, text: str | None, at: At, scope: Scope, **options: Any) -> Expression | None:
        """A condition, None where there is none."""
        return None if text is None else bench.expression(Piece(text, at), scope, BOOL, **options)

    def constant(
        self, text: str, at: At, wanted: type | tuple[type, ...], words: str, expect: Type | None = None
    ) -> Any:
        """The value of an expression over parameters, or None with a report when it is not of the wanted Python type."""
        value = bench.constant(Piece(text, at), self.vocabulary.scope(), expect)
        if value is not UNSET and isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool):
            return value
        if value is not UNSET:
            at.problem("wrong_type", f"{words} is wanted here, not `{value}`")
        return None
