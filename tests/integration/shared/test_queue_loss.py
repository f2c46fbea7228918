"""Redis may be gone at any time: whoever speaks with it goes on, and is heard again when it is back."""

from __future__ import annotations

import queue
import threading

import pytest
from dramatiq.errors import BrokerConnectionError

from conformance import servers
from engine.actions.redis import queued
from engine.actions.worker import Workers
from engine.runtime.bell import Bell

ENOUGH = 30  # seconds: no test comes near


class Heard(threading.Event):
    """A warning that a thread has written."""

    def watch(self, logger: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(f"{logger}._log.warning", lambda *_: self.set())


def test_a_bell_that_rings_while_redis_is_gone_is_heard_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answered: queue.Queue[list[int]] = queue.Queue()
    warned = Heard()
    warned.watch("engine.runtime.bell", monkeypatch)
    with servers.Redis() as redis:
        bell = Bell(queued(redis.url)(), answered.put)
        bell.start()
        bell.ring([1])
        assert answered.get(timeout=ENOUGH) == [1]
        redis.kill()
        bell.ring([2])
        assert warned.wait(ENOUGH)
        redis.start()
        bell.ring([3])
        assert answered.get(timeout=ENOUGH) == [3]
        bell.stop()


def test_an_action_cannot_be_queued_while_redis_is_gone() -> None:
    performed: queue.Queue[str] = queue.Queue()
    with servers.Redis() as redis:
        workers = Workers(performed.put, lambda _: None, broker=queued(redis.url))
        redis.kill()
        with pytest.raises(BrokerConnectionError):
            workers.send("a1", "webhook")
        redis.start()
        workers.start()
        workers.send("a2", "webhook")
        assert performed.get(timeout=ENOUGH) == "a2"
        workers.stop()


def test_who_answers_while_redis_goes_can_be_stopped() -> None:
    began, ended = threading.Event(), threading.Event()

    def answer(_shards: list[int]) -> None:
        began.set()
        assert ended.wait(ENOUGH)

    with servers.Redis() as redis:
        bell = Bell(queued(redis.url)(), answer)
        bell.start()
        bell.ring([1])
        assert began.wait(ENOUGH)
        redis.kill()
        ended.set()
        stopping = threading.Thread(target=bell.stop)
        stopping.start()
        stopping.join(ENOUGH)
        stopped = not stopping.is_alive()
        redis.start()
        stopping.join()
    assert stopped
