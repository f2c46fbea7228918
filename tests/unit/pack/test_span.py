from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.pack.span import micros, parse_date, parse_span, parse_start


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("72h", timedelta(hours=72)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
        ("500ms", timedelta(milliseconds=500)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta()),
    ],
)
def test_spans_are_read(text: str, span: timedelta) -> None:
    assert parse_span(text) == span
    assert micros(parse_span(text)) == round(span.total_seconds() * 1_000_000)


@pytest.mark.parametrize("text", ["", "72", "h", "72 h", "-1h", "1y", "72hours", 72, None, "999999999999d", "40000d"])
def test_what_is_no_span_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"span of time|longer than"):
        parse_span(text)


def test_a_start_is_the_first_instant_of_a_local_day_or_an_instant() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")

    assert parse_start("2026-03-02", shanghai) == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert parse_start("2026-03-02T09:00:00+08:00", shanghai) == datetime(2026, 3, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="neither a date"):
        parse_start("soon", shanghai)


def test_dates_are_real_days() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    with pytest.raises(ValueError, match="not a date"):
        parse_date("2026-02-29")
