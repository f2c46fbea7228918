"""The action protocol: what a worker hands to a connector, and the only two ways in which it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

Status = Literal["sent", "accepted", "delivered", "done"]


class ErrorClass(StrEnum):
    """What a failed attempt means for the next one."""

    TRANSIENT = "transient"
    """Nothing was done; try again with backoff."""
    RATE_LIMITED = "rate_limited"
    """Nothing was done; try again, but not before `retry_after` seconds."""
    PERMANENT = "permanent"
    """It will never work as it is: dead letter at once."""
    CONFIGURATION = "configuration"
    """A setting or an extra is missing; the message names it. Dead letter until somebody supplies it."""
    UNKNOWN = "unknown"
    """The call went out and its outcome is not known: repeating it may do it twice."""


class ConnectorError(Exception):
    """An attempt failed. `code` is stable, `message` is for people and free of secrets, `retry_after` in
    seconds.
    """

    def __init__(self, error_class: ErrorClass, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(error_class, code, message, retry_after)
        self.error_class = error_class
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to send along: PNG bytes, what it shows in words, and a file name."""

    png: bytes = field(repr=False)
    alt: str
    name: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody an action is for or about. `fields` is the entity's data, `address` an explicit e-mail or
    URL.
    """

    id: str
    name: str
    address: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt at one action.

    `content` is the rendered `with`; `subject` is whom it is about (the rep of an alert), which lets a
    directory find a manager; `dedupe_key` is equal for all attempts at the same effect; `timeout` is for
    the whole attempt, in seconds.
    """

    action_id: str
    dedupe_key: str
    do: str
    to: Recipient | None = None
    subject: Recipient | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    picture: Picture | None = None
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of it: how far it certainly got, the provider's own id, and a JSON-serialisable result."""

    status: Status
    provider_id: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


class Connector(Protocol):
    """Carries out one kind of action. Safe to share between threads; never sleeps."""

    name: str
    resends_safely: bool
    """Whether an attempt of unknown outcome may be repeated without doing the thing twice."""

    def perform(self, request: Request) -> Receipt:
        """Carry out `request`, or raise ConnectorError."""
        ...

    def close(self) -> None:
        """Give back connections; no thread stays behind. May be called twice."""
        ...
