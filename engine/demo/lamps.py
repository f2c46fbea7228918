"""The lamps: red lights with their reasons, and the board of reps by weeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from engine.cel import Trace
from engine.core.event import Record
from engine.core.text import display
from engine.demo import season
from engine.demo.cast import Rep
from engine.demo.post import local, moment
from engine.runtime.engine import Engine
from engine.runtime.explanation import Explanation

Level = Literal["green", "yellow", "red"]
_WHY = {
    "key_visits": "连续几周高价值客户拜访不足 · too few key-customer visits",
    "feedback_missing": "拜访反馈超时未交 · feedback overdue",
}
_RANK: dict[str, int] = {"green": 0, "yellow": 1, "red": 2}


class Red(msgspec.Struct, frozen=True):
    """A red light. `id` is that of the decision; `ended` is `resolved`, `eased` (to yellow), `retracted` or None: still on.

    `why` says it in words, `because` is the part of the condition that held, with its value.
    """

    id: str
    rep: str
    name: str
    manager: str
    at: str
    why: str
    because: str
    ended: str | None
    until: str | None


class Row(msgspec.Struct, frozen=True):
    """A rep's line on the board: for every week the worst level shown in it, and the closed visits to key customers."""

    rep: str
    name: str
    region: str
    levels: list[Level]
    visits: list[int]


def reds(records: Sequence[Record], engine: Engine, reps: Sequence[Rep], names: dict[str, str]) -> list[Red]:
    """Every episode of red of `visit_discipline`, in the order of their beginning."""
    people = {rep.id: rep for rep in reps}
    found: list[Red] = []
    for record in records:
        if record.fields["level"] != "red":
            continue
        rep = people[str(record.key)]
        end = next((one for one in records if one.key == record.key and one.at > record.at), None)
        why, because = _reason(engine.explain(record.id))
        found.append(
            Red(
                id=record.id,
                rep=rep.id,
                name=rep.name,
                manager=names.get(rep.manager or "", ""),
                at=local(record.at),
                why=why,
                because=because,
                ended=None if end is None else _ending(end),
                until=None if end is None else local(end.at),
            )
        )
    return found


def board(records: Sequence[Record], reps: Sequence[Rep], visits: dict[str, list[int]], weeks: int) -> list[Row]:
    """One row a rep; `visits` are counts a week, the oldest first."""
    rows: list[Row] = []
    for rep in reps:
        changes = [(moment(one.at), str(one.fields["level"])) for one in records if one.key == rep.id]
        levels = [_worst(changes, season.START + timedelta(weeks=week)) for week in range(weeks)]
        rows.append(Row(rep.id, rep.name, rep.region.name, levels, visits[rep.id]))
    return rows


def _worst(changes: list[tuple[datetime, str]], start: datetime) -> Level:
    """The worst level shown between `start` and a week later; what ends or begins at the very edge belongs to one side."""
    level, end = "green", start + timedelta(weeks=1)
    worst: str = "green"
    for at, following in [*changes, (end, "green")]:
        if at > start:
            worst = max(worst, level, key=_RANK.__getitem__)
        if at >= end:
            break
        level = following
    return worst  # type: ignore[return-value]


def _ending(end: Record) -> str:
    status = str(end.fields["status"])
    return "eased" if status == "firing" else status


def _reason(explanation: Explanation) -> tuple[str, str]:
    """The first comparison of a metric that held: in words, and with its value."""
    trees = [note.tree for note in explanation.notes if note.role == "red" and note.tree is not None]
    for held in (held for tree in trees for held in _held(tree)):
        for metric, words in _WHY.items():
            if held.text.startswith(f"metrics.{metric}."):
                asked = held.children[0]
                return words, f"{asked.text} = {display(asked.result)}"
    return explanation.question, ""


def _held(tree: Trace) -> Iterator[Trace]:
    """The innermost comparisons that were true, in the order in which they were asked."""
    if tree.skipped or tree.error is not None or tree.result is not True:
        return
    inner = [held for child in tree.children for held in _held(child)]
    yield from inner or [tree]
    if inner:
        yield tree
