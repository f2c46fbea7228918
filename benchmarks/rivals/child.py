"""Measuring an engine in a child process: `python -m benchmarks.rivals ENGINE TASK SIZE EVENTS RUNS` prints JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.figure import Timing

LONGEST = 300
"""Seconds that an engine may take for one task."""


@dataclass(frozen=True, slots=True)
class Rival:
    """An engine: its distribution, which of these modules runs it, as what it is imported, and what to say where it is not there.

    The slower ones get a `share` of the events only, so that a run ends; figures are per event.
    """

    name: str
    runner: str
    module: str
    absent: str
    share: float = 1.0


_MISSING = "not installed: pip install 'rulewright[peers]'"
RIVALS: Mapping[str, Rival] = {
    one.name: one
    for one in (
        Rival("durable-rules", "durable", "durable", f"{_MISSING} builds it, with a C compiler"),
        Rival("clipspy", "clipspy", "clips", _MISSING),
        Rival("zen-engine", "zen", "zen", _MISSING, 1 / 20),
        Rival("drools_jpy", "drools", "drools", f"{_MISSING}, and it needs Java", 1 / 50),
    )
}


def installed(rival: Rival) -> bool:
    """Whether an engine is there; one that runs in Java needs Java too."""
    return find_spec(rival.module) is not None and (rival.name != "drools_jpy" or shutil.which("java") is not None)


def measured(rival: Rival, task: str, size: int, events: int, runs: int) -> list[Timing] | str:
    """The engine's timings of a task, or in words why there are none."""
    if not installed(rival):
        return rival.absent
    command = [sys.executable, "-m", "benchmarks.rivals", rival.name, task, str(size), str(events), str(runs)]
    root = Path(__file__).resolve().parents[2]
    try:
        answer = subprocess.run(
            command, cwd=root, env=_environment(), capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return f"gave no answer in {LONGEST} s"
    if answer.returncode:
        last = answer.stderr.strip().splitlines()[-1:] or [""]
        return f"ended with {answer.returncode}: {last[0][:120]}"
    return [Timing(*pair) for pair in json.loads(answer.stdout.splitlines()[-1])]


def _environment() -> dict[str, str]:
    """Ours, with the home of Java: jpy finds its library by nothing else."""
    java = shutil.which("java")
    home = {"JAVA_HOME": str(Path(java).resolve().parents[1])} if java is not None else {}
    return {**home, **os.environ}
