"""A rep's rounds: visits planned, checked in at the door, closed, reported; and what goes wrong now and then."""

from __future__ import annotations

import hashlib
import math
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Literal

from engine.demo import season
from engine.demo.cast import Customer, Rep
from engine.demo.diary import Diary, stamp
from engine.demo.season import at, day, workdays
from engine.demo.talks import Talks

Manner = Literal["plain", "walk_in", "missed", "too_far", "backfilled", "photo_reused", "forged", "unrated"]

_SLOTS = ((9, 15), (10, 50), (13, 40), (15, 10), (16, 30))
"""When visits begin: five places a day."""

_ODD: tuple[tuple[Manner, float], ...] = (("walk_in", 0.10), ("missed", 0.04), ("too_far", 0.02), ("backfilled", 0.015))
"""How often a visit to a customer who is no key customer does not go by the book."""

_METRES_A_DEGREE = 111_320.0
_JITTER = 25.0
"""Metres by which a phone's position is usually off."""

_PURPOSES = ("price", "delivery", "technical", "routine")
_NOTES = ("店长在，聊了新品", "看了库存，月底补货", "陈列已调整", "约了下周试样", "问了竞品价格", "老板不在，见了采购")
_NEEDS = ("需要样品", "希望分期付款", "要求周末配送", "想看案例", "需要技术说明", "")
_REPORTS = (
    "客户认可方案，等老板签字",
    "对价格仍有顾虑，已约下次带成本表",
    "试样效果好，准备扩大",
    "交付周期是主要问题，已反馈生产",
    "客情维护，无新需求",
)


