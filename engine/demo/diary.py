"""Where the simulation writes what happened: events with the time they happened and the time they arrived."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one time all year, so a fixed offset is its zone."""

SOURCE = "demo/app"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that an app sends. `arrived` is when the server has it; `event` None: `line` is no event at all."""

    arrived: datetime
    event: str | None
    line: bytes


@dataclass(slots=True)
class Diary:
    """Collects entries in any order; `entries` gives them in the order of arrival."""

    _entries: list[Entry] = field(default_factory=list)
    _used: Counter[str] = field(default_factory=Counter)

    def add(
        self, kind: str, subject: str, time: datetime, data: dict[str, Any], arrived: datetime | None = None
    ) -> str:
        """Note an event of type `kind` about `subject`, which names it; `arrived` when later than `time`. Returns its id."""
        base = f"{kind}:{subject}"
        self._used[base] += 1
        number = base if self._used[base] == 1 else f"{base}:{self._used[base]}"
        envelope: dict[str, Any] = {
            "specversion": "1.0",
            "id": number,
            "source": SOURCE,
            "type": kind,
            "time": stamp(time),
        }
        if arrived is not None:
            envelope["receivedtime"] = stamp(arrived)
        envelope["data"] = data
        self._entries.append(Entry(arrived or time, number, _line(envelope)))
        return number

    def resend(self, number: str, arrived: datetime) -> None:
        """The app sends the event `number` once more: it never saw the answer."""
        sent = next(entry for entry in self._entries if entry.event == number)
        self._entries.append(Entry(arrived, None, sent.line))

    def scribble(self, arrived: datetime, line: bytes) -> None:
        """Note a line that an app should not have sent."""
        self._entries.append(Entry(arrived, None, line))

    def entries(self) -> list[Entry]:
        """Everything, by arrival; what arrived at one instant in the order in which it was noted."""
        return sorted(self._entries, key=lambda entry: entry.arrived)


def stamp(time: datetime) -> str:
    """RFC 3339 with an offset, to the second."""
    return time.replace(microsecond=0).isoformat()


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
