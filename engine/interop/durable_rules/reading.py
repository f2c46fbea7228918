"""The JSON form of a ruleset, read: every rule as the sequences of patterns of which one must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from engine.errors import PackError

Kind = Literal["message", "absence", "state", "timer", "place"]
Condition = Mapping[str, Any]
Run = str | Callable[..., Any] | None

MOST_MESSAGES = 6
"""How many messages a rule may ask for: each may be an event or a fact, and there is a rule of ours for every mixture."""

MOST_COUNTED = 16

PLACE = "chart_context"
"""How durable_rules calls what says where a chart stands."""


def unsupported(what: str, where: str) -> PackError:
    """The error for a construct that is not carried over."""
    return PackError("unsupported", f"{what} is not carried over", hint=f"it stands in `{where}`")


def malformed(what: str, where: str) -> PackError:
    """The error for a definition that makes no sense."""
    return PackError("bad_ruleset", f"`{where}`: {what}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One element of a sequence. `name` is what actions call it; `text` is the name of the timer or the place."""

    kind: Kind
    name: str
    where: Condition
    text: str = ""


Sequence = tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: any of `sequences` sets off `run`. `to` is where a chart then stands.

    `count`: so many messages at once; `cap`: at most so many firings to one action; `distinct`: a message stands for one pattern.
    """

    name: str
    sequences: tuple[Sequence, ...]
    run: Run
    priority: int
    count: int
    cap: int
    distinct: bool
    to: str | None = None


def rules(definition: Mapping[str, Any]) -> Iterator[Rule]:
    """The rules of a plain ruleset."""
    for name, one in definition.items():
        if not name.startswith("$"):
            yield rule(name, one, runs(one, name))


def runs(one: Mapping[str, Any], where: str) -> Run:
    """The action of a rule or a stage: its name, a function, or none."""
    run = one.get("run")
    if run is None or isinstance(run, str) or callable(run):
        return run
    raise unsupported("a ruleset inside `run`", where)


def rule(name: str, one: Mapping[str, Any], run: Run, place: str | None = None, to: str | None = None) -> Rule:
    """A rule, or a trigger of a chart that stands at `place`. Raises `PackError`."""
    kind = next((key for key in ("all", "any") if key in one), None)
    if kind is None and place is None:
        raise malformed("a rule needs `all` or `any`", name)
    found = group(kind, one[kind], name) if kind is not None else [()]
    here = () if place is None else (Pattern("place", PLACE, {}, place),)
    sequences = tuple((*sequence, *here) for sequence in found)
    read = Rule(
        name,
        sequences,
        run,
        int(one.get("pri", 0)),
        int(one.get("count", 1)),
        int(one.get("cap", 0)),
        bool(one.get("dist", 1)),
        to,
    )
    _check(read)
    return read


def _check(one: Rule) -> None:
    for sequence in one.sequences:
        messages = [pattern for pattern in sequence if pattern.kind == "message"]
        if len(messages) > MOST_MESSAGES:
            raise unsupported(f"a rule over more than {MOST_MESSAGES} messages", one.name)
        others = [pattern for pattern in sequence if pattern.kind not in ("message", "place")]
        if one.count > 1 and (len(messages) != 1 or others):
            raise unsupported("`count` over several patterns", one.name)
    if not 1 <= one.count <= MOST_COUNTED:
        raise unsupported(f"a `count` that is not between 1 and {MOST_COUNTED}", one.name)


def group(kind: str, elements: Any, where: str) -> list[Sequence]:
    """The sequences that a group stands for: of `all` every mixture of those of its elements, of `any` each one."""
    if not isinstance(elements, list) or not elements:
        raise malformed(f"`{kind}` is a list of patterns", where)
    read = [
        element(name, one, where) for entry in elements if not _is_pulse(entry) for name, one in _single(entry, where)
    ]
    if kind == "any":
        return [sequence for alternatives in read for sequence in alternatives]
    return [tuple(pattern for part in mixture for pattern in part) for mixture in product(*read)]


def _single(entry: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise malformed("a pattern is an object with one name", where)
    return list(entry.items())


def _is_pulse(entry: Any) -> bool:
    """Whether an entry is the second half of a timeout: that the time has come is what its first half says already."""
    one = next(iter(entry.values()), None) if isinstance(entry, Mapping) else None
    return isinstance(one, Mapping) and isinstance(one.get("$gte"), Mapping) and "$time" in one["$gte"]


def element(name: str, one: Any, where: str) -> list[Sequence]:
    """The sequences of one element of a group."""
    plain, _, kind = name.rpartition("$")
    if kind in ("all", "any") and plain:
        return group(kind, one, where)
    if not isinstance(one, Mapping):
        raise malformed(f"the condition of `{name}` is no object", where)
    if kind == "not" and plain:
        return [(Pattern("absence", plain, one),)]
    for key in ("$t", "$timerName"):
        if key in one:
            return [(Pattern("timer", name, {}, str(one[key])),)]
    return [(Pattern("state" if is_state(one) else "message", name, one),)]


def is_state(condition: Condition) -> bool:
    """Whether a condition is one of the state: it says `$s`."""
    parts = condition.get("$and")
    return "$s" in condition or (isinstance(parts, list) and any("$s" in part for part in parts))
