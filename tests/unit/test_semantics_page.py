"""The page of semantics is tested: its examples are a sound pack, its tests pass, and its records are those that come out."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from engine.core.program import Program
from engine.pack import load
from engine.runtime.packtests import play, run

PAGE = Path(__file__).parents[2] / "docs" / "semantics.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
CASES = (
    "An error in a condition", "An event that no state takes", "Two rules at one priority", "A late event", "A duplicate event",
    "A clock that goes back", "Daylight saving", "A leap day", "ISO week 53",
)  # fmt: skip


@cache
def pack() -> Program:
    with TemporaryDirectory() as folder:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)):
            Path(folder, f"{number:02}.yaml").write_text(block, encoding="utf-8")
        return load([folder])


def named(text: str) -> list[str]:
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return [
        name for block in blocks for name in re.findall(r"^  (\S.*):$", block.partition("tests:\n")[2], re.MULTILINE)
    ]


RECORDS = [
    (named(above)[-1], below.splitlines())
    for above, below in re.findall(r"(```yaml\n[^`]*```)\n```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
]


def test_all_nine_cases_stand_there_with_a_test() -> None:
    assert [title for title in SECTIONS if title[0].isdigit()] == [f"{n}. {case}" for n, case in enumerate(CASES, 1)]
    assert all(named(section) for section in SECTIONS.values())


def test_the_examples_are_a_pack_whose_tests_pass() -> None:
    results = list(run(pack()))
    assert [result.test.name for result in results] == named(TEXT)
    assert {result.test.name: result.failures for result in results if not result.passed} == {}


def test_every_block_of_records_stands_below_a_test() -> None:
    assert len(RECORDS) == TEXT.count("```json")


@pytest.mark.parametrize(("name", "lines"), RECORDS, ids=[name for name, _ in RECORDS])
def test_the_records_come_out_of_the_test_above_them_in_this_order(name: str, lines: list[str]) -> None:
    engine, records = play(pack(), next(one for one in pack().tests if one.name == name))
    engine.close()
    coming = iter(records)
    for line in lines:
        wanted = json.loads(line)
        assert any(has(one, wanted) for one in coming), line


def has(record: Any, wanted: dict[str, Any]) -> bool:
    return all(record.get(name) == value for name, value in wanted.items())
