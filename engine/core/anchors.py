"""Which matches a fact concerns that a group asks about: those of the facts to which its elements are joined by equality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.facts import Change, Facts
from engine.core.network import Entry, equal
from engine.core.program import Rule

Anchored = dict[tuple[int, int], dict[str, Any]]
"""Facts through which matches are concerned: the place of their pattern and their number, with their fields."""

Concerned = dict[Rule, Anchored | None]
"""Rules some of whose matches are concerned; None: it may be any of them."""


def concerned(facts: Facts, found: Concerned, asking: Mapping[str, list[Entry]], changes: Iterable[Change]) -> None:
    """Add to `found` the rules with a group about facts that came or went."""
    for _, name, fields in changes:
        for rule, position in asking.get(name, ()):
            pattern = rule.patterns[position]
            if pattern.equals and not equal(pattern, fields):
                continue
            anchor, anchored = pattern.anchor, found.setdefault(rule, {})
            if anchor is None or anchored is None:
                found[rule] = None
                continue
            wanted = tuple([fields.get(one) for one in anchor.own])
            for number, fact in facts.joined(rule.patterns[anchor.position].type, anchor.theirs, wanted):
                anchored[anchor.position, number] = fact.fields
