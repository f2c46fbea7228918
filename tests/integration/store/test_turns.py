"""At the write lock of a SQLite file whoever hurries comes before those who came earlier."""

from __future__ import annotations

import threading
from pathlib import Path

from engine.store.sqlite import SqliteSession
from engine.store.turns import Turns, hurried


def test_who_hurries_writes_first(tmp_path: Path) -> None:
    session, order = SqliteSession(str(tmp_path / "turns.db")), list[str]()
    turns = session._lock
    assert isinstance(turns, Turns)

    def write(name: str) -> None:
        with session.writing():
            order.append(name)

    def hurry() -> None:
        with hurried():
            write("urgent")

    threads = [threading.Thread(target=write, args=("first",)), threading.Thread(target=hurry)]
    with session.writing():
        for count, thread in enumerate(threads, 1):
            thread.start()
            while len(turns._first) + len(turns._others) < count:
                pass
    for thread in threads:
        thread.join()
    session.close()
    assert order == ["urgent", "first"]
