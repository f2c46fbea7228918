"""S2, S19–S23: weeks, lamps, episodes, messages, corrections."""

from collections.abc import Callable
from typing import Any

import pytest

RED_AT = "2026-03-16T00:00:00+08:00"


def weeks(team: Any, *counts: int, rep: str = "r1") -> None:
    """So many key visits in W10, W11, …, on Tuesdays and Wednesdays."""
    for week, count in enumerate(counts):
        for number in range(count):
            day = 3 + 7 * week
            team.visit(f"v{week}-{number}-{rep}", f"2026-03-{day:02}T1{number}:00", rep=rep)


def test_s02_three_key_visits_a_week_reach_the_target_and_two_do_not(team: Any) -> None:
    weeks(team, 3)
    weeks(team, 2, rep="r2")
    team.advance("2026-03-09T00:00")
    assert team.levels("r1") == []
    assert team.levels("r2") == [("2026-03-09T00:00:00+08:00", "yellow", "firing")]


@pytest.mark.parametrize(("reported", "met"), [(19, True), (18, False)], ids=["95 %", "90 %"])
def test_s02_nineteen_of_twenty_trials_reported_meet_the_target_and_eighteen_do_not(
    team: Any, reported: int, met: bool
) -> None:
    for number in range(20):
        team.send("trial.started", f"2026-03-03T10:{number:02}", trial_id=f"t{number}", rep_id="r1", customer_id="c1")
    for number in range(reported):
        team.send("trial.reported", f"2026-03-04T10:{number:02}", trial_id=f"t{number}", rep_id="r1", customer_id="c1")
    team.advance("2026-03-09T00:00")
    assert team.engine.metrics("rep", "r1")["trial_rate"].last(1) == [reported / 20]
    assert bool(team.levels("r1", "trial_feedback")) is not met


def test_s19_two_weeks_below_two_turn_red_at_the_end_of_the_second(team: Any) -> None:
    weeks(team, 1, 1)
    team.advance("2026-03-15T23:59:59")
    assert [level for _, level, _ in team.levels("r1")] == ["yellow"]
    team.advance("2026-03-16T00:00")
    assert team.levels("r1")[-1] == (RED_AT, "red", "firing")


@pytest.mark.parametrize("counts", [(1, 2), (2, 1), (2, 2), (3, 3)])
def test_s19_one_week_of_two_or_more_is_not_red(team: Any, counts: tuple[int, int]) -> None:
    weeks(team, *counts)
    team.advance("2026-03-16T00:00")
    assert "red" not in [level for _, level, _ in team.levels("r1")]


def test_s19_a_rep_with_no_event_at_all_turns_red_too(team: Any) -> None:
    weeks(team, 3, 3)
    team.advance("2026-03-16T00:00")
    assert team.levels("r2")[-1] == (RED_AT, "red", "firing")
    assert team.levels("m1") == []


def test_s19_only_visits_to_key_customers_count(team: Any) -> None:
    for number in range(3):
        team.visit(f"b{number}", f"2026-03-03T1{number}:00", customer="c3")
        team.visit(f"d{number}", f"2026-03-10T1{number}:00", customer="c3")
    team.advance("2026-03-16T00:00")
    assert team.levels("r1")[-1][1] == "red"


def test_s19_a_week_is_judged_only_for_those_known_when_it_began(team: Any) -> None:
    weeks(team, 3, rep="r2")
    team.put("rep", "2026-03-04T09:00:00+08:00", id="new", employee_no="9", active=True, manager="m1")
    team.advance("2026-03-16T00:00")
    assert [level for _, level, _ in team.levels("new")] == ["yellow"]
    team.advance("2026-03-23T00:00")
    assert team.levels("new")[-1] == ("2026-03-23T00:00:00+08:00", "red", "firing")


def test_s19_a_week_that_was_spent_on_leave_is_not_judged(team: Any) -> None:
    weeks(team, 1)
    times = {"from": "2026-03-09T09:00:00+08:00", "until": "2026-03-13T18:00:00+08:00"}
    team.put("absence", "2026-03-08T12:00:00+08:00", id="a1", rep="r1", **times)
    team.advance("2026-03-20T00:00")
    assert [level for _, level, _ in team.levels("r1")] == ["yellow"]
    assert [level for _, level, _ in team.levels("r2")] == ["yellow", "red"]
    assert team.engine.metrics("rep", "r1")["key_visits"].last(4) == [1]


def test_s19_a_rep_who_is_not_active_at_a_weeks_end_is_not_judged(team: Any) -> None:
    weeks(team, 3, rep="r2")
    team.put("rep", "2026-03-05T00:00:00+08:00", id="r1", employee_no="1003", active=False, manager="m1")
    team.advance("2026-03-23T00:00")
    assert team.levels("r1") == []


