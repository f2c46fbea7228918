"""The ways in which DingTalk reaches one person: a robot's chat, or a work notification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connectors.deadline import Deadline
from connectors.protocol import Status


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a message certainly got, and the service's id of it."""

    status: Status
    id: str | None


class Way(Protocol):
    """Both calls raise ConnectorError when the person was not reached."""

    def say(self, userid: str, title: str, text: str, deadline: Deadline) -> Sent:
        """Send markdown."""
        ...

    def show(self, userid: str, media_id: str, deadline: Deadline) -> Sent:
        """Send an uploaded picture."""
        ...
