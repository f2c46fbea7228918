"""The simulated team: who they are, and everything that their apps send in eight weeks. Seeded; no clock is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from engine.demo import season
from engine.demo.cast import Customer, Rep, customers, team
from engine.demo.diary import Diary, Entry, stamp
from engine.demo.quotes import Desk
from engine.demo.scripts import Script, scripts
from engine.demo.season import at, day
from engine.demo.talks import Talks
from engine.demo.trials import Trials
from engine.demo.visits import Manner, Rounds

SIGN = "sign.png"
"""File name of the photo of a shop sign."""

SIGN_VISIT = "v-sign"
"""The visit on which the sign is photographed."""

_SPECIALS: tuple[tuple[str, int, Manner], ...] = (
    ("r4", 0, "too_far"),
    ("r7", 0, "photo_reused"),
    ("r10", 1, "forged"),
    ("r5", 1, "backfilled"),
    ("r1", 2, "unrated"),
)
"""Rep, week, manner: each kind of refusal once early on, whatever else chance brings."""

_RESENT = 40
"""Events that an app sends a second time."""


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody, and the lines that arrive, in the order of arrival. `unusable` of them can never be taken."""

    seed: int
    weeks: int
    managers: list[Rep]
    reps: list[Rep]
    customers: list[Customer]
    scripts: list[Script]
    entries: list[Entry]
    sign: Customer
    unusable: int

    def entities(self) -> list[bytes]:
        """Lines of an entity file: all known since the first Monday."""
        kinds: list[tuple[str, list[dict[str, Any]]]] = [
            ("rep", [one.data() for one in (*self.managers, *self.reps)]),
            ("customer", [one.data() for one in self.customers]),
            ("script", [one.data() for one in self.scripts]),
        ]
        known = stamp(season.START)
        return [
            json.dumps({"entity": kind, "data": data, "at": known}, ensure_ascii=False).encode()
            for kind, found in kinds
            for data in found
        ]


def simulate(seed: int = 7, weeks: int = season.WEEKS) -> Team:
    """The first `weeks` weeks of the team's life. Fewer weeks are the beginning of more."""
    managers, reps = team()
    firms = customers(reps, seed)
    book = scripts([rep.id for rep in reps])
    diary = Diary()
    sign = next(firm for firm in firms if firm.owner == "r1" and firm.key)
    _live(reps, firms, book, seed, diary)
    _photograph(diary, sign)
    _resend(diary, seed)
    unusable = _scribbles(diary, weeks)
    end = season.START + timedelta(weeks=weeks)
    entries = [entry for entry in diary.entries() if entry.arrived < end]
    return Team(seed, weeks, managers, reps, firms, book, entries, sign, unusable)


def _live(reps: list[Rep], firms: list[Customer], book: list[Script], seed: int, diary: Diary) -> None:
    talks, desk, trials = Talks(book, seed, diary), Desk(seed, diary), Trials(seed, diary)
    for rep in reps:
        own = [firm for firm in firms if firm.owner == rep.id]
        rounds = Rounds(rep, own, seed, diary, talks)
        for week in range(season.WEEKS):
            rounds.week(week)
            for name, when, manner in _SPECIALS:
                if (name, when) == (rep.id, week):
                    rounds.special(week, manner)
            if week not in season.AWAY.get(rep.id, ()):
                talks.week(rep, own, week)
                desk.week(rep, own, week)
                trials.week(rep, own, week)


def _photograph(diary: Diary, sign: Customer) -> None:
    """On the second Wednesday a rep stands before a shop and photographs its sign."""
    begins = at(day(1, 2), 12, 10)
    about = {"visit_id": SIGN_VISIT, "rep_id": sign.owner}
    planned = {**about, "customer_id": sign.id, "planned_for": stamp(begins)}
    diary.add("visit.planned", SIGN_VISIT, begins - timedelta(hours=3), planned)
    diary.add("photo.taken", SIGN_VISIT, begins, {**about, "image": SIGN})


def _resend(diary: Diary, seed: int) -> None:
    """Apps on bad networks repeat themselves some minutes later."""
    random = Random(f"resend/{seed}")
    sent = [entry for entry in diary.entries() if entry.event is not None]
    for entry in random.sample(sent, _RESENT):
        diary.resend(str(entry.event), entry.arrived + timedelta(minutes=random.randrange(1, 30)))


def _scribbles(diary: Diary, weeks: int) -> int:
    """What an old app and a bad export send: each line is refused for a reason of its own. Returns how many within `weeks`."""

    def line(number: int, kind: str, when: str, data: dict[str, Any]) -> bytes:
        envelope = {"specversion": "1.0", "id": f"old-{number}", "source": "demo/old-app", "type": kind, "time": when}
        return json.dumps({**envelope, "data": data}, ensure_ascii=False).encode()

    moments = [
        at(day(0, 2), 8, 30),
        at(day(0, 4), 20),
        at(day(1, 1), 8, 45),
        at(day(2, 3), 19, 30),
        at(day(3, 0), 7, 50),
    ]
    times = [stamp(moment) for moment in moments]
    lines = (
        line(1, "visit.closed", times[0], {"visit_id": "old-1", "rep_id": "r3", "customer_id": "c999"}),
        line(2, "visit.closed", times[1], {"visit_id": "old-2", "rep_id": "r3"}),
        line(3, "checkin.v1", times[2], {"rep_id": "r3"}),
        line(4, "quote.sent", times[3], {"quote_id": "old-4", "rep_id": "r3", "amount": "一万二"}),
        line(5, "visit.closed", times[4], {"visit_id": "old-5", "rep_id": "r3", "customer_id": "c11"})[:-20],
    )
    for moment, content in zip(moments, lines, strict=True):
        diary.scribble(moment, content)
    return sum(moment < season.START + timedelta(weeks=weeks) for moment in moments)
