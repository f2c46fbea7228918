"""Redis as the queue between processes. What it holds may be lost at any time: the database knows all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import redis
from dramatiq import Broker, Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed

HEARTBEAT = 15_000
"""Milliseconds of silence after which a worker is held to be lost, and what it had taken is given to others."""

_PATIENCE = 5.0
"""Seconds that an answer of Redis may take."""

_GONE = (redis.ConnectionError, redis.TimeoutError, ConnectionClosed)


class _Consumer(_RedisConsumer):
    """Takes messages. Where Redis cannot be told that one was done it comes again, which changes nothing; a thread that waited until it can
    be told would do nothing else, and could not be stopped.
    """

    def ack(self, message: MessageProxy) -> None:
        with suppress(*_GONE):
            super().ack(message)  # type: ignore[no-untyped-call]

    def nack(self, message: MessageProxy) -> None:
        with suppress(*_GONE):
            super().nack(message)  # type: ignore[no-untyped-call]

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        with suppress(*_GONE):
            super().requeue(messages)  # type: ignore[no-untyped-call]


class RedisQueue(RedisBroker):
    """Dramatiq's broker; where Redis cannot be reached, sending raises BrokerConnectionError as Dramatiq says, not the driver's error."""

    @property
    def consumer_class(self) -> type[_Consumer]:
        """What takes messages."""
        return _Consumer

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message on its queue."""
        try:
            return super().enqueue(message, delay=delay)
        except _GONE as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self.client.connection_pool.disconnect()


def queued(url: str) -> Callable[[], Broker]:
    """Makes brokers on the Redis at an address; each looks for messages of lost workers whenever it speaks with it."""

    def made() -> Broker:
        return RedisQueue(  # type: ignore[no-untyped-call]
            url=url,
            middleware=[],
            maintenance_chance=1_000_000,
            heartbeat_timeout=HEARTBEAT,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )

    return made
