"""`rulewright packs`, from keeping a revision to taking it back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import PackError, RulewrightError
from engine.runtime.examination import Source, source_of
from engine.runtime.hosts import let_decide, shared
from engine.runtime.watch import Tried, watched
from engine.store import DatabaseStore, open_store
from engine.store.batch import Activation, Member
from tests.integration.conftest import Command

PACK = """
pack: {{name: lamps, version: "1", params: {{limit: {limit}}}}}
entities: {{rep: {{data: {{id: string}}}}}}
events:
  sold: {{keys: {{rep: data.rep}}, data: {{rep: ref(rep), amount: double}}}}
metrics:
  sales: {{of: sold, by: rep, value: sum(data.amount), window: {{calendar: day}}}}
alerts:
  {name}: {{by: rep, red: "has(metrics.sales.now) && metrics.sales.now >= double(params.limit)"}}
tests:
  lights_up:
    given: {{rep: [{{id: r1}}]}}
    events: [{{type: sold, time: "2026-03-02T10:00:00+08:00", data: {{rep: r1, amount: {sold}.0}}}}]
    expect: {{alerts: {{{name}: {{r1: red}}}}}}
"""


@pytest.fixture
def url(address: str) -> str:
    return address


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def written(folder: str = "lamps", limit: int = 100, name: str = "rich", sold: int | None = None) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        (path / "pack.yaml").write_text(PACK.format(limit=limit, name=name, sold=sold or limit), encoding="utf-8")
        return path

    return written


def answered(command: Command, *words: str | Path) -> Any:
    code, out, error = command(*words)
    assert (code, error) == (0, "")
    return json.loads(out)


def test_a_revision_is_kept_activated_compared_and_taken_back(
    command: Command, url: str, pack: Callable[..., Path]
) -> None:
    first = answered(command, "packs", "activate", pack(), "--store", url, "--by", "mei", "--json")["revision"]
    pushed = answered(command, "packs", "push", pack("lower", 50), "--store", url, "--json")
    assert pushed["tests"] == 1
    listed = answered(command, "packs", "ls", "--store", url, "--json")
    assert {one["revision"]: one["active"] for one in listed["revisions"]} == {first: True, pushed["revision"]: False}
    code, out, _ = command("packs", "diff", pack("lower", 50), "--store", url)
    assert code == 0
    assert [line.split("  ")[:2] for line in out.splitlines()] == [
        ["~ tests.lights_up", "events"],
        ["~ params.limit", "100 → 50"],
    ]
    made = answered(
        command, "packs", "activate", pushed["revision"], "--store", url, "--by", "li", "--note", "lower", "--json"
    )
    assert (made["previous"], made["revision"], made["by"], made["tests"]) == (first, pushed["revision"], "li", 1)
    code, out, _ = command("packs", "rollback", "--store", url, "--by", "mei")
    assert (code, out.split(" in place")[0]) == (0, f"revision {first} decides from event 2 on,")
    code, out, _ = command("packs", "ls", "--store", url)
    assert [line.split("  ")[3] for line in out.splitlines()[2:]] == ["li, 1 tests", "mei, tests not run"]
    assert f"* {first}  lamps 1" in out.splitlines()
    assert answered(command, "packs", "diff", first, pushed["revision"], "--store", url, "--json")[1:] == [
        {"kind": "changed", "section": "params", "name": "limit", "parts": ["100 → 50"], "place": None}
    ]


def test_what_fails_says_why_and_the_active_one_goes_on(command: Command, url: str, pack: Callable[..., Path]) -> None:
    first = answered(command, "packs", "activate", pack(), "--store", url, "--json")["revision"]
    code, out, error = command("packs", "activate", pack("worse", 50, sold=10), "--store", url)
    assert (code, out) == (1, "")
    assert "tests_failed: 1 of 1 of the pack's own tests fail" in error
    broken = pack("broken")
    (broken / "pack.yaml").write_text("alerts: {a: {by: nobody}}")
    code, _, error = command("packs", "activate", broken, "--store", url)
    assert code == 1
    assert "nobody" in error
    code, _, error = command("packs", "rollback", "--store", url)
    assert (code, "no_earlier_revision" in error) == (1, True)
    listed = answered(command, "packs", "ls", "--store", url, "--json")
    assert [one["revision"] for one in listed["revisions"] if one["active"]] == [first]
    assert listed["activations"] == []


def test_a_shadow_says_what_would_differ(
    command: Command, tmp_path: Path, pack: Callable[..., Path], event: Callable[..., dict[str, Any]]
) -> None:
    url = f"sqlite:///{tmp_path / 'team.db'}"
    with Engine.open(pack(), url) as engine:
        engine.put("rep", {"id": "r1"})
        for day in (2, 3):
            engine.handle(event("sold", f"2026-03-0{day}T10:00", rep="r1", amount=70.0))
    found = answered(command, "packs", "shadow", pack("lower", 50), "--store", url, "--json")
    assert found["counts"] == [{"difference": "added", "kind": "alert", "name": "rich", "count": 3}]
    assert found["examples"][0]["shadow"]["key"] == "r1"
    since = ("--since", "2026-03-03T00:00:00+08:00")
    code, out, _ = command("packs", "shadow", pack("lower", 50), "--store", url, *since)
    assert code == 0
    assert "added         1  alert rich" in out


def test_what_is_saved_is_tried_and_a_bad_one_changes_nothing(url: str, pack: Callable[..., Path]) -> None:
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    folder = pack()

    def saves() -> Iterator[list[object]]:
        yield []
        yield []
        for limit, sold in ((50, None), (50, None), (20, 1)):
            yield [pack(limit=limit, sold=sold)]
        yield [(folder / "pack.yaml").write_text("alerts: {a: {by: nobody}}")]
        yield [pack(limit=10)]

    def let(source: Source) -> Any:
        from engine.runtime.examination import examined

        return let_decide(store, source, "watch", "", examined)

    tried = list(watched(saves(), lambda: source_of(folder), let))
    assert [isinstance(one.made, Activation) for one in tried] == [False, True, False, False, False, True]
    assert tried[2] == Tried()
    assert isinstance(tried[3].failure, PackError)
    assert tried[4].failure is not None
    assert [one.by for one in store.activations()] == ["watch", "watch"]
    store.close()


def test_a_folder_is_watched_for_real(pack: Callable[..., Path]) -> None:
    from watchfiles import watch

    folder, stop = pack(), threading.Event()
    read: list[str] = []

    def let(source: Source) -> Any:
        read.append(source.files[0].text)
        if len(read) == 1:
            pack(limit=50)
        else:
            stop.set()
        raise RulewrightError("already_active", "as before")

    changes = watch(folder, debounce=100, rust_timeout=100, yield_on_timeout=True, stop_event=stop)
    list(watched(changes, lambda: source_of(folder), let))
    assert "limit: 50" in read[-1]


def test_a_store_that_others_work_on_is_left_to_them(tmp_path: Path) -> None:
    store = DatabaseStore(tmp_path / "team.db")
    assert not shared(store)
    store.report(Member("a:1", "work", 2_000_000_000_000_000, "", "", None))
    assert shared(store)
    store.close()


def test_without_a_store_that_lasts_nothing_is_kept(command: Command, pack: Callable[..., Path]) -> None:
    code, _, error = command("packs", "activate", pack(), "--store", "memory:")
    assert (code, "store_unshared" in error) == (1, True)
