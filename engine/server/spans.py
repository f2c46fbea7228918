"""Spans of OpenTelemetry, where it is installed and set up (`opentelemetry-instrument rulewright serve …`); otherwise nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the deployment asked for traces: a variable of OpenTelemetry's own says where they go."""
    names = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(environment.get(name, "none") != "none" for name in names)


class Spans:
    """Makes spans; `on` False, or nothing installed: makes none."""

    def __init__(self, on: bool) -> None:
        self._tracer: Any = None
        self._extract: Any = None
        if on:
            try:
                from opentelemetry import trace
                from opentelemetry.propagate import extract
            except ModuleNotFoundError:
                return
            self._tracer, self._extract = trace.get_tracer("rulewright"), extract

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """A span of one request, as a child of the caller's."""
        if self._tracer is None:
            yield Span(None)
            return
        with self._tracer.start_as_current_span(name, context=self._extract(headers)) as found:
            yield Span(found)


class Span:
    """A span that may be none."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, **attributes: Any) -> None:
        """Add attributes: ids and numbers, never what a request said."""
        if self._span is not None:
            self._span.set_attributes({f"rulewright.{name}": value for name, value in attributes.items() if value})
