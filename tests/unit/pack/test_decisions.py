from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.program import OpenMetric, Program, WindowMetric
from engine.pack import Diagnostic

Compile = Callable[..., Program]
Problems = Callable[..., list[Diagnostic]]
DAY = 86_400_000_000

METRICS = """
calendars: {shanghai: {tz: Asia/Shanghai}}
metrics:
  visits:
    by: rep
    of: visit.closed
    where: customer.tier in ['KA', 'A']
    window: {calendar: week, in: shanghai}
    roster: rep where rep.active && has(rep.manager)
    target: 1 + 2
  missing: {by: rep, open: {from: visit.closed, until: feedback.submitted, per: data.visit_id}}
  amounts: {by: rep, of: [quote.sent, quote.stalled], where: has(data.amount), value: sum(data.amount), window: {sliding: 7d}}
  mean: {by: rep, of: quote.sent, where: has(data.amount), value: avg(data.amount * 2), window: {session: 30m}}
  customers: {by: rep, of: visit.closed, value: distinct(data.customer_id), window: {tumbling: 1h}}
  share: {by: rep, of: {num: quote.stalled, den: quote.sent}, window: {calendar: month}}
  per_visit: {by: rep, of: visit.closed, value: "ratio(1, 2)", window: lifetime}
"""


def windows(program: Program) -> dict[str, WindowMetric]:
    return {one.name: one for one in program.scopes["rep"].windows}


def test_what_a_condition_guarantees_is_known_in_the_value(problems: Problems) -> None:
    found = problems(METRICS)

    assert [one.code for one in found] == []


def test_metrics_are_what_is_written(compiled: Compile) -> None:
    program = compiled(METRICS)
    found = windows(program)
    (missing,) = program.scopes["rep"].opens

    assert isinstance(missing, OpenMetric)
    assert (missing.start, missing.until, missing.lateness) == ("visit.closed", "feedback.submitted", 7 * DAY)
    assert {name: (one.aggregate, one.window.kind, one.window.size) for name, one in found.items()} == {
        "visits": ("count", "calendar", 0),
        "amounts": ("sum", "sliding", 7 * DAY),
        "mean": ("avg", "session", 1_800_000_000),
        "customers": ("distinct", "tumbling", 3_600_000_000),
        "share": ("ratio", "calendar", 0),
        "per_visit": ("ratio", "lifetime", 0),
    }
    assert found["visits"].target == 3
    assert found["visits"].lateness == 7 * DAY
    assert found["visits"].roster is not None
    assert (found["share"].of, found["share"].den) == ({"quote.stalled"}, {"quote.sent"})
    assert found["amounts"].of == {"quote.sent", "quote.stalled"}
    assert found["per_visit"].divisor is not None


@pytest.mark.parametrize(
    ("condition", "depends"),
    [
        ("metrics.visits.streak(n, n < 2) >= 2", {"closed:visits"}),
        ("metrics.visits.last(1).exists(n, n < metrics.visits.target)", {"closed:visits"}),
        ("metrics.visits.trend(4) < 0.0", {"closed:visits"}),
        ("metrics.visits.now > 3", {"now:visits"}),
        ("metrics.missing.count > 3", {"open:missing"}),
        ("metrics.missing.oldest > hours(48)", {"open:missing", "time"}),
        ("rep.active", {"entity"}),
        ("has(rep.manager) && has(rep.manager.name)", {"entity"}),
        ("now > timestamp('2026-03-02T00:00:00Z')", {"time"}),
        ("has(metrics.share.now) && metrics.share.now > 0.5", {"now:share"}),
    ],
)
def test_an_alert_depends_on_what_it_reads_and_on_nothing_else(
    compiled: Compile, condition: str, depends: set[str]
) -> None:
    program = compiled(METRICS + f'alerts: {{a: {{by: rep, yellow: "{condition}"}}}}\n')
    (alert,) = program.scopes["rep"].alerts

    assert alert.depends == depends
    assert (alert.levels[0][1].wake is not None) == ("time" in depends)


