"""The processes that are killed: `python -m conformance.crash.process appender|worker …`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from dramatiq.brokers.redis import RedisBroker

from connectors.webhook.post import Webhook
from engine.errors import StoreError
from engine.pack import restore
from engine.runtime.appender import Appender
from engine.runtime.bell import Bell
from engine.store import DatabaseStore, open_store

POINTS = (
    "commit.before",
    "commit.after",
    "append.before",
    "append.after",
    "call.before",
    "call.after",
    "acknowledgement.before",
    "acknowledgement.after",
)
"""Where a process may be told to die, by `FAILPOINT` and, at which passing, `FAILPOINT_PASSING`."""

_WRAPPED: dict[str, tuple[type, str]] = {
    "commit": (DatabaseStore, "commit"),
    "append": (DatabaseStore, "append"),
    "call": (Webhook, "perform"),
    "acknowledgement": (DatabaseStore, "finish_attempt"),
}


def arm() -> None:
    """Set the failpoint that the environment names."""
    named, left = os.environ.get("FAILPOINT"), [int(os.environ.get("FAILPOINT_PASSING", "1"))]
    if named is None:
        return
    what, _, when = named.partition(".")
    owner, method = _WRAPPED[what]
    original: Callable[..., Any] = getattr(owner, method)

    def passed() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(*args: Any, **named_args: Any) -> Any:
        if when == "before":
            passed()
        answer = original(*args, **named_args)
        if when == "after":
            passed()
        return answer

    setattr(owner, method, wrapped)


def appender(store: str, redis: str) -> None:
    """Append each line of standard input, and say so, once it is durable, on standard output."""
    opened = open_store(store)
    assert isinstance(opened, DatabaseStore)
    saved = opened.active_pack()
    assert saved is not None
    program = restore({name: text.decode() for name, text in saved.files.items()}, saved.params)
    gate = Appender(program, opened)
    bell = Bell(RedisBroker(url=redis, middleware=[]))  # type: ignore[no-untyped-call]
    bell.start()
    for line in sys.stdin.buffer:
        try:
            taken = gate.take([line.rstrip(b"\n")])
        except StoreError as error:
            print(f"failed {error.code}", flush=True)
            continue
        bell.ring(taken.shards)
        print("refused" if taken.records else "taken", flush=True)


def main() -> None:
    """The entry point."""
    arm()
    kind, store, redis = sys.argv[1:4]
    if kind == "appender":
        appender(store, redis)
        return
    from engine.cli.work import command

    command(["--store", store, "--redis", redis, "--threads", "2"])


if __name__ == "__main__":
    main()
