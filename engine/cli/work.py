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
from engine.runtime.crew import KINDS, Crew
from engine.runtime.hosts import active
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
@click.option(
    "--only", multiple=True, type=click.Choice(KINDS), help="Do this alone; may be given again. By default everything."
)
def command(store: str, redis: str | None, threads: int, only: tuple[str, ...]) -> None:
    """Step what waits in a store, let time pass, and carry out actions, until it is told to stop (SIGTERM, Ctrl-C).

    Any number of workers share the work. One that is killed loses nothing: what it had claimed is taken over after 15 seconds.
    Without Redis deliveries are looked for every second.

    \b
    Examples:
      rulewright work --store postgresql://rulewright@db/rulewright --redis redis://queue:6379/0
      rulewright work --store sqlite:///team.db --threads 4
      rulewright work --only ocr --only speech      what takes a processor for seconds, in processes of its own
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    opened = open_store(store)
    if not isinstance(opened, DatabaseStore):
        raise RulewrightError(
            "store_unshared", "workers need a store that outlives them", hint="--store sqlite:///team.db"
        )
    program = active(opened)
    crew = Crew(
        program, opened, threads=threads, kinds=only or KINDS, broker=embedded if redis is None else queue_at(redis)
    )
    crew.start()
    click.echo(f"rulewright: working on revision {program.revision}", err=True)
    _until_told()
    crew.stop()
    opened.close()


def queue_at(url: str) -> Callable[[], Broker]:
    """What makes a broker over the Redis at `url`."""
    from engine.actions.redis import queued

    return queued(url)


def _until_told() -> None:
    told = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    told.wait()
