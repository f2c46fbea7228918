"""S51: quotes that stall, also over a restart, and their share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def states(team: Any, key: str) -> list[tuple[str, str]]:
    return [(one["to"], one["at"]) for one in team.of("transition", name="quote", key=key)]


def test_s51_a_reply_one_second_before_72_hours_keeps_the_quote_alive(team: Any) -> None:
    team.send("quote.sent", "2026-03-02T10:00", quote_id="q1", rep_id="r1", customer_id="c1", amount=1000.0)
    team.send("quote.replied", "2026-03-05T09:59:59", quote_id="q1", rep_id="r1", customer_id="c1")
    team.advance("2026-03-20T00:00")
    assert [state for state, _ in states(team, "q1")] == ["draft", "sent", "negotiating"]


def test_s51_a_reply_at_72_hours_sharp_is_in_time(team: Any) -> None:
    team.send("quote.sent", "2026-03-02T10:00", quote_id="q1", rep_id="r1")
    team.send("quote.replied", "2026-03-05T10:00", quote_id="q1", rep_id="r1")
    team.advance("2026-03-20T00:00")
    assert [state for state, _ in states(team, "q1")][-1] == "negotiating"


def test_s51_without_a_reply_the_quote_stalls_at_72_hours_and_its_light_turns_red(team: Any) -> None:
    team.send("quote.created", "2026-03-02T09:00", quote_id="q1", rep_id="r1", customer_id="c1")
    team.send("quote.sent", "2026-03-02T10:00", quote_id="q1", rep_id="r1", customer_id="c1")
    team.advance("2026-03-05T09:59:59")
    assert states(team, "q1")[-1][0] == "sent"
    team.advance("2026-03-05T10:00")
    assert states(team, "q1")[-1] == ("stalled", "2026-03-05T10:00:00+08:00")
    assert team.levels("q1", "quote_stalled") == [("2026-03-05T10:00:00+08:00", "red", "firing")]
    team.send("quote.accepted", "2026-03-06T10:00", quote_id="q1", rep_id="r1", customer_id="c1")
    assert states(team, "q1")[-1][0] == "won"
    assert team.levels("q1", "quote_stalled")[-1][1:] == ("green", "resolved")


def test_s51_the_deadline_survives_the_process(open_team: Callable[..., Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'quotes.db'}"
    first = open_team(url)
    first.send("quote.sent", "2026-03-02T10:00", quote_id="q1", rep_id="r1")
    first.send("quote.sent", "2026-03-02T11:00", quote_id="q2", rep_id="r1")
    first.engine.close()
    second = open_team(url, known=False)
    second.send("quote.replied", "2026-03-05T10:30", quote_id="q2", rep_id="r1", id="later")
    assert states(second, "q1") == [("stalled", "2026-03-05T10:00:00+08:00")]
    second.advance("2026-03-20T00:00")
    assert [state for state, _ in states(second, "q2")] == ["negotiating"]


def test_s51_eight_of_twenty_five_quotes_without_a_reply_are_32_percent(team: Any) -> None:
    for number in range(25):
        team.send("quote.sent", f"2026-03-02T10:{number:02}", quote_id=f"q{number}", rep_id="r1", customer_id="c3")
    for number in range(17):
        team.send("quote.replied", f"2026-03-03T10:{number:02}", quote_id=f"q{number}", rep_id="r1", customer_id="c3")
    team.advance("2026-03-05T10:24")
    assert team.engine.metrics("rep", "r1")["stall_rate"].now == pytest.approx(0.32)
    assert len(team.of("emit", type="quote.stalled")) == 8


def test_s51_an_amount_of_zero_is_refused_with_a_reason(team: Any) -> None:
    records = team.send("quote.sent", "2026-03-02T10:00", quote_id="q1", rep_id="r1", amount=0.0)
    assert [(one["kind"], one["code"]) for one in records] == [("reject", "amount")]
    assert states(team, "q1") == []