def test_a_value_that_may_be_missing_must_be_asked_for(problems: Problems) -> None:
    found = problems(METRICS + "alerts: {a: {by: rep, red: metrics.share.now > 0.5}}\n")

    assert [one.code for one in found] == ["unguarded_optional"]


ALERT = """
channels: {dingtalk.message: {connector: dingtalk.message}}
alerts:
  a:
    by: rep
    red: rep.active
    for: 1h
    notify:
      red:
        - do: dingtalk.message
          to: TO
          with: {title: "{{ rep.id }}!", text: {zh: 你好, en: "hi {{ key }}"}, list: ["{{ key }}", 3], flag: true}
          attach: {heatmap: visit.closed, last: 7d}
"""


@pytest.mark.parametrize(("to", "entity"), [("rep.manager", "rep"), ("rep", "rep")])
def test_a_recipient_is_an_entity_or_a_reference_to_one(compiled: Compile, to: str, entity: str) -> None:
    text = ALERT.replace("TO", to).replace("attach: {heatmap: visit.closed, last: 7d}", "")
    (alert,) = compiled(text).scopes["rep"].alerts
    (do,) = alert.notify["red"]

    assert do.to_entity == entity
    assert do.to is not None
    assert do.to.run(SimpleNamespace(entity=lambda _: {"id": "r1", "active": True, "manager": "m1"})) in ("m1", "r1")
    assert do.content["list"][1] == 3
    assert do.content["flag"] is True
    env = SimpleNamespace(entity=lambda _: {"id": "r1"}, key="k")
    assert do.content["title"].render(env, "zh") == "r1!"
    assert do.content["text"].render(env, "en") == "hi k"
    assert do.content["text"].render(env, "zh") == "你好"


def test_a_recipient_that_is_absent_is_none(compiled: Compile) -> None:
    text = ALERT.replace("TO", "rep.manager").replace("attach: {heatmap: visit.closed, last: 7d}", "")
    (do,) = compiled(text).scopes["rep"].alerts[0].notify["red"]

    assert do.to is not None
    assert do.to.run(SimpleNamespace(entity=lambda _: {"id": "r1", "active": True})) is None


def test_a_picture_needs_positions(problems: Problems) -> None:
    assert [one.code for one in problems(ALERT.replace("TO", "rep"))] == ["unknown_field", "unknown_field"]


POPUP = """
pack: {name: p, params: {least: 4}}
metrics:
  saved: {by: customer, of: visit.closed, value: count(), window: lifetime, publish: true, owner: data.rep_id}
events:
  rated:
    keys: {customer: data.customer_id}
    data: {customer_id: ref(customer), rating: good | bad, reason: string?}
popups:
  tips:
    on: visit.closed
    by: rep
    from: customer
    where: customer.tier != 'B'
    rank:
      match:
        - customer.industry == 'x'
        - {when: customer.id == data.customer_id, why: {zh: 就是它, en: the very one}}
      learn: feedback
    limit: 2
    proof: {metric: saved, except: own, min_n: params.least + 1, text: "{{ value }} for {{ customer.id }}"}
    feedback: {event: rated, values: {good: 1, bad: 0.0}, reason: required}
"""


def test_a_popup_is_decided_in_one_scope_and_learns_in_another(compiled: Compile) -> None:
    program = compiled(POPUP)
    (popup,) = program.scopes["rep"].popups

    assert program.scopes["customer"].ratings == (popup,)
    assert [reason.pick("zh") for reason in popup.reasons] == ["customer.industry == 'x'", "就是它"]
    assert popup.proof is not None
    assert popup.proof.min_n == 5
    assert popup.feedback is not None
    assert popup.feedback.values == {"good": 1.0, "bad": 0.0}
    env = SimpleNamespace(bound={"value": 2.3, "customer": {"id": "c1"}}, key="r1", entity=lambda _: None)
    assert popup.proof.text.render(env, "zh") == "2.3 for c1"


