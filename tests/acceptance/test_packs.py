"""S44, S73: what a pack may ask of people, and what it may hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli import group

FORM = """
pack: {name: forms, version: "1", title: {en: Forms}}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
events:
  visit.form:
    title: {en: The form}
    keys: {visit: data.visit_id}
    lateness: 7d
    form: {max_required: 3, by_app: [visit_id]}
    data: {visit_id: string, customer: string, photo: string, needs: string, MORE}
"""


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Result]:
    """`check(name=text, …)`: the command over a pack of these files (`__` stands for a dot)."""

    def call(**files: str) -> Result:
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return CliRunner().invoke(group, ["check", str(tmp_path)])

    return call


def test_s44_a_form_of_three_fields_is_accepted_without_a_word(check: Callable[..., Result]) -> None:
    result = check(pack__yaml=FORM.replace(", MORE", ", mood: string?"))
    assert result.exit_code == 0
    assert "form_too_long" not in result.output


def test_s44_a_fourth_required_field_is_warned_about_at_its_place(check: Callable[..., Result]) -> None:
    result = check(pack__yaml=FORM.replace("MORE", "mood: string"))
    assert result.exit_code == 0
    assert "form_too_long" in result.output
    assert "pack.yaml:" in result.output


def test_s44_the_form_of_the_sales_pack_takes_customer_photo_and_needs(team: Any) -> None:
    form = {"visit_id": "v1", "rep_id": "r1", "customer_id": "c1", "photo": "p.jpg", "needs": "想要样品"}
    assert [one for one in team.send("visit.form", "2026-03-02T10:00", **form) if one["kind"] == "reject"] == []
    for field in ("customer_id", "photo", "needs"):
        less = {name: value for name, value in form.items() if name != field}
        (reject,) = team.send("visit.form", "2026-03-02T10:01", **less)
        assert (reject["kind"], reject["code"]) == ("reject", "missing_field")


@pytest.mark.parametrize("name", ["rules__py", "run__sh", "app__js"])
def test_s73_a_pack_with_code_is_refused(check: Callable[..., Result], name: str) -> None:
    result = check(pack__yaml=FORM.replace(", MORE", ""), **{name: "print('hello')"})
    assert result.exit_code == 1
    assert "code_in_pack" in result.output


def test_s73_yaml_that_would_build_objects_is_refused(check: Callable[..., Result]) -> None:
    result = check(pack__yaml=FORM.replace(", MORE", "") + "rules: !!python/object/apply:os.system ['true']\n")
    assert result.exit_code == 1
    assert "pack.yaml:12:8: " in result.output
