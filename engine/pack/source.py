"""YAML as people mean it: read from the parser's events, so that depth and size are bounded before anything is built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import CSafeLoader
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from engine.errors import Place
from engine.pack.diagnostic import Diagnostic, Report
from engine.pack.document import Document, Path, Span

MAX_DEPTH = 40
MAX_NODES = 50_000

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(0|[1-9][0-9]*)(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


def resolve(text: str) -> Any:
    """What a plain scalar means: true, false, null, a whole number, a double; everything else is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


_Step = tuple[dict[Path, Span], Path, Span]


class _RefusedError(Exception):
    """The file cannot be read on from here; its diagnostic is already in the report."""


class _Builder:
    """Builds data and spans from the parser's events, so that depth and aliases are bounded before anything is built."""

    def __init__(self, document: Document, report: Report) -> None:
        self.document = document
        self.report = report
        self.anchors: dict[str, tuple[Any, list[_Step], int]] = {}
        self.trail: list[_Step] = []
        self.nodes = 0

    def fail(self, event: Event, code: str, message: str, hint: str | None = None) -> None:
        span = _span(event)
        place = Place(self.document.file, span.line + 1, span.column + 1)
        self.report.add(self.document.diagnostic(place, code, message, hint))

    def build(self, events: Iterator[Event]) -> Any:
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.fail(event, "yaml", "a second document in one file", "put it into a file of its own")
                    raise _RefusedError
            elif not isinstance(event, (StreamStartEvent, StreamEndEvent, DocumentEndEvent)):
                data = self.node(event, events, (), flow=False)
        return data

    def node(self, event: Event, events: Iterator[Event], path: Path, *, flow: bool) -> Any:
        self._count(event, 1)
        if len(path) > MAX_DEPTH:
            self.fail(event, "too_deep", _too_deep())
            raise _RefusedError
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        if getattr(event, "tag", None) is not None:
            self.fail(event, "tag", f"the tag `{_shown(event)}` is not allowed", "a pack is plain data: remove the tag")
        before, steps = self.nodes, len(self.trail)
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, path, flow=flow)
        else:
            assert isinstance(event, CollectionStartEvent)
            self._mark(self.document.values, path, _span(event))
            inside = bool(event.flow_style)
            value = (
                self._mapping(events, path, flow=inside)
                if isinstance(event, MappingStartEvent)
                else self._sequence(events, path)
            )
        anchor = getattr(event, "anchor", None)
        if anchor:
            below = [(spans, known[len(path) :], span) for spans, known, span in self.trail[steps:]]
            self.anchors[anchor] = (value, below, self.nodes - before + 1)
        return value

    def _count(self, event: Event, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            self.fail(event, "too_large", f"more than {MAX_NODES} values in one file, aliases expanded")
            raise _RefusedError

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        if event.anchor not in self.anchors:
            self.fail(event, "yaml", f"there is no anchor `&{event.anchor}` before this")
            return None
        value, below, size = self.anchors[event.anchor]
        self._count(event, size)
        for spans, relative, span in below:
            self._mark(spans, path + relative, span)
        return value

    def _mark(self, spans: dict[Path, Span], path: Path, span: Span) -> None:
        spans[path] = span
        self.trail.append((spans, path, span))

    def _scalar(self, event: ScalarEvent, path: Path, *, flow: bool) -> Any:
        plain = event.style is None or event.style == ""
        self._mark(self.document.values, path, _span(event))
        value = resolve(event.value) if plain and event.tag is None else event.value
        if value is None:
            self._empty(event, path, flow=flow)
        return value

    def _empty(self, event: ScalarEvent, path: Path, *, flow: bool) -> None:
        place = self.document.key_place(path)
        name = str(path[-1]) if path else "the file"
        code, message = "empty_value", f"`{name}` has no value" if path else "the file is empty"
        hint = "give it a value or remove the key" if path else None
        if flow and event.value == "":
            code, hint = "quote_it", 'a comma ends a value inside { }: quote the text, "a, b"'
        self.report.add(self.document.diagnostic(place, code, message, hint, length=len(name) if path else 1))

    def _mapping(self, events: Iterator[Event], path: Path, *, flow: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                self.fail(event, "yaml", "a key must be a plain text", "quote a text that begins with { [ or *")
                raise _RefusedError
            key = event.value
            inner = (*path, key)
            if key in found:
                first = self.document.keys[inner].line + 1
                self.fail(event, "duplicate_key", f"`{key}` is already given on line {first}")
                self._drop(events)
                continue
            self._mark(self.document.keys, inner, _span(event))
            found[key] = None
            found[key] = self.node(next(events), events, inner, flow=flow)
        return found

    def _drop(self, events: Iterator[Event]) -> None:
        """Read past a value that has no place of its own."""
        depth = 0
        for event in events:
            if isinstance(event, CollectionStartEvent):
                depth += 1
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                depth -= 1
            if depth == 0:
                return

    def _sequence(self, events: Iterator[Event], path: Path) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            found.append(self.node(event, events, (*path, len(found)), flow=False))
        return found


def _shown(event: Event) -> str:
    tag = str(getattr(event, "tag", ""))
    return tag.replace("tag:yaml.org,2002:", "!!")


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    if isinstance(event, ScalarEvent):
        return Span(start.line, start.column, end.line, end.column, event.style or "", event.value)
    return Span(start.line, start.column, end.line, end.column)


def read(file: str, text: str, report: Report) -> Document:
    """Read one file. Mistakes go into the report; the data are then what could be understood, at worst None."""
    document = Document(file, text.removeprefix("\ufeff"))
    try:
        document.data = _Builder(document, report).build(yaml.parse(document.text, Loader=CSafeLoader))
    except _RefusedError:
        document.data = None
    except yaml.MarkedYAMLError as error:
        report.add(_syntax(document, error))
    except yaml.YAMLError as error:
        report.add(document.diagnostic(Place(file, 1, 1), "yaml", _sentence(str(error))))
    return document


def _syntax(document: Document, error: yaml.MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message = _sentence(" ".join(part for part in (error.context, error.problem) if part))
    if "maximum nesting depth" in message:  # newer versions of libyaml have a bound of their own
        return document.diagnostic(Place(document.file, line, column), "too_deep", _too_deep())
    return document.diagnostic(Place(document.file, line, column), "yaml", message, _advice(message))


def _too_deep() -> str:
    return f"nested more than {MAX_DEPTH} levels deep"


def _sentence(text: str) -> str:
    return " ".join(text.split()) or "not YAML"


def _advice(message: str) -> str | None:
    if "mapping values are not allowed" in message:
        return "quote a text that holds `: `"
    if "cannot start any token" in message:
        return "quote a text that begins with a special character, and indent with spaces"
    return None
