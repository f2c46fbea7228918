"""The published examples of durable_rules (its README and its references of the JSON and the Python form) with what they print.

Where a page does not say, the expected output is what durable_rules 2.0.28 gave when it was run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RulewrightError
from engine.interop.durable_rules import Context, Host, ObservedError, pack_text
from engine.pack import diagnose

Json = dict[str, Any]
START = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Stage:
    """One ruleset whose actions write down what they were given."""

    def __init__(self, rules: Json, name: str = "test", **actions: Callable[[Context], Any]) -> None:
        self.seen: list[Any] = []
        self.clock = Clock()
        self.name = name.partition("$")[0]
        self.host = Host({name: rules}, {"log": lambda c: self.seen.append(c.m), **actions}, clock=self.clock)

    def post(self, message: Any) -> list[str]:
        return self.host.post(self.name, message)

    def assert_fact(self, fact: Any) -> list[str]:
        return self.host.assert_fact(self.name, fact)

    def retract_fact(self, fact: Any) -> list[str]:
        return self.host.retract_fact(self.name, fact)

    def update_state(self, state: Any) -> list[str]:
        return self.host.update_state(self.name, state)


def when(condition: Any, run: Any = "log", **more: Any) -> Json:
    return {"all": [{"m": condition}], "run": run, **more}


def both(*conditions: Json) -> Json:
    return {"$and": list(conditions)}


# --- events and facts --------------------------------------------------------------------------------


def test_hello() -> None:
    said: list[str] = []
    stage = Stage({"r_0": when({"subject": "World"}, lambda c: said.append(f"Hello {c.m.subject}"))})

    assert stage.post({"subject": "World"}) == ["r_0"]
    assert stage.post({"subject": "Moon"}) == []
    assert said == ["Hello World"]


def animal(subject: Any, predicate: str, thing: str) -> Json:
    return {"subject": subject, "predicate": predicate, "object": thing}


def test_facts_follow_from_facts() -> None:
    def concludes(what: str, of: str = "m") -> Callable[[Context], None]:
        return lambda c: c.assert_fact(animal(getattr(c, of).subject, "is", what))

    def eats(food: str) -> Json:
        return {"first": both({"predicate": "eats"}, {"object": food})}

    def lives(where: str) -> Json:
        return {"m_1": both({"predicate": "lives"}, {"object": where}, {"subject": {"first": "subject"}})}

    said: list[str] = []
    stage = Stage(
        {
            "frog": {"all": [eats("flies"), lives("water")], "run": concludes("frog", "first")},
            "chameleon": {"all": [eats("flies"), lives("land")], "run": concludes("chameleon", "first")},
            "bird": when(both({"predicate": "eats"}, {"object": "worms"}), concludes("bird")),
            "green": when(both({"predicate": "is"}, {"object": "frog"}), concludes("green")),
            "grey": when(both({"predicate": "is"}, {"object": "chameleon"}), concludes("grey")),
            "black": when(both({"predicate": "is"}, {"object": "bird"}), concludes("black")),
            "output": when(
                {"$ex": {"subject": 1}}, lambda c: said.append(f"{c.m.subject} {c.m.predicate} {c.m.object}")
            ),
        },
        "animal",
    )
    for fact in (
        "Kermit eats flies",
        "Kermit lives water",
        "Greedy eats flies",
        "Greedy lives land",
        "Tweety eats worms",
    ):
        stage.assert_fact(animal(*fact.split()))

    assert said == [
        "Kermit eats flies",
        "Kermit lives water",
        "Kermit is frog",
        "Kermit is green",
        "Greedy eats flies",
        "Greedy lives land",
        "Greedy is chameleon",
        "Greedy is grey",
        "Tweety eats worms",
        "Tweety is bird",
        "Tweety is black",
    ]


FRAUD = {
    "r_0": {
        "all": [{"first": {"t": "purchase"}}, {"second": {"$neq": {"location": {"first": "location"}}}}],
        "run": "pair",
    }
}


def pairs(rules: Json, *names: str) -> tuple[Stage, list[tuple[Any, ...]]]:
    found: list[tuple[Any, ...]] = []
    return Stage(rules, pair=lambda c: found.append(tuple(getattr(c, name) for name in names))), found


def places(found: list[tuple[Any, ...]]) -> list[str]:
    return [", ".join(one.location for one in pair) for pair in found]


def test_an_event_is_seen_by_one_firing_only() -> None:
    stage, found = pairs(FRAUD, "first", "second")
    for location in ("US", "CA", "UK"):
        stage.post({"t": "purchase", "location": location})

    assert places(found) == ["CA, US"]


def test_a_fact_is_seen_by_each_firing() -> None:
    stage, found = pairs(FRAUD, "first", "second")
    for location in ("US", "CA"):
        stage.assert_fact({"t": "purchase", "location": location})

    assert sorted(places(found)) == ["CA, US", "US, CA"]
    assert stage.host.get_facts("test") == [{"t": "purchase", "location": "US"}, {"t": "purchase", "location": "CA"}]


def test_events_and_facts_match_together_and_only_events_are_spent() -> None:
    stage, found = pairs(FRAUD, "first", "second")
    stage.assert_fact({"t": "purchase", "location": "US"})
    for location in ("CA", "US", "UK"):
        stage.post({"t": "sale", "location": location})

    assert places(found) == ["US, CA", "US, UK"]


def test_a_known_fact_is_not_taken_again_until_it_is_retracted() -> None:
    stage = Stage({"r": when({"a": 1})})

    assert stage.assert_fact({"a": 1}) == ["r"]
    with pytest.raises(ObservedError):
        stage.assert_fact({"a": 1})
    assert stage.retract_fact({"a": 1}) == []
    assert stage.retract_fact({"a": 1}) == []
    assert stage.assert_fact({"a": 1}) == ["r"]
    assert stage.assert_fact({"a": 1, "id": "other"}) == ["r"]


def test_every_sid_has_a_memory_of_its_own() -> None:
    stage, found = pairs({"r": {"all": [{"first": {"a": 1}}, {"second": {"a": 2}}], "run": "pair"}}, "first", "second")
    for message in ({"a": 1, "sid": "x"}, {"a": 2, "sid": "y"}, {"a": 2, "sid": "x"}):
        stage.post(message)

    assert found == [({"a": 1, "sid": "x"}, {"a": 2, "sid": "x"})]


@pytest.mark.parametrize(
    ("distinct", "first", "second"), [(1, [], [(5, 6), (6, 5)]), (0, [(5, 5)], [(5, 5), (6, 5), (6, 6), (5, 6)])]
)
def test_a_fact_stands_for_two_patterns_only_when_asked(distinct: int, first: list[Any], second: list[Any]) -> None:
    more = {"$gt": {"a": 1}}
    stage, found = pairs({"r": {"dist": distinct, "all": [{"x": more}, {"y": more}], "run": "pair"}}, "x", "y")

    stage.assert_fact({"a": 5})
    assert [(x.a, y.a) for x, y in found] == first
    stage.assert_fact({"a": 6})
    assert sorted((x.a, y.a) for x, y in found) == sorted(second)


# --- conditions --------------------------------------------------------------------------------------


def matched(condition: Any, messages: list[Json]) -> list[int]:
    """The positions of the messages that set off a rule over one pattern."""
    stage = Stage({"r": when(condition)})
    return [position for position, message in enumerate(messages) if stage.post(message)]


CARDS = {
    "amex": "3[47][0-9]{13}",
    "visa": "4[0-9]{12}([0-9]{3})?",
    "mastercard": "(5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|2720)[0-9]{12}",
}


def test_cards_are_told_apart() -> None:
    stage = Stage({name: when({"$mt": {"subject": pattern}}) for name, pattern in CARDS.items()})
    numbers = ("375678956789765", "4345634566789888", "2228345634567898")

    assert [stage.assert_fact({"subject": number}) for number in numbers] == [["amex"], ["visa"], ["mastercard"]]


@pytest.mark.parametrize(
    "pattern",
    ["(https?://)?([%da-z.-]+)%.[a-z]{2,6}(/[%w_.-]+/?)*", "(https?://)?([0-9a-z.-]+)%.[a-z]{2,6}(/[A-z0-9_.-]+/?)*"],
)
def test_addresses_match_as_a_whole(pattern: str) -> None:
    urls = [
        "https://github.com",
        "http://github.com/jruizgit/rul!es",
        "https://github.com/jruizgit/rules/reference.md",
        "//rules",
        "https://github.c/jruizgit/rules",
    ]
    assert matched({"$mt": {"url": pattern}}, [{"url": url} for url in urls]) == [0, 2]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"$mt": {"s": "hello.*"}}, [2]),
        ({"$imt": {"s": ".*hello"}}, [1]),
        ({"$imt": {"s": ".*Hello.*"}}, [0, 1, 2, 3]),
        ({"$mt": {"s": "%u+ %l+"}}, [0]),
        ({"$mt": {"s": "[^H]+"}}, [1, 2, 4]),
        ({"$or": [{"s": "hello hi"}, {"s": "world hello"}]}, [1, 2]),
        ({"$nex": {"s": 1}}, [5]),
        ({"$lt": {"s": "e"}}, [0, 4]),
    ],
)
def test_texts(condition: Json, found: list[int]) -> None:
    texts = ["HELLO world", "world hello", "hello hi", "has Hello string", "does not match"]
    assert matched(condition, [*({"s": text} for text in texts), {"t": 1}]) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"$gt": {"debit": {"$mul": {"$l": {"$m": "credit"}, "$r": 2}}}}, [0]),
        ({"$gte": {"debit": {"$div": {"$l": {"$m": "credit"}, "$r": 2}}}}, [0, 1]),
        ({"debit": {"$sub": {"$l": {"$m": "credit"}, "$r": -50}}}, [1]),
        ({"debit": 150}, [1]),
        ({"debit": 150.0}, [1]),
        ({"$neq": {"debit": 150}}, [0, 2, 3]),
        ({"$gt": {"debit": {"$m": "credit"}}}, [0, 1, 3]),
        ({"debit": True}, []),
    ],
)
def test_numbers_are_compared_with_numbers_and_texts_with_texts(condition: Json, found: list[int]) -> None:
    messages = [
        {"debit": 220, "credit": 100},
        {"debit": 150, "credit": 100},
        {"debit": "300", "credit": 100},
        {"debit": "b", "credit": "a"},
        {"debit": None, "credit": 100},
    ]
    assert matched(condition, messages) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"$iall": {"payments": {"$gt": {"$i": 2000}}}}, [0]),
        ({"$iall": {"payments": {"$or": [{"$lt": {"$i.amount": 250}}, {"$gte": {"$i.amount": 300}}]}}}, [3]),
        ({"$iany": {"cards": {"$mt": {"$i": "three.*"}}}}, [4]),
        ({"$iany": {"payments": {"$iall": {"$i": {"$lt": {"$i": 100}}}}}}, [5]),
        ({"$and": [{"$iall": {"payments": {"$gt": {"$i": 100}}}}, {"cash": True}]}, [6]),
        ({"$iany": {"order.lines": {"$i.kind": "gift"}}}, [7]),
    ],
)
def test_arrays(condition: Json, found: list[int]) -> None:
    messages = [
        {"payments": [2500, 3000]},
        {"payments": [2500, 100]},
        {"payments": []},
        {"payments": [{"amount": 200}, {"amount": 300}, {"amount": 400}]},
        {"cards": ["one card", "two cards", "three cards", 4]},
        {"payments": [[10, 20, 30], [300]]},
        {"payments": [150, 350, 450.5], "cash": True},
        {"order": {"lines": [{"kind": "sale"}, {"kind": "gift"}]}},
        {"payments": "none", "cards": 3, "order": 7},
    ]
    assert matched(condition, messages) == found


# --- sequences ---------------------------------------------------------------------------------------


def test_a_correlated_sequence() -> None:
    rule = {
        "all": [
            {"first": {"$gt": {"amount": 10}}},
            {"second": {"$gt": {"amount": {"$mul": {"$l": {"first": "amount"}, "$r": 2}}}}},
            {
                "third": {
                    "$gt": {
                        "amount": {
                            "$div": {"$l": {"$add": {"$l": {"first": "amount"}, "$r": {"second": "amount"}}}, "$r": 2}
                        }
                    }
                }
            },
        ],
        "run": "pair",
    }
    stage, found = pairs({"r_0": rule}, "first", "second", "third")
    for amount in (50, 200, 300):
        stage.post({"amount": amount})

    assert [tuple(one.amount for one in match) for match in found] == [(50, 300, 200)]


def test_properties_of_nested_objects_are_joined() -> None:
    rule = {
        "all": [
            {"bill": both({"t": "bill"}, {"$gt": {"invoice.amount": 50}})},
            {"account": both({"t": "account"}, {"payment.invoice.amount": {"bill": "invoice.amount"}})},
        ],
        "run": "pair",
    }
    stage, found = pairs({"r_0": rule}, "bill", "account")
    stage.post({"t": "bill", "invoice": {"amount": 100}})
    stage.post({"t": "account", "payment": {"invoice": {"amount": 99}}})
    stage.post({"t": "account", "payment": {"invoice": {"amount": 100.0}}})

    assert [(bill.invoice.amount, account.payment.invoice.amount) for bill, account in found] == [(100, 100)]
    assert "account.payment_invoice_amount_same == bill.invoice_amount_same" in pack_text("test", {"r_0": rule})


LACK = {
    "r_0": {
        "all": [
            {"first": {"t": "deposit"}},
            {"m_1$not": {"t": "balance"}},
            {"third": {"t": "withdrawal"}},
            {"fourth": {"t": "chargeback"}},
        ],
        "run": "log",
    }
}


@pytest.mark.parametrize("kind", ["post", "assert_fact"])
def test_a_sequence_without_something(kind: str) -> None:
    stage = Stage(LACK)
    for t in ("deposit", "withdrawal"):
        stage.post({"t": t})
    assert stage.post({"t": "chargeback"}) == ["r_0"]

    getattr(stage, kind)({"t": "balance"})
    for t in ("deposit", "withdrawal", "chargeback"):
        assert stage.post({"t": t}) == []


def test_what_stood_in_the_way_is_retracted() -> None:
    stage = Stage(LACK)
    stage.assert_fact({"t": "balance"})
    for t in ("deposit", "withdrawal", "chargeback"):
        stage.post({"t": t})

    assert stage.retract_fact({"t": "balance"}) == ["r_0"]


def test_a_choice_of_sequences() -> None:
    def choice(name: str, *patterns: Json) -> Json:
        return {f"{name}$all": list(patterns)}

    rule = {
        "any": [
            choice("m_0", {"first": {"subject": "approve"}}, {"second": {"amount": 1000}}),
            choice("m_1", {"third": {"subject": "jumbo"}}, {"fourth": {"amount": 10000}}),
        ],
        "run": "pair",
    }
    stage, found = pairs({"r_0": rule}, "first", "second", "third", "fourth")
    for message in ({"subject": "approve"}, {"amount": 1000}, {"subject": "jumbo"}, {"amount": 10000}):
        stage.post(message)

    assert found == [
        ({"subject": "approve"}, {"amount": 1000}, None, None),
        (None, None, {"subject": "jumbo"}, {"amount": 10000}),
    ]


def test_a_sequence_of_choices() -> None:
    rule = {
        "all": [
            {"m_0$any": [{"first": {"subject": "approve"}}, {"second": {"amount": 1000}}]},
            {"m_1$any": [{"third": {"subject": "jumbo"}}, {"fourth": {"amount": 10000}}]},
        ],
        "run": "pair",
    }
    stage, found = pairs({"r_0": rule}, "first", "second", "third", "fourth")
    for message in ({"subject": "approve"}, {"amount": 10000}):
        stage.post(message)

    assert found == [({"subject": "approve"}, None, None, {"amount": 10000})]


# --- what is done ------------------------------------------------------------------------------------


def test_a_smaller_priority_goes_first() -> None:
    stage = Stage({f"p{pri}": when({"$lt": {"amount": pri * 100}}, pri=pri) for pri in (3, 2, 1)}, "attributes")

    fired = [stage.assert_fact({"amount": amount}) for amount in (50, 150, 250)]
    assert fired == [["p1", "p2", "p3"], ["p2", "p3"], ["p3"]]
    assert stage.post({"amount": 60}) == ["p1"]


def test_a_count_takes_so_many_events_the_newest_first() -> None:
    stage = Stage({"r": when({"$gt": {"amount": 10}}, count=3)})
    for amount in range(20, 27):
        stage.post({"amount": amount})

    assert [[one.amount for one in match] for match in stage.seen] == [[22, 21, 20], [25, 24, 23]]


def test_a_cap_limits_what_one_action_is_given() -> None:
    stage = Stage({"r": when({"$gt": {"amount": 10}}, cap=2)})
    stage.post({"amount": 20})
    stage.post([{"amount": amount} for amount in range(50, 55)])

    assert [[one.amount for one in match] for match in stage.seen] == [[20], [50, 51], [52, 53], [54]]


def state(condition: Json) -> Json:
    return both(condition, {"$s": 1})


def test_rules_look_at_the_state_that_actions_leave() -> None:
    said: list[str] = []

    def moves(here: str, then: str) -> Callable[[Context], None]:
        def run(c: Context) -> None:
            c.s.status = then
            said.append(here)
            if then == "end":
                c.delete_state()

        return run

    order = (("start", "next"), ("next", "last"), ("last", "end"))
    stage = Stage({here: when(state({"status": here}), moves(here, then)) for here, then in order}, "flow")

    assert stage.update_state({"status": "start"}) == ["start", "next", "last"]
    assert said == ["start", "next", "last"]
    assert stage.host.get_state("flow") == {}
    assert stage.update_state({"status": "last"}) == ["last"]


def test_an_exception_is_kept_where_a_rule_looks_at_it() -> None:
    def fails(c: Context) -> None:
        raise ValueError(f"cannot {c.m.action}")

    def handles(c: Context) -> None:
        handled.append(c.s.exception)
        c.s.exception = None

    handled: list[str] = []
    rules = {"start": when({"action": "start"}, fails), "handler": when(state({"$ex": {"exception": 1}}), handles)}

    assert Stage(rules).post({"action": "start"}) == ["start", "handler"]
    assert handled == ["ValueError: cannot start"]
    with pytest.raises(ValueError, match="cannot start"):
        Stage({"start": rules["start"]}).post({"action": "start"})


def test_what_waits_runs_with_the_next_call_where_an_action_raises() -> None:
    def fails(c: Context) -> None:
        raise ValueError(c.m.x)

    stage = Stage({"a": when({"x": 1}, fails), "b": when({"x": 2})})
    with pytest.raises(ValueError, match="1"):
        stage.post([{"x": 1}, {"x": 2}])

    assert stage.post({"y": 1}) == ["b"]
    assert stage.seen == [{"x": 2}]


def test_what_lies_deep_in_the_state_is_kept() -> None:
    def visits(c: Context) -> None:
        c.s.shop.visits += 1
        c.s.shop.staff[0].met = True

    stage = Stage({"r": when({"x": 1}, visits)})
    stage.update_state({"shop": {"visits": 1, "staff": [{"name": "Ann"}]}})
    stage.post({"x": 1})

    assert stage.host.get_state("test") == {"shop": {"visits": 2, "staff": [{"name": "Ann", "met": True}]}}


def test_a_message_that_the_engine_refuses_is_told_and_the_others_are_seen() -> None:
    stage = Stage({"r": when({"$gt": {"a": 1}})})

    with pytest.raises(RulewrightError, match=r"bad_json: test: .*not a finite number"):
        stage.post([{"a": 2}, {"a": 1e308 * 10}])
    assert stage.post({"a": 0}) == ["r"]


def test_actions_post_to_other_rulesets() -> None:
    said: list[Any] = []
    host = Host(
        {
            "door": {"rings": when({"bell": True}, lambda c: c.post("hall", {"who": c.m.who}))},
            "hall": {"greets": when({"$ex": {"who": 1}}, lambda c: said.append((c.sid, c.m.who)))},
        }
    )
    assert host.post("door", {"bell": True, "who": "Ann", "sid": 7}) == ["rings", "greets"]
    assert said == [("7", "Ann")]


def test_actions_that_never_end_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.interop.durable_rules.host.MOST_ACTIONS", 20)
    stage = Stage({"r": when({"$ex": {"n": 1}}, lambda c: c.post({"n": c.m.n + 1}))})

    with pytest.raises(RulewrightError, match="runaway"):
        stage.post({"n": 0})
    assert stage.host.post("test", {"other": 1}) == []


# --- flows -------------------------------------------------------------------------------------------

EXPENSE = {
    "input": {
        "t_0": {**when(both({"subject": "approve"}, {"$gt": {"amount": 1000}}), "denied"), "to": "denied"},
        "t_1": {**when(both({"subject": "approve"}, {"$lte": {"amount": 1000}}), "pending"), "to": "pending"},
    },
    "pending": {
        "t_0": {**when({"subject": "approved"}, "approved"), "to": "approved"},
        "t_1": {**when({"subject": "denied"}, "denied"), "to": "denied"},
    },
    "denied": {},
    "approved": {},
}


def noted(rules: Json, name: str, *actions: str) -> tuple[Stage, list[str]]:
    """A stage whose actions write down their own names."""
    said: list[str] = []
    return Stage(rules, name, **{one: (lambda _, one=one: said.append(one)) for one in actions}), said


def test_a_statechart() -> None:
    stage, said = noted(EXPENSE, "expense$state", "denied", "pending", "approved")
    for message in (
        {"subject": "approve", "amount": 100},
        {"subject": "approved"},
        {"sid": 1, "subject": "approve", "amount": 100},
        {"sid": 1, "subject": "denied"},
        {"sid": 2, "subject": "approve", "amount": 10000},
        {"sid": 2, "subject": "approved"},
    ):
        stage.post(message)

    assert said == ["pending", "approved", "pending", "denied", "denied"]


def test_nested_states() -> None:
    def trigger(subject: str, to: str, run: str, **more: Any) -> Json:
        return {**when({"subject": subject}, run, **more), "to": to}

    worker = {
        "work": {
            "t_0": trigger("cancel", "canceled", "cancel", pri=1),
            "$chart": {
                "enter": {"t_0": trigger("enter", "process", "process")},
                "process": {"t_0": trigger("continue", "process", "process")},
            },
        },
        "canceled": {},
    }
    stage, said = noted(worker, "worker$state", "cancel", "process")
    fired = [stage.post({"subject": subject}) for subject in ("enter", "continue", "continue", "cancel", "continue")]

    assert said == ["process", "process", "process", "cancel"]
    assert fired[0] == ["work.enter.t_0"]
    assert fired[3] == ["work.process.work.t_0"]


def test_a_flowchart() -> None:
    def goes(subject: str, *more: Json) -> Json:
        return {"all": [{"m": both({"subject": subject}, *more) if more else {"subject": subject}}]}

    expense = {
        "input": {
            "to": {
                "request": goes("approve", {"$lte": {"amount": 1000}}),
                "deny": goes("approve", {"$gt": {"amount": 1000}}),
            }
        },
        "request": {
            "run": "request",
            "to": {"approve": goes("approved"), "deny": goes("denied"), "request": goes("retry")},
        },
        "approve": {"run": "approve", "to": {}},
        "deny": {"run": "deny", "to": {}},
    }
    stage, said = noted(expense, "expense$flow", "request", "approve", "deny")
    for message in (
        {"subject": "approve", "amount": 100},
        {"subject": "retry"},
        {"subject": "approved"},
        {"sid": 1, "subject": "approve", "amount": 100},
        {"sid": 1, "subject": "denied"},
        {"sid": 2, "subject": "approve", "amount": 10000},
    ):
        stage.post(message)

    assert said == ["request", "request", "approve", "request", "deny", "deny"]


# --- timers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "python"])
def test_a_timer_that_starts_itself_again(form: str) -> None:
    rings = (
        {"m_1.m_1": {"$t": "MyTimer"}}
        if form == "json"
        else {
            "m_1.m_1$all": [
                {"base": {"$timerName": "MyTimer"}},
                {"timeout": {"$gte": {"$time": {"base": "$baseTime"}}}},
            ]
        }
    )
    rule = {
        "any": [
            {"m_0$all": [{"m_0.m": state({"count": 0})}]},
            {"m_1$all": [{"m_1.m_0": state({"$lt": {"count": 3}})}, rings]},
        ],
        "run": "pulse",
    }

    def pulse(c: Context) -> None:
        c.s.count += 1
        c.start_timer("MyTimer", 5)

    stop = when({"cancel": True}, lambda c: c.cancel_timer("MyTimer"))
    stage = Stage({"r_0": rule, "r_1": stop}, pulse=pulse)

    assert stage.update_state({"count": 0}) == ["r_0"]
    stage.clock.passes(4.9)
    assert stage.host.tick() == []
    stage.clock.passes(0.1)
    assert stage.host.tick() == ["r_0"]
    assert stage.host.get_state("test").count == 2
    assert stage.post({"cancel": True}) == ["r_1"]
    stage.clock.passes(60)
    assert stage.host.tick() == []


@pytest.mark.parametrize(("amounts", "seen"), [((200, 300, 400), "fraud"), ((200, 300), "exit")])
def test_a_timer_measures_a_rate(amounts: tuple[int, ...], seen: str) -> None:
    said: list[str] = []
    risk = {
        "start": {"t_0": {"to": "meter", "run": lambda c: c.start_timer("RiskTimer", 5)}},
        "meter": {
            "t_0": {
                "count": 3,
                "all": [{"message": {"$gt": {"amount": 100}}}],
                "to": "fraud",
                "run": lambda c: said.append(f"fraud {[one.message.amount for one in c.m]}"),
            },
            "t_1": {"all": [{"m": {"$t": "RiskTimer"}}], "to": "exit", "run": lambda _: said.append("exit")},
        },
        "fraud": {},
        "exit": {},
    }
    stage = Stage(risk, "risk$state")
    for amount in amounts:
        stage.post({"amount": amount})
    stage.clock.passes(6)
    stage.host.tick()

    assert said == [{"fraud": "fraud [400, 300, 200]", "exit": "exit"}[seen]]


# --- what is not carried over ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"r": when({"$weird": {"a": 1}})}, "unsupported: `\\$weird` is not carried over"),
        ({"r": {"count": 2, "all": [{"a": {"x": 1}}, {"b": {"x": 2}}], "run": "log"}}, "`count` over several patterns"),
        ({"r": when({"x": 1}, count=17)}, "a `count` that is not between 1 and 16"),
        ({"r": {"all": [{f"m{n}": {"x": n}} for n in range(7)], "run": "log"}}, "a rule over more than 6 messages"),
        ({"r": when({"x": None})}, "comparing with null"),
        ({"r": when({"$gt": {"x": True}})}, "true is no number"),
        ({"r": when({"x": {"first": "x"}})}, "bad_ruleset: `r`: nothing before this pattern is called `first`"),
        ({"r": when({"x": {"first": {"name": "x", "id": 1}}})}, "the state of another `sid`"),
        ({"r": when({"x": 1, "y": 2})}, "a condition has one operator or property"),
        ({"r": {"run": "log"}}, "a rule needs `all` or `any`"),
        ({"r": when({"x": 1}, {"inner": {}})}, "a ruleset inside `run`"),
        ({"r": when({"x": 1}, "nothing")}, "unknown_action: `test` runs `nothing`"),
    ],
)
def test_what_is_not_carried_over_is_named(rules: Json, said: str) -> None:
    with pytest.raises(RulewrightError, match=said):
        Stage(rules)


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        ({"a": {"t": when({"x": 1})}}, "a trigger needs `to`"),
        ({"a": {"t": {**when({"x": 1}), "to": "b"}}}, "there is no state `b`"),
        ({"a": {}, "b": {}}, "a chart starts in one state"),
    ],
)
def test_a_chart_that_makes_no_sense_is_refused(chart: Json, said: str) -> None:
    with pytest.raises(RulewrightError, match=said):
        Stage(chart, "chart$state")


def test_timers_with_manual_reset_are_not_carried_over() -> None:
    stage = Stage({"r": when({"x": 1}, lambda c: c.start_timer("t", 1, manual_reset=True))})

    with pytest.raises(RulewrightError, match="manual reset"):
        stage.post({"x": 1})


EVERY: Mapping[str, Json] = {"fraud": FRAUD, "lack": LACK, "expense$state": EXPENSE}


@pytest.mark.parametrize("name", EVERY)
def test_the_pack_that_a_ruleset_becomes_has_no_mistakes(name: str, tmp_path: Path) -> None:
    (tmp_path / "ruleset.yaml").write_text(pack_text(name, EVERY[name]), encoding="utf-8")

    assert [one.render() for one in diagnose([tmp_path]) if one.severity == "error"] == []
