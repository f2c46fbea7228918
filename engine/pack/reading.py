"""From files to definitions: each file is read by the models, and what the models refuse becomes diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import Place
from engine.pack.diagnostic import Report, Severity, did_you_mean
from engine.pack.document import Document, Path
from engine.pack.files import PackFile
from engine.pack.model import File
from engine.pack.model.base import Strict, kind
from engine.pack.source import read

T = TypeVar("T", bound=BaseModel)

SECTIONS = (
    "events", "entities", "calendars", "workflows", "metrics", "rules", "alerts", "popups", "experiments", "channels", "tests",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class At:
    """A spot in a file: where a diagnostic points, and where a compiled part says that it stands."""

    document: Document
    path: Path
    report: Report

    def __truediv__(self, part: str | int) -> At:
        return At(self.document, (*self.path, part), self.report)

    @property
    def place(self) -> Place:
        """The place of the value."""
        return self.document.place(self.path)

    @property
    def key(self) -> Place:
        """The place of the key that leads to the value."""
        return self.document.key_place(self.document.nearest(self.path))

    def inside(self, offset: int) -> Place:
        """The place of a character of the value's text."""
        return self.document.place(self.path, offset)

    def problem(self, code: str, message: str, hint: str | None = None, *, severity: Severity = "error") -> None:
        """Report something about the value."""
        span = self.document.values.get(self.document.nearest(self.path))
        length = len(span.text) if span and span.text and span.line == span.end_line else 1
        self.report.add(self.document.diagnostic(self.place, code, message, hint, severity, length))

    def key_problem(self, code: str, message: str, hint: str | None = None, *, severity: Severity = "error") -> None:
        """Report something about the key."""
        real = self.document.nearest(self.path)
        length = len(str(real[-1])) if real in self.document.keys else 1
        self.report.add(self.document.diagnostic(self.key, code, message, hint, severity, length))

    def text_problem(self, code: str, message: str, start: int, end: int, hint: str | None = None) -> None:
        """Report something about the characters [start, end) of the value's text."""
        length = self.document.length(self.path, start, end)
        self.report.add(self.document.diagnostic(self.inside(start), code, message, hint, length=length))


@dataclass(frozen=True, slots=True)
class Definition(Generic[T]):
    """A named part of the pack and where it stands."""

    name: str
    model: T
    at: At


@dataclass(slots=True)
class Definitions:
    """Everything that the files of a pack define, by section and name, in the order of the files."""

    report: Report
    packs: list[Definition[Any]] = field(default_factory=list)
    sections: dict[str, dict[str, Definition[Any]]] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)

    def of(self, section: str) -> Mapping[str, Definition[Any]]:
        """The definitions of a section."""
        return self.sections.get(section, {})


def read_definitions(files: Sequence[PackFile], report: Report) -> Definitions:
    """Read and validate every file, and merge the sections; a name given twice is reported at the second place."""
    found = Definitions(report)
    for file in files:
        document = read(file.label, file.text, report)
        found.documents.append(document)
        root = At(document, (), report)
        model = validate(File, document.data, root) if document.data is not None else None
        if model is not None:
            _merge(found, model, root)
    return found


def _merge(found: Definitions, file: File, root: At) -> None:
    if file.pack is not None:
        found.packs.append(Definition(file.pack.name, file.pack, root / "pack"))
    for section in SECTIONS:
        names = found.sections.setdefault(section, {})
        for name, model in getattr(file, section).items():
            at = root / section / name
            if name in names:
                first = names[name].at.key
                at.key_problem("duplicate_name", f"`{name}` is already defined at {first}")
                continue
            names[name] = Definition(name, model, at)


def validate(model: type[T], data: Any, at: At) -> T | None:
    """The data as a model, or None with every mistake in the report. Parts that are sound are kept where that is possible."""
    if not isinstance(data, dict):
        at.problem("bad_value", f"a map is wanted here, not {kind(data)}")
        return None
    readers: dict[int, type[Strict]] = {}
    try:
        return model.model_validate(data, context=readers)
    except ValidationError as error:
        details = error.errors()
        for detail in details:
            _report(detail, data, readers, at)
    for kept in (_without_unknown(data, details), _without_broken(data, [detail["loc"] for detail in details])):
        try:
            return model.model_validate(kept, context={})
        except ValidationError:
            continue
    return None


def _without_unknown(data: dict[str, Any], details: list[ErrorDetails]) -> dict[str, Any]:
    """The file without its unknown keys, so that they do not hide other mistakes."""
    kept = deepcopy(data)
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *parents, name = detail["loc"]
            holder = _descend(kept, parents)
            if isinstance(holder, dict):
                holder.pop(str(name), None)
    return kept


def _without_broken(data: dict[str, Any], locations: list[Path]) -> dict[str, Any]:
    """The file without its broken definitions, so that they do not hide the mistakes of others."""
    broken = {location[:2] for location in locations}
    kept: dict[str, Any] = {}
    for section, value in data.items():
        if any(location[:1] == (section,) and (len(location) == 1 or section == "pack") for location in locations):
            continue
        sound = isinstance(value, dict)
        kept[section] = {name: one for name, one in value.items() if (section, name) not in broken} if sound else value
    return kept


def _descend(data: Any, path: Sequence[str | int]) -> Any:
    """The value at a path, which may hold parts that only the models know."""
    for part in path:
        in_map = isinstance(data, dict) and part in data
        if in_map or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
    return data


def _report(detail: ErrorDetails, data: Any, readers: Mapping[int, type[Strict]], at: At) -> None:
    location = at.path + tuple(detail["loc"])
    spot = At(at.document, location, at.report)
    name = str(location[-1]) if location else ""
    context = detail.get("ctx") or {}
    if detail["type"] == "pack":
        spot.problem(context["code"], context["message"], context.get("hint"))
    elif detail["input"] is None:
        return
    elif detail["type"] == "extra_forbidden":
        reader = readers.get(id(_descend(data, detail["loc"][:-1])))
        spot.key_problem(
            "unknown_key", f"unknown key `{name}`", did_you_mean(name, reader.known_keys()) if reader else None
        )
    elif detail["type"] == "missing":
        parent = At(at.document, location[:-1], at.report)
        parent.key_problem("missing_key", f"`{name}` is missing")
    else:
        spot.problem("bad_value", _sentence(detail))


_WANTED = {
    "string_type": "a text is wanted",
    "int_type": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "float_type": "a number is wanted",
    "bool_type": "true or false is wanted",
    "list_type": "a list is wanted",
    "dict_type": "a map is wanted",
    "model_type": "a map is wanted",
    "model_attributes_type": "a map is wanted",
}


def _sentence(detail: ErrorDetails) -> str:
    wanted = _WANTED.get(detail["type"])
    if wanted:
        return f"{wanted} here, not {kind(detail['input'])}"
    context = detail.get("ctx") or {}
    match detail["type"]:
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
            bounds = [f"{word} {context[key]}" for key, word in words.items() if key in context]
            return f"the number must be {' and '.join(bounds)}"
        case "too_short":
            return "the list must not be empty"
        case "string_pattern_mismatch":
            return f"`{detail['input']}` is not a code: small letters, digits, `_` and `.`"
    return detail["msg"]


def walk_texts(value: Any, at: At) -> Iterator[tuple[str, At]]:
    """Every text in nested maps and lists, with its spot."""
    if isinstance(value, str):
        yield value, at
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk_texts(item, at / key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk_texts(item, at / index)
