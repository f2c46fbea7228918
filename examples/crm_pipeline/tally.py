"""What became of the quotes, read from the engine's own records of transitions and rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from engine import Engine
from engine.core.event import Record
from examples.crm_pipeline.events import quote_of

DAY_US = 86_400 * 1_000_000


@dataclass(slots=True)
class Line:
    """The quotes of one manager. `days` are those from sending to closing; `open` ones may be stalled as well."""

    manager: str
    stalled: int = 0
    won: int = 0
    lost: int = 0
    open: int = 0
    days: list[float] = field(default_factory=list)

    @property
    def quotes(self) -> int:
        """How many quotes the manager's people have in all."""
        return self.won + self.lost + self.open

    @property
    def median_days(self) -> float | None:
        """The median of the days to close; None where nothing was closed."""
        return median(self.days) if self.days else None

    def mapping(self) -> dict[str, Any]:
        """The line as data."""
        counts = {name: getattr(self, name) for name in ("quotes", "stalled", "won", "lost", "open", "median_days")}
        return {"manager": self.manager, **counts}


@dataclass(slots=True)
class Course:
    """One quote: when it was sent, where it stands, when it was closed, whether it was ever stalled. Microseconds."""

    sent: int
    state: str
    closed: int | None = None
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Rejects:
    """Refused rows by code, with the engine's sentence for the first of each."""

    counts: Counter[str]
    reasons: dict[str, str]


def courses(records: Iterable[Record]) -> dict[str, Course]:
    """The course of every quote, by its id, from transition records in the order in which they were decided."""
    found: dict[str, Course] = {}
    for record in records:
        state, key = record.fields["to"], str(record.key)
        course = found.get(key)
        if course is None:
            course = found[key] = Course(record.at, state)
        course.state = state
        course.stalled |= state == "stalled"
        if state in ("won", "lost"):
            course.closed = record.at
    return found


def lines(engine: Engine, reps: Mapping[str, str]) -> list[Line]:
    """A line for every manager, by name, with or without quotes. `reps` maps a quote to its rep."""
    bosses = {rep: str(data["manager"]) for rep, data in engine.entities("rep") if "manager" in data}
    found = {manager: Line(manager) for manager in bosses.values()}
    records = (record for _, record in engine.store.decisions(kind="transition", name="quote"))
    for quote, course in courses(records).items():
        line = found[bosses[reps[quote]]]
        line.stalled += course.stalled
        line.won += course.state == "won"
        line.lost += course.state == "lost"
        line.open += course.closed is None
        if course.closed is not None:
            line.days.append((course.closed - course.sent) / DAY_US)
    return [found[manager] for manager in sorted(found)]


def total(parts: Iterable[Line]) -> Line:
    """All lines together."""
    whole = Line("all")
    for part in parts:
        whole.stalled += part.stalled
        whole.won += part.won
        whole.lost += part.lost
        whole.open += part.open
        whole.days += part.days
    return whole


def rejects(engine: Engine) -> Rejects:
    """The rows that the engine refused: a row is counted once, by the first of its events that was refused."""
    rows: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for reject in engine.store.rejects():
        rows.setdefault(quote_of(reject.event or ""), reject.code)
        reasons.setdefault(reject.code, reject.reason)
    return Rejects(Counter(rows.values()), reasons)
