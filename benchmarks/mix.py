"""A sales team's month as it arrives: entities and CloudEvents lines in the order of time, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from engine.runtime.feed import Feed

ZONE = timezone(timedelta(hours=8))
START = datetime(2026, 3, 2, tzinfo=ZONE)
INDUSTRIES = ("医疗", "零售", "制造", "教育")
PURPOSES = ("price", "delivery", "technical", "routine")
EVENTS_A_DAY = 26
"""About as many events as the mix has for one rep on one working day."""

Data = dict[str, Any]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Team:
    """Reps under managers, their customers with positions, and the scripts that they are shown."""

    reps: list[str]
    customers: dict[str, tuple[float, float]]
    scripts: list[str]
    entities: list[Data] = field(default_factory=list)

    @classmethod
    def make(cls, dice: random.Random, reps: int, customers: int, scripts: int = 40) -> Team:
        """A team with a manager for every twelve reps."""
        team = cls([f"r{i}" for i in range(reps)], {}, [f"s{i}" for i in range(scripts)])
        managers = [f"m{i}" for i in range(-(-reps // 12))]
        for i, name in enumerate(managers):
            team._add("rep", id=name, employee_no=f"9{i:03}", name=name, active=True)
        for i, name in enumerate(team.reps):
            manager = managers[i // 12]
            team._add("rep", id=name, employee_no=f"{1000 + i}", name=name, manager=manager, active=True)
        for i in range(customers):
            spot = (dice.uniform(30.9, 31.4), dice.uniform(121.2, 121.8))
            team.customers[f"c{i}"] = spot
            tier, industry = dice.choices(("KA", "A", "B", "C"), (1, 2, 4, 3))[0], dice.choice(INDUSTRIES)
            team._add("customer", id=f"c{i}", name=f"客户{i}", tier=tier, industry=industry, lat=spot[0], lon=spot[1])
        for i, name in enumerate(team.scripts):
            industry = dice.choice((*INDUSTRIES, "any"))
            verified, purpose = dice.random() < 0.9, dice.choice(PURPOSES)
            team._add(
                "script", id=name, scene="visit", text=f"话术{i}", industry=industry, purpose=purpose, verified=verified
            )
        return team

    def _add(self, entity: str, **data: Any) -> None:
        self.entities.append({"entity": entity, "data": data, "at": START.isoformat()})


class Mix:
    """Writes the events of one team. Proportions are those of a field team: mostly visits, some quotes, few of the rest."""

    def __init__(self, seed: int, reps: int, customers: int) -> None:
        self._dice = random.Random(seed)
        self.team = Team.make(self._dice, reps, customers)
        self._names = list(self.team.customers)
        self._events: list[tuple[datetime, Data]] = []

    def feed(self, count: int) -> Feed:
        """The entities and the first `count` events."""
        days = -(-count // (EVENTS_A_DAY * len(self.team.reps))) + 1
        self._events = []
        for day in _working_days(days):
            for rep in self.team.reps:
                self._day(rep, day)
        self._events.sort(key=lambda item: item[0])
        lines = [(_encode(event), f"mix:{i}") for i, (_, event) in enumerate(self._events[:count], 1)]
        return Feed(lines, [(_encode(one), f"team:{i}") for i, one in enumerate(self.team.entities, 1)])

    def _day(self, rep: str, day: datetime) -> None:
        dice = self._dice
        for stop in range(5):
            self._visit(
                rep, day + timedelta(hours=9 + 1.6 * stop, seconds=dice.randrange(1200)), f"{rep}.{day:%m%d}.{stop}"
            )
        if dice.random() < 0.5:
            self._quote(rep, day + timedelta(hours=11, seconds=dice.randrange(20_000)), f"q.{rep}.{day:%m%d}")
        if dice.random() < 0.2:
            self._proposal(rep, day + timedelta(hours=15, seconds=dice.randrange(7200)), f"p.{rep}.{day:%m%d}")
        if dice.random() < 0.2:
            self._follow_up(rep, day + timedelta(hours=10, seconds=dice.randrange(20_000)), f"f.{rep}.{day:%m%d}")
        if dice.random() < 0.1:
            self._trial(rep, day + timedelta(hours=16, seconds=dice.randrange(3600)), f"t.{rep}.{day:%m%d}")

    def _visit(self, rep: str, at: datetime, visit: str) -> None:
        dice, customer = self._dice, self._customer()
        who = {"visit_id": visit, "rep_id": rep, "customer_id": customer}
        if dice.random() < 0.9:
            self._say("visit.planned", at.replace(hour=8), {**who, "planned_for": at.isoformat()})
        lat, lon = self.team.customers[customer]
        far = 0.01 if dice.random() < 0.02 else 0.0
        place = {"lat": lat + far + dice.uniform(-1e-4, 1e-4), "lon": lon, "photo_hash": visit, "notes": "到店"}
        self._say("visit.checked_in", at, {**who, **place, "device_id": f"d.{rep}", "device_time": at.isoformat()})
        if dice.random() < 0.1:
            self._say("photo.taken", at, {"visit_id": visit, "rep_id": rep, "image": f"photos/{visit}.jpg"})
        if dice.random() < 0.5:
            self._talk(rep, customer, visit, at + timedelta(minutes=5))
        self._say("visit.closed", at + timedelta(minutes=40), {**who, "purpose": dice.choice(PURPOSES)})
        if dice.random() < 0.93:
            later = timedelta(hours=dice.expovariate(0.2))
            self._say("feedback.submitted", at + timedelta(minutes=45) + later, {**who, "text": "客户关注交期"})

    def _talk(self, rep: str, customer: str, visit: str, at: datetime) -> None:
        dice = self._dice
        who = {"rep_id": rep, "customer_id": customer}
        purpose = {"communication_id": f"k.{visit}", "purpose": dice.choice(PURPOSES), "scene": "visit"}
        self._say("communication.started", at, {**who, **purpose})
        if dice.random() < 0.4:
            script = dice.choice(self.team.scripts)
            used = {**who, "visit_id": visit, "popup_id": f"talk_track:{visit}", "script_id": script}
            rating = dice.choice(("effective", "partly", "ineffective"))
            self._say("popup.used", at + timedelta(minutes=2), used)
            self._say("popup.rated", at + timedelta(minutes=9), {**used, "rating": rating, "reason": "客户认可"})
            if dice.random() < 0.3:
                result = {**who, "script_id": script, "days_saved": round(dice.uniform(0, 9), 1)}
                self._say("script.result", at + timedelta(minutes=20), result)

    def _quote(self, rep: str, at: datetime, quote: str) -> None:
        dice, customer = self._dice, self._customer()
        who = {"quote_id": quote, "rep_id": rep, "customer_id": customer}
        amount = {"amount": round(dice.uniform(500, 90_000), 2)}
        self._say("quote.created", at, {**who, **amount})
        self._say("quote.sent", at + timedelta(minutes=30), {**who, **amount})
        if dice.random() < 0.3:
            self._say("asset.shared", at + timedelta(hours=1), {**who, "kind": "case_video"})
        if dice.random() < 0.6:
            self._say("quote.replied", at + timedelta(hours=dice.uniform(2, 90)), who)
        if dice.random() < 0.5:
            closing = dice.choice(("quote.accepted", "quote.rejected"))
            self._say(closing, at + timedelta(hours=dice.uniform(91, 200)), {**who, **amount})
            if closing == "quote.accepted":
                deal = {"rep_id": rep, "customer_id": customer, **amount}
                self._say("agreement.signed", at + timedelta(hours=201), deal)

    def _proposal(self, rep: str, at: datetime, proposal: str) -> None:
        dice = self._dice
        who = {"proposal_id": proposal, "rep_id": rep, "customer_id": self._customer()}
        self._say("proposal.opened", at, who)
        self._say("roi.dragged", at + timedelta(minutes=1), who)
        self._say("page.left", at + timedelta(minutes=4), {**who, "seconds": dice.uniform(10, 400)})
        if dice.random() < 0.3:
            self._say("pdf.exported", at + timedelta(minutes=3), who)
        if dice.random() < 0.3:
            asked = {"rep_id": rep, "customer_id": who["customer_id"], "initiated_by": "customer"}
            self._say("details.requested", at + timedelta(minutes=30), asked)

    def _follow_up(self, rep: str, at: datetime, number: str) -> None:
        who = {"follow_up_id": number, "rep_id": rep, "customer_id": self._customer(), "reason": "回访"}
        self._say("follow_up.requested", at, who)
        if self._dice.random() < 0.8:
            self._say("follow_up.completed", at + timedelta(minutes=self._dice.uniform(5, 150)), who)

    def _trial(self, rep: str, at: datetime, trial: str) -> None:
        who = {"trial_id": trial, "rep_id": rep, "customer_id": self._customer()}
        self._say("trial.started", at, who)
        if self._dice.random() < 0.95:
            self._say("trial.reported", at + timedelta(hours=2), who)

    def _customer(self) -> str:
        """A customer; some are seen far more often than others."""
        return self._names[int(len(self._names) * self._dice.random() ** 2)]

    def _say(self, kind: str, at: datetime, data: Data) -> None:
        number = f"e{len(self._events)}"
        event = {
            "specversion": "1.0",
            "id": number,
            "source": "app",
            "type": kind,
            "time": at.isoformat(),
            "data": data,
        }
        self._events.append((at, event))


def _working_days(count: int) -> Iterator[datetime]:
    day = START
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day += timedelta(days=1)
