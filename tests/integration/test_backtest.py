"""A backtest decides what live decided, and the same bytes in however many portions."""

from __future__ import annotations

import json
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from click.testing import CliRunner

from engine import Engine
from engine.cli.backtest import command
from engine.core.env import Shared
from engine.core.event import Event, Record, Step
from engine.core.partition import Partition
from engine.core.step import Stepper
from engine.errors import RulewrightError
from engine.pack import BrokenPackError, assemble
from engine.runtime.backtest import compared, decided, shared_out
from engine.runtime.examination import Source, source_of
from engine.runtime.feed import Feed
from engine.runtime.head import SOURCE, Head
from engine.runtime.history import History, Lived, Written
from engine.runtime.portion import Made, Portion, play
from engine.runtime.records import Writer
from engine.runtime.stages import stages
from tests.integration.test_replay import START, Life

Line = dict[str, Any]

PACK = """
pack: {name: small, version: "1", title: {en: Small}}
entities:
  script: {data: {id: string, good: bool}}
  shop: {data: {id: string, open: bool}}
events:
  go: &go
    lateness: 2d
    keys: {first: data.first, second: data.second, shop: data.shop}
    data: {first: string, second: string, shop: "ref(shop)?", n: int, until: timestamp?, code: string?}
    unique: {used: data.code}
  fan: {keys: {fan: data.fan}, data: {fan: string, n: int}}
  undo: {lateness: 2d, keys: {first: data.first, second: data.second}, data: {first: string, second: string}}
  to_second: {keys: {second: data.second}, data: {second: string, n: int, until: timestamp?}}
  to_end: {keys: {end: data.end, second: data.second}, data: {end: string, second: "string?", n: int, until: timestamp?}}
  hop: {keys: {hopper: data.hopper}, data: {hopper: string, n: int}}
  again: {keys: {again: data.key}, data: {key: string, n: int}}
  ping: {keys: {left: data.key, right: "data.n > 3 ? data.key : ''"}, data: {key: string, n: int}}
  pong: {keys: {right: data.key}, data: {key: string, n: int}}
  rated: {keys: {script: data.script, asker: data.asker}, data: {script: ref(script), asker: "string?", rating: good | bad}}
  days: {keys: {script: data.script}, data: {script: string, days: double}}
  ask: {lateness: 2d, keys: {asker: data.asker}, data: {asker: string}}
workflows:
  first:
    by: first
    context: {n: int = 0, until: timestamp?, second: string = ''}
    initial: idle
    states:
      idle:
        on:
          go: &start
            to: busy
            require: [{when: data.n != 3, code: three, reason: no threes}]
            set: {n: data.n, until: data.until, second: data.second}
            then: [{emit: to_second, data: {second: data.second, n: data.n, until: data.until}}]
          undo: &refuse {require: [{when: "false", code: never, reason: never}]}
      busy:
        on: {go: *start, undo: idle}
        after:
          - until: context.until
            when: has(context.until)
            to: idle
            then: [{emit: to_second, data: {second: context.second, n: context.n + 1, until: context.until}}]
  second:
    by: second
    context: {n: int = 0, until: timestamp?}
    initial: idle
    states:
      idle:
        on:
          undo: *refuse
          go: {require: [{when: data.n != 3, code: three, reason: no threes}]}
          to_second: &told
            to: told
            set: {n: data.n, until: data.until}
            then: [{emit: to_end, data: {end: "string(data.n % 3)", n: data.n, until: data.until}}]
      told:
        on: {to_second: *told, to_end: {to: idle}}
        after:
          - {until: "context.until - duration('90m')", when: has(context.until) && context.n > 0,
             set: {until: "context.until - duration('90m')", n: "context.n == 4 ? 4 : context.n - 1"}, to: told,
             then: [{emit: to_end, data: {end: "string(context.n % 2)", n: context.n}}]}
  end:
    by: end
    context: {until: timestamp?, n: int = 0}
    initial: idle
    states:
      idle:
        on:
          to_end: &ended
            to: busy
            set: {until: data.until, n: data.n}
            then: [{emit: days, data: {script: "'s' + string(data.n % 2)", days: double(data.n)}}]
      busy:
        on: {to_end: *ended}
        after:
          - {until: context.until, when: has(context.until), to: idle}
          - {for: 1h, to: idle, then: [{emit: days, data: {script: "'s1'", days: double(context.n)}}]}
rules:
  fans:
    by: fan
    match: [{event: fan, as: e}]
    then:
      - {emit: to_second, data: {second: "'x'", n: e.data.n}}
      - {emit: to_end, data: {end: "'0'", n: e.data.n}}
      - {emit: to_second, data: {second: "'y'", n: e.data.n}}
  hops:
    by: hopper
    match: [{event: hop, as: e, where: e.data.n > 0}]
    then: [{emit: hop, data: {hopper: "string(int(key) + 1)", n: e.data.n - 1}}]
  same:
    by: again
    match: [{event: again, as: e, where: e.data.n > 0}]
    then: [{emit: again, data: {key: key, n: e.data.n - 1}}]
  left:
    by: left
    match: [{event: ping, as: e, where: e.data.n > 0}]
    then: [{emit: pong, data: {key: "string(e.data.n % 4)", n: e.data.n - 1}}]
  right:
    by: right
    match: [{event: pong, as: e, where: e.data.n > 0}]
    then:
      - {emit: ping, data: {key: "string((e.data.n + 1) % 4)", n: e.data.n - 1}}
      - {emit: ping, data: {key: "string(e.data.n % 3)", n: e.data.n - 2}}
metrics:
  goes: {of: go, by: shop, window: {calendar: day}, roster: shop where shop.open}
  thirds: {of: to_end, by: end, window: {sliding: 2h}}
  days: {of: days, by: script, value: avg(data.days), window: lifetime, publish: true}
alerts:
  none_yet: {by: shop, red: "metrics.goes.last(1).exists(n, n < 1)"}
  many: {by: end, yellow: metrics.thirds.now > 2, for: 20m}
popups:
  shown:
    title: {en: Shown}
    on: ask
    by: asker
    from: script
    where: script.good
    rank: {match: [script.id == 's1'], learn: feedback}
    proof: {metric: days, min_n: "1", text: "{{ value }}"}
    feedback: {event: rated, values: {good: 1.0, bad: 0.0}, reason: optional}
"""


