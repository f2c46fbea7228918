"""What is known of the processes that work on a store, and of the revision that they are to make ready."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

import msgspec
from sqlalchemy import select

from engine.store import schema, statements
from engine.store.batch import Coming, Member
from engine.store.query import written
from engine.store.session import Session

_members = schema.members
_COMING = "coming_pack"
_ACTIVATED = written("SELECT max(seq) FROM activations")


class DatabaseMembership:
    """Members over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def activated(self) -> int:
        [(seq,)] = self._session.ask(_ACTIVATED)
        return seq or 0

    def announce(self, revision: str, pinned: tuple[tuple[str, str, str], ...]) -> None:
        text = msgspec.json.encode(Coming(revision, pinned)).decode()
        with self._session.writing() as connection:
            statements.SET_META.many(connection, [(_COMING, text)])

    def coming(self) -> Coming | None:
        query = select(schema.meta.c.value).where(schema.meta.c.name == _COMING)
        with self._session.reading() as connection:
            text = connection.scalar(query)
        return None if text is None else msgspec.json.decode(text, type=Coming)

    def report(self, member: Member) -> None:
        with self._session.writing() as connection:
            statements.REPORT.many(connection, [msgspec.structs.astuple(member)])

    def forget(self, owner: str) -> None:
        with self._session.writing() as connection:
            connection.execute(_members.delete().where(_members.c.owner == owner))

    def members(self, since: int) -> list[Member]:
        query = select(_members).where(_members.c.seen >= since).order_by(_members.c.owner)
        with self._session.reading() as connection:
            return [Member(*row) for row in connection.execute(query)]
