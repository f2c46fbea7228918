"""The processes of the test: `python -m conformance.reload.process sender|worker STORE REDIS FILE …`; each writes down when."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TextIO

from dramatiq.brokers.redis import RedisBroker

from engine.runtime import crew
from engine.runtime.appender import Appender
from engine.runtime.bell import Bell
from engine.runtime.drain import Drain, Drained
from engine.runtime.hosts import active
from engine.runtime.lineage import Programs
from engine.runtime.members import Membership
from engine.store import DatabaseStore, Lease, open_store

KEYS = 200
DESKS = 20


def sender(store: str, redis: str, file: str, rate: str) -> None:
    """Append `rate` events a second until told to stop: `sequence time` a line."""
    opened, told = _store(store), _told()
    program = active(opened)
    programs = Programs(opened, program)
    appender, bell = Appender(program, opened, programs), Bell(_broker(redis))
    bell.start()
    member = Membership(opened, programs, "sender")
    threading.Thread(target=_beats, args=(member, appender), daemon=True).start()
    with open(file, "w", encoding="utf-8") as out:
        began = time.monotonic()
        for number in count():
            pause = began + number / float(rate) - time.monotonic()
            if told.wait(max(pause, 0)):
                break
            taken = appender.take([_line(number)])
            bell.ring(taken.shards)
            out.write(f"{taken.sequences[0]} {time.time()}\n")
    bell.stop()
    member.leave()


def worker(store: str, redis: str, file: str) -> None:
    """Work until told to stop: `sequence time` for each delivery that was committed."""
    opened, told = _store(store), _told()
    crew.SWEEP = 0.2
    with open(file, "w", encoding="utf-8") as out:
        _write_down(out)
        working = crew.Crew(active(opened), opened, broker=lambda: _broker(redis), threads=2)
        working.start()
        told.wait()
        working.stop()


def _write_down(out: TextIO) -> None:
    commit, lock = Drain._commit, threading.Lock()

    def committed(drain: Drain, leases: Sequence[Lease], *, full: bool) -> Drained:
        drained = drain.batch.drained
        done = commit(drain, leases, full=full)
        now = time.time()
        with lock:
            out.writelines(f"{seq} {now}\n" for seq, _, _ in drained)
        return done

    Drain._commit = committed  # type: ignore[method-assign,assignment]


def _beats(member: Membership, appender: Appender) -> None:
    while True:
        member.beat(appender.program.revision)
        time.sleep(0.2)


def _line(number: int) -> bytes:
    event = {
        "id": f"e{number}",
        "source": "app",
        "type": "step.done",
        "time": datetime.now(UTC).isoformat(),
        "data": {"job": f"j{number % KEYS}", "desk": f"d{number % DESKS}"},
    }
    return json.dumps(event).encode()


def _store(url: str) -> DatabaseStore:
    opened = open_store(url)
    assert isinstance(opened, DatabaseStore)
    return opened


def _broker(url: str) -> RedisBroker:
    return RedisBroker(url=url, middleware=[], maintenance_chance=1_000_000, heartbeat_timeout=15_000)  # type: ignore[no-untyped-call]


def _told() -> threading.Event:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    return told


if __name__ == "__main__":
    {"sender": sender, "worker": worker}[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
