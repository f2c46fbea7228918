"""Scenarios played by the engine and by another, with what they disagree about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from conformance.matcher.naive import Fact, conclusions
from conformance.matcher.ours import Ours, pack
from conformance.matcher.scenario import Operation, Put, Rule, Scenario, scenario


@dataclass(frozen=True, slots=True)
class Difference:
    """After `step` operations of a seed, two engines hold different facts."""

    seed: int
    beside: str
    step: int
    ours: object
    theirs: object
    rules: tuple[Rule, ...]
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        happened = "\n".join(f"  {one}" for one in self.operations[: self.step])
        return (
            f"seed {self.seed}, step {self.step}, beside {self.beside}\n  ours   {self.ours}\n  theirs {self.theirs}\n"
            f"{pack(self.rules)}\n{happened}"
        )


def beside_brute_force(seed: int) -> Difference | None:
    """Facts and the number of matches that each rests on, after every operation; every other seed saves and loads in between."""
    played = scenario(seed)
    return _played(seed, played, "brute force", reloaded=seed % 2 == 0)


def beside_clips(seed: int) -> Difference | None:
    """Facts after every operation."""
    from conformance.matcher.clips import Clips

    played = scenario(seed, plain=True)
    ours, theirs = Ours(played.rules), Clips(played.rules)
    rules: Sequence[Rule] = played.rules
    for step, operation in enumerate(played.operations, 1):
        rules = rules if isinstance(operation, Put) else operation.rules
        ours.apply(operation)
        theirs.apply(operation)
        found, wanted = set(ours.facts()), theirs.facts()
        if found != wanted:
            return Difference(seed, "CLIPS", step, sorted(found), sorted(wanted), tuple(rules), played.operations)
    return None


def clips_installed() -> bool:
    """Whether clipspy is there."""
    return find_spec("clips") is not None


def _played(seed: int, played: Scenario, beside: str, *, reloaded: bool) -> Difference | None:
    ours, base, rules = Ours(played.rules, reloaded=reloaded), set[Fact](), played.rules
    for step, operation in enumerate(played.operations, 1):
        if isinstance(operation, Put):
            fact = (operation.kind, operation.x, operation.y)
            base = base | {fact} if operation.there else base - {fact}
        else:
            rules = operation.rules
        ours.apply(operation)
        found, wanted = ours.facts(), conclusions(rules, base)
        if found != wanted:
            return Difference(seed, beside, step, _listed(found), _listed(wanted), rules, played.operations)
    return None


def _listed(facts: Counter[Fact]) -> list[tuple[Fact, int]]:
    return sorted(facts.items())
