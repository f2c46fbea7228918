"""What the session has to know of an event type, found once for each."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.program import Program
from engine.core.step import Stepper


@dataclass(frozen=True, slots=True)
class Route:
    """How late an event may come, in microseconds; which fields refer to which entities; in which scopes it concerns anything.

    `references` are fields that refer to one entity, `listed` those that hold a list of references.
    """

    lateness: int
    references: tuple[tuple[str, str], ...]
    listed: tuple[tuple[str, str], ...]
    scopes: frozenset[str]
    unique: bool


class Routes(dict[str, Route]):
    """The route of every event type, made when it is first asked for."""

    def __init__(self, program: Program, stepper: Stepper) -> None:
        super().__init__()
        self._program = program
        self._stepper = stepper

    def __missing__(self, name: str) -> Route:
        declared = self._program.events[name]
        made = self[name] = Route(
            lateness=declared.lateness,
            references=tuple((rule.name, rule.ref) for rule in declared.fields if rule.ref is not None),
            listed=tuple((rule.name, rule.listed) for rule in declared.fields if rule.listed is not None),
            scopes=frozenset(scope for scope in self._program.scopes if self._stepper.concerns(scope, name)),
            unique=bool(declared.unique),
        )
        return made
