"""The rules and events of the matcher's benchmark, the same for all engines.

Rule i: type == t(i mod 10) and region == r(i div 10) and amount > x. Every event meets the type and the region of exactly one
rule, and its amount passes it, so that every event calls back once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TYPES = 10
FILE = 1000


@dataclass(frozen=True, slots=True)
class Deal:
    """One event."""

    type: str
    region: str
    amount: float


LEAST = 10.0
"""An order has to exceed this amount."""


@dataclass(frozen=True, slots=True)
class Order:
    """An event that is joined with the customer whose number it has."""

    customer: str
    amount: float


def customers(count: int) -> list[str]:
    """The numbers of customers that are known."""
    return [f"c{i}" for i in range(count)]


def orders(count: int, events: int) -> list[Order]:
    """Orders of known customers, each large enough."""
    dice = random.Random(7)
    known = customers(count)
    return [Order(dice.choice(known), LEAST + dice.randint(1, 50)) for _ in range(events)]


def rules(count: int) -> Iterator[Deal]:
    """What each rule asks for: its type, its region, and the amount that has to be exceeded."""
    for i in range(count):
        yield Deal(f"t{i % TYPES}", f"r{i // TYPES}", float(i % 90))


def deals(rule_count: int, count: int) -> list[Deal]:
    """Events in random order over the rules."""
    dice = random.Random(5)
    wanted = list(rules(rule_count))
    chosen = (wanted[dice.randrange(rule_count)] for _ in range(count))
    return [Deal(one.type, one.region, one.amount + dice.randint(1, 50)) for one in chosen]


def write_pack(folder: Path, count: int) -> None:
    """The rules as a pack, a thousand to a file: each announces a `deal.hit` when it fires."""
    shape = "keys: {desk: data.desk}, data: {desk: string, region: string, amount: double}"
    types = "".join(f"  t{i}: {{{shape}}}\n" for i in range(TYPES))
    hit = "  deal.hit: {keys: {rule: data.rule}, data: {rule: string}}\n"
    declared = f"pack: {{name: deals, version: '1'}}\nevents:\n{types}{hit}"
    (folder / "pack.yaml").write_text(declared, encoding="utf-8")
    written = [_rule(i, one) for i, one in enumerate(rules(count))]
    for start in range(0, count, FILE):
        text = "rules:\n" + "".join(written[start : start + FILE])
        (folder / f"rules{start // FILE}.yaml").write_text(text, encoding="utf-8")


def _rule(number: int, one: Deal) -> str:
    where = f"data.region == '{one.region}' && data.amount > {one.amount}"
    return (
        f'  rule{number}:\n    by: desk\n    match: [{{event: {one.type}, where: "{where}"}}]\n'
        f"    then: [{{emit: deal.hit, data: {{rule: \"'rule{number}'\"}}}}]\n"
    )
