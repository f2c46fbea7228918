"""Patterns over what the partition has one of: a metric, or the instance of a workflow. They bind a name, and join nothing."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cel import Binding
from engine.pack.bench import Piece
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.model.rule import Pattern as Model
from engine.pack.reading import At

ROOTS = {"metric": "metrics", "workflow": "workflows"}


@dataclass(frozen=True, slots=True)
class View:
    """A pattern over a metric or a workflow: the root and the name under which expressions read it, its alias and its condition."""

    root: str
    name: str
    alias: str | None
    where: Piece | None
    started: Piece | None


def is_view(model: Model) -> bool:
    """Whether a pattern is about a metric or a workflow."""
    return model.metric is not None or model.workflow is not None


def named(model: Model) -> tuple[str, str]:
    """Under which root, and by which name, expressions read what such a pattern is about."""
    if model.metric is not None:
        return ROOTS["metric"], model.metric
    return ROOTS["workflow"], str(model.workflow)


def binding(build: Build, model: Model, by: str) -> dict[str, Binding]:
    """What the alias of such a pattern reads."""
    root, name = named(model)
    known = build.vocabulary.metrics if root == "metrics" else build.vocabulary.workflows
    record = known.get(by, {}).get(name)
    if model.alias is None or record is None:
        return {}
    return {model.alias: Binding(record, f"e.{root}[{name!r}]")}


def view(build: Build, model: Model, at: At, by: str) -> View | None:
    """A pattern over a metric or a workflow of the scope; None with a report when it cannot be one."""
    root, name = named(model)
    keys = [key for key in ("metric", "workflow") if getattr(model, key) is not None]
    others = ("event", "fact", "entity", "none", "exists", "count", "collect")
    if len(keys) > 1 or any(getattr(model, other) is not None for other in others):
        at.problem("bad_value", f"a pattern over a {keys[0]} is about nothing else")
        return None
    for extra in ("within", "into", "sum", "min", "max", "avg"):
        if getattr(model, extra) is not None:
            (at / extra).key_problem("bad_value", f"`{extra}` does not go with `{keys[0]}`")
    known = build.vocabulary.metrics if root == "metrics" else build.vocabulary.workflows
    if name not in known.get(by, {}):
        elsewhere = any(name in found for found in known.values())
        code = "other_scope" if elsewhere else "unknown_metric" if root == "metrics" else "unknown_name"
        message = f"there is no {keys[0]} `{name}` by `{by}`"
        (at / keys[0]).problem(code, message, did_you_mean(name, known.get(by, {})))
        return None
    where = Piece(model.where, at / "where") if model.where is not None else None
    started = Piece(f"workflows.{name}.state != ''", at / "workflow") if root == "workflows" else None
    return View(root, name, model.alias, where, started)
