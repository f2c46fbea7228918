"""The lamps: red lights with their reasons, and the board of reps by weeks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from engine.core.event import Record
from engine.demo import season
from engine.demo.cast import Rep
from engine.demo.post import Mail, local, moment

Level = Literal["green", "yellow", "red"]
_RANK: dict[str, int] = {"green": 0, "yellow": 1, "red": 2}


class Red(msgspec.Struct, frozen=True):
    """A red light. `id` is that of the decision; `ended` is `resolved`, `eased` (to yellow), `retracted` or None: still on."""

    id: str
    rep: str
    name: str
    manager: str
    at: str
    why: list[str]
    ended: str | None
    until: str | None


class Row(msgspec.Struct, frozen=True):
    """A rep's line on the board: for every week the worst level shown in it, and the closed visits to key customers."""

    rep: str
    name: str
    region: str
    levels: list[Level]
    visits: list[int]


def reds(records: Sequence[Record], mails: Iterable[Mail], reps: Sequence[Rep], names: dict[str, str]) -> list[Red]:
    """Every episode of red of `visit_discipline`, in the order of their beginning."""
    people = {rep.id: rep for rep in reps}
    said = {(mail.about, mail.at): mail for mail in mails if not mail.correction}
    found: list[Red] = []
    for record in records:
        if record.fields["level"] != "red":
            continue
        rep = people[str(record.key)]
        end = next((one for one in records if one.key == record.key and one.at > record.at), None)
        mail = said.get((rep.name, local(record.at)))
        found.append(
            Red(
                id=record.id,
                rep=rep.id,
                name=rep.name,
                manager=names.get(rep.manager or "", ""),
                at=local(record.at),
                why=_bullets(mail.text) if mail is not None else [],
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


def _bullets(text: str) -> list[str]:
    """The points of a message's markdown."""
    lines = (line.strip() for line in text.splitlines())
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]
