"""Lists of all entities of a kind inside `with`: what an action may choose from, such as the names on shop signs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.cel import Scope, check
from engine.core.program import Expression
from engine.core.text import Template
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.reading import At

Roll = Template
"""A template that is one whole value: the list."""


def roll(build: Build, value: dict[str, Any], at: At) -> Roll:
    """`{entities: customer, fields: [id, name]}`: for each entity known now, those of the fields that it has."""
    for key in value:
        if key not in ("entities", "fields"):
            (at / key).key_problem("unknown_key", f"unknown key `{key}`", did_you_mean(key, ("entities", "fields")))
    name, wanted = str(value["entities"]), value.get("fields")
    fields: tuple[str, ...] = ()
    if build.known(name, build.vocabulary.entities, at / "entities", "entity"):
        declared = build.vocabulary.entities[name].fields
        fields = tuple(str(one) for one in wanted) if isinstance(wanted, list) else tuple(declared)
        for index, field in enumerate(fields):
            if field not in declared:
                spot = at / "fields" / index
                spot.problem("unknown_field", f"`{name}` has no field `{field}`", did_you_mean(field, declared))
    nothing = check("[]", Scope({}))
    return Template((Expression("[]", at.place, _lister(name, fields), nothing),), None)


def _lister(entity: str, fields: tuple[str, ...]) -> Callable[[Any], Any]:
    def run(env: Any) -> list[dict[str, Any]]:
        known = env.shared.all(entity, env.at)
        return [{name: _plain(data[name]) for name in fields if data.get(name) is not None} for _, data in known]

    return run


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
