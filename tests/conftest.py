"""What many tests need: an engine over a pack written in the test, and events in short form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conformance import servers
from engine import Engine

Open = Callable[..., Engine]


@pytest.fixture
def open_pack(tmp_path: Path) -> Iterator[Open]:
    """`open_pack(yaml, store=…)` writes a pack and opens an engine over it; all are closed at the end."""
    opened: list[Engine] = []

    def open_it(text: str, *, store: str = "memory:", **params: Any) -> Engine:
        folder = tmp_path / "pack"
        folder.mkdir(exist_ok=True)
        (folder / "pack.yaml").write_text(dedent(text), encoding="utf-8")
        engine = Engine.open(folder, store, params=params)
        opened.append(engine)
        return engine

    yield open_it
    for engine in opened:
        engine.close()


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """`event("quote.sent", "2026-03-02T10:00", quote_id="q1")`: a CloudEvent in Shanghai time with an id of its own."""
    count = iter(range(1, 100_000))

    def make(kind: str, time: str, /, *, id: str | None = None, **data: Any) -> dict[str, Any]:  # noqa: A002
        stamp = time if time[-6:-5] in "+-" else f"{time}{':00' if len(time) == 16 else ''}+08:00"
        return {
            "specversion": "1.0",
            "id": id or f"e{next(count)}",
            "source": "test",
            "type": kind,
            "time": stamp,
            "data": data,
        }

    return make


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """The address of a database on a real PostgreSQL, which all tests share."""
    with servers.postgres() as url:
        yield url


@pytest.fixture
def postgres(database: str) -> Iterator[str]:
    """The address of an empty schema of the test's own on a real PostgreSQL."""
    with servers.schema(database) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: once in a file, once on a real PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'team.db'}"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real server that speaks Redis' protocol."""
    with servers.redis() as url:
        yield url
