"""Text that not every store can keep is refused at the door of every store, with a reject that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine

PACK = """
pack: {name: mini, version: "1"}
entities:
  rep: {key: id, data: {id: string, name: string?}}
events:
  seen: {keys: {rep: data.rep}, data: {rep: string}}
metrics:
  count: {of: seen, by: rep, value: count(), window: {sliding: 1d}}
"""


@pytest.fixture(params=["memory:", "sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres")
        return found
    return f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else "memory:"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return folder


def line(
    identity: str = "e1", source: str = "app", kind: str = "seen", data: str = '"rep": "r1"', more: str = ""
) -> bytes:
    return (
        f'{{"id": "{identity}", "source": "{source}", "type": "{kind}", "time": "2026-03-02T10:00:00+08:00"{more},'
        f' "data": {{{data}}}}}'
    ).encode()


@pytest.mark.parametrize(
    "refused",
    [
        line(identity="e\\u0000"),
        line(source="a\\u0000pp"),
        line(kind="seen\\u0000"),
        line(data='"rep": "r\\u0000"'),
        line(data='"rep": "r1", "x\\u0000": 1'),
        line(data='"rep": "r1", "deep": [{"a": ["\\u0000"]}]'),
        line(more=', "subject": "\\u0000"'),
        b'{"id": "e\\u0000", "type": 5}',
    ],
)
def test_an_event_with_u0000_is_refused_and_the_run_goes_on(pack: Path, address: str, refused: bytes) -> None:
    with Engine.open(pack, address) as engine:
        (reject,) = engine.handle(refused)
        assert (reject["kind"], reject["code"]) == ("reject", "bad_text")
        assert "\0" not in str(reject.get("event"))
        assert [kept.code for kept in engine.store.rejects()] == ["bad_text"]
        assert not engine.handle(line(identity="e2"))
        assert engine.metrics("rep", "r1")["count"].now == 1


def test_a_backslash_before_u0000_is_no_u0000(pack: Path, address: str) -> None:
    with Engine.open(pack, address) as engine:
        assert not engine.handle(line(data='"rep": "r\\\\u0000"'))
        assert engine.metrics("rep", "r\\u0000")["count"].now == 1


def test_an_entity_with_u0000_is_refused(pack: Path, address: str) -> None:
    with Engine.open(pack, address) as engine:
        found = [
            engine.put("rep", {"id": "r\0"}),
            engine.put("rep", {"id": "r1", "name": "a\0b"}),
            engine.put("re\0p", {}),
        ]
        lines = [b'{"entity": "rep", "data": {"id": "r\\u0000"}}', b'{"entity": "r\\u0000", "data": {}}']
        found += [engine.load_entities([(one, "file:1")], None) for one in lines]
        assert [record["code"] for outcome in found for record in outcome] == ["bad_text"] * 5
        assert len(list(engine.store.rejects())) == 5


def test_an_event_that_json_cannot_hold_is_refused_with_a_legible_identity(pack: Path, address: str) -> None:
    with Engine.open(pack, address) as engine:
        (reject,) = engine.handle({"id": "e\0", "source": "app", "type": "seen", "data": {"rep": float("nan")}})
        assert (reject["code"], reject["event"]) == ("bad_json", "e\\u0000")
