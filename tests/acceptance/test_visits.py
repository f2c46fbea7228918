"""S12–S16: the visit's statechart, its evidence, what is refused, follow-ups."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest

DAY = "2026-03-02"


def moves(records: list[dict[str, Any]], name: str = "visit") -> list[tuple[str | None, str]]:
    return [(one["from"], one["to"]) for one in records if one["kind"] == "transition" and one["name"] == name]


def code(customer: str, key: str = "secret") -> str:
    return f"{customer}.{hmac.new(key.encode(), customer.encode(), hashlib.sha256).hexdigest()}"


def rejects(records: list[dict[str, Any]]) -> list[str]:
    return [one["code"] for one in records if one["kind"] == "reject"]


def plan(team: Any, number: str = "v1") -> None:
    team.send(
        "visit.planned",
        f"{DAY}T08:00",
        visit_id=number,
        rep_id="r1",
        customer_id="c1",
        planned_for=f"{DAY}T09:00:00+08:00",
    )


def test_s12_the_customer_is_taken_from_the_door_code(open_team: Callable[..., Any]) -> None:
    team = open_team(door_key="secret")
    plan(team)
    records = team.check_in("v1", f"{DAY}T10:00", customer_id=None, qr=code("c1"))
    assert moves(records) == [("planned", "checked_in")]
    assert [one["data"]["customer_id"] for one in records if one["kind"] == "emit"] == ["c1"]


@pytest.mark.parametrize("qr", [code("c1", "forged"), code("c404"), "c1", "c1.", code("c2")[:-1]])
def test_s12_an_unknown_or_forged_door_code_is_refused(open_team: Callable[..., Any], qr: str) -> None:
    team = open_team(door_key="secret")
    records = team.check_in("v1", f"{DAY}T10:00", customer_id=None, qr=qr)
    assert len(rejects(records)) == 1
    assert moves(records) == []
    assert rejects(records)[0] in ("qr_forged", "customer_unknown")


def test_s12_a_second_check_in_of_the_same_visit_makes_no_second_transition(team: Any) -> None:
    plan(team)
    assert moves(team.check_in("v1", f"{DAY}T10:00")) == [("planned", "checked_in")]
    again = team.check_in("v1", f"{DAY}T10:05", photo_hash="another")
    assert moves(again) == []
    assert [(one["kind"], one["state"]) for one in again] == [("ignored", "checked_in")]


def test_s12_a_visit_goes_from_planned_to_reported(team: Any) -> None:
    plan(team)
    team.check_in("v1", f"{DAY}T10:00")
    team.visit("v1", f"{DAY}T11:00")
    assert moves(team.records) == [
        (None, "planned"),
        ("planned", "checked_in"),
        ("checked_in", "closed"),
        ("closed", "reported"),
    ]


def test_s12_a_planned_visit_without_check_in_is_missed_at_the_end_of_its_day(team: Any) -> None:
    plan(team)
    assert moves(team.advance(f"{DAY}T23:59:59")) == []
    assert moves(team.advance("2026-03-03T00:00")) == [("planned", "missed")]


@pytest.mark.parametrize("start", ["check_in", "close"])
def test_s12_an_unplanned_visit_may_start_with_its_check_in_or_its_closing(team: Any, start: str) -> None:
    if start == "check_in":
        team.check_in("v9", f"{DAY}T10:00")
    else:
        team.visit("v9", f"{DAY}T10:00", feedback=False)
    assert moves(team.records)[-1] == ("planned", "checked_in" if start == "check_in" else "closed")


@pytest.mark.parametrize("field", ["lat", "lon", "photo_hash", "notes", "device_time"])
def test_s13_a_check_in_without_one_part_of_its_evidence_is_refused_by_name(team: Any, field: str) -> None:
    records = team.check_in("v1", f"{DAY}T10:00", **{field: None})
    assert rejects(records) == ["missing_field"]
    assert f"data.{field}" in records[0]["reason"]


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
@pytest.mark.parametrize("field", ["photo_hash", "notes"])
def test_s13_blank_evidence_is_no_evidence(team: Any, field: str, blank: str) -> None:
    records = team.check_in("v1", f"{DAY}T10:00", **{field: blank})
    assert rejects(records) == ["missing_field"]
    assert records[0]["reason"] == f"data.{field} is blank"
    assert moves(team.check_in("v1", f"{DAY}T10:01")) == [(None, "planned"), ("planned", "checked_in")]


def test_s13_a_check_in_without_a_time_is_refused_by_name(team: Any, event: Callable[..., Any]) -> None:
    line = event("visit.checked_in", f"{DAY}T10:00", visit_id="v1")
    del line["time"]
    records = team.handle(line)
    assert rejects(records) == ["missing_field"]
    assert "time" in records[0]["reason"]


@pytest.mark.parametrize(("dlat", "refused"), [(0.0017, False), (0.0018, True)], ids=["189.0 m", "200.2 m"])
def test_s14_a_check_in_farther_than_the_radius_is_refused(team: Any, dlat: float, refused: bool) -> None:
    records = team.check_in("v1", f"{DAY}T10:00", lat=30.25 + dlat)
    assert rejects(records) == (["too_far"] if refused else [])
    assert bool(moves(records)) is not refused


def test_s14_a_customer_without_a_position_can_be_visited_anywhere(team: Any) -> None:
    team.put("customer", id="c9", name="新客户", tier="A", industry="烘焙")
    assert moves(team.check_in("v1", f"{DAY}T10:00", customer_id="c9", lat=10.0))[-1] == ("planned", "checked_in")


def test_s14_a_phone_two_hours_behind_the_server_is_suspected_of_backfilling(
    team: Any, event: Callable[..., Any]
) -> None:
    def at(device: str, minutes: int) -> list[dict[str, Any]]:
        line = event("visit.checked_in", f"{DAY}T10:{minutes}", visit_id=f"v{minutes}", rep_id="r1", customer_id="c1", lat=30.25,
                     lon=120.16, device_id="p", device_time=f"{DAY}T{device}+08:00", photo_hash=f"h{minutes}", notes="n")  # fmt: skip
        line["receivedtime"] = f"{DAY}T10:{minutes}:30+08:00"
        return team.handle(line)

    assert rejects(at("08:00:30", 10)) == ["backfill_suspected"]
    assert rejects(at("10:01:29", 12)) == ["backfill_suspected"]
    assert rejects(at("10:04:30", 14)) == []


def test_s14_an_offline_check_in_is_held_against_its_own_time(team: Any, event: Callable[..., Any]) -> None:
    line = event("visit.checked_in", f"{DAY}T10:00", visit_id="v1", rep_id="r1", customer_id="c1", lat=30.25, lon=120.16,
                 device_id="p", device_time=f"{DAY}T10:00:00+08:00", photo_hash="h", notes="n", offline=True)  # fmt: skip
    line["receivedtime"] = f"{DAY}T18:00:00+08:00"
    assert moves(team.handle(line))[-1] == ("planned", "checked_in")


def test_s14_the_same_photo_twice_is_refused_but_counts_as_the_reps_event(team: Any) -> None:
    team.check_in("v1", f"{DAY}T10:00", photo_hash="same")
    records = team.check_in("v2", f"{DAY}T11:00", photo_hash="same")
    assert rejects(records) == ["photo_reused"]
    assert moves(records) == []
    delivered = [
        (one.type, one.id) for one in team.engine.store.events(scope="rep", key="r1") if one.type == "visit.checked_in"
    ]
    assert len(delivered) == 2


def test_s14_a_replayed_check_in_changes_nothing(team: Any, event: Callable[..., Any]) -> None:
    plan(team)
    line = event("visit.checked_in", f"{DAY}T10:00", id="once", visit_id="v1", rep_id="r1", customer_id="c1", lat=30.25, lon=120.16,
                 device_id="p", device_time=f"{DAY}T10:00:00+08:00", photo_hash="h", notes="n")  # fmt: skip
    assert moves(team.handle(line)) == [("planned", "checked_in")]
    assert team.handle(line) == []


def test_s16_a_follow_up_that_is_due_and_not_done_is_overdue(team: Any) -> None:
    follow = {"rep_id": "r1", "customer_id": "c1", "reason": "催促回款"}
    team.send("follow_up.requested", f"{DAY}T10:00", follow_up_id="f1", due="2026-03-11T09:00:00+08:00", **follow)
    team.send("follow_up.requested", f"{DAY}T10:00", follow_up_id="f2", due="2026-03-11T09:00:00+08:00", **follow)
    team.send("follow_up.completed", "2026-03-11T09:00", follow_up_id="f2", **follow)
    team.advance("2026-03-11T09:00")
    ends = {key: [one["to"] for one in team.of("transition", name="follow_up", key=key)] for key in ("f1", "f2")}
    assert ends == {"f1": ["open", "overdue"], "f2": ["open", "done"]}


def test_s16_without_a_due_time_two_working_hours_are_given(team: Any) -> None:
    team.send("follow_up.requested", f"{DAY}T17:30", follow_up_id="f1", rep_id="r1", reason="客户提问")
    assert moves(team.advance("2026-03-03T10:29:59"), "follow_up") == []
    assert moves(team.advance("2026-03-03T10:30"), "follow_up") == [("open", "overdue")]
