"""`rulewright work`: a worker process, one of any number on one store."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

import click
from dramatiq import Broker

from engine.actions.worker import embedded
from engine.errors import RulewrightError
from engine.runtime.crew import Crew
from engine.runtime.lineage import restored
from engine.store import DatabaseStore, open_store


@click.command()
@click.option(
    "--store", envvar="DATABASE_URL", required=True, metavar="URL", help="The store; DATABASE_URL by default."
)
@click.option(
    "--redis", envvar="REDIS_URL", metavar="URL", help="Redis, which tells workers at once; REDIS_URL by default."
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="That step, and as many that act."
)
def command(store: str, redis: str | None, threads: int) -> None:
    """Step what waits in a store, let time pass, and carry out actions, until it is told to stop (SIGTERM, Ctrl-C).

    Any number of workers share the work. One that is killed loses nothing: what it had claimed is taken over after 15 seconds.
    Without Redis deliveries are looked for every second.

    \b
    Examples:
      rulewright work --store postgresql://rulewright@db/rulewright --redis redis://queue:6379/0
      rulewright work --store sqlite:///team.db --threads 4
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    opened = open_store(store)
    if not isinstance(opened, DatabaseStore):
        raise RulewrightError(
            "store_unshared", "workers need a store that outlives them", hint="--store sqlite:///team.db"
        )
    saved = opened.active_pack()
    if saved is None:
        raise RulewrightError(
            "no_pack", "no pack is active on this store", hint="rulewright packs activate PACK --store URL"
        )
    latest = opened.last_activation()
    program = restored(opened, saved.revision, latest.pinned if latest is not None else ())
    crew = Crew(program, opened, threads=threads, broker=embedded if redis is None else _queue(redis))
    crew.start()
    click.echo(f"rulewright: working on revision {program.revision}", err=True)
    _until_told()
    crew.stop()
    opened.close()


def _queue(url: str) -> Callable[[], Broker]:
    def made() -> Broker:
        from dramatiq.brokers.redis import RedisBroker

        return RedisBroker(  # type: ignore[no-untyped-call]
            url=url, middleware=[], maintenance_chance=1_000_000, heartbeat_timeout=15_000
        )

    return made


def _until_told() -> None:
    told = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    told.wait()
