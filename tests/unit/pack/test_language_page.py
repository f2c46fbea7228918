"""The reference page is tested: every key, code and function stands there, and its examples are a sound pack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from engine.cel.functions import FUNCTIONS, METHODS
from engine.pack import diagnose, load
from engine.pack.codes import CODES
from engine.pack.model import File
from engine.runtime.packtests import run

PAGE = Path(__file__).parents[3] / "docs" / "language.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`\n]+)`", TEXT))))
EXAMPLES = "\n".join(re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))


def models(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in inside(field.annotation):
            yield from models(inner, seen)


def inside(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from inside(part)


def keys() -> list[str]:
    found = {field.alias or name for model in models(File, set()) for name, field in model.model_fields.items()}
    return sorted(found - {"num", "den"} | {"num", "den"})


@pytest.mark.parametrize("key", keys())
def test_every_key_is_explained(key: str) -> None:
    assert key in NAMED


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code: str) -> None:
    assert f"| `{code}` | {CODES[code].replace('|', '/')} |" in TEXT


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *METHODS}))
def test_every_function_is_named(name: str) -> None:
    assert name in NAMED


def test_the_examples_are_a_pack_without_mistakes_whose_tests_pass(tmp_path: Path) -> None:
    (tmp_path / "examples.yaml").write_text(EXAMPLES, encoding="utf-8")

    assert [one.render() for one in diagnose([tmp_path])] == []
    assert [result.failures for result in run(load([tmp_path]))] == [()]
