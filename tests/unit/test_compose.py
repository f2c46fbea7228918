"""`docker-compose.yml` starts what there is: its commands are ours, its variables are told, and nothing secret stands in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from engine.cli import VERBS, group

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"].startswith("rulewright:")}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_command_is_one_that_the_program_takes(name: str) -> None:
    verb, *words = OURS[name]["command"]
    assert verb in VERBS
    command = group.get_command(click.Context(group), verb)
    if isinstance(command, click.Group):
        command, words = command.get_command(click.Context(command), words[0]), words[1:]
    assert command is not None
    command.make_context(verb, words, default_map={"store": "memory:"})


def test_there_are_two_servers_and_three_workers_behind_a_balancer() -> None:
    services = COMPOSE["services"]
    assert services["serve"]["deploy"]["replicas"] == 2
    assert services["work"]["deploy"]["replicas"] == 3
    balancer = (ROOT / "deploy" / "balancer.cfg").read_text(encoding="utf-8")
    assert re.search(r"server-template \w+ \d+ serve:8080 ", balancer)
    assert "GET /readyz" in balancer
    assert services["balancer"]["ports"] == ["8080:8080"]


def test_what_waits_for_something_waits_for_what_there_is() -> None:
    for name, service in COMPOSE["services"].items():
        for other in service.get("depends_on", ()):
            assert other in COMPOSE["services"], name
    volumes = {mount.split(":")[0] for one in COMPOSE["services"].values() for mount in one.get("volumes", ())}
    assert {one for one in volumes if not one.startswith(".")} == set(COMPOSE["volumes"])


def test_every_variable_is_in_the_example_and_none_has_a_value_there() -> None:
    asked = set(re.findall(r"\$\{(\w+)", TEXT))
    example = dict(
        line.split("=", 1)
        for line in (ROOT / "deploy" / "example.env").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    assert set(example) == asked
    assert set(example.values()) == {""}


def test_the_image_has_what_it_is_made_of() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists()
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {one["image"] for one in OURS.values()} == {f"rulewright:{version[1]}"}
