"""The whole line: the team's events through the engine into the store, actions through workers to the sandboxes, receipts back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from connectors.pictures.sign import shop_sign
from connectors.protocol import ConnectorError
from engine.actions import Dispatcher, policy
from engine.demo import season
from engine.demo.diary import Entry
from engine.demo.folder import Folder, Run, held
from engine.demo.hints import tries
from engine.demo.inbox import Inbox
from engine.demo.page import page
from engine.demo.stage import stage
from engine.demo.summary import Summary, summarise
from engine.demo.team import SIGN, Team, simulate
from engine.errors import RulewrightError
from engine.pack import load
from engine.runtime.engine import Engine

PACKS: tuple[str | Path, ...] = ("sales", Path(__file__).with_name("pack"))
"""The built-in packs, and the demo's own rule for the webhook."""

_PATIENCE = 60.0
"""Seconds to wait until everything is sent."""

_SOON = 30.0
"""What will be tried again within so many seconds is waited for."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is: events of `total` that are in the log, and the ISO week that is being lived."""

    done: int
    total: int
    week: int


Watch = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left behind. `seconds` is the feeding alone; `fed` counts the lines of this process."""

    summary: Summary
    folder: Folder
    fed: int
    seconds: float


def run(
    path: Path, *, seed: int = 7, weeks: int = season.WEEKS, fresh: bool = False, watch: Watch | None = None
) -> Result:
    """Run the demo in the folder `path`, going on where an equal run was interrupted there; `watch` hears of every day.

    Nothing is left running. Raises RulewrightError (`not_a_demo`, `demo_running`, `not_quiet`) and what the engine raises.
    """
    team = simulate(seed, weeks)
    revision = load(PACKS).revision
    with held(path, Run(seed, weeks, revision), fresh=fresh) as folder:
        inbox = Inbox(folder.inbox, folder.pictures)
        inbox.mend()
        _draw(team, folder.pictures / SIGN)
        with (
            Engine.open(PACKS, folder.store) as engine,
            stage(team.managers, team.reps, inbox, folder.pictures.resolve()) as connectors,
        ):
            _settle(engine)
            begun = time.perf_counter()
            with engine.dispatcher(connectors) as dispatcher:
                fed = _live(engine, dispatcher, team, watch or _unseen)
            seconds = time.perf_counter() - begun
            summary = summarise(engine, team, inbox.letters())
        folder.page.write_text(page(summary, folder.pictures, tries(summary, path)), encoding="utf-8")
        folder.finish()
    return Result(summary, folder, fed, seconds)


def _unseen(_step: Step) -> None:
    """Nobody watches."""


def _draw(team: Team, path: Path) -> None:
    """The photo that the rep takes. Where no font has Chinese, the sign cannot name its owner."""
    try:
        sign = shop_sign(team.sign.name)
    except ConnectorError:
        sign = shop_sign("SHOP", lines=())
    path.write_bytes(sign)


def _settle(engine: Engine) -> None:
    """Take up the claims of a killed process at once: the folder is ours, so nobody else can be at work on them."""
    channels, now = engine.program.channels, time.time()
    longest = max(policy.lease(channel) for channel in channels.values())
    engine.store.expire_leases(
        round((now + longest) * 1_000_000),
        lambda row: policy.lost(row, channels.get(row.action.do), round(now * 1_000_000)),
    )


def _live(engine: Engine, dispatcher: Dispatcher, team: Team, watch: Watch) -> int:
    """Feed day by day; before each day, and at each week's end, take back what came of the actions. Returns lines fed."""
    engine.load_entities([(line, f"team:{number}") for number, line in enumerate(team.entities(), 1)], None)
    engine.begin(season.START)
    fed = done = 0
    for end in season.week_ends(team.weeks):
        week = (end - timedelta(days=1)).isocalendar().week
        for number, day in _days(team.entries, end - timedelta(weeks=1), end):
            if not _known(engine, day):
                _collect(engine, dispatcher)
                engine.process([entry.line for entry in day], [f"app:{number + n}" for n in range(len(day))])
                dispatcher.notify()
                fed += len(day)
            done += len(day)
            watch(Step(done, len(team.entries), week))
        if engine.now is not None and engine.now <= end:
            _collect(engine, dispatcher)
            engine.advance(end)
            _collect(engine, dispatcher)
    return fed


def _collect(engine: Engine, dispatcher: Dispatcher) -> None:
    """Let everything be sent, then log the results: at the same virtual instant in every run, whatever the workers' pace."""
    if not dispatcher.drain(_PATIENCE, _SOON):
        raise RulewrightError("not_quiet", f"messages were still being sent after {_PATIENCE:.0f} s")
    if engine.store.unreceipted(1):
        engine.receive()


def _days(entries: list[Entry], start: datetime, end: datetime) -> Iterator[tuple[int, list[Entry]]]:
    """The lines that arrive in [start, end), a day at a time, each day with the number of its first line."""
    first = start
    while first < end:
        last = first + timedelta(days=1)
        day = [(number, entry) for number, entry in enumerate(entries, 1) if first <= entry.arrived < last]
        if day:
            yield day[0][0], [entry for _, entry in day]
        first = last


def _known(engine: Engine, day: list[Entry]) -> bool:
    """Whether the day is in the log already. It went in whole or not at all: a batch is one transaction."""
    pairs = [_identity(entry.line) for entry in day if entry.event is not None]
    return bool(engine.store.identities(pairs[-1:]))


class _Envelope(msgspec.Struct):
    id: str
    source: str


def _identity(line: bytes) -> tuple[str, str]:
    envelope = msgspec.json.decode(line, type=_Envelope)
    return envelope.source, envelope.id
