"""A partition that an earlier program stepped: what it counted by another definition is begun anew, not read as if it were ours."""

from __future__ import annotations

from engine.core.partition import OpenState, Partition, WindowState
from engine.core.program import ScopeProgram


def adopt(program: ScopeProgram, partition: Partition, now: int) -> None:
    """Begin the metrics anew whose definitions are others than those that the partition was counted with.

    Their deadlines stay: at the next one the metric is looked at again, and sets its own.
    """
    held, found = partition.metrics, False
    for window in program.windows:
        counted = held.windows.get(window.name)
        if counted is not None and counted.form != window.form:
            held.windows[window.name] = WindowState(due=counted.due, form=window.form, since=now)
            found = True
    for waiting in program.opens:
        listed = held.opens.get(waiting.name)
        if listed is not None and listed.form != waiting.form:
            held.opens[waiting.name] = OpenState(form=waiting.form)
            found = True
    if found:
        partition.changed.add("metrics")
