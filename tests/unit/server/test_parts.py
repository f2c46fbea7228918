"""The small parts of the server: buckets, cursors, languages, places, keys, spans."""

from __future__ import annotations

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from engine.errors import RulewrightError, StoreError
from engine.server.bucket import Buckets
from engine.server.intake import pointer
from engine.server.keyring import AGE, Ring, new_key
from engine.server.page import cursor_of, number_at, text_at
from engine.server.problem import TITLES, Problem, language_of, problem_of
from engine.server.spans import Spans, configured
from engine.store import StoredKey


def test_a_bucket_gives_what_flows_in() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [None, None, None, 1]
    assert buckets.take("b") is None
    now[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [None, 1]
    now[0] = 100.0
    assert [buckets.take("a") for _ in range(4)] == [None, None, None, 1]


def test_a_bucket_says_how_long() -> None:
    buckets = Buckets(0.1, 1, lambda: 0.0)
    assert buckets.take("a") is None
    assert buckets.take("a") == 10


@pytest.mark.parametrize("place", [0, 1, 2**40, "", "rep\x1fr1", "客户"])
def test_a_cursor_gives_its_place_back(place: int | str) -> None:
    cursor = cursor_of(place)
    assert (number_at if isinstance(place, int) else text_at)(cursor) == place


@pytest.mark.parametrize("cursor", ["", "!", "eyJ4IjoxfQ", cursor_of("x"), cursor_of(-1), cursor_of(2**63), "é"])
def test_a_cursor_that_is_none_is_a_problem(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        number_at(cursor)
    assert refused.value.code == "bad_request"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, de", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=x", "en"),
        ("fr;q=1, zh;q=0.3", "zh"),
    ],
)
def test_the_language_that_a_caller_would_rather_have(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@pytest.mark.parametrize(
    ("code", "reason", "place"),
    [
        ("missing_field", "data.rep is missing (string)", "/data/rep"),
        ("unknown_reference", "data.rep: there is no rep `r9`", "/data/rep"),
        ("wrong_type", "data.items[2]: a text is expected", "/data/items/2"),
        ("missing_field", "Object missing required field `id`", "/id"),
        ("wrong_type", "Expected `str`, got `int` - at `$.source`", "/source"),
        ("wrong_type", "time: an RFC 3339 time with an offset is expected", "/time"),
        ("late", "it lies 9 s back", "/time"),
        ("refused", "for reasons", None),
    ],
)
def test_the_place_of_what_was_refused(code: str, reason: str, place: str | None) -> None:
    assert pointer(code, reason) == place


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        (StoreError("store_unavailable", "gone"), "unavailable", 503),
        (StoreError("store_failed", "secret words"), "internal", 500),
        (RulewrightError("unknown_decision", "none"), "not_found", 404),
        (ZeroDivisionError("secret words"), "internal", 500),
    ],
)
def test_what_failures_below_mean(failure: Exception, code: str, status: int) -> None:
    problem = problem_of(failure)
    assert (problem.code, problem.status) == (code, status)
    assert "secret words" not in problem.response("en", "x").body.decode()
    assert (problem.retry_after is not None) == (status == 503)


def test_every_problem_has_both_titles() -> None:
    assert all(english and chinese and 400 <= status < 600 for status, english, chinese in TITLES.values())


class Kept:
    def __init__(self, *keys: StoredKey) -> None:
        self.keys = list(keys)
        self.asked = 0

    def kept_keys(self) -> list[StoredKey]:
        self.asked += 1
        return self.keys


def test_a_key_is_found_by_its_whole_token_and_by_nothing_less() -> None:
    key, token = new_key("app", ("events:write",), "app", (), 0)
    other, _ = new_key("app", (), None, (), 0)
    ring = Ring(Kept(key, other), lambda: 0.0)
    assert ring.find(token) is key
    for wrong in (token[:-1], token + "x", token.replace(key.id, other.id), token.removeprefix("rw_"), "", "\udcff"):
        assert ring.find(wrong) is None
    assert token.split("_", 2)[2].encode() not in key.hash
    assert len(key.hash) == 32


def test_keys_are_read_again_after_a_while() -> None:
    now, kept = [0.0], Kept()
    ring = Ring(kept, lambda: now[0])
    key, token = new_key("app", (), None, (), 0)
    assert ring.find(token) is None
    kept.keys.append(key)
    assert ring.find(token) is None
    now[0] = AGE
    assert ring.find(token) is key
    assert kept.asked == 2


def test_spans_are_made_where_they_are_asked_for() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Spans(True).span("POST /v1/events", {"traceparent": parent}) as span:
        span.note(events=["e1"], status=202, key=None)
    with Spans(False).span("x", {}) as silent:
        silent.note(status=1)
    [made] = exporter.get_finished_spans()
    assert made.name == "POST /v1/events"
    assert dict(made.attributes or {}) == {"rulewright.events": ("e1",), "rulewright.status": 202}
    assert f"{made.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"


def test_without_the_library_there_are_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with Spans(True).span("x", {}) as silent:
        silent.note(status=1)
    assert silent._span is None


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4317"}, True),
    ],
)
def test_traces_are_made_where_the_deployment_says_where_they_go(environment: dict[str, str], on: bool) -> None:
    assert configured(environment) is on
