"""Proposals, the two forms of which are compared, and trials of new products."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from engine.demo.cast import Customer, Rep
from engine.demo.diary import Diary
from engine.demo.season import at, workdays

_ENGAGED = {True: (210.0, 2.2, 0.55, 0.24), False: (95.0, 0.4, 0.35, 0.14), None: (150.0, 1.0, 0.45, 0.18)}
"""By arm (h5, ppt, whichever): mean seconds on the page, mean drags of the calculator, shares of exports and of agreements."""


class Trials:
    """Writes proposals and product trials of all reps into the diary. The same seed writes the same ones."""

    def __init__(self, seed: int, diary: Diary) -> None:
        self._random = Random(f"trials/{seed}")
        self._diary = diary
        self._proposals = 0
        self._trials = 0

    def week(self, rep: Rep, customers: list[Customer], week: int) -> None:
        """About one proposal of a rep, and every other week a trial, which is nearly always reported."""
        if self._random.random() < 0.8:
            self._proposal(rep, self._random.choice(customers), self._hour(week))
        if self._random.random() < 0.4:
            self._trial(rep, self._random.choice(customers), week)

    def _proposal(self, rep: Rep, customer: Customer, time: datetime) -> None:
        self._proposals += 1
        number = f"p{self._proposals:03d}"
        seconds, drags, exports, agreements = _ENGAGED[rep.odd]
        parties = {"rep_id": rep.id, "customer_id": customer.id}
        about = {"proposal_id": number, **parties}
        self._diary.add("proposal.opened", number, time, about)
        stayed = round(self._random.expovariate(1 / seconds) + 8, 1)
        for drag in range(min(int(self._random.expovariate(1 / drags)), 6)):
            self._diary.add("roi.dragged", number, time + timedelta(seconds=10 + 20 * drag), about)
        left = time + timedelta(seconds=max(round(stayed), 150))
        self._diary.add("page.left", number, left, {**about, "seconds": stayed})
        if self._random.random() < exports:
            self._diary.add("pdf.exported", number, left + timedelta(seconds=20), about)
        if self._random.random() < 0.3:
            asked = {**parties, "initiated_by": self._random.choice(("customer", "customer", "rep"))}
            self._diary.add("details.requested", number, left + self._days(1, 4), asked)
        if self._random.random() < agreements:
            signed = {**parties, "amount": float(self._random.randrange(20, 400) * 1000)}
            self._diary.add("agreement.signed", number, left + self._days(5, 25), signed)

    def _trial(self, rep: Rep, customer: Customer, week: int) -> None:
        self._trials += 1
        number = f"t{self._trials:03d}"
        about = {"trial_id": number, "rep_id": rep.id, "customer_id": customer.id}
        days = workdays(week)
        self._diary.add("trial.started", number, at(days[0], 11, self._random.randrange(60)), about)
        if self._random.random() < 0.93:
            self._diary.add("trial.reported", number, at(days[-1], 16, self._random.randrange(60)), about)

    def _hour(self, week: int) -> datetime:
        when = self._random.choice(workdays(week))
        return at(when, self._random.randrange(9, 18), self._random.randrange(60), self._random.randrange(60))

    def _days(self, least: float, most: float) -> timedelta:
        return timedelta(seconds=round(self._random.uniform(least, most) * 86_400))