class Rounds:
    """Writes the visits of one rep into the diary. The same seed writes the same visits."""

    def __init__(self, rep: Rep, customers: list[Customer], seed: int, diary: Diary, talks: Talks) -> None:
        self._rep = rep
        self._key = [customer for customer in customers if customer.key]
        self._others = [customer for customer in customers if not customer.key]
        self._random = Random(f"visits/{seed}/{rep.id}")
        self._diary = diary
        self._talks = talks
        self._count = 0
        self._photo = ""

    def week(self, week: int) -> None:
        """All visits of a week."""
        slots = self._slots(week)
        if week in season.AWAY.get(self._rep.id, ()):
            return
        bad = week in season.BAD_WEEKS.get(self._rep.id, ())
        key_visits = 1 if bad else self._random.choices((3, 4, 5, 2), (50, 25, 12, 13))[0]
        forgotten = season.FORGOTTEN.get(self._rep.id, (-1, -1))
        for number in range(key_visits):
            if number == 0 and forgotten[0] == week:
                self._forgotten(day(*forgotten))
            else:
                self._visit(self._random.choice(self._key), slots.pop(), "plain")
        for _ in range(self._random.choice((3, 4, 4, 5))):
            self._visit(self._random.choice(self._others), slots.pop(), self._manner())
        if self._rep.id == season.OFFLINE and week == season.OFFLINE_DAY[0]:
            self._offline()

    def special(self, week: int, manner: Manner) -> None:
        """One visit of a given manner, late on a working day of the week."""
        when = self._random.choice(workdays(week))
        self._visit(self._random.choice(self._others), at(when, 17, self._random.randrange(20)), manner)

    def _slots(self, week: int) -> list[datetime]:
        places = [
            at(when, hour, minute) + timedelta(seconds=self._random.randrange(1500))
            for when in workdays(week)
            if when != day(*season.FORGOTTEN.get(self._rep.id, (-9, 0)))
            for hour, minute in _SLOTS
        ]
        self._random.shuffle(places)
        return places

    def _manner(self) -> Manner:
        lot = self._random.random()
        for manner, share in _ODD:
            lot -= share
            if lot < 0:
                return manner
        return "plain"

    def _visit(self, customer: Customer, begins: datetime, manner: Manner) -> None:
        visit = self._number()
        if manner != "walk_in":
            self._plan(visit, customer, begins)
        if manner == "missed":
            return
        if manner in ("too_far", "backfilled", "photo_reused", "forged"):
            self._refused(visit, customer, begins, manner)
            if manner in ("backfilled", "forged"):
                return
            begins += timedelta(minutes=self._random.randrange(6, 15))
        self._check_in(visit, customer, begins)
        if manner == "unrated":
            self._unrated(visit, customer, begins)
        ends = begins + timedelta(seconds=self._random.randrange(1500, 3600))
        self._close(visit, customer, ends)
        self._report(visit, customer, self._reported(ends))

    def _forgotten(self, when: date) -> None:
        """Closed in the afternoon, and the feedback comes three days later in the morning."""
        visit, customer = self._number(), self._random.choice(self._key)
        begins = at(when, 14, 20)
        self._plan(visit, customer, begins)
        self._check_in(visit, customer, begins)
        self._close(visit, customer, begins + timedelta(minutes=40))
        self._report(visit, customer, at(when + timedelta(days=3), 10, 5))

    def _offline(self) -> None:
        """A visit without signal: everything happened on Thursday and arrives on Tuesday, all at once."""
        visit, customer = self._number(), self._random.choice(self._key)
        begins, arrived = at(day(*season.OFFLINE_DAY), 14, 5), at(day(*season.OFFLINE_ARRIVAL), 9, 20)
        self._check_in(visit, customer, begins, arrived=arrived, offline=True)
        self._close(visit, customer, begins + timedelta(minutes=50), arrived)
        self._report(visit, customer, begins + timedelta(minutes=90), arrived)

    def _plan(self, visit: str, customer: Customer, begins: datetime) -> None:
        eve = begins - timedelta(days=1)
        noted = at(eve.date(), 17, 40) + timedelta(seconds=self._random.randrange(3000))
        noted = max(noted, season.START + timedelta(hours=8, seconds=self._random.randrange(1800)))
        data = {**self._about(visit, customer), "planned_for": stamp(begins)}
        self._diary.add("visit.planned", visit, noted, data)

    def _check_in(
        self, visit: str, customer: Customer, time: datetime, *, arrived: datetime | None = None, offline: bool = False
    ) -> None:
        self._photo = hashlib.sha256(f"{visit}/{time}".encode()).hexdigest()[:16]
        data = self._evidence(visit, customer, time, _JITTER)
        if offline:
            data["offline"] = True
        self._diary.add("visit.checked_in", visit, time, data, arrived)

    def _refused(self, visit: str, customer: Customer, time: datetime, manner: Manner) -> None:
        """A check-in that the rules refuse, each for one reason."""
        data = self._evidence(visit, customer, time, _JITTER)
        if manner == "photo_reused":
            data["photo_hash"] = self._photo
        else:
            data["photo_hash"] = hashlib.sha256(f"{manner}/{visit}".encode()).hexdigest()[:16]
        if manner == "too_far":
            data["lat"] = round(customer.lat + self._random.uniform(0.008, 0.03), 6)
        elif manner == "backfilled":
            data["device_time"] = stamp(time - timedelta(hours=self._random.randrange(2, 9)))
        elif manner == "forged":
            data["qr"] = f"{customer.id}.{'0' * 64}"
        self._diary.add("visit.checked_in", visit, time, data)

    def _evidence(self, visit: str, customer: Customer, time: datetime, spread: float) -> dict[str, Any]:
        north = self._random.gauss(0, spread) / _METRES_A_DEGREE
        east = self._random.gauss(0, spread) / (_METRES_A_DEGREE * math.cos(math.radians(customer.lat)))
        return {
            **self._about(visit, customer),
            "lat": round(customer.lat + north, 6),
            "lon": round(customer.lon + east, 6),
            "device_id": f"phone-{self._rep.id}",
            "device_time": stamp(time - timedelta(seconds=self._random.randrange(40))),
            "photo_hash": self._photo,
            "notes": self._random.choice(_NOTES),
        }

    def _unrated(self, visit: str, customer: Customer, begins: datetime) -> None:
        """A script was used and not rated: the visit cannot be closed, until it is."""
        used = self._talks.use(self._rep, customer, begins + timedelta(minutes=5), visit)
        self._diary.add("visit.closed", visit, begins + timedelta(minutes=20), self._about(visit, customer))
        self._talks.rate(used, begins + timedelta(minutes=22))

    def _close(self, visit: str, customer: Customer, time: datetime, arrived: datetime | None = None) -> None:
        data = {**self._about(visit, customer), "purpose": self._random.choice(_PURPOSES)}
        needs = self._random.choice(_NEEDS)
        if needs:
            data["needs"] = needs
        self._diary.add("visit.closed", visit, time, data, arrived)

    def _report(self, visit: str, customer: Customer, time: datetime, arrived: datetime | None = None) -> None:
        data = {**self._about(visit, customer), "text": self._random.choice(_REPORTS)}
        self._diary.add("feedback.submitted", visit, time, data, arrived)

    def _reported(self, ends: datetime) -> datetime:
        """Mostly the same day; sometimes the next evening; now and then it takes more than a day."""
        lot = self._random.random()
        if lot < 0.88:
            return ends + timedelta(seconds=self._random.randrange(600, 14_400))
        hours = self._random.uniform(14, 22) if lot < 0.975 else self._random.uniform(26, 40)
        return ends + timedelta(seconds=round(hours * 3600))

    def _about(self, visit: str, customer: Customer) -> dict[str, Any]:
        return {"visit_id": visit, "rep_id": self._rep.id, "customer_id": customer.id}

    def _number(self) -> str:
        self._count += 1
        return f"v-{self._rep.id}-{self._count:03d}"
