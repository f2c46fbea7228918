"""durable-rules at work, in a process of its own because it can crash: `python -m benchmarks.peer RULES EVENTS RUNS` prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.deals import Deal, deals, rules
from benchmarks.figure import Timing, timed

ABSENT = "not installed: pip install 'rulewright[peers]' builds it, with a C compiler"
LONGEST = 300
"""Seconds that the peer may take for one number of rules."""


def installed() -> bool:
    """Whether durable-rules is there."""
    return find_spec("durable") is not None


def measured(rule_count: int, events: int, runs: int) -> list[Timing] | str:
    """The peer's timings, or in words why there are none."""
    if not installed():
        return ABSENT
    command = [sys.executable, "-m", "benchmarks.peer", str(rule_count), str(events), str(runs)]
    root = Path(__file__).resolve().parent.parent
    try:
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return f"gave no answer in {LONGEST} s"
    if answer.returncode:
        last = answer.stderr.strip().splitlines()[-1:] or [""]
        return f"ended with {answer.returncode}: {last[0][:120]}"
    return [Timing(*pair) for pair in json.loads(answer.stdout)]


def _ruleset(rule_count: int, fired: list[int]) -> str:
    from durable.lang import m, ruleset, when_all

    def called(_context: Any) -> None:
        fired[0] += 1

    name = f"deals{rule_count}"
    with ruleset(name):
        for one in rules(rule_count):
            when_all((m.type == one.type) & (m.region == one.region) & (m.amount > one.amount))(called)
    return name


def _post(name: str, messages: list[dict[str, Any]]) -> None:
    from durable.lang import post

    for message in messages:
        post(name, message)


def _messages(found: list[Deal], run: int) -> list[dict[str, Any]]:
    """Messages with ids of their own: two of the same id would be taken for one."""
    return [
        {"id": f"{run}.{i}", "type": one.type, "region": one.region, "amount": one.amount}
        for i, one in enumerate(found)
    ]


def _main(rule_count: int, events: int, runs: int) -> None:
    fired = [0]
    name = _ruleset(rule_count, fired)
    found = deals(rule_count, events)
    _post(name, _messages(found[:10], -1))
    timings = []
    for run in range(runs):
        messages = _messages(found, run)
        timings.append(timed(partial(_post, name, messages)))
    if fired[0] != runs * events + min(10, events):
        raise SystemExit(f"{fired[0]} callbacks for {runs} × {events} events")
    print(json.dumps([[one.wall, one.cpu] for one in timings]))


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:4]))
