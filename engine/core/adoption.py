"""A partition that an earlier program stepped: what it counted by another definition is begun anew, not read as if it were ours."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.partition import OpenState, Partition, WindowState
from engine.core.program import ScopeProgram


def adopt(program: ScopeProgram, partition: Partition, now: int, begun: Mapping[str, int]) -> None:
    """Begin the metrics anew whose definitions are others than those that the partition was counted with.

    `begun` says since when metrics have been counted as they are; those that are not named there always were, or began `now` where
    the partition was counted otherwise. Their deadlines stay: at the next one the metric is looked at again, and sets its own.
    """
    held, found = partition.metrics, False
    partition.working = None
    for window in program.windows:
        counted, since = held.windows.get(window.name), begun.get(window.name)
        if counted is not None and counted.form != window.form:
            held.windows[window.name] = WindowState(
                due=counted.due, form=window.form, since=now if since is None else since
            )
            found = True
        elif counted is None and since is not None:
            held.windows[window.name] = WindowState(form=window.form, since=since)
            found = True
    for waiting in program.opens:
        listed = held.opens.get(waiting.name)
        if listed is not None and listed.form != waiting.form:
            held.opens[waiting.name] = OpenState(form=waiting.form)
            found = True
    if found:
        partition.changed.add("metrics")


def begun(old: ScopeProgram | None, new: ScopeProgram, at: int, earlier: Mapping[str, int]) -> dict[str, int]:
    """Since when the windows of a program have been counted as they are, where that is not always: those that are new begin `at`."""
    known = {} if old is None else {window.name: window.form for window in old.windows}
    found: dict[str, int] = {}
    for window in new.windows:
        if known.get(window.name) != window.form:
            found[window.name] = at
        elif window.name in earlier:
            found[window.name] = earlier[window.name]
    return found
