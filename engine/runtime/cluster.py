"""A cluster of Ray, which replays the parts of a log: on this machine, or where `RAY_ADDRESS` says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from engine.errors import RulewrightError
from engine.runtime.part import Part, Played, play_at

Run = Callable[[Sequence[Part]], Iterator[Played]]


@contextmanager
def cluster(url: str, workers: int) -> Iterator[Run]:
    """Replays parts of the log at `url`, `workers` at a time; each opens the store itself, so all of them must reach it.

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
    remote = ray.remote(num_cpus=1)(play_at)

    def run(parts: Sequence[Part]) -> Iterator[Played]:
        running = [remote.remote(url, part) for part in parts]
        while running:
            done, running = ray.wait(running)
            yield from ray.get(done)

    try:
        yield run
    finally:
        ray.shutdown()
