from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.program import Pattern, Program, Rule
from engine.pack import Diagnostic

Compile = Callable[..., Program]
Problems = Callable[..., list[Diagnostic]]

THEN = "[{emit: quote.stalled, data: {quote_id: \"'x'\", rep_id: key}}]"


def rule(program: Program, scope: str = "rep") -> Rule:
    return program.scopes[scope].rules[0]


def parts(pattern: Pattern) -> dict[str, list[str]]:
    return {
        "equals": [f"{name}={value}" for name, value in pattern.equals],
        "key": [f"{name}={expression.text}" for name, expression in pattern.key],
        "tests": [one.text for one in pattern.tests],
        "where": [one.text for one in pattern.where],
    }


def test_conditions_go_where_the_matcher_can_use_them(compiled: Compile) -> None:
    found = rule(
        compiled(
            f"""
            rules:
              r:
                by: rep
                match:
                  - {{event: quote.sent, as: q, where: "has(data.kind) && data.kind == 'video' && rep.active"}}
                  - event: visit.closed
                    within: 30d
                    as: v
                    where: has(q.data.customer_id) && v.data.customer_id == q.data.customer_id && v.data.visit_id != '' && v.time < q.time
                  - {{fact: tired, as: t, where: t.customer == v.data.customer_id}}
                  - {{none: feedback.submitted, within: 7d, as: f, where: f.data.visit_id == v.data.visit_id}}
                when: q.data.quote_id != v.data.visit_id && now - v.time > days(14) && t.level == 2
                then: {THEN}
              asserts:
                by: rep
                match: [{{event: visit.closed, as: v}}]
                then: [{{assert: {{fact: tired, customer: v.data.customer_id, level: "2"}}}}]
            """
        )
    )
    current, visit, tired, none = (parts(one) for one in found.patterns)

    assert current == {
        "equals": ["kind=video"],
        "key": [],
        "tests": ["has(data.kind)", "has(q.data.customer_id)"],
        "where": ["rep.active"],
    }
    assert visit["key"] == ["customer_id=q.data.customer_id"]
    assert visit["tests"] == ["v.data.visit_id != ''"]
    assert "v.time < q.time" in visit["where"]
    assert "q.data.quote_id != v.data.visit_id" in visit["where"]
    assert tired == {"equals": ["level=2"], "key": ["customer=v.data.customer_id"], "tests": [], "where": []}
    assert none["key"] == ["visit_id=v.data.visit_id"]
    assert [one.text for one in found.when] == ["now - v.time > days(14)"]
    assert found.when[0].wake is not None


def test_the_kinds_of_patterns(compiled: Compile) -> None:
    found = rule(
        compiled(
            f"""
            rules:
              r:
                by: rep
                priority: 5
                match:
                  - {{event: visit.closed, as: v}}
                  - {{entity: customer, as: c, where: c.id == v.data.customer_id}}
                  - {{none: at_risk}}
                then: {THEN}
              s:
                by: rep
                match: [{{event: quote.sent, within: 3d, as: q}}]
                then: [{{assert: {{fact: at_risk, quote: q.data.quote_id}}}}]
            """
        )
    )

    assert [(one.group, one.kind, one.type, one.within) for one in found.patterns] == [
        (None, "event", "visit.closed", None),
        (None, "entity", "customer", None),
        ("none", "fact", "at_risk", None),
    ]
    assert found.priority == 5
    assert [name for name, _ in found.patterns[1].key] == ["id"]


def test_events_that_patterns_look_back_at_are_remembered_for_the_longest_span(compiled: Compile) -> None:
    program = compiled(
        f"""
        rules:
          a: {{by: rep, match: [{{event: visit.closed, within: 3d, as: v}}], then: {THEN}}}
          b: {{by: rep, match: [{{event: quote.sent}}, {{none: visit.closed, within: 7d}}], then: {THEN}}}
        """
    )

    assert program.scopes["rep"].retained == {"visit.closed": 7 * 86_400_000_000}


@pytest.mark.parametrize(
    ("first", "second", "condition", "codes"),
    [
        ("key", "'x'", "t.who == 'r1'", []),
        ("key", "3", "t.who == 'r1'", []),
        ("key", None, "t.who == 'r1'", ["unguarded_optional"]),
        ("key", None, "has(t.who) && t.who == 'r1'", []),
        ("key", "'x'", "t.hwo == 'r1'", ["unknown_field"]),
        ("3", "4", "t.who == 'r1'", ["no_overload"]),
    ],
)
def test_the_type_of_a_fact_is_what_all_its_assertions_have_in_common(
    problems: Problems, first: str, second: str | None, condition: str, codes: list[str]
) -> None:
    other = f'who: "{second}"' if second is not None else "unrelated: key"
    found = problems(
        f"""
        rules:
          a: {{by: rep, match: [{{event: visit.closed}}], then: [{{assert: {{fact: tired, who: "{first}"}}}}]}}
          b: {{by: rep, match: [{{event: quote.sent}}], then: [{{assert: {{fact: tired, {other}}}}}]}}
          c: {{by: rep, match: [{{fact: tired, as: t, where: "{condition}"}}], then: {THEN}}}
        """
    )

    assert [one.code for one in found] == codes


def test_an_alias_is_not_known_before_its_pattern(problems: Problems) -> None:
    found = problems(
        f"""
        rules:
          r:
            by: rep
            match:
              - {{event: quote.sent, as: q, where: v.data.visit_id == 'x'}}
              - {{event: visit.closed, within: 7d, as: v, where: v.data.visit_id == q.data.quote_id}}
            then: {THEN}
        """
    )

    assert [one.code for one in found] == ["unknown_name"]


def test_the_alias_of_an_absence_is_known_only_inside_it(problems: Problems) -> None:
    found = problems(
        f"""
        rules:
          r:
            by: rep
            match: [{{event: quote.sent, as: q}}, {{none: visit.closed, within: 7d, as: v}}]
            when: v.data.visit_id == 'x'
            then: {THEN}
        """
    )

    assert [one.code for one in found] == ["unknown_name"]


def test_a_guard_in_an_absence_is_asked_before_what_it_guards(compiled: Compile) -> None:
    found = rule(
        compiled(
            f"""
            rules:
              r:
                by: rep
                match:
                  - {{event: quote.sent, as: q}}
                  - none: visit.closed
                    within: 7d
                    as: v
                    where: has(q.data.customer_id) && v.data.customer_id == q.data.customer_id
                then: {THEN}
            """
        )
    )
    none = parts(found.patterns[1])

    assert none["key"] == []
    assert none["where"] == ["has(q.data.customer_id)", "v.data.customer_id == q.data.customer_id"]
