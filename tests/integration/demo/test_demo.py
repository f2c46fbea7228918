"""The demo as a person runs it: the messages that must arrive, the command, and what it leaves behind."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from connectors.ocr import reader
from connectors.pictures import fonts
from engine import Engine
from engine.cli import group
from engine.demo import season
from engine.demo.inbox import Inbox
from engine.demo.line import run
from engine.demo.stage import directory, userid
from engine.demo.team import simulate

LATE = 4
"""Weeks until the light that was wrong has been withdrawn."""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run(tmp_path_factory.mktemp("late") / "demo", weeks=LATE)


def letters(result):
    return Inbox(result.folder.inbox, result.folder.pictures).letters()


def test_exactly_the_expected_red_messages_reach_the_managers_with_a_picture(result):
    team = simulate(weeks=LATE)
    people = {rep.id: rep for rep in team.reps}
    expected = sorted(
        (f"ding-{people[one.rep].manager}", f"{people[one.rep].name} 需要关注") for one in season.lights(LATE)
    )
    arrived = [letter for letter in letters(result) if letter.via == "dingtalk"]
    assert sorted((one.to, one.title) for one in arrived if one.title.endswith("需要关注")) == expected
    shots = [one for one in arrived if one.picture is not None]
    assert sorted(one.to for one in shots) == sorted(to for to, _ in expected)
    assert all((result.folder.pictures / one.picture).read_bytes().startswith(b"\x89PNG") for one in shots)


def test_the_light_that_was_wrong_is_corrected_once(result):
    corrections = [one for one in letters(result) if one.title.startswith("更正")]
    assert [(one.to, one.title) for one in corrections] == [("ding-m2", "更正：林晓雨 的红灯已撤销")]
    assert [red.ended for red in result.summary.red_lights if red.rep == season.OFFLINE] == ["retracted"]


def test_every_red_light_says_which_part_of_the_condition_held(result):
    because = {red.rep: red.because for red in result.summary.red_lights}
    assert because["r2"].startswith("metrics.key_visits.streak(")
    assert because["r9"] == "metrics.feedback_missing.oldest = 2d 1s"


def test_a_manager_whose_user_id_only_the_directory_knows_is_reached(result):
    team = simulate(weeks=LATE)
    manager = next(one for one in team.managers if one.userid is None)
    assert userid(manager) in directory(team.managers, team.reps)
    assert userid(manager) in {letter.to for letter in letters(result)}


def test_big_wins_reach_the_webhook_once_each(result):
    assert result.summary.webhooks
    assert {call.arrived for call in result.summary.webhooks} == {1}


def test_nothing_is_left_unsent_unknown_or_dead(result):
    assert result.summary.actions == {"sent": sum(result.summary.actions.values())}
    assert (result.summary.unknown, result.summary.dead) == ([], [])


def test_the_sign_is_read_and_the_customer_filled_in(result):
    sign = result.summary.sign
    assert (sign.status, sign.decision) == ("sent", "matched")
    assert sign.text == sign.drawn == sign.filled


@pytest.mark.usefixtures("threads")
def test_without_the_extra_the_sign_is_a_dead_letter_with_a_reason_and_no_failure(folder, monkeypatch):
    monkeypatch.setattr(reader, "_loaded", [])
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    result = run(folder, weeks=2)
    assert (result.summary.sign.status, result.summary.sign.code) == ("dead", "extra_missing")
    assert result.folder.page.exists()


@pytest.mark.usefixtures("threads")
def test_the_command_ends_with_code_0_and_leaves_nothing_running(folder):
    outcome = CliRunner().invoke(group, ["demo", "--dir", str(folder), "--weeks", "1"])
    assert outcome.exit_code == 0, outcome.output
    assert "try next" in outcome.output
    assert (folder / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((folder / "run.json").read_text())["finished"] is True


def test_json_is_one_object_and_nothing_else_on_standard_output(folder):
    outcome = CliRunner().invoke(group, ["demo", "--dir", str(folder), "--weeks", "1", "--json"])
    found = json.loads(outcome.stdout)
    assert found["weeks"] == 1
    assert set(found["paths"]) == {"database", "page"}


def test_the_same_seed_gives_the_same_summary(folder, unbroken):
    again = run(folder, weeks=unbroken.summary.weeks)
    assert again.summary == unbroken.summary


def test_an_id_that_the_report_names_can_be_explained(result):
    with Engine.open("sales", result.folder.store) as engine:
        explanation = engine.explain(result.summary.red_lights[0].id)
    assert any("streak" in line for line in explanation.lines())


def test_where_no_font_has_chinese_the_sign_cannot_name_the_customer_and_the_report_says_how(folder, monkeypatch):
    monkeypatch.setattr(fonts, "find", lambda _path=None: fonts.latin())
    outcome = CliRunner().invoke(group, ["demo", "--dir", str(folder), "--weeks", "2"])
    assert outcome.exit_code == 0, outcome.output
    assert "pip install '.[fonts]'" in outcome.output
