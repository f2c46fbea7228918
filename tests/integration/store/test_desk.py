"""Single queries are asked over connections of their own, which may be lost at any time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from engine.errors import StoreError
from engine.store import DatabaseStore, open_store
from engine.store.desk import KEPT, Desk
from engine.store.query import written


def opened(url: str) -> DatabaseStore:
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    return store


def test_connections_that_were_cut_while_nobody_asked_are_no_failure(postgres: str) -> None:
    store, at_once = opened(postgres), threading.Barrier(3)

    def asked(_: int) -> int:
        at_once.wait()
        return int(store._session.ask(written("SELECT 1 FROM pg_sleep(0.2)"))[0][0])

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(asked, range(3))) == [1, 1, 1]
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert store.sequence() == 0
    store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "memory"])
def test_a_query_that_fails_is_the_stores_error_and_leaves_the_next_one_alone(
    kind: str, postgres: str, tmp_path: Path
) -> None:
    store = opened({"sqlite": f"sqlite:///{tmp_path / 'a.db'}", "postgres": postgres, "memory": "sqlite://"}[kind])
    with pytest.raises(StoreError, match="store_failed"):
        store._session.ask(written("SELECT nothing FROM nowhere"))
    assert store.sequence() == 0
    store.close()


class Line:
    """A connection on which somebody else asks while it is asked."""

    def __init__(self, made: list[Line]) -> None:
        self.closed, self._made = False, made
        made.append(self)

    def execute(self, desk: Desk, more: list[int]) -> Line:
        if more:
            desk.ask(desk, more[1:])  # type: ignore[arg-type]
        return self

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]

    def close(self) -> None:
        self.closed = True


def test_connections_are_kept_and_used_again_but_not_more_than_are_wanted() -> None:
    made: list[Line] = []
    desk = Desk(lambda: Line(made))
    desk.ask(desk, list(range(KEPT + 3)))  # type: ignore[arg-type]
    assert len(made) == KEPT + 4
    assert sum(not line.closed for line in made) == len(desk) == KEPT
    desk.ask(desk, list(range(KEPT - 1)))  # type: ignore[arg-type]
    assert len(made) == KEPT + 4
    desk.close()
    assert all(line.closed for line in made)
