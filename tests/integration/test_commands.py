"""Commands tell what cannot be written before anything runs: a sentence and a code, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.conftest import Command

EVENT = {
    "id": "e1", "source": "app", "type": "quote.sent", "time": "2026-03-04T10:00:00+08:00",
    "data": {"quote_id": "q1", "rep_id": "r1"},
}  # fmt: skip
REP = {"entity": "rep", "data": {"id": "r1", "employee_no": "1", "active": True}}


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(EVENT))
    return path


@pytest.fixture
def reps(tmp_path: Path) -> Path:
    path = tmp_path / "reps.jsonl"
    path.write_text(json.dumps(REP))
    return path


def test_outcomes_are_written_to_a_file(command: Command, events: Path, reps: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("what was there before")
    assert command("run", "sales", "--events", events, "--entities", reps, "--out", out) == (0, "", "")
    assert [json.loads(line)["kind"] for line in out.read_text().splitlines()] == ["transition", "transition"]


@pytest.mark.parametrize("where", ["no folder/out.jsonl", "events.jsonl/out.jsonl", "."])
def test_an_output_that_cannot_be_written_is_told_before_anything_runs(
    command: Command, events: Path, tmp_path: Path, where: str
) -> None:
    store = tmp_path / "store.db"
    code, _, said = command(
        "run", "sales", "--events", events, "--out", tmp_path / where, "--store", f"sqlite:///{store}"
    )
    assert code == 1
    assert said.startswith("rulewright: not_writable: ")
    assert "does its folder exist" in said
    assert not store.exists()


def test_a_run_that_does_not_begin_leaves_what_was_written_before(
    command: Command, events: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text("outcomes of yesterday")
    for out in (old, new):
        code, _, said = command("run", "sales", "--events", events, "--out", out, "--param", "radius_m=NaN")
        assert (code, "must be a finite number, not `NaN`" in said) == (1, True)
    assert old.read_text() == "outcomes of yesterday"
    assert not new.exists()


def test_a_disk_that_is_full_is_told(command: Command, events: Path) -> None:
    code, _, said = command("run", "sales", "--events", events, "--out", "/dev/full")
    assert code == 1
    assert said.startswith("rulewright: not_writable: /dev/full: ")


def test_a_report_that_cannot_be_written_is_told_before_any_test_runs(command: Command, tmp_path: Path) -> None:
    code, printed, said = command("test", "sales", "--junit", tmp_path / "no folder" / "results.xml")
    assert (code, printed) == (1, "")
    assert said.startswith("rulewright: not_writable: ")


def test_a_demo_says_where_it_cannot_work(command: Command, events: Path) -> None:
    code, _, said = command("demo", "--dir", events)
    assert code == 1
    assert said.startswith("rulewright: not_writable: ")


def test_a_workflow_is_drawn_as_mermaid_unless_asked_otherwise(command: Command) -> None:
    code, printed, said = command("diagram", "sales", "quote")

    assert (code, said) == (0, "")
    assert printed.startswith('---\ntitle: "报价"\n---\nstateDiagram-v2\n')
    assert "    sent --> stalled : params.quote_stall 后\n" in printed


def test_all_workflows_of_a_pack_are_drawn_one_after_the_other(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "workflows.md"

    assert command("diagram", "workflows", "--also", "rules", "--language", "en", "--out", out) == (0, "", "")
    text = out.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Follow-up",
        "## Quote",
        "## Use of a script",
        "## Visit",
    ]
    assert text.count("```mermaid\n---\n") == 4

    code, printed, _ = command("diagram", "sales", "--format", "dot")
    assert (code, printed.count("digraph ")) == (0, 4)


def test_a_workflow_that_is_not_there_is_answered_with_those_that_are(command: Command) -> None:
    code, printed, said = command("diagram", "sales", "qoute")

    assert (code, printed) == (1, "")
    assert "unknown_workflow: `sales` has no workflow `qoute` (there is `follow_up`, `quote`" in said
