from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from engine.core.program import Program
from engine.pack import Diagnostic, diagnose, load

WORLD = """
entities:
  rep: {data: {id: string, name: string?, active: bool, manager: ref(rep)?}}
  customer: {data: {id: string, tier: KA | A | B, industry: string}}
events:
  quote.sent: &quote
    keys: {quote: data.quote_id, rep: data.rep_id, customer: data.customer_id}
    data: {quote_id: string, rep_id: ref(rep), customer_id: ref(customer)?, amount: double?, kind: string?}
  quote.stalled: *quote
  visit.closed:
    keys: {rep: data.rep_id, customer: data.customer_id}
    lateness: 7d
    data: {visit_id: string, rep_id: ref(rep), customer_id: ref(customer)}
  feedback.submitted:
    keys: {rep: data.rep_id}
    lateness: 2d
    data: {visit_id: string, rep_id: ref(rep)}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a pack of the world above and the given sections."""

    def make(text: str) -> Path:
        (tmp_path / "world.yaml").write_text(WORLD, encoding="utf-8")
        (tmp_path / "pack.yaml").write_text(dedent(text), encoding="utf-8")
        return tmp_path

    return make


@pytest.fixture
def compiled(write: Callable[[str], Path]) -> Callable[..., Program]:
    """The program of a text."""

    def make(text: str, params: Mapping[str, Any] | None = None) -> Program:
        return load([write(text)], params or {})

    return make


@pytest.fixture
def problems(write: Callable[[str], Path]) -> Callable[..., list[Diagnostic]]:
    """What is wrong with a text."""

    def make(text: str, params: Mapping[str, Any] | None = None) -> list[Diagnostic]:
        return diagnose([write(text)], params or {})

    return make
