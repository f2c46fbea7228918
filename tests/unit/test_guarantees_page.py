"""The page of guarantees is tested: each promise names what shows it, and all of that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.__main__ import SUITES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES = [
    (promise, re.findall(r"`([^`]+)`", shown))
    for promise, shown in re.findall(r"^\| (.+) \| (`.+`) \|$", TEXT, re.MULTILINE)
    if not promise.startswith("`RULEWRIGHT")
]


def test_there_are_promises() -> None:
    assert len(PROMISES) > 20


@pytest.mark.parametrize(("promise", "shown"), PROMISES, ids=[promise[:50] for promise, _ in PROMISES])
def test_what_shows_a_promise_exists(promise: str, shown: list[str]) -> None:
    for one in shown:
        command = re.fullmatch(r"python -m (conformance|benchmarks)(?: --only)? (\w+)", one)
        if command is None:
            assert any((ROOT / one).rglob("test_*.py")) or (ROOT / one).is_file(), promise
        elif command[1] == "conformance":
            assert command[2] in SUITES, promise
        else:
            assert (ROOT / "benchmarks" / f"{command[2]}.py").is_file() or list(
                (ROOT / "benchmarks" / command[2]).iterdir()
            )