def _lines(seed: int, count: int) -> Iterator[bytes]:
    """A random file of events: some in order, some late, some too late, some twice, some wrong."""
    draw, now, sent = random.Random(seed), START, list[bytes]()
    for number in range(count):
        now += timedelta(minutes=draw.choice((0, 0, 10, 30, 60, 300)))
        chance = draw.random()
        if sent and chance < 0.06:
            yield draw.choice(sent)
            continue
        if chance < 0.1:
            yield draw.choice((b"{", b'{"id": "x"}', b"[]"))
            continue
        kind, data = _what(draw, now)
        time = now - timedelta(hours=draw.choice((0, 0, 0, 0, 1, 5, 60)))
        event = {"id": str(number), "source": "app", "type": kind, "time": time.isoformat(), "data": data}
        sent.append(json.dumps(event).encode())
        yield sent[-1]


def _what(draw: random.Random, now: Any) -> tuple[str, Line]:
    hour = now.replace(minute=0) + timedelta(hours=draw.choice((-3, 1, 1, 2, 2, 4)))
    first, second, key = draw.choice("pqrs"), draw.choice("xyz"), str(draw.randrange(5))
    until, code = draw.choice(({}, {"until": hour.isoformat()})), draw.choice(({}, {}, {"code": key}))
    go = {"first": first, "second": second, "shop": draw.choice(("k1", "k2", "k9")), "n": draw.randrange(5), **until}
    kinds: list[tuple[str, Line]] = [
        *[("go", go | code)] * 6,
        *[("fan", {"fan": key, "n": draw.randrange(4)})] * 2,
        ("undo", {"first": first, "second": second}),
        ("hop", {"hopper": key, "n": draw.choice((0, 2, 40))}),
        ("again", {"key": key, "n": draw.randrange(4)}),
        ("ping", {"key": key, "n": draw.randrange(7)}),
        ("rated", {"script": draw.choice(("s0", "s1")), "asker": key, "rating": draw.choice(("good", "bad"))}),
        *[("ask", {"asker": key})] * 3,
    ]
    return draw.choice(kinds)


ENTITIES = [
    {"entity": "shop", "data": {"id": "k1", "open": True}},
    {"entity": "shop", "data": {"id": "k2", "open": False}},
    {"entity": "shop", "data": {"id": "k2", "open": True}, "at": "2026-03-03T12:00:00+08:00"},
    {"entity": "shop", "data": {"id": "k3"}},
    {"entity": "script", "data": {"id": "s0", "good": True}},
    {"entity": "script", "data": {"id": "s1", "good": True}},
]


def _placed(lines: Iterator[bytes] | list[bytes]) -> list[tuple[bytes, str]]:
    return [(line, f"file:{number}") for number, line in enumerate(lines, 1)]


def _written(seed: int, count: int = 150) -> Written:
    return Written(Feed(_placed(_lines(seed, count)), _placed([json.dumps(one).encode() for one in ENTITIES])))


@pytest.fixture
def small(tmp_path: Path) -> Source:
    path = tmp_path / "pack.yaml"
    path.write_text(PACK, encoding="utf-8")
    return source_of(path)


