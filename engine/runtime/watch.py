"""A folder that is watched: whenever somebody has saved something in it, its pack is activated; a bad one changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import BrokenPackError
from engine.runtime.examination import Source
from engine.store.batch import Activation


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a change: the revision that decides by then, or why the one before goes on. Neither: nothing was different."""

    made: Activation | Program | None = None
    failure: RulewrightError | None = None


def watched(
    changes: Iterable[Collection[object]],
    read: Callable[[], Source],
    activate: Callable[[Source], Activation | Program],
) -> Iterator[Tried]:
    """Try to activate what is in the folder when the first of `changes` comes, be it empty, and again after each that is not.

    So whatever is saved after the first look is seen: the watch has begun by then.
    """
    first = True
    for changed in changes:
        if first or changed:
            first = False
            yield _tried(read, activate)


def _tried(read: Callable[[], Source], activate: Callable[[Source], Activation | Program]) -> Tried:
    try:
        return Tried(activate(read()))
    except BrokenPackError as broken:
        return Tried(failure=broken)
    except RulewrightError as error:
        return Tried() if error.code == "already_active" else Tried(failure=error)
