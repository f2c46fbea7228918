"""A cluster of Ray, on this machine or where `RAY_ADDRESS` says, that does the same work for many jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from engine.errors import RulewrightError

Job = TypeVar("Job")
Answer = TypeVar("Answer")


def _done(work: Callable[[Job], Answer], job: Job) -> Answer:
    return work(job)


@contextmanager
def cluster(work: Callable[[Job], Answer], workers: int) -> Iterator[Callable[[Sequence[Job]], Iterator[Answer]]]:
    """Does jobs, `workers` at a time, and answers in whatever order they are done. Whatever work reads, all workers must reach.

    Raises RulewrightError `no_ray` where Ray is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as missing:
        raise RulewrightError("no_ray", "Ray is not installed", hint="pip install 'rulewright[ray]'") from missing
    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, configure_logging=False)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, configure_logging=False)
    remote: Any = ray.remote(num_cpus=1)(_done)
    held = ray.put(work)

    def run(jobs: Sequence[Job]) -> Iterator[Answer]:
        running = [remote.remote(held, job) for job in jobs]
        while running:
            done, running = ray.wait(running)
            yield from ray.get(done)

    try:
        yield run
    finally:
        ray.shutdown()
