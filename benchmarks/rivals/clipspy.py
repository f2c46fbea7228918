"""CLIPS by clipspy: facts asserted from Python, and functions of Python called by rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import clips

from benchmarks.deals import LEAST, Deal, Order, customers, rules
from benchmarks.manners import Guest
from benchmarks.waltz import PHASES, expect, facts

PROGRAMS = Path(__file__).parents[1] / "programs"


def _environment(fired: list[int]) -> clips.Environment:
    environment = clips.Environment()

    def called() -> None:
        fired[0] += 1

    environment.define_function(called, "called")
    return environment


def alpha(count: int) -> Any:
    """The rules over one fact, which is retracted when they have fired."""
    fired = [0]
    environment = _environment(fired)
    environment.build("(deftemplate deal (slot type) (slot region) (slot amount))")
    for i, one in enumerate(rules(count)):
        amount = f"(amount ?a&:(> ?a {one.amount}))"
        environment.build(f'(defrule rule{i} (deal (type "{one.type}") (region "{one.region}") {amount}) => (called))')
    template = environment.find_template("deal")

    def feed(found: list[Deal], _run: int) -> int:
        fired[0] = 0
        for one in found:
            fact = template.assert_fact(type=one.type, region=one.region, amount=one.amount)
            environment.run()
            fact.retract()
        return fired[0]

    return feed


def join(count: int) -> Any:
    """A fact joined with one of those that are held, and retracted when the rule has fired."""
    fired = [0]
    environment = _environment(fired)
    environment.build("(deftemplate customer (slot number) (slot tier))")
    environment.build("(deftemplate order (slot customer) (slot amount))")
    placed = f"(order (customer ?number) (amount ?a&:(> ?a {LEAST})))"
    environment.build(f'(defrule joined {placed} (customer (number ?number) (tier "KA")) => (called))')
    for number in customers(count):
        environment.find_template("customer").assert_fact(number=number, tier="KA")
    template = environment.find_template("order")

    def feed(found: list[Order], _run: int) -> int:
        fired[0] = 0
        for one in found:
            fact = template.assert_fact(customer=one.customer, amount=one.amount)
            environment.run()
            fact.retract()
        return fired[0]

    return feed


def manners(found: list[Guest], seats: int) -> Callable[[], object]:
    """Miss Manners with these guests; what is timed is the search."""
    environment = clips.Environment()
    environment.load(str(PROGRAMS / "manners.clp"))
    for one in found:
        fact = {"name": one.name, "sex": one.sex, "hobby": one.hobby}
        environment.find_template("guest").assert_fact(**{key: clips.Symbol(text) for key, text in fact.items()})
    environment.find_template("last_seat").assert_fact(seat=seats)
    environment.find_template("number").assert_fact(next=1)
    environment.find_template("phase").assert_fact(state=clips.Symbol("start"))
    return partial(_seated, environment, seats)


def _seated(environment: clips.Environment, seats: int) -> None:
    environment.run()
    reached = max(fact["seat"] for fact in environment.facts() if fact.template.name == "seating")
    if reached != seats:
        raise RuntimeError(f"{reached} of {seats} seats were taken")


def waltz(regions: int) -> Callable[[], object]:
    """Waltz with a drawing of so many regions; what is timed is the labelling."""
    environment = clips.Environment()
    environment.load(str(PROGRAMS / "waltz.clp"))
    for kind, fields in facts(regions):
        given = {key: clips.Symbol(one) if isinstance(one, str) else one for key, one in fields.items()}
        environment.find_template(kind).assert_fact(**given)
    environment.find_template("phase").assert_fact(state=clips.Symbol(PHASES[0]))
    return partial(_labelled, environment, regions)


def _labelled(environment: clips.Environment, regions: int) -> None:
    environment.run()
    expect([(one["line"], str(one["label"])) for one in environment.facts() if one.template.name == "label"], regions)
