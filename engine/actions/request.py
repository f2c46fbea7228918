"""From an outbox row to the request that a connector understands: recipient, subject, picture, candidates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from connectors.protocol import ConnectorError, ErrorClass, Picture, Recipient, Request
from engine.core.event import Action
from engine.core.program import Channel

Entities = Callable[[str, str], Mapping[str, Any] | None]
"""The data of an entity, by its type and id, as it is known now; None: there is none. Called from worker threads."""

Candidates = Callable[[str], Iterable[Mapping[str, Any]]]
"""The data of all entities of a type. Called from worker threads."""

_CANDIDATE_FIELDS = ("id", "name", "lat", "lon")


def request(action: Action, channel: Channel, entities: Entities, candidates: Candidates) -> Request:
    """The request of `action`. Raises ConnectorError PERMANENT `bad_attachment` when its picture cannot be drawn."""
    subject = _person(action.scope, action.key, entities)
    return Request(
        action_id=action.id,
        dedupe_key=action.dedupe_key,
        do=action.do,
        to=_recipient(action, entities),
        subject=subject,
        content=_content(action, candidates),
        picture=None if action.attach is None else _picture(action, action.attach, subject),
        timeout=channel.timeout,
    )


def fingerprint(made: Request) -> str:
    """Thirty-two hexadecimal digits that tell whether two attempts said the same."""
    picture = None if made.picture is None else hashlib.sha256(made.picture.png).hexdigest()
    people = [None if person is None else person.id for person in (made.to, made.subject)]
    text = msgspec.json.encode([made.do, people, made.content, picture], order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _recipient(action: Action, entities: Entities) -> Recipient | None:
    if action.to is None:
        return None
    if action.to_entity is None:
        return Recipient(action.to, action.to, address=action.to)
    return _person(action.to_entity, action.to, entities) or Recipient(action.to, action.to)


def _person(entity: str, key: str, entities: Entities) -> Recipient | None:
    data = entities(entity, key)
    return None if data is None else Recipient(key, str(data.get("name") or key), fields=data)


def _content(action: Action, candidates: Candidates) -> dict[str, Any]:
    content = dict(action.content) if isinstance(action.content, Mapping) else {"text": action.content}
    entity = content.pop("candidates_from", None)
    if entity is not None:
        content["candidates"] = [_candidate(data) for data in candidates(entity)]
    return content


def _candidate(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _CANDIDATE_FIELDS if data.get(name) is not None}


def _picture(action: Action, attach: Mapping[str, Any], subject: Recipient | None) -> Picture:
    # Pillow loads in a tenth of a second, which only workers that draw should pay.
    from connectors.pictures.heatmap import Point, heatmap

    try:
        points = [Point(p["lat"], p["lon"], datetime.fromisoformat(p["time"])) for p in attach["points"]]
        start, end = datetime.fromisoformat(attach["from"]), datetime.fromisoformat(attach["to"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectorError(
            ErrorClass.PERMANENT, "bad_attachment", f"the attachment of {action.id} is no heat map: {error!r}"
        ) from error
    who = subject.name if subject is not None else action.key
    return heatmap(points, title=f"{who} 近{max((end - start).days, 1)}天拜访轨迹", start=start, end=end)