def test_a_required_reason_refuses_blanks_at_the_door(compiled: Compile) -> None:
    rule = next(one for one in compiled(POPUP).events["rated"].fields if one.name == "reason")

    assert not rule.optional
    assert rule.convert is not None
    assert rule.convert("because") == "because"
    with pytest.raises(ValueError, match="blank"):
        rule.convert("  ")


EXPERIMENT = """
pack: {{name: p, calendar: shanghai, params: {{begin: 2026-03-02}}}}
calendars: {{shanghai: {{tz: Asia/Shanghai}}}}
experiments:
  e: {{hypothesis: x, unit: rep, assign: {assign}, eligible: rep.active, start: {start}, expose_on: visit.closed}}
"""


@pytest.mark.parametrize("start", ["2026-03-02", "params.begin", "2026-03-02T00:00:00+08:00"])
def test_an_experiment_starts_on_a_local_day_or_at_an_instant(compiled: Compile, start: str) -> None:
    program = compiled(EXPERIMENT.format(assign="{parity_of: rep.id, odd: h5, even: ppt}", start=start))
    (found,) = program.scopes["rep"].experiments

    assert found.start == 1_772_380_800_000_000
    assert found.assign.weights == (("h5", 0.5), ("ppt", 0.5))
    assert found.assign.hash_of.run(SimpleNamespace(key="r1")) == "r1"


def test_weights_are_shares(compiled: Compile) -> None:
    program = compiled(EXPERIMENT.format(assign="{hash: rep.id, weights: {a: 75, b: 25}}", start="2026-03-02"))
    (found,) = program.scopes["rep"].experiments

    assert found.assign.weights == (("a", 0.75), ("b", 0.25))
    assert found.assign.parity_of is None


def test_a_channel_keeps_its_secrets_unresolved(compiled: Compile) -> None:
    program = compiled(
        """
        channels:
          hook:
            connector: webhook
            settings: {url: {env: HOOK_URL}, secret: {env: RULEWRIGHT_SECRET_HOOK}, headers: {X-Team: sales}}
            on_unknown: resend
            max_attempts: 2
            backoff: 500ms
            timeout: 3s
        """
    )
    channel = program.channels["hook"]

    assert channel.settings["secret"] == {"env": "RULEWRIGHT_SECRET_HOOK"}
    assert (channel.on_unknown, channel.max_attempts, channel.backoff, channel.timeout) == ("resend", 2, 0.5, 3.0)


def test_a_test_becomes_plain_values(compiled: Compile) -> None:
    (found,) = compiled(
        """
        alerts: {busy: {by: rep, red: rep.active}}
        tests:
          it turns red:
            from: 2026-03-02T00:00:00+08:00
            given: {rep: [{id: r1, active: true}]}
            events: [{type: visit.closed, time: 2026-03-02T10:00:00+08:00, received: 2026-03-02T11:00:00+08:00, data: {x: 1}}]
            expect: {alerts: {busy: {r1: red}}, actions: []}
        """
    ).tests
    expected: dict[str, Any] = {"alerts": {"busy": {"r1": "red"}}, "actions": []}

    assert (found.name, found.until) == ("it turns red", None)
    assert found.start == 1_772_380_800_000_000
    assert found.expect == expected
    assert found.events[0] == {
        "type": "visit.closed",
        "time": "2026-03-02T10:00:00+08:00",
        "receivedtime": "2026-03-02T11:00:00+08:00",
        "data": {"x": 1},
    }


@pytest.mark.parametrize(
    ("percent", "codes"),
    [("90", []), ("params.share * 10", []), ("99.9", []), ("101", ["wrong_type"]), ("-0.5", ["wrong_type"]),
     ("'90'", ["wrong_type"]), ("data.amount", ["unknown_name"])],
)  # fmt: skip
def test_which_percentile_is_known_before_anything_happens(problems: Problems, percent: str, codes: list[str]) -> None:
    found = problems(f"""
pack: {{name: p, version: "1", params: {{share: 9}}}}
metrics:
  large: {{by: rep, of: quote.sent, where: has(data.amount), value: "percentile(data.amount, {percent})", window: lifetime}}
""")

    assert [one.code for one in found] == codes
