"""What was sent, joined with what arrived: queued actions beside the letters of the inbox."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from connectors.dingtalk.words import markdown
from engine.core.calendar import to_instant
from engine.demo.diary import SHANGHAI
from engine.demo.inbox import Letter
from engine.store import OutboxRow


class Mail(msgspec.Struct, frozen=True):
    """A DingTalk message: when it was decided, to whom and about whom, how it went, and how it looks where it arrived.

    `text` is what the recipient reads, empty when nothing arrived; `picture` a file name; `status` is that of the outbox.
    """

    id: str
    key: str
    at: str
    user: str
    to: str
    about: str
    title: str
    text: str
    picture: str | None
    correction: bool
    status: str
    arrived: int


class Call(msgspec.Struct, frozen=True):
    """A webhook's call. `arrived` counts how often its receiver took it."""

    id: str
    key: str
    at: str
    content: dict[str, Any]
    status: str
    arrived: int


def local(at: int) -> str:
    """An instant in microseconds as RFC 3339 in Shanghai."""
    return moment(at).isoformat()


def moment(at: int) -> datetime:
    """An instant in microseconds as a time in Shanghai."""
    return to_instant(at).astimezone(SHANGHAI)


def mails(rows: Iterable[OutboxRow], letters: list[Letter], names: dict[str, str]) -> list[Mail]:
    """Every `dingtalk.message` in the order of decisions; each letter belongs to one of them at most."""
    waiting = [letter for letter in letters if letter.via == "dingtalk"]
    ordered = sorted((row for row in rows if row.action.do == "dingtalk.message"), key=lambda row: row.action.at)
    return [_mail(row, waiting, names) for row in ordered]


def calls(rows: Iterable[OutboxRow], letters: list[Letter]) -> list[Call]:
    """Every `webhook` in the order of decisions."""
    keys = [letter.document.get("dedupe_key") for letter in letters if letter.document is not None]
    ordered = sorted((row for row in rows if row.action.do == "webhook"), key=lambda row: row.action.at)
    return [
        Call(row.action.id, row.action.dedupe_key, local(row.action.at), dict(row.action.content), row.status, arrived)
        for row in ordered
        for arrived in (keys.count(row.action.dedupe_key),)
    ]


def _mail(row: OutboxRow, waiting: list[Letter], names: dict[str, str]) -> Mail:
    action, result = row.action, row.result or {}
    manager = action.to or ""
    user = str(result.get("userid") or f"ding-{manager}")
    title, body = str(action.content.get("title", "")), str(action.content.get("text", ""))
    wanted = (user, title, markdown(title, body))
    text = _take(waiting, lambda letter: (letter.to, letter.title, letter.text) == wanted)
    picture = None
    if action.attach is not None and text is not None:
        media = result.get("media_id")
        picture = _take(
            waiting, lambda letter: letter.to == user and letter.picture is not None and letter.media == media
        )
    return Mail(
        id=action.id,
        key=action.dedupe_key,
        at=local(action.at),
        user=user,
        to=names.get(manager, manager),
        about=names.get(action.key, action.key),
        title=title,
        text=text.text if text is not None else "",
        picture=picture.picture if picture is not None else None,
        correction=action.correction,
        status=row.status,
        arrived=int(text is not None),
    )


def _take(waiting: list[Letter], fits: Any) -> Letter | None:
    for index, letter in enumerate(waiting):
        if fits(letter):
            return waiting.pop(index)
    return None
