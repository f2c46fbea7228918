"""S30–S33: the right scripts, best first; proof; feedback that counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DAY = "2026-03-02"


@pytest.fixture
def seller(team: Any) -> Any:
    """A customer who buys cakes, and scripts of which it is known how many criteria each meets."""
    team.put("customer", id="c5", name="甜里", tier="A", industry="烘焙", categories=["蛋糕"])
    return team


def script(team: Any, number: str, **fields: Any) -> None:
    team.put(
        "script",
        **{"id": number, "scene": "s0", "text": f"话术 {number}", "industry": "any", "verified": True, **fields},
    )


def ask(team: Any, number: str = "1", *, time: str = f"{DAY}T10:00", rep: str = "r1") -> list[dict[str, Any]]:
    records = team.send(
        "communication.started",
        time,
        communication_id=number,
        rep_id=rep,
        customer_id="c5",
        purpose="价格",
        scene="价格异议",
    )
    (popup,) = [one for one in records if one["kind"] == "popup"]
    return list(popup["items"])


def rate(team: Any, number: str, rating: str, *, rep: str = "r2", time: str = f"{DAY}T11:00", **fields: Any) -> Any:
    return team.send(
        "popup.rated",
        time,
        popup_id="talk_track:e1",
        script_id=number,
        rep_id=rep,
        rating=rating,
        **{"reason": "好用", **fields},
    )


def test_s30_five_scripts_with_known_scores_give_exactly_the_best_three_in_order(seller: Any) -> None:
    script(seller, "s4", industry="烘焙", purpose="价格", category="蛋糕", scene="价格异议")
    script(seller, "s3", industry="烘焙", purpose="价格", category="蛋糕")
    script(seller, "s2", industry="烘焙", purpose="价格")
    script(seller, "s1", industry="烘焙")
    script(seller, "s0")
    items = ask(seller)
    assert [(one["id"], one["score"]) for one in items] == [("s4", 4.5), ("s3", 3.5), ("s2", 2.5)]
    assert [len(one["why"]) for one in items] == [5, 4, 3]


def test_s30_two_that_match_give_two_and_another_industry_is_never_shown(seller: Any) -> None:
    script(seller, "a", industry="烘焙")
    script(seller, "b")
    script(seller, "c", industry="医疗")
    assert [one["id"] for one in ask(seller)] == ["a", "b"]


def test_s30_ties_are_ordered_by_id(seller: Any) -> None:
    for number in ("b", "c", "a", "d"):
        script(seller, number)
    assert [one["id"] for one in ask(seller)] == ["a", "b", "c"]


def test_s30_an_unverified_script_is_never_shown(seller: Any) -> None:
    script(seller, "best", industry="烘焙", purpose="价格", category="蛋糕", scene="价格异议", verified=False)
    script(seller, "plain")
    assert [one["id"] for one in ask(seller)] == ["plain"]


def test_s30_without_any_script_the_pop_up_is_empty(seller: Any) -> None:
    assert ask(seller) == []


def test_s31_the_proof_is_the_mean_of_colleagues_and_leaves_out_ones_own(open_team: Callable[..., Any]) -> None:
    team = open_team(popup_min_n=3)
    team.put("customer", id="c5", name="甜里", tier="A", industry="烘焙")
    script(team, "s")
    for rep, days in (("r2", 2.0), ("r2", 2.6), ("r3", 2.3), ("r1", 40.0)):
        team.send("script.result", f"{DAY}T09:00", script_id="s", rep_id=rep, customer_id="c5", days_saved=days)
    assert ask(team)[0]["proof"] == "采用此话术的同事平均缩短决策周期2.3天"


def test_s31_below_the_least_number_of_observations_the_line_is_hidden(seller: Any) -> None:
    script(seller, "s")
    for _ in range(4):
        seller.send("script.result", f"{DAY}T09:00", script_id="s", rep_id="r2", customer_id="c5", days_saved=2.0)
    assert ask(seller)[0]["proof"] is None
    seller.send("script.result", f"{DAY}T10:30", script_id="s", rep_id="r2", customer_id="c5", days_saved=2.0)
    assert "2天" in ask(seller, "2", time=f"{DAY}T11:00")[0]["proof"]


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_s32_a_rating_without_a_reason_is_refused(seller: Any, reason: str | None) -> None:
    script(seller, "s")
    data = {"popup_id": "talk_track:e1", "script_id": "s", "rep_id": "r1", "rating": "effective"}
    records = seller.send("popup.rated", f"{DAY}T11:00", **data, **({} if reason is None else {"reason": reason}))
    assert [(one["kind"], one["code"]) for one in records] == [("reject", "missing_field")]
    assert "data.reason" in records[0]["reason"]


def test_s32_a_visit_cannot_close_while_a_used_script_is_not_rated(seller: Any) -> None:
    script(seller, "s")
    seller.check_in("v1", f"{DAY}T09:00")
    used = {"popup_id": "talk_track:e1", "script_id": "s", "rep_id": "r1", "visit_id": "v1"}
    close = {"visit_id": "v1", "rep_id": "r1", "customer_id": "c1"}
    seller.send("popup.used", f"{DAY}T10:00", **used)
    refused = seller.send("visit.closed", f"{DAY}T10:30", **close)
    assert [(one["kind"], one["code"]) for one in refused] == [("reject", "popup_unrated")]
    seller.send("popup.rated", f"{DAY}T10:40", rating="partly", reason="一般", **used)
    closed = seller.send("visit.closed", f"{DAY}T10:50", **close)
    assert [(one["from"], one["to"]) for one in closed if one["kind"] == "transition"] == [("checked_in", "closed")]


USED = {"popup_id": "talk_track:e1", "script_id": "s", "rep_id": "r1"}
RATED = {**USED, "rating": "partly", "reason": "一般"}


def closing(seller: Any, number: str = "v1", time: str = "10:50") -> list[str]:
    """What comes of closing a visit: the codes that refuse it, or the state that it is in."""
    records = seller.send("visit.closed", f"{DAY}T{time}", visit_id=number, rep_id="r1", customer_id="c1")
    return [one.get("code") or one["to"] for one in records if one["kind"] in ("reject", "transition")]


def test_s32_a_rating_without_its_visit_frees_the_visit_that_the_script_was_used_in(seller: Any) -> None:
    script(seller, "s")
    for number in ("v1", "v2"):
        seller.check_in(number, f"{DAY}T09:00")
    seller.send("popup.used", f"{DAY}T10:00", visit_id="v1", **USED)
    seller.send("popup.used", f"{DAY}T10:05", visit_id="v2", **{**USED, "popup_id": "talk_track:e2"})
    seller.send("popup.rated", f"{DAY}T10:40", **RATED)
    assert closing(seller, "v1") == ["closed"]
    assert closing(seller, "v2") == ["popup_unrated"]


def test_s32_a_rating_that_overtakes_its_use_frees_the_visit_as_well(seller: Any) -> None:
    script(seller, "s")
    seller.check_in("v1", f"{DAY}T09:00")
    seller.send("popup.rated", f"{DAY}T10:40", **RATED)
    seller.send("popup.used", f"{DAY}T10:00", visit_id="v1", **USED)
    assert closing(seller) == ["closed"]


def test_s32_a_rating_with_its_visit_needs_no_finding(seller: Any) -> None:
    script(seller, "s")
    seller.check_in("v1", f"{DAY}T09:00")
    seller.send("popup.used", f"{DAY}T10:00", visit_id="v1", **USED)
    seller.send("popup.rated", f"{DAY}T10:40", visit_id="v1", **RATED)
    seller.send("popup.used", f"{DAY}T10:41", visit_id="v1", **USED)
    assert closing(seller) == ["closed"]
    assert seller.of("emit", type="popup.settled") == []


def test_s32_a_missed_visit_is_freed_too(seller: Any) -> None:
    script(seller, "s")
    seller.send("popup.used", "2026-02-27T10:00", visit_id="v1", **USED)
    planned = {"visit_id": "v1", "rep_id": "r1", "customer_id": "c1", "planned_for": "2026-02-27T15:00:00+08:00"}
    seller.send("visit.planned", "2026-02-27T10:00", **planned)
    assert closing(seller, time="08:00") == ["missed", "popup_unrated"]
    seller.send("popup.rated", f"{DAY}T10:40", **RATED)
    assert closing(seller) == ["closed"]


def test_s33_ratings_move_the_mean_from_its_prior_and_the_next_pop_up_ranks_again(seller: Any) -> None:
    script(seller, "a")
    script(seller, "b")
    assert [(one["id"], one["score"]) for one in ask(seller)] == [("a", 0.5), ("b", 0.5)]
    for minute in range(3):
        rate(seller, "b", "effective", time=f"{DAY}T11:0{minute}")
    assert [(one["id"], one["score"]) for one in ask(seller, "2", time=f"{DAY}T12:00")] == [("b", 0.8), ("a", 0.5)]
    rate(seller, "b", "ineffective", time=f"{DAY}T12:30")
    assert [(one["id"], one["score"]) for one in ask(seller, "3", time=f"{DAY}T13:00")] == [("b", 0.667), ("a", 0.5)]


def test_s33_ones_own_ratings_are_not_colleagues(seller: Any) -> None:
    script(seller, "a")
    script(seller, "b")
    for minute in range(3):
        rate(seller, "b", "effective", rep="r1", time=f"{DAY}T11:0{minute}")
    assert [(one["id"], one["score"]) for one in ask(seller, "1", time=f"{DAY}T12:00", rep="r1")] == [
        ("a", 0.5),
        ("b", 0.5),
    ]
    assert [(one["id"], one["score"]) for one in ask(seller, "2", time=f"{DAY}T12:10", rep="r2")] == [
        ("b", 0.8),
        ("a", 0.5),
    ]
    rate(seller, "b", "ineffective", rep="r2", time=f"{DAY}T13:00")
    own = ask(seller, "3", time=f"{DAY}T13:10", rep="r1")
    assert [(one["id"], one["score"], one["why"]) for one in own] == [
        ("a", 0.5, ["同事评价 0.50"]),
        ("b", 0.333, ["同事评价 0.33"]),
    ]


def test_s33_what_was_rated_counts_after_a_restart(open_team: Callable[..., Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    team = open_team(url)
    team.put("customer", id="c5", name="甜里", tier="A", industry="烘焙")
    script(team, "a")
    rate(team, "a", "effective", rep="r1")
    rate(team, "a", "partly", rep="r2", time=f"{DAY}T11:01")
    again = open_team(url, known=False)
    assert ask(again, "1", time=f"{DAY}T12:00", rep="r1")[0]["score"] == 0.5
    assert ask(again, "2", time=f"{DAY}T12:01", rep="r2")[0]["score"] == 0.667
    assert ask(again, "3", time=f"{DAY}T12:02", rep="r3")[0]["score"] == 0.625
