"""Instances that began under an earlier revision stay with its machine, unless the pack says that they move."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core import migration, workflow
from engine.core.partition import Instance
from engine.core.program import Workflow

Ready = tuple[Workflow, workflow.Machine]
"""A chart, and the same one made ready to run."""


class Pinned:
    """The machines of earlier revisions that a scope still holds."""

    def __init__(self, held: tuple[Workflow, ...], own: Mapping[str, Workflow]) -> None:
        self._held = {(one.name, one.form): (one, workflow.machine(one)) for one in held}
        self._own = own

    def __bool__(self) -> bool:
        return bool(self._held)

    def of(self, name: str, held: Instance | None) -> Ready | None:
        """The machine that an instance of this workflow stays with; None: it runs on the pack's own, or moves there."""
        if held is None or held.done:
            return None
        found, own = self._held.get((name, held.machine)), self._own.get(name)
        if found is None or own is None or own.form == held.machine:
            return found if own is None else None
        return None if own.moves and migration.leads_on(own, held.active) else found

    def taking(self, event: str) -> tuple[tuple[Workflow, workflow.Machine, str], ...]:
        """The machines that an event concerns, each with what it changes."""
        return tuple(
            (chart, ready, f"workflow:{chart.name}") for chart, ready in self._held.values() if event in chart.events
        )
