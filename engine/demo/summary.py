"""What a run came to: read from the store and the inbox, so that a run that was interrupted and went on tells the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from engine.core.event import Record
from engine.demo import season
from engine.demo.inbox import Letter
from engine.demo.lamps import Red, Row, board, reds
from engine.demo.post import Call, Mail, calls, local, mails
from engine.demo.team import SIGN_VISIT, Team
from engine.runtime.engine import Engine
from engine.store import OutboxRow


class Offer(msgspec.Struct, frozen=True):
    """A script in a pop-up."""

    id: str
    text: str
    score: float
    why: list[str]
    proof: str | None


class Popup(msgspec.Struct, frozen=True):
    """A pop-up as a rep saw it."""

    id: str
    at: str
    rep: str
    customer: str
    industry: str
    purpose: str
    items: list[Offer]


class Stalled(msgspec.Struct, frozen=True):
    """A quote that stalled; `state` is where it is at the end."""

    id: str
    quote: str
    at: str
    rep: str
    customer: str
    amount: float
    state: str


class Refused(msgspec.Struct, frozen=True):
    """How often something was refused under one code, and one of the reasons given."""

    code: str
    count: int
    reason: str


class Sign(msgspec.Struct, frozen=True):
    """The shop sign: what stands on it, what was read, whose it is, and who was filled in on the visit.

    `status` is that of the outbox.
    """

    status: str
    drawn: str
    text: str | None
    decision: str | None
    customer: str | None
    filled: str | None
    code: str | None
    reason: str | None


class Arm(msgspec.Struct, frozen=True):
    """A rep's arm of the experiment, and by which rule."""

    id: str
    rep: str
    employee_no: str
    variant: str
    by: str


class Summary(msgspec.Struct, frozen=True):
    """Everything that the report, the page and `--json` show. The same seed gives the same summary."""

    seed: int
    weeks: int
    start: str
    until: str
    lines: int
    log: int
    records: dict[str, int]
    actions: dict[str, int]
    red_lights: list[Red]
    board: list[Row]
    messages: list[Mail]
    corrections: list[str]
    webhooks: list[Call]
    unknown: list[str]
    dead: list[str]
    popups: int
    popup: Popup | None
    arms: dict[str, int]
    assignments: list[Arm]
    stalled: list[Stalled]
    rejects: list[Refused]
    sign: Sign | None

    def mapping(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def summarise(engine: Engine, team: Team, letters: list[Letter]) -> Summary:
    """Read everything that was decided, sent and taken."""
    records = [record for _, record in engine.store.decisions()]
    rows = engine.store.actions()
    names = {one.id: one.name for one in (*team.managers, *team.reps)}
    sent = mails(rows, letters, names)
    lights = [one for one in records if one.kind == "alert" and one.name == "visit_discipline"]
    arms = _arms(records, team)
    end = list(season.week_ends(team.weeks))[-1]
    return Summary(
        seed=team.seed,
        weeks=team.weeks,
        start=season.START.isoformat(),
        until=end.isoformat(),
        lines=len(team.entries),
        log=engine.store.sequence(),
        records=dict(sorted(Counter(record.kind for record in records).items())),
        actions=dict(sorted(Counter(row.status for row in rows).items())),
        red_lights=reds(lights, engine, team.reps, names),
        board=board(lights, team.reps, _visits(engine, team), team.weeks),
        messages=sent,
        corrections=[mail.key for mail in sent if mail.correction],
        webhooks=calls(rows, letters),
        unknown=sorted(row.action.dedupe_key for row in rows if row.status == "unknown"),
        dead=sorted(row.action.dedupe_key for row in rows if row.status == "dead"),
        popups=sum(record.kind == "popup" for record in records),
        popup=_popup(engine, records, team, names),
        arms=dict(sorted(Counter(arm.variant for arm in arms).items())),
        assignments=arms,
        stalled=_stalled(engine, records, team, names),
        rejects=_refused(engine, records),
        sign=_sign(engine, rows, team),
    )


def _visits(engine: Engine, team: Team) -> dict[str, list[int]]:
    found = {rep.id: engine.metrics("rep", rep.id)["key_visits"].last(team.weeks) for rep in team.reps}
    return {rep: [int(count) for count in reversed(counts)] for rep, counts in found.items()}


def _popup(engine: Engine, records: Sequence[Record], team: Team, names: dict[str, str]) -> Popup | None:
    """The latest of the pop-ups that can show most: three scripts, and the proof of as many as possible."""
    shown = [record for record in records if record.kind == "popup"]
    if not shown:
        return None
    best = max(reversed(shown), key=lambda one: sum(1 + (item["proof"] is not None) for item in one.fields["items"]))
    texts = {script.id: script.text for script in team.scripts}
    firms = {firm.id: firm for firm in team.customers}
    data = next(event.data for event in engine.store.events(scope="rep", key=best.key) if event.id == best.event)
    firm = firms[data["customer_id"]]
    return Popup(
        id=best.id,
        at=local(best.at),
        rep=names[str(best.key)],
        customer=firm.name,
        industry=firm.industry,
        purpose=data["purpose"],
        items=[
            Offer(item["id"], texts[item["id"]], item["score"], list(item["why"]), item["proof"])
            for item in best.fields["items"]
        ],
    )


def _arms(records: Iterable[Record], team: Team) -> list[Arm]:
    people = {rep.id: rep for rep in team.reps}
    found = [
        Arm(
            one.id, people[str(one.key)].name, people[str(one.key)].employee_no, one.fields["variant"], one.fields["by"]
        )
        for one in records
        if one.kind == "assignment"
    ]
    return sorted(found, key=lambda arm: arm.employee_no)


def _stalled(engine: Engine, records: Iterable[Record], team: Team, names: dict[str, str]) -> list[Stalled]:
    firms = {firm.id: firm.name for firm in team.customers}
    found: list[Stalled] = []
    for record in records:
        if record.kind == "emit" and record.fields["type"] == "quote.stalled":
            data, quote = record.fields["data"], str(record.key)
            found.append(
                Stalled(
                    id=record.id,
                    quote=quote,
                    at=local(record.at),
                    rep=names[data["rep_id"]],
                    customer=firms[data["customer_id"]],
                    amount=float(data.get("amount") or 0.0),
                    state=engine.state("quote", quote)["workflows"]["quote"],
                )
            )
    return found


def _refused(engine: Engine, records: Iterable[Record]) -> list[Refused]:
    pairs = [(str(one.fields["code"]), str(one.fields["reason"])) for one in records if one.kind == "reject"]
    pairs += [(reject.code, reject.reason) for reject in engine.store.rejects()]
    counted, reasons = Counter(code for code, _ in pairs), dict(reversed(pairs))
    return [
        Refused(code, count, reasons[code])
        for code, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    ]


def _sign(engine: Engine, rows: Iterable[OutboxRow], team: Team) -> Sign | None:
    row = next((one for one in rows if one.action.do == "ocr.read" and one.action.key == SIGN_VISIT), None)
    if row is None:
        return None
    result = row.result or {}
    firms = {firm.id: firm.name for firm in team.customers}
    visit = engine.state("visit", SIGN_VISIT)["context"].get("visit", {})
    return Sign(
        status=row.status,
        drawn=team.sign.name,
        text=result.get("text"),
        decision=result.get("decision"),
        customer=firms.get(str(result.get("customer_id"))),
        filled=firms.get(str(visit.get("suggested_customer"))),
        code=row.code,
        reason=row.reason,
    )
