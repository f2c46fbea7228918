"""Conversations: a pop-up asked for, a script used, rated with a reason, and what it was worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.demo.cast import Customer, Rep
from engine.demo.diary import Diary
from engine.demo.scripts import ANY, PURPOSES, SCENES, Script
from engine.demo.season import at, workdays

_RATINGS = ("effective", "partly", "ineffective")
_REASONS = {
    "effective": ("客户当场算了账，认可", "一句话说到点子上", "客户要了同行的联系方式"),
    "partly": ("客户感兴趣，但要再比价", "听进去了，细节还要补"),
    "ineffective": ("客户已经听别家讲过", "场合不对，客户赶时间"),
}


@dataclass(frozen=True, slots=True)
class Use:
    """A script that a rep used after a pop-up, perhaps within a visit."""

    popup: str
    script: Script
    rep: Rep
    customer: Customer
    visit: str | None

    def data(self) -> dict[str, Any]:
        """What events about this use carry."""
        about = {
            "popup_id": self.popup,
            "script_id": self.script.id,
            "rep_id": self.rep.id,
            "customer_id": self.customer.id,
        }
        return about if self.visit is None else {**about, "visit_id": self.visit}


class Talks:
    """Writes conversations into the diary. The same seed writes the same ones."""

    def __init__(self, scripts: list[Script], seed: int, diary: Diary) -> None:
        self._scripts = [script for script in scripts if script.verified]
        self._random = Random(f"talks/{seed}")
        self._diary = diary
        self._count = 0

    def week(self, rep: Rep, customers: list[Customer], week: int) -> None:
        """Two to four conversations of a rep; a script is used in most of them, and most uses are rated."""
        for _ in range(self._random.choice((2, 3, 3, 4))):
            when = self._random.choice(workdays(week))
            begins = at(when, self._random.randrange(9, 18), self._random.randrange(60), self._random.randrange(60))
            customer = self._random.choice(customers)
            if self._random.random() < 0.25:
                self._start(rep, customer, begins, self._random.choice(PURPOSES), self._random.choice(SCENES))
                continue
            used = self.use(rep, customer, begins, None)
            if self._random.random() < 0.85:
                self.rate(used, begins + timedelta(minutes=self._random.randrange(15, 90)))
            if self._random.random() < 0.7:
                self._result(used, begins + timedelta(days=self._random.randrange(3, 12)))

    def use(self, rep: Rep, customer: Customer, time: datetime, visit: str | None) -> Use:
        """Ask for scripts that fit the customer, and use one that is sure to be offered."""
        script = self._random.choice(
            [one for one in self._scripts if one.industry == customer.industry and one.purpose is not None]
        )
        popup = self._start(rep, customer, time, script.purpose or "routine", script.scene)
        used = Use(popup, script, rep, customer, visit)
        self._diary.add("popup.used", f"{self._count:04d}", time + timedelta(seconds=40), used.data())
        return used

    def rate(self, used: Use, time: datetime) -> None:
        """Say how it went, and why."""
        weights = (6, 3, 1) if used.script.industry != ANY else (4, 4, 2)
        rating = self._random.choices(_RATINGS, weights)[0]
        data = {**used.data(), "rating": rating, "reason": self._random.choice(_REASONS[rating])}
        self._diary.add("popup.rated", f"{used.popup.rpartition(':')[2]}", time, data)

    def _start(self, rep: Rep, customer: Customer, time: datetime, purpose: str, scene: str) -> str:
        """Begin a conversation; returns the id that its pop-up will have."""
        self._count += 1
        number = f"{self._count:04d}"
        data = {
            "communication_id": f"talk-{number}",
            "rep_id": rep.id,
            "customer_id": customer.id,
            "purpose": purpose,
            "scene": scene,
        }
        return f"talk_track:{self._diary.add('communication.started', number, time, data)}"

    def _result(self, used: Use, time: datetime) -> None:
        saved = round(max(self._random.gauss(6.5 if used.script.category else 4.0, 2.5), 0.5), 1)
        data = {
            "script_id": used.script.id,
            "rep_id": used.rep.id,
            "customer_id": used.customer.id,
            "days_saved": saved,
        }
        self._diary.add("script.result", f"{used.popup.rpartition(':')[2]}", time, data)
