"""S24 and the rules of the log: replay, duplicates, disorder, rejects, and the bytes of `rulewright run`."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli import group
from engine.errors import RulewrightError
from engine.runtime.replay import live, replayed, state_hash

Line = dict[str, Any]
UNTIL = "2026-03-23T00:00:00+08:00"


def people() -> list[Line]:
    reps = [{"id": "m1", "employee_no": "1", "active": True}]
    reps += [{"id": f"r{n}", "employee_no": f"100{n}", "active": True, "manager": "m1"} for n in range(1, 4)]
    customers = [{"id": f"c{n}", "name": f"客户{n}", "tier": "KA", "industry": "烘焙"} for n in range(1, 4)]
    at = "2026-01-01T00:00:00+08:00"
    return [{"entity": "rep", "data": one, "at": at} for one in reps] + [
        {"entity": "customer", "data": one, "at": at} for one in customers
    ]


def three_weeks(seed: int) -> list[Line]:
    """Visits, feedback and quotes of three reps from 2 to 20 March, in order."""
    chance = random.Random(seed)
    lines: list[Line] = []

    def add(kind: str, day: int, hour: int, minute: int, **data: Any) -> None:
        time = f"2026-03-{day:02}T{hour:02}:{minute:02}:00+08:00"
        lines.append({"specversion": "1.0", "id": "", "source": "app", "type": kind, "time": time, "data": data})

    for day in (day for day in range(2, 21) if day % 7 not in (0, 1)):
        for rep in ("r1", "r2", "r3"):
            if chance.random() < 0.4:
                visit = {"visit_id": f"v{day}{rep}", "rep_id": rep, "customer_id": f"c{chance.randint(1, 3)}"}
                add("visit.closed", day, 10, chance.randint(0, 59), **visit)
                if chance.random() < 0.8:
                    add("feedback.submitted", day, 11, chance.randint(0, 59), text="好", **visit)
            if chance.random() < 0.3:
                add("quote.sent", day, 14, chance.randint(0, 59), quote_id=f"q{day}{rep}", rep_id=rep)
    lines.sort(key=lambda line: line["time"])
    for number, line in enumerate(lines):
        line["id"] = f"e{number}"
    return lines


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """`run(events, *options)`: the command over files written for it."""

    def call(events: list[Line | str], *options: str, entities: list[Line] | None = None) -> Result:
        text = "\n".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in events)
        (tmp_path / "events.jsonl").write_text(text + "\n", encoding="utf-8")
        known = "\n".join(json.dumps(one, ensure_ascii=False) for one in (people() if entities is None else entities))
        (tmp_path / "entities.jsonl").write_text(known + "\n", encoding="utf-8")
        files = ["--events", str(tmp_path / "events.jsonl"), "--entities", str(tmp_path / "entities.jsonl")]
        return CliRunner().invoke(group, ["run", "sales", *files, *options])

    return call


def records(result: Result) -> list[Line]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def final_levels(found: list[Line]) -> dict[str, str]:
    return {one["key"]: one["level"] for one in found if one["kind"] == "alert" and one["name"] == "visit_discipline"}


def test_s24_the_log_replayed_into_an_empty_store_gives_the_same_state(
    open_team: Callable[..., Any], tmp_path: Path
) -> None:
    team = open_team(f"sqlite:///{tmp_path / 'log.db'}")
    for line in three_weeks(1):
        team.handle(line)
    team.advance("2026-03-23T00:00")
    again = replayed(team.engine.program, team.engine.store)
    assert len(again) > 20
    assert state_hash(again) == state_hash(live(team.engine.store, list(again)))


def test_s24_a_different_log_gives_a_different_state(open_team: Callable[..., Any]) -> None:
    hashes = set()
    for seed in (1, 2):
        team = open_team()
        for line in three_weeks(seed):
            team.handle(line)
        hashes.add(state_hash(replayed(team.engine.program, team.engine.store)))
    assert len(hashes) == 2


def test_s24_the_same_files_give_the_same_bytes(run: Callable[..., Result]) -> None:
    first, second = (run(three_weeks(3), "--until", UNTIL).stdout_bytes for _ in range(2))
    assert len(first) > 5000
    assert first == second


def test_s24_every_event_twice_changes_nothing(run: Callable[..., Result]) -> None:
    lines = three_weeks(4)
    assert run(lines + lines, "--until", UNTIL).stdout_bytes == run(lines, "--until", UNTIL).stdout_bytes


def test_s24_the_same_file_into_the_same_store_again_changes_nothing(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    store = ["--store", f"sqlite:///{tmp_path / 'twice.db'}", "--until", UNTIL]
    lines: list[Any] = [
        *three_weeks(4),
        '{"id": "x", "source": "app", "type": "no.such", "time": "2026-03-20T10:00:00+08:00"}',
    ]
    assert len(records(run(lines, *store))) > 20
    assert run(lines, *store).stdout == ""


@pytest.mark.parametrize("seed", range(12))
def test_s24_lines_shuffled_within_lateness_end_in_the_same_windows_and_levels(
    run: Callable[..., Result], seed: int
) -> None:
    lines = three_weeks(seed)
    shuffled = sorted(
        lines, key=lambda line: int(line["time"][8:10]) + random.Random(f"{seed}{line['id']}").uniform(0, 6.0)
    )
    assert [one["id"] for one in shuffled] != [one["id"] for one in lines]
    in_order, out_of_order = (records(run(one, "--until", UNTIL)) for one in (lines, shuffled))
    assert not [one for one in out_of_order if one["kind"] in ("reject", "error")]
    assert final_levels(out_of_order) == final_levels(in_order)


BAD: list[tuple[str, str, Any]] = [
    ("unknown event type", "unknown_type", {"type": "visit.teleported"}),
    ("missing field", "missing_field", {"data": {"visit_id": "v1", "rep_id": "r1"}}),
    ("wrong type", "wrong_type", {"data": {"visit_id": 7, "rep_id": "r1", "customer_id": "c1"}}),
    ("unknown reference", "unknown_reference", {"data": {"visit_id": "v1", "rep_id": "r404", "customer_id": "c1"}}),
    ("bad JSON line", "bad_json", '{"id": "b", "source": '),
    ("a line that is no object", "bad_json", "[1, 2]"),
    ("1 MB string", "too_large", {"data": {"visit_id": "x" * 1_000_000, "rep_id": "r1", "customer_id": "c1"}}),
    (
        "missing id",
        "missing_field",
        '{"source": "app", "type": "visit.closed", "time": "2026-03-03T10:00:00+08:00", "data": {}}',
    ),
    ("time without an offset", "wrong_type", {"time": "2026-03-03T10:00:00"}),
    ("reserved type", "reserved_type", {"type": "timer.fired", "data": {"name": "x"}}),
    ("too late", "late", {"time": "2026-02-20T10:00:00+08:00"}),
    ("from the future", "future", {"receivedtime": "2026-03-03T09:00:00+08:00"}),
]


@pytest.mark.parametrize(
    ("code", "change"), [(code, change) for _, code, change in BAD], ids=[name for name, _, _ in BAD]
)
def test_s24_what_cannot_be_used_is_a_reject_with_a_code_and_a_reason_and_the_run_goes_on(
    run: Callable[..., Result], tmp_path: Path, code: str, change: Any
) -> None:
    def closed(number: str, day: int, **fields: Any) -> Line:
        data = {"visit_id": f"v-{number}", "rep_id": "r1", "customer_id": "c1"}
        time = f"2026-03-{day:02}T10:00:00+08:00"
        return {
            "specversion": "1.0",
            "id": number,
            "source": "app",
            "type": "visit.closed",
            "time": time,
            "data": data,
            **fields,
        }

    bad = change if isinstance(change, str) else closed("bad", 3, **change)
    store = f"sqlite:///{tmp_path / 'rejects.db'}"
    found = records(run([closed("a", 2), bad, closed("z", 4)], "--store", store))
    (reject,) = [one for one in found if one["kind"] == "reject"]
    assert (reject["code"], reject["place"]) == (code, "events.jsonl:2")
    assert len(reject["reason"]) > 10
    assert "v-z" in {one["key"] for one in found}
    from engine.store import open_store

    kept = open_store(store)
    assert [(one.code, one.reason) for one in kept.rejects()] == [(code, reject["reason"])]
    kept.close()
    strict = run([closed("a", 2), bad, closed("z", 4)], "--strict")
    assert strict.exit_code == 2
    assert "v-z" in strict.stdout


def test_s24_the_same_id_with_other_content_is_refused(run: Callable[..., Result]) -> None:
    lines = three_weeks(5)[:3]
    changed = {**lines[0], "data": {**lines[0]["data"], "rep_id": "r3", "visit_id": "other", "quote_id": "other"}}
    found = records(run([*lines, changed]))
    assert [one["code"] for one in found if one["kind"] == "reject"] == ["id_conflict"]


@pytest.mark.parametrize("until", ["nonsense", "2026-03-05T10:00:00"])
def test_s24_a_run_to_no_instant_says_so_before_it_begins(run: Callable[..., Result], until: str) -> None:
    result = run(three_weeks(6), "--until", until)
    assert (result.exit_code, result.stdout) == (1, "")
    assert isinstance(result.exception, RulewrightError)
    assert result.exception.code == "bad_time"


def test_s24_a_strict_run_without_rejects_ends_well(run: Callable[..., Result]) -> None:
    assert run(three_weeks(6), "--strict").exit_code == 0


def test_s24_entities_without_a_time_are_known_from_the_first_day_of_the_file(run: Callable[..., Result]) -> None:
    lines = [line for line in three_weeks(7) if line["data"]["rep_id"] == "r2"]
    bare = [{"entity": one["entity"], "data": one["data"]} for one in people()]
    found = records(run(lines, "--until", UNTIL, entities=bare))
    assert not [one for one in found if one["kind"] == "reject"]
    assert final_levels(found)["r1"] == "red"
