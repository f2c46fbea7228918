"""Quotes from draft to an end, and the follow-ups that go along with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from engine.demo.cast import Customer, Rep
from engine.demo.diary import Diary, stamp
from engine.demo.season import at, next_workday, office, workdays

Fate = Literal["won", "lost", "stalled", "revived", "revised"]

_FATES: tuple[Fate, ...] = ("won", "lost", "stalled", "revived", "revised")
_WEIGHTS = (38, 24, 16, 12, 10)
_SIZES = {"KA": 240_000, "A": 110_000, "B": 46_000, "C": 18_000}
"""Typical amounts in yuan, by tier."""

_FOLLOW_UPS = ("sample", "contract", "service_call", "payment")


class Desk:
    """Writes quotes and follow-ups of all reps into the diary. The same seed writes the same ones."""

    def __init__(self, seed: int, diary: Diary) -> None:
        self._random = Random(f"quotes/{seed}")
        self._diary = diary
        self._quotes = 0
        self._follow_ups = 0

    def week(self, rep: Rep, customers: list[Customer], week: int) -> None:
        """One or two quotes of a rep, and one or two follow-ups."""
        for _ in range(self._random.choice((1, 1, 2))):
            self._quote(rep, self._random.choice(customers), self._hour(week))
        for _ in range(self._random.choice((1, 1, 2))):
            self._follow_up(rep, self._random.choice(customers), self._hour(week))

    def _quote(self, rep: Rep, customer: Customer, time: datetime) -> None:
        self._quotes += 1
        quote = f"q{self._quotes:03d}"
        amount = round(_SIZES[customer.tier] * self._random.lognormvariate(0, 0.45), -2)
        about: dict[str, Any] = {"quote_id": quote, "rep_id": rep.id, "customer_id": customer.id, "amount": amount}
        self._diary.add("quote.created", quote, time, about)
        sent = office(time + self._hours(1, 26))
        self._diary.add("quote.sent", quote, sent, about)
        if self._random.random() < 0.45:
            kind = self._random.choice(("case_video", "roi_sheet", "brochure"))
            shared = {key: value for key, value in about.items() if key != "amount"} | {"kind": kind}
            self._diary.add("asset.shared", quote, office(sent + self._hours(1, 20)), shared)
        self._end(quote, about, sent)

    def _end(self, quote: str, about: dict[str, Any], sent: datetime) -> None:
        fate = self._random.choices(_FATES, _WEIGHTS)[0]
        if fate == "stalled":
            return
        replied = office(sent + (self._hours(80, 150) if fate == "revived" else self._hours(4, 44)))
        self._diary.add("quote.replied", quote, replied, about)
        if fate == "revised":
            lower = {**about, "amount": round(about["amount"] * 0.93, -2), "revision": 1}
            replied = office(replied + self._hours(5, 30))
            self._diary.add("quote.sent", quote, replied, lower)
            about = {**about, "amount": lower["amount"]}
        decided = office(replied + self._hours(10, 60))
        won = fate == "won" or (fate in ("revived", "revised") and self._random.random() < 0.5)
        self._diary.add("quote.accepted" if won else "quote.rejected", quote, decided, about)

    def _follow_up(self, rep: Rep, customer: Customer, time: datetime) -> None:
        self._follow_ups += 1
        number = f"f{self._follow_ups:03d}"
        about: dict[str, Any] = {
            "follow_up_id": number,
            "rep_id": rep.id,
            "customer_id": customer.id,
            "reason": self._random.choice(_FOLLOW_UPS),
        }
        due = at(next_workday(time.date()), 18)
        self._diary.add("follow_up.requested", number, time, {**about, "due": stamp(due)})
        if self._random.random() < 0.9:
            late = self._random.random() < 0.12
            done = office(due + self._hours(2, 20) if late else time + self._hours(1, 7))
            self._diary.add("follow_up.completed", number, done, about)

    def _hour(self, week: int) -> datetime:
        when = self._random.choice(workdays(week))
        return at(when, self._random.randrange(9, 18), self._random.randrange(60), self._random.randrange(60))

    def _hours(self, least: float, most: float) -> timedelta:
        return timedelta(seconds=round(self._random.uniform(least, most) * 3600))
