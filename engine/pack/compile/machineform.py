"""The form of a workflow: a few digits that are the same exactly where two definitions are the same machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.core.codec import identity
from engine.pack.model import Workflow

DIGITS = 12


def form_of(model: Workflow) -> str:
    """Twelve digits over what a workflow does: titles, and where instances of earlier ones go, are no part of that."""
    said = model.model_dump(mode="json", exclude={"title", "migrate"}, warnings="none")
    return identity(json.dumps(_untitled(said), ensure_ascii=False))[:DIGITS]


def _untitled(said: dict[str, Any]) -> dict[str, Any]:
    states: Mapping[str, dict[str, Any]] = said["states"]
    bare = {name: {key: value for key, value in one.items() if key != "title"} for name, one in states.items()}
    return {**said, "states": {name: _untitled(one) for name, one in bare.items()}}
