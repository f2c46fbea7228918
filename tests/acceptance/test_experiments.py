"""S37: who is in which arm."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.core.hashing import bucket, choose


def open_proposal(team: Any, rep: str, number: str, time: str = "2026-03-03T10:00") -> list[tuple[str, str]]:
    records = team.send("proposal.opened", time, proposal_id=number, rep_id=rep, customer_id="c1")
    return [(one["variant"], one["by"]) for one in records if one["kind"] == "assignment"]


@pytest.mark.parametrize(("rep", "arm"), [("r1", "h5"), ("r2", "ppt")], ids=["1003", "1004"])
def test_s37_the_last_digit_decides_and_decides_once(team: Any, rep: str, arm: str) -> None:
    assert open_proposal(team, rep, "p1") == [(arm, "parity")]
    assert open_proposal(team, rep, "p2") == []
    assert team.engine.state("rep", rep)["assignments"] == {"h5_proposal": arm}


def test_s37_a_number_without_a_digit_falls_to_hashing_always_the_same(open_team: Callable[..., Any]) -> None:
    expected = choose((("h5", 0.5), ("ppt", 0.5)), bucket("h5_proposal", "r3"))
    for _ in range(2):
        assert open_proposal(open_team(), "r3", "p1") == [(expected, "hash")]


def test_s37_before_its_start_and_for_those_not_eligible_there_is_no_arm(team: Any) -> None:
    assert open_proposal(team, "r1", "p1", "2026-03-01T23:59") == []
    team.put("rep", "2026-03-02T00:00:00+08:00", id="r2", employee_no="1004", active=False, manager="m1")
    assert open_proposal(team, "r2", "p2", "2026-03-04T10:00") == []
    assert open_proposal(team, "r1", "p3", "2026-03-04T11:00") == [("h5", "parity")]
