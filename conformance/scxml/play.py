"""Playing a case: its pack through the ordinary engine, event by event in virtual time, the configuration compared after each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from conformance.scxml.convert import BEGIN, converted
from conformance.scxml.ecma import UnsupportedError
from conformance.scxml.suite import Case
from engine import Engine
from engine.errors import RulewrightError

Status = Literal["passed", "failed", "left out"]
START = datetime(2026, 3, 2, tzinfo=UTC)
KEY = "m1"


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went, and why it did not pass; `pack` is what it became."""

    case: Case
    status: Status
    detail: str = ""
    pack: str = ""


def play(case: Case) -> Result:
    """Convert a case, run it, and compare."""
    try:
        pack, states = converted(case)
    except UnsupportedError as reason:
        return Result(case, "left out", str(reason))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack.yaml").write_text(pack, encoding="utf-8")
        try:
            with Engine.open([folder]) as engine:
                difference = _difference(engine, case, states)
        except RulewrightError as failure:
            difference = f"the pack does not load: {failure}"
    return Result(case, "failed" if difference else "passed", difference, pack)


def _difference(engine: Engine, case: Case, states: Mapping[str, str]) -> str:
    time = START
    wanted = [(BEGIN, 1, case.initial), *((step.event, step.after or 1, step.active) for step in case.steps)]
    for number, (event, after, expected) in enumerate(wanted):
        time += timedelta(milliseconds=after)
        line = {"id": f"e{number}", "source": "suite", "type": event, "time": time, "data": {"machine": KEY}}
        broken = _broken(engine.handle({**line, "time": time.isoformat()}))
        if broken:
            return f"at {event}: {broken}"
        active = _active(engine)
        names = {states[name] for name in expected}
        if active != names:
            return f"after {event} ({number}): {_listed(active)} active instead of {_listed(names)}"
    return ""


def _broken(records: Iterable[Mapping[str, Any]]) -> str:
    found = (one for one in records if one["kind"] in ("error", "reject"))
    return "; ".join(f"{one['code']}: {one['reason']}" for one in found)


def _active(engine: Engine) -> set[str]:
    shown: str = engine.state("machine", KEY)["workflows"]["machine"]
    return {path.rpartition(".")[2] for path in shown.split("+")}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
