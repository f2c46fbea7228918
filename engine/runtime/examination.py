"""A new revision is looked at before it may decide anything: it compiles, and the tests that it brings along pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from engine.errors import PackError
from engine.pack import PackFile, assemble, read


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a revision, as they were read, and the values for its parameters."""

    files: Sequence[PackFile]
    params: Mapping[str, Any]


def source_of(packs: str | Path | Sequence[str | Path] | Source, params: Mapping[str, Any] | None = None) -> Source:
    """The files of folders, files or names of built-in packs. Raises `BrokenPackError` for everything that may not be there."""
    if isinstance(packs, Source):
        return packs
    return Source(read([packs] if isinstance(packs, (str, Path)) else list(packs)), params or {})


Examine = Callable[[Source], int]
"""Checks a revision and runs its tests; how many there were. Raises `BrokenPackError`, and `PackError` `tests_failed`."""


def examined(source: Source) -> int:
    """Look at a revision in this process."""
    from engine.runtime.packtests import run  # tests are run by engines, and an engine examines

    results = list(run(assemble(source.files, source.params)))
    failed = [one for one in results if not one.passed]
    if failed:
        said = "; ".join(f"{one.test.name}: {one.failures[0]}" for one in failed[:3])
        message = f"{len(failed)} of {len(results)} of the pack's own tests fail: {said}"
        raise PackError("tests_failed", message, place=failed[0].test.place, hint="run `rulewright test` on it")
    return len(results)


def examined_aside(source: Source) -> int:
    """Look at a revision in a process of its own, so that the steps of this one do not wait for it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(examined, source).result()
