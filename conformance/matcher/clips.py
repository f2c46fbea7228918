"""A scenario through CLIPS, by clipspy: rules without numbers and without circles, whose conclusions are logical there too."""

from __future__ import annotations

from collections.abc import Sequence

import clips

from conformance.matcher.naive import Fact
from conformance.matcher.scenario import BASE, LEVELS, Comparison, Operand, Operation, Pattern, Rule, Swap

_OPS = {"==": "=", "!=": "<>", "<": "<", ">=": ">="}


class Clips:
    """A CLIPS environment. Rules are built while facts are there.

    When one goes, everything is begun anew with the facts from outside: what an undefined rule has concluded CLIPS keeps for ever.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._held: dict[Fact, clips.TemplateFact] = {}
        self._begin(rules)

    def _begin(self, rules: Sequence[Rule]) -> None:
        self._environment = clips.Environment()
        for kind in (*BASE, *(f"d{level}" for level in range(LEVELS))):
            self._environment.build(f"(deftemplate {kind} (slot x) (slot y))")
        self._rules: dict[str, Rule] = {}
        self._build(rules)
        self._held = {fact: self._asserted(fact) for fact in self._held}

    def apply(self, operation: Operation) -> None:
        """Let one thing happen, and run until nothing follows."""
        if isinstance(operation, Swap):
            self._swap(operation.rules)
        else:
            fact = (operation.kind, operation.x, operation.y)
            if operation.there and fact not in self._held:
                self._held[fact] = self._asserted(fact)
            elif not operation.there and fact in self._held:
                self._held.pop(fact).retract()
        self._environment.run()

    def facts(self) -> set[Fact]:
        """The concluded facts."""
        found = (fact for fact in self._environment.facts() if fact.template.name.startswith("d"))
        return {(fact.template.name, fact["x"], fact["y"]) for fact in found}

    def _swap(self, rules: Sequence[Rule]) -> None:
        if self._rules.keys() <= {rule.name for rule in rules}:
            self._build(rules)
        else:
            self._begin(rules)

    def _build(self, rules: Sequence[Rule]) -> None:
        for rule in rules:
            if rule.name not in self._rules:
                self._environment.build(_rule(rule))
                self._rules[rule.name] = rule

    def _asserted(self, fact: Fact) -> clips.TemplateFact:
        kind, x, y = fact
        return self._environment.find_template(kind).assert_fact(x=x, y=y)


def _rule(rule: Rule) -> str:
    patterns = " ".join(_pattern(one) for one in rule.patterns)
    tests = " ".join(f"(test {_test(one)})" for one in rule.when)
    concluded = f"({rule.concludes} (x {_operand(rule.x)}) (y {_operand(rule.y)}))"
    salience = f"(declare (salience {-rule.level}))"
    return f"(defrule {rule.name} {salience} (logical {patterns} {tests}) => (assert {concluded}))"


def _pattern(one: Pattern) -> str:
    slots = " ".join(f"({field} {_variable(f'{one.alias}.{field}')})" for field in ("x", "y"))
    found = " ".join([f"({one.kind} {slots})", *(f"(test {_test(test)})" for test in one.tests)])
    if one.group is None:
        return found
    return f"({'not' if one.group == 'none' else 'exists'} (and {found}))"


def _test(test: Comparison) -> str:
    return f"({_OPS[test.op]} {_variable(test.left)} {_operand(test.right)})"


def _operand(operand: Operand) -> str:
    return _variable(operand) if isinstance(operand, str) else str(operand)


def _variable(name: str) -> str:
    return "?" + name.replace(".", "")
