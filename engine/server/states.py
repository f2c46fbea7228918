"""The states of keys as they are committed, leafed through in the order of scopes and keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core import statechart
from engine.core.partition import Partition
from engine.core.program import Program
from engine.runtime.loading import restored
from engine.server.office import Office
from engine.server.page import cursor_of

Items = list[dict[str, Any]]

SCANNED = 1_000
"""Partitions that are looked at for one page, at most: a page may have fewer items than it could, and a next one all the same."""

_CHUNK = 100
_BETWEEN = "\x1f"


def leafed(
    office: Office, scopes: Sequence[str], after: str, limit: int, shown: Callable[[Partition], Items]
) -> dict[str, Any]:
    """A page of what `shown` makes of partitions of these scopes, which are in order, behind the place `after`."""
    first, _, key = after.partition(_BETWEEN)
    items: Items = []
    looked = 0
    for scope in (one for one in scopes if one >= first):
        behind = key if scope == first else ""
        while rows := office.store.partitions_after(scope, behind, _CHUNK):
            for behind, held in rows:
                items += shown(restored((scope, behind), held))
                looked += 1
                if len(items) >= limit or looked >= SCANNED:
                    return {"items": items, "next": cursor_of(f"{scope}{_BETWEEN}{behind}")}
    return {"items": items, "next": None}


def instances(program: Program, partition: Partition) -> Items:
    """The workflow instances of a key."""
    scope, stamp = program.scopes.get(partition.scope), program.calendar.stamp
    charts = {} if scope is None else {one.name: one for one in scope.workflows}
    return [
        {
            "workflow": name,
            "scope": partition.scope,
            "key": partition.key,
            "state": statechart.shown(charts[name], one.active) if name in charts else "+".join(one.active),
            "done": one.done,
            "context": one.context,
            "deadlines": {deadline: stamp(due) for deadline, due in sorted(one.timers.items())},
        }
        for name, one in sorted(partition.workflows.instances.items())
    ]


def alerts(program: Program, partition: Partition) -> Items:
    """The alerts of a key, and their levels."""
    stamp = program.calendar.stamp
    return [
        {
            "alert": name,
            "scope": partition.scope,
            "key": partition.key,
            "level": state.level,
            "since": stamp(state.since),
            "episode": state.episode,
        }
        for name, state in sorted(partition.decisions.alerts.items())
    ]