def test_s19_the_thresholds_are_params(open_team: Callable[..., Any]) -> None:
    team = open_team(weekly_visits_red=1, weeks_in_a_row=1)
    weeks(team, 1, 0)
    team.advance("2026-03-16T00:00")
    assert team.levels("r1")[-1] == (RED_AT, "red", "firing")


def test_s20_feedback_exactly_48_hours_after_the_visit_is_in_time(team: Any) -> None:
    team.visit("v1", "2026-03-02T10:00", feedback=False)
    team.send("feedback.submitted", "2026-03-04T10:00", visit_id="v1", rep_id="r1", customer_id="c1", text="好")
    team.advance("2026-03-06T00:00")
    assert "red" not in [level for _, level, _ in team.levels("r1")]


def test_s20_feedback_missing_for_more_than_48_hours_turns_red_and_feedback_clears_it(team: Any) -> None:
    team.visit("v1", "2026-03-02T10:00", feedback=False)
    team.advance("2026-03-04T10:00:00")
    assert [level for _, level, _ in team.levels("r1")] == ["yellow"]
    team.advance("2026-03-04T10:00:01")
    assert team.levels("r1")[-1] == ("2026-03-04T10:00:01+08:00", "red", "firing")
    team.send("feedback.submitted", "2026-03-04T12:00", visit_id="v1", rep_id="r1", customer_id="c1", text="好")
    assert team.levels("r1")[-1] == ("2026-03-04T12:00:00+08:00", "green", "resolved")


def test_s21_one_red_episode_sends_exactly_one_message_to_the_manager(team: Any) -> None:
    weeks(team, 1, 1)
    team.visit("late", "2026-03-15T10:00", feedback=False)
    team.advance("2026-03-22T00:00")
    sent = team.of("action", key="r1")
    assert [(one["do"], one["to"], one["correction"]) for one in sent] == [("dingtalk.message", "m1", False)]
    assert sent[0]["dedupe_key"].startswith("visit_discipline/r1/")
    assert sent[0]["dedupe_key"].endswith("/red")
    assert "r1" in sent[0]["with"]["title"]


def test_s22_the_heat_map_holds_the_check_ins_of_the_last_seven_days_and_no_other(team: Any) -> None:
    team.visit("v0", "2026-03-03T12:00")
    for number, time in enumerate(["2026-03-08T23:59", "2026-03-09T00:00", "2026-03-12T10:00", "2026-03-15T23:59"]):
        team.check_in(f"v{number + 1}", time)
    team.advance("2026-03-16T00:00")
    attach = team.of("action", key="r1")[0]["attach"]
    assert (attach["heatmap"], attach["from"], attach["to"]) == ("visit.arrived", "2026-03-09T00:00:00+08:00", RED_AT)
    assert [point["time"][:16] for point in attach["points"]] == [
        "2026-03-09T00:00",
        "2026-03-12T10:00",
        "2026-03-15T23:59",
    ]


def test_s22_a_rep_without_a_check_in_gets_a_heat_map_without_points(team: Any) -> None:
    weeks(team, 1, 1)
    team.advance("2026-03-16T00:00")
    assert team.of("action", key="r1")[0]["attach"]["points"] == []


def test_s23_a_good_week_turns_the_lamp_green_again(team: Any) -> None:
    weeks(team, 1, 1, 3)
    team.advance("2026-03-23T00:00")
    assert team.levels("r1")[-1] == ("2026-03-23T00:00:00+08:00", "green", "resolved")
    assert len(team.of("action", key="r1")) == 1


def test_s23_a_late_visit_retracts_the_red_light_and_sends_one_correction(team: Any) -> None:
    weeks(team, 1, 1)
    team.visit("other", "2026-03-17T09:00", rep="r2")
    before = team.of("action", key="r1")
    team.send("feedback.submitted", "2026-03-13T16:05", visit_id="late", rep_id="r1", customer_id="c1", text="好")
    team.send("visit.closed", "2026-03-13T16:00", visit_id="late", rep_id="r1", customer_id="c1")
    at, level, status = team.levels("r1")[-1]
    assert (at, level, status) == ("2026-03-17T09:00:00+08:00", "yellow", "retracted")
    after = team.of("action", key="r1")[len(before) :]
    assert [(one["to"], one["correction"]) for one in after] == [("m1", True)]


def test_s23_a_red_light_with_another_reason_stays_red(team: Any) -> None:
    weeks(team, 1, 1)
    team.visit("other", "2026-03-17T09:00", rep="r2")
    team.send("visit.closed", "2026-03-13T16:00", visit_id="late", rep_id="r1", customer_id="c1")
    assert team.levels("r1")[-1] == (RED_AT, "red", "firing")
    assert not [one for one in team.of("action", key="r1") if one["correction"]]
