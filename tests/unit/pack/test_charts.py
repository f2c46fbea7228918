from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from engine.core.program import Emit, Program, Workflow
from engine.pack import Diagnostic

Compile = Callable[..., Program]
Problems = Callable[..., list[Diagnostic]]


def chart(program: Program, scope: str = "quote") -> Workflow:
    (found,) = program.scopes[scope].workflows
    return found


NESTED = """
workflows:
  quote:
    by: quote
    context: {rep: ref(rep)?, tries: int = 0, tags: "list(string) = ['new']"}
    initial: open
    states:
      open:
        initial: draft
        states:
          draft: {on: {quote.sent: waiting}}
          waiting:
            on:
              quote.sent:
                - {to: ended, when: has(data.amount) && data.amount > 10.0}
                - {set: {tries: context.tries + 1}}
          back: {history: deep, to: draft}
          ended: {final: true}
        on: {done.open: both}
      both:
        parallel: true
        states:
          left: {on: {quote.stalled: {to: right, internal: true}}}
          right: {after: [{for: 2h30m, to: paused}]}
      paused: {on: {quote.sent: back, quote.stalled: won}}
      won: {final: true}
"""


def test_nested_states_become_one_flat_chart(compiled: Compile) -> None:
    found = chart(compiled(NESTED))

    assert {name: state.kind for name, state in found.states.items()} == {
        "open": "compound",
        "draft": "atomic",
        "waiting": "atomic",
        "back": "deep_history",
        "ended": "final",
        "both": "parallel",
        "left": "atomic",
        "right": "atomic",
        "paused": "atomic",
        "won": "final",
    }
    assert found.states["draft"].path == "open.draft"
    assert found.states["open"].children == ("draft", "waiting", "back", "ended")
    assert found.states["back"].initial == ("draft",)
    assert [state.order for state in found.states.values()] == list(range(10))


def test_a_workflow_knows_its_events_and_which_of_them_start_it(compiled: Compile) -> None:
    found = chart(compiled(NESTED))

    assert found.events == {"quote.sent", "quote.stalled"}
    assert found.starters == {"quote.sent"}
    assert found.defaults == {"tries": 0, "tags": ["new"]}


def test_options_of_an_event_stay_in_their_order(compiled: Compile) -> None:
    first, second = chart(compiled(NESTED)).states["waiting"].transitions

    assert first.targets == ("ended",)
    assert first.when is not None
    assert second.targets == ()
    assert second.assign.pairs[0][1].run(SimpleNamespace(context={"tries": 1})) == 2


def test_a_deadline_is_a_span_that_is_written_or_computed(compiled: Compile) -> None:
    program = compiled(
        """
        pack: {name: p, params: {stall: 72h}}
        calendars: {office: {tz: Asia/Shanghai}}
        workflows:
          quote:
            by: quote
            context: {due: timestamp?}
            initial: draft
            states:
              draft:
                on: {quote.sent: won}
                after:
                  - {for: 1h30m, to: won}
                  - {for: params.stall * 2, to: won}
                  - {working: 2h, in: office, to: won}
                  - {until: context.due, when: has(context.due), to: won}
              won: {final: true}
        """.replace("params.stall * 2", "params.stall + hours(1)")
    )
    written, computed, working, until = chart(program).states["draft"].after

    assert written.span is not None
    assert written.span.run(None) == timedelta(minutes=90)
    assert computed.span is not None
    assert computed.span.run(None) == timedelta(hours=73)
    assert working.calendar is program.calendars["office"]
    assert until.until is not None
    assert until.span is None


def test_an_optional_field_of_an_emitted_event_is_left_out_when_its_value_is_absent(compiled: Compile) -> None:
    program = compiled(
        """
        workflows:
          quote:
            by: quote
            initial: draft
            states:
              draft:
                on:
                  quote.sent:
                    to: won
                    then: [{emit: quote.stalled, data: {quote_id: key, rep_id: data.rep_id, amount: data.amount}}]
              won: {final: true}
        """
    )
    (emit,) = chart(program).states["draft"].transitions[0].effects
    assert isinstance(emit, Emit)
    amount = dict(emit.data.pairs)["amount"]

    assert amount.run(SimpleNamespace(data={"quote_id": "q", "rep_id": "r"})) is None
    assert amount.run(SimpleNamespace(data={"quote_id": "q", "rep_id": "r", "amount": 3.0})) == 3.0


def test_a_misspelt_field_does_not_pass_for_an_absent_one(problems: Problems) -> None:
    found = problems(
        """
        workflows:
          quote:
            by: quote
            initial: draft
            states:
              draft:
                on:
                  quote.sent: {to: won, then: [{emit: quote.stalled, data: {quote_id: key, rep_id: data.rep_id, amount: data.amuont}}]}
              won: {final: true}
        """
    )

    assert [one.code for one in found] == ["unguarded_optional"]
    assert "did you mean `amount`" in (found[0].hint or "")


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("state == 'draft'", []),
        ("state == 'drfat'", ["unknown_value"]),
        ("rep.active", []),
        ("customer.tier == 'KA'", ["unguarded_optional"]),
        ("has(customer) && customer.tier == 'KA'", []),
        ("event.received > event.time", []),
        ("now.getHours() == 9", []),
        ("metrics.x.now > 1", ["unknown_name"]),
    ],
)
def test_a_transition_sees_its_event_its_context_and_the_entities_that_the_event_names(
    problems: Problems, condition: str, codes: list[str]
) -> None:
    found = problems(
        f"""
        workflows:
          quote:
            by: quote
            initial: draft
            states:
              draft: {{on: {{quote.sent: {{to: won, when: "{condition}"}}}}}}
              won: {{final: true}}
        """
    )

    assert [one.code for one in found] == codes


def test_what_a_requirement_guarantees_is_known_in_what_follows(problems: Problems) -> None:
    found = problems(
        """
        workflows:
          quote:
            by: quote
            context: {customer: ref(customer)?}
            initial: draft
            states:
              draft:
                on:
                  quote.sent:
                    to: won
                    require:
                      - {when: has(customer), code: customer_unknown, reason: nobody}
                      - {when: customer.tier != 'B', code: small, reason: "{{ customer.tier }}"}
                    set: {customer: customer.id}
              won: {final: true}
        """
    )

    assert found == []