def _played(source: Source, portions: list[Portion]) -> Iterator[Made]:
    """Each portion as another process would play it, the last one first."""
    revision = assemble(source.files, source.params).revision
    for portion in reversed(portions):
        yield pickle.loads(pickle.dumps(play(source, revision, pickle.loads(pickle.dumps(portion)))))


def _bytes(source: Source, records: list[Record]) -> list[bytes]:
    return list(map(Writer(assemble(source.files, source.params)).line, records))


def _shared(source: Source, history: History, parts: int) -> list[bytes]:
    return _bytes(source, shared_out(source, history, parts, partial(_played, source)))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_any_number_of_portions_decides_the_same_bytes(small: Source, seed: int, parts: int) -> None:
    history = _written(seed)
    whole = _bytes(small, decided(small, history))
    assert _shared(small, history, parts) == whole
    kinds = {json.loads(line)["kind"] for line in whole}
    assert {"transition", "emit", "reject", "popup", "alert", "error"} <= kinds


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A log of the sales packs, as people and restarts make it."""
    draw, life, address = random.Random(2), Life(2), f"sqlite:///{tmp_path / 'log.db'}"
    engine = Engine.open("sales", address)
    engine.begin("2026-02-20T00:00:00+08:00")
    for kind, data in life.known():
        engine.put(kind, data, "2026-01-01T00:00:00+08:00")
    for number in range(40):
        engine.handle_many(life.lines(12))
        if draw.random() < 0.4:
            engine.put(*life.change())
        if draw.random() < 0.3:
            engine.advance(life.later)
        if draw.random() < 0.2:
            engine.close()
            engine = Engine.open("sales", address)
        if number % 10 == 0:
            engine.handle(_photo(life, f"v{number % 12}"))
            engine.inject(_read(number))
    engine.close()
    return address


def _photo(life: Life, visit: str) -> Line:
    data = {"visit_id": visit, "rep_id": "r1", "image": "sign.jpg"}
    return {"id": f"photo-{visit}", "source": "app", "type": "photo.taken", "time": life.later, "data": data}


def _read(number: int) -> Callable[[Head], None]:
    """The receipt of an action that has read a sign."""
    visit = f"v{number % 12}"
    result = {"decision": "matched", "customer_id": "c1", "text": "店"}
    data = {"action": f"a{number}", "do": "ocr.read", "name": "x", "scope": "visit", "key": visit, "result": result}

    def tell(head: Head) -> None:
        assert head.now is not None
        keys = (("visit", visit),)
        head.tell(Event(f"receipt-{number}", SOURCE, "action.succeeded", head.now, data, keys=keys))

    return tell


def test_the_pack_that_decided_a_log_decides_the_same_again(url: str) -> None:
    sales, history = source_of("sales"), Lived(url)
    with Engine.open("sales", url) as engine:
        lived = [record for _, record in engine.store.decisions()]
    found = compared("x", history.count(), lived, decided(sales, history))
    assert sum(found.same.values()) == len(lived) > 200
    assert not found.differing
    assert sum(kind == "emit" for kind, _ in found.same) > 3
    assert any("sign_read" in name for _, name in found.same)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_log_of_a_team_in_portions_gives_the_same_bytes(url: str, parts: int) -> None:
    sales, history = source_of("sales", {"quote_stall": "10d"}), Lived(url)
    assert _shared(sales, history, parts) == _bytes(sales, decided(sales, history))


def test_scopes_come_after_those_that_lead_to_them(small: Source) -> None:
    found = stages(assemble(small.files, small.params))
    assert [sorted(stage.cut) for stage in found] == [
        ["again", "fan", "first", "hopper", "shop"],
        ["second"],
        ["end"],
        ["script"],
        ["asker"],
    ]
    assert [stage.whole for stage in found] == [(frozenset({"left", "right"}),), (), (), (), ()]


def test_a_scope_is_cut_unless_a_key_of_it_emits_to_another_one(small: Source) -> None:
    played: list[Portion] = []

    def noted(portions: list[Portion]) -> Iterator[Made]:
        played.extend(portions)
        return _played(small, portions)

    hop = {"id": "1", "source": "a", "type": "hop", "time": START.isoformat(), "data": {"hopper": "1", "n": 9}}
    again = hop | {"id": "2", "type": "again", "data": {"key": "1", "n": 9}}
    history = Written(Feed(_placed([json.dumps(one).encode() for one in (hop, again)]), []))
    shared_out(small, history, 3, noted)  # type: ignore[arg-type]
    first, tried_again = played[:3], played[3:6]
    assert all("hopper" in one.cut for one in first)
    assert ["hopper" in one.whole for one in tried_again] == [False, True, False]
    assert all("again" in one.cut for one in tried_again)


def test_where_a_step_crashes_all_is_decided_in_one(small: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Stepper.step

    def crashing(self: Stepper, partition: Partition, shared: Shared, event: Event, tracer: Any = None) -> Step:
        if event.type == "undo":
            raise ZeroDivisionError
        return step(self, partition, shared, event, tracer)

    monkeypatch.setattr(Stepper, "step", crashing)
    history = _written(1, 80)
    whole = _bytes(small, decided(small, history))
    assert any(b'"step_crashed"' in line for line in whole)
    assert _shared(small, history, 2) == whole


# --- the command ---------------------------------------------------------------------------------


def _asked(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments))


def test_the_command_tells_the_difference(url: str, tmp_path: Path) -> None:
    target = tmp_path / "decided.jsonl"
    same = _asked("sales", "--log", url, "--decisions", str(target))
    assert (same.exit_code, " 0 differ, 0 errors" in same.stdout) == (0, True)
    assert len(target.read_bytes().splitlines()) > 200
    other = json.loads(_asked("sales", "--param", "quote_stall=10d", "--log", url, "--json").stdout)
    missing = {(one["kind"], one["name"]) for one in other["counts"] if one["difference"] == "missing"}
    assert ("alert", "quote_stalled") in missing
    against = json.loads(_asked("sales", "--against", "sales", "--log", url, "--json").stdout)
    assert (against["counts"], against["same"] > 200) == ([], True)


def test_the_command_compares_from_an_instant_on(url: str, tmp_path: Path) -> None:
    target = tmp_path / "decided.jsonl"
    answer = _asked("sales", "--log", url, "--since", "2026-03-20T00:00:00+08:00", "--decisions", str(target), "--json")
    found = [json.loads(line)["at"] for line in target.read_bytes().splitlines()]
    assert json.loads(answer.stdout)["same"] == len(found) > 10
    assert min(found) >= "2026-03-20"


def test_a_revision_that_the_store_keeps_can_be_asked(url: str) -> None:
    with Engine.open("sales", url) as engine:
        revision = engine.program.revision
    answer = json.loads(_asked("sales", "--against", revision, "--log", url, "--json").stdout)
    assert (answer["revision"], answer["counts"]) == (revision, [])


def test_the_command_takes_files(small: Source, tmp_path: Path) -> None:
    log, entities = tmp_path / "log.jsonl", tmp_path / "entities.jsonl"
    log.write_bytes(b"\n".join(_lines(3, 60)))
    entities.write_text("\n".join(map(json.dumps, ENTITIES)), encoding="utf-8")
    pack = small.files[0].label
    answer = _asked(pack, "--against", pack, "--log", str(log), "--entities", str(entities))
    assert (answer.exit_code, " 0 differ" in answer.stdout) == (0, True)
    assert "on 60 events" in answer.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--log", "nowhere.jsonl", "--against", "sales"), "no_file"),
        (("--log", "memory:"), "store_unshared"),
        (("--log", "{file}"), "nothing_to_compare"),
        (("--log", "{url}", "--since", "2036-01-01T00:00:00Z"), "log_ended"),
        (("--log", "{url}", "--since", "yesterday"), "bad_time"),
        (("--log", "{url}", "--decisions", "{file}/x"), "not_writable"),
        (("--log", "{empty}", "--against", "sales"), "log_ended"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(url: str, tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    file, empty = tmp_path / "log.jsonl", tmp_path / "empty.jsonl"
    file.write_bytes(b"\n".join(_lines(1, 5)))
    empty.touch()
    found = _asked("sales", *(one.format(file=file, url=url, empty=empty) for one in arguments))
    assert isinstance(found.exception, RulewrightError)
    assert found.exception.code == code


def test_a_pack_that_does_not_compile_is_told_before_anything_runs(url: str, tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("pack: {name: x}\nrules: {a: {by: nobody}}", encoding="utf-8")
    assert isinstance(_asked(str(tmp_path / "pack.yaml"), "--log", url).exception, BrokenPackError)


def test_without_ray_it_is_said_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    found = _asked("sales", "--log", url, "--workers", "2").exception
    assert isinstance(found, RulewrightError)
    assert (found.code, found.hint) == ("no_ray", "pip install 'rulewright[ray]'")


def test_ray_decides_the_same_bytes(url: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    answers = []
    for workers in ("1", "2"):
        file = tmp_path / f"{workers}.jsonl"
        call = "from engine.cli import main; main()"
        asked = ["backtest", "sales", "--param", "quote_stall=10d", "--log", url, "--json"]
        ran = run(
            [sys.executable, "-c", call, *asked, "--workers", workers, "--decisions", str(file)],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        answers.append((ran.stdout, file.read_bytes()))
    assert answers[0] == answers[1]
    assert len(answers[0][1]) > 10_000
