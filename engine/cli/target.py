"""Files that a command writes: tried before anything runs; one that fails is a sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RulewrightError


def writable(path: Path) -> None:
    """Try to write at `path`; what stands there stays. Raises `RulewrightError` `not_writable`."""
    new = not path.exists()
    with told(path), path.open("ab"):
        pass
    if new:
        path.unlink()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say of a failure to write at `path` what it was. Raises `RulewrightError` `not_writable`."""
    try:
        yield
    except OSError as failure:
        hint = "does its folder exist, may it be written, is the disk full?"
        raise RulewrightError("not_writable", f"{path}: {failure.strerror}", hint=hint) from failure
