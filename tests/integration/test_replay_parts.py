"""A log replayed in parts gives the same bytes as the whole, on however many machines."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from subprocess import run

import pytest
from click.testing import CliRunner

from engine import Engine
from engine.cli.replay import command
from engine.errors import RulewrightError
from engine.runtime.cluster import cluster
from engine.runtime.part import first, joined, play, programs_of, second
from engine.runtime.replay import packed_hash, replayed, state_hash
from tests.integration.test_replay import Life


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A log of the sales packs, in which scripts are rated and pop-ups ranked by that."""
    draw, life, address = random.Random(4), Life(4), f"sqlite:///{tmp_path / 'log.db'}"
    with Engine.open("sales", address) as engine:
        for kind, data in life.known():
            engine.put(kind, data, "2026-01-01T00:00:00+08:00")
        for _ in range(60):
            engine.handle_many(life.lines(10))
            if draw.random() < 0.3:
                engine.put(*life.change())
        engine.advance(life.later)
    return address


def test_any_number_of_parts_gives_the_same_bytes(url: str) -> None:
    with Engine.open("sales", url) as engine:
        programs = programs_of(engine.store, engine.program)
        wholes = [
            joined(programs, parts, lambda some: [play(engine.program, engine.store, part) for part in reversed(some)])
            for parts in (1, 2, 7)
        ]
        for whole in wholes[1:]:
            assert (whole.states, whole.decisions) == (wholes[0].states, wholes[0].decisions)
            assert repr(whole.taught) == repr(wholes[0].taught)
        assert packed_hash(wholes[0].states) == state_hash(replayed(engine.program, engine.store))
        decided = [line for _, lines in wholes[0].decisions for line in lines]
        assert sum(b'"kind":"popup"' in line for line in decided) > 5
        assert len(wholes[0].taught) > 5


def test_what_is_replayed_was_decided(url: str) -> None:
    with Engine.open("sales", url) as engine:
        programs = programs_of(engine.store, engine.program)
        whole = joined(programs, 3, lambda some: [play(engine.program, engine.store, part) for part in some])
        lived = {record.id for _, record in engine.store.decisions()}
        refused = {reject.id for reject in engine.store.rejects()}
        made = {
            line.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode() for _, lines in whole.decisions for line in lines
        }
        assert made <= lived
        assert {one for one in lived - made if one not in refused} <= {
            record.id for _, record in engine.store.decisions(kind="reject")
        }


def test_each_partition_is_in_one_part_of_those_that_come_last(url: str) -> None:
    with Engine.open("sales", url) as engine:
        programs = programs_of(engine.store, engine.program)
        early, late = first(programs, 2), second(programs, 2, ())
        assert early[0].scopes == {"script"}
        assert early[0].scopes | late[0].scopes == set(engine.program.scopes)
        assert [part.number for part in late] == [0, 1]


def test_the_command_says_whether_the_store_holds_what_the_log_makes(url: str, tmp_path: Path) -> None:
    target = tmp_path / "decisions.jsonl"
    good = CliRunner().invoke(command, ["--store", url, "--decisions", str(target)])
    assert (good.exit_code, "what the store holds" in good.output) == (0, True)
    assert len(target.read_bytes().splitlines()) > 100
    with Engine.open("sales", url) as engine, engine.store._session.writing() as connection:
        connection.exec_driver_sql("UPDATE partitions SET metrics = NULL WHERE scope = 'rep'")
    bad = CliRunner().invoke(command, ["--store", url])
    assert (bad.exit_code, "another one" in bad.output) == (1, True)


def test_ray_is_loaded_only_where_it_is_asked_for() -> None:
    look = "import sys, engine.cli.replay, engine.runtime.cluster; sys.exit('ray' in sys.modules)"
    assert run([sys.executable, "-c", look], check=False).returncode == 0


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RulewrightError, match="no_ray"), cluster(str, 2):
        pass


def test_ray_replays_the_same_bytes(url: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for workers, file in zip(("1", "2"), files, strict=True):
        call = [
            sys.executable,
            "-c",
            "from engine.cli import main; main()",
            "replay",
            "--store",
            url,
            "--workers",
            workers,
            "--decisions",
            str(file),
        ]
        assert run(call, check=False, timeout=300).returncode == 0
    assert files[0].read_bytes() == files[1].read_bytes()
