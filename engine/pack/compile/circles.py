"""Conclusions that rest on a group which asks about them: whether they hold depends on themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.core.program import Assert, Rule
from engine.pack.compile.build import Build


def warn(build: Build, rules: Sequence[Rule]) -> None:
    """Report each group over facts that follow from what its own rule concludes."""
    rests: dict[str, set[str]] = {}
    for rule in rules:
        for fact in _concluded(rule):
            rests.setdefault(fact, set()).update(one.type for one in rule.patterns if one.kind == "fact")
    for rule in rules:
        at = build.section("rules")[rule.name].at
        for pattern in rule.patterns:
            circle = sorted(set(_concluded(rule)) & _behind(pattern.type, rests))
            if pattern.kind == "fact" and pattern.group is not None and circle:
                message = f"`{rule.name}` concludes `{circle[0]}`, and whether it does depends on `{circle[0]}` itself"
                hint = f"ask about facts that do not follow from it, or assert `{circle[0]}` with `keep: true`"
                at.report.add(at.document.diagnostic(pattern.place, "circular_group", message, hint, "warning"))


def _concluded(rule: Rule) -> Iterator[str]:
    return (effect.fact for effect in rule.then if isinstance(effect, Assert) and not effect.keep)


def _behind(fact: str, rests: Mapping[str, Iterable[str]]) -> set[str]:
    """A fact and all the facts that it may follow from."""
    found: set[str] = set()
    pending = [fact]
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += rests.get(one, ())
    return found
