"""`docs/api.md` has every route, scope, problem and metric."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from engine.server.app import ROUTERS
from engine.server.keyring import SCOPES
from engine.server.problem import TITLES

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def routes() -> list[str]:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for module in ROUTERS:
        app.include_router(module.router)
    paths = app.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize("route", routes())
def test_every_route_is_on_the_page(route: str) -> None:
    assert f"| `{route}` |" in PAGE


def test_the_page_has_no_other_routes() -> None:
    assert set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|", PAGE, re.MULTILINE)) == set(routes())


@pytest.mark.parametrize("code", TITLES)
def test_every_problem_is_on_the_page_with_its_status(code: str) -> None:
    assert any(line.startswith(f"| {TITLES[code][0]} |") and f"`{code}`" in line for line in PAGE.splitlines())


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_on_the_page(scope: str) -> None:
    assert f"| `{scope}` |" in PAGE
