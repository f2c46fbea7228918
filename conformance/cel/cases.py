"""One case of the suite, and why some are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CORE = (
    *("basic", "comparisons", "conversions", "fields", "fp_math", "integer_math", "lists"),
    *("logic", "macros", "parse", "plumbing", "string", "timestamps"),
)
"""The files of the standard itself that need no protobuf."""

EXTENSIONS = ("bindings_ext", "encoders_ext", "macros2", "math_ext", "namespace", "optionals", "string_ext")
"""Files of extensions that configurators would expect, and of names in containers."""

_PROTOBUF = (
    ("any", re.compile(r"google\.protobuf\.Any|single_any|_any\b")),
    ("wrapper", re.compile(r"google\.protobuf\.\w+Value|_wrapper\b|\"wrapper\"")),
    ("enum", re.compile(r"enumValue|NestedEnum|GlobalEnum|_enum\b")),
    (
        "message",
        re.compile(
            r"TestAllTypes|cel\.expr\.conformance|google\.protobuf\.(?:Struct|Value|ListValue|Empty|FieldMask)\b|\bproto\.\w+\("
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Case:
    """An expression with what must come out of it. `raw` is the case as its package gives it."""

    file: str
    section: str
    name: str
    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """`file/section/name`, unique in the suite but for a few namesakes of equal text."""
        return f"{self.file}/{self.section}/{self.name}"

    @property
    def expression(self) -> str:
        """The text to evaluate."""
        return str(self.raw["expr"])

    @property
    def container(self) -> str:
        """The namespace in which names are looked up, empty for none."""
        return str(self.raw.get("container", ""))

    @property
    def unchecked(self) -> bool:
        """Whether the case is about what happens without a type check."""
        return bool(self.raw.get("disableCheck"))

    @property
    def bindings(self) -> Mapping[str, Any]:
        """The values of variables, in their wire form."""
        return {name: bound["value"] for name, bound in self.raw.get("bindings", {}).items()}

    @property
    def declared(self) -> Mapping[str, Any]:
        """The declared types of variables, in their wire form."""
        return {one["name"]: one["ident"]["type"] for one in self.raw.get("typeEnv", ()) if "ident" in one}

    @property
    def error(self) -> str | None:
        """The message of the error that is expected, if one is."""
        errors = self.raw.get("evalError", {}).get("errors")
        return errors[0]["message"] if errors else None

    @property
    def left_out(self) -> str | None:
        """What the case needs that belongs to protobuf: `message`, `enum`, `wrapper` or `any`; None when it counts."""
        text = json.dumps(self.raw, ensure_ascii=False)
        return next((reason for reason, pattern in _PROTOBUF if pattern.search(text)), None)


def cases(suite: Mapping[str, Any], files: frozenset[str]) -> Iterator[Case]:
    """The cases of these files, in their order."""
    for file in suite["suites"]:
        if file["name"] in files:
            yield from _inside(file, file["name"], "")


def _inside(suite: Mapping[str, Any], file: str, section: str) -> Iterator[Case]:
    for test in suite.get("tests", ()):
        yield Case(file, section, test["original"]["name"], test["original"])
    for inner in suite.get("suites", ()):
        yield from _inside(inner, file, f"{section}/{inner['name']}".lstrip("/"))
