"""The processes that are killed: `python -m conformance.crash.process appender|worker STORE REDIS FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from conformance.crash.failpoint import Failpoints
from engine.actions.redis import queued
from engine.errors import StoreError
from engine.runtime.appender import Appender
from engine.runtime.bell import Bell
from engine.runtime.lineage import restored
from engine.store import DatabaseStore, open_store

THREADS = 2
"""Of a worker: that step, and as many that act."""


def appender(store: str, redis: str, ready: Callable[[], None]) -> None:
    """Append each list of lines (JSON, one list a line) on standard input, and say on standard output once it is durable: `taken`."""
    opened = open_store(store)
    assert isinstance(opened, DatabaseStore)
    saved = opened.active_pack()
    assert saved is not None
    gate = Appender(restored(opened, saved.revision), opened)
    bell = Bell(queued(redis)())
    bell.start()
    ready()
    for line in sys.stdin.buffer:
        try:
            taken = gate.take([one.encode() for one in json.loads(line)])
        except StoreError as error:
            print(f"failed {error.code}", flush=True)
            continue
        bell.ring(taken.shards)
        refused = [record.fields["code"] for record in taken.records]
        print(f"refused {refused}" if refused else "taken", flush=True)


def main() -> None:
    """The entry point."""
    kind, store, redis, folder = sys.argv[1:5]
    failpoints = Failpoints(Path(folder), claimed=kind == "worker")
    failpoints.install()
    if kind == "appender":
        appender(store, redis, failpoints.ready)
        return
    from engine.cli.work import command

    command(["--store", store, "--redis", redis, "--threads", str(THREADS)])


if __name__ == "__main__":
    main()
