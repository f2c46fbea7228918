"""The simulated team: the same seed is the same life, and what its apps send is what the packs declare."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from engine import Engine
from engine.demo import season
from engine.demo.cast import team
from engine.demo.team import simulate

WRONG = {"unknown_reference", "missing_field", "unknown_type", "wrong_type", "bad_json"}
"""What the five lines of an old app are refused for."""

REFUSED = {"too_far", "backfill_suspected", "photo_reused", "qr_forged", "popup_unrated"}
"""What check-ins and closings are refused for."""


def lived(weeks: int, seed: int = 7) -> list[dict]:
    """Every record that the sales packs make of a simulation."""
    found = simulate(seed, weeks)
    with Engine.open("sales") as engine:
        engine.load_entities([(line, "team") for line in found.entities()], None)
        engine.begin(season.START)
        records = [*engine.handle_many([entry.line for entry in found.entries])]
        return [*records, *engine.advance(season.START + timedelta(weeks=weeks))]


@pytest.fixture(scope="module")
def records() -> list[dict]:
    return lived(season.WEEKS)


def test_the_same_seed_gives_the_same_lines():
    assert [entry.line for entry in simulate(7).entries] == [entry.line for entry in simulate(7).entries]
    assert simulate(7).entities() == simulate(7).entities()


def test_another_seed_gives_other_lines():
    assert [entry.line for entry in simulate(7).entries] != [entry.line for entry in simulate(8).entries]


def test_fewer_weeks_are_the_beginning_of_more():
    short, long = simulate(7, 3).entries, simulate(7).entries
    assert [entry.line for entry in short] == [entry.line for entry in long[: len(short)]]


def test_lines_come_in_the_order_of_their_arrival():
    times = [entry.arrived for entry in simulate(7).entries]
    assert times == sorted(times)


def test_three_regions_twelve_reps_sixty_customers_thirty_scripts_and_thousands_of_events():
    found = simulate(7)
    assert {rep.region.name for rep in found.reps} == {"华东", "华南", "华北"}
    assert (len(found.managers), len(found.reps), len(found.customers), len(found.scripts)) == (3, 12, 60, 30)
    assert len({customer.name for customer in found.customers}) > 50
    assert any(not script.verified for script in found.scripts)
    assert 3000 <= len(found.entries) <= 6000


def test_every_event_fits_its_declaration_but_the_five_lines_of_an_old_app(records):
    rejects = Counter(record["code"] for record in records if record["kind"] == "reject")
    assert {code: rejects[code] for code in WRONG} == dict.fromkeys(WRONG, 1)
    assert set(rejects) == WRONG | REFUSED
    assert simulate(7).unusable == len(WRONG)


def test_nothing_ends_as_an_error(records):
    assert [record for record in records if record["kind"] == "error"] == []


@pytest.mark.parametrize("seed", [1, 11])
def test_another_life_has_no_unexpected_reject_either(seed):
    rejects = {record["code"] for record in lived(4, seed) if record["kind"] == "reject"}
    assert WRONG <= rejects <= WRONG | REFUSED


def test_exactly_the_lights_of_the_season_turn_red(records):
    changes = [one for one in records if one["kind"] == "alert" and one["name"] == "visit_discipline"]
    red = [one["key"] for one in changes if one["level"] == "red"]
    withdrawn = [one["key"] for one in changes if one["status"] == "retracted"]
    assert sorted(red) == sorted(light.rep for light in season.lights())
    assert withdrawn == [light.rep for light in season.lights() if light.withdrawn]


@pytest.mark.parametrize("seed", [2, 23])
def test_the_lights_do_not_depend_on_the_seed(seed):
    changes = [one for one in lived(5, seed) if one["kind"] == "alert" and one["name"] == "visit_discipline"]
    assert sorted(one["key"] for one in changes if one["level"] == "red") == sorted(
        light.rep for light in season.lights(5)
    )


def test_a_script_that_was_used_was_among_those_shown(records):
    shown = {
        f"talk_track:{record['event']}": {item["id"] for item in record["items"]}
        for record in records
        if record["kind"] == "popup"
    }
    used = [
        json.loads(entry.line)["data"] for entry in simulate(7).entries if (entry.event or "").startswith("popup.used")
    ]
    hits = sum(one["script_id"] in shown[one["popup_id"]] for one in used)
    assert hits >= 0.95 * len(used)


def test_a_phone_that_was_offline_delivers_days_later():
    late = [
        (datetime.fromisoformat(event["receivedtime"]) - datetime.fromisoformat(event["time"]))
        for event in (json.loads(entry.line) for entry in simulate(7).entries if entry.event)
        if "receivedtime" in event
    ]
    assert len(late) == 3
    assert all(timedelta(days=4) < delay < timedelta(days=7) for delay in late)


def test_an_employee_number_without_a_digit_is_neither_odd_nor_even():
    _, reps = team()
    assert {rep.employee_no: rep.odd for rep in reps if rep.employee_no in ("1003", "1004", "BJ-A")} == {
        "1003": True,
        "1004": False,
        "BJ-A": None,
    }


def test_nobody_works_on_the_holiday_of_qingming():
    assert season.day(5, 0) in season.HOLIDAYS
    visits = [
        json.loads(entry.line)
        for entry in simulate(7).entries
        if (entry.event or "").startswith("visit.checked_in") and entry.arrived.date() == season.day(5, 0)
    ]
    assert visits == []
