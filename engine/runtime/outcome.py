"""What the engine answers to an event, a put or a passage of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Mapping = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The records that followed, in the order in which they were decided, each a mapping as in the contract of outcomes.

    `duplicate`: the event was known already, and nothing happened.
    """

    records: tuple[Mapping, ...]
    duplicate: bool = False

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def of(self, kind: str) -> list[Mapping]:
        """The records of one kind."""
        return [record for record in self.records if record["kind"] == kind]

    @property
    def rejects(self) -> list[Mapping]:
        """What was refused."""
        return self.of("reject")

    @property
    def alerts(self) -> list[Mapping]:
        """The alert levels that changed."""
        return self.of("alert")

    @property
    def actions(self) -> list[Mapping]:
        """The actions that were queued."""
        return self.of("action")

    @property
    def popup(self) -> Mapping | None:
        """The first pop-up, where one was asked for."""
        return next(iter(self.of("popup")), None)
