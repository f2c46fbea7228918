"""What one revision of a pack defines otherwise than another: by section and name, with the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from engine.errors import Place
from engine.pack.diagnostic import Report
from engine.pack.files import PackFile
from engine.pack.reading import SECTIONS, Definitions, read_definitions


@dataclass(frozen=True, slots=True)
class Change:
    """A definition that was added, removed, or says something else; `parts` are the keys that do. `place` is where it stands, or stood."""

    kind: Literal["added", "removed", "changed"]
    section: str
    name: str
    place: Place | None = None
    parts: tuple[str, ...] = ()


def difference(
    old: Sequence[PackFile],
    new: Sequence[PackFile],
    old_params: Mapping[str, Any] | None = None,
    new_params: Mapping[str, Any] | None = None,
) -> list[Change]:
    """The changes that lead from one revision to another, by section and name."""
    before, after = read_definitions(old, Report()), read_definitions(new, Report())
    found = [change for section in SECTIONS for change in _section(section, before, after)]
    return [*found, *_params(_given(before, old_params), _given(after, new_params))]


def _section(section: str, before: Definitions, after: Definitions) -> Iterator[Change]:
    old, new = before.of(section), after.of(section)
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change("removed", section, name, old[name].at.key)
        elif name not in old:
            yield Change("added", section, name, new[name].at.key)
        elif parts := _parts(old[name].model, new[name].model):
            yield Change("changed", section, name, new[name].at.key, parts)


def _parts(old: BaseModel, new: BaseModel) -> tuple[str, ...]:
    left, right = (one.model_dump(mode="json", warnings="none") for one in (old, new))
    return tuple(name for name in dict.fromkeys((*left, *right)) if left.get(name) != right.get(name))


def _given(found: Definitions, params: Mapping[str, Any] | None) -> dict[str, Any]:
    declared = {name: value.value for one in found.packs for name, value in one.model.params.items()}
    return {name: str(value) for name, value in (declared | dict(params or {})).items()}


def _params(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change("removed", "params", name)
        elif name not in old:
            yield Change("added", "params", name)
        elif old[name] != new[name]:
            yield Change("changed", "params", name, parts=(f"{old[name]} → {new[name]}",))
