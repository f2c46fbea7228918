"""The state of a sandbox tenant: its people, robots, uploaded media, and the messages that arrived."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.server import Answer

TOKEN_LIFE = 7200


@dataclass(frozen=True, slots=True)
class Message:
    """What one recipient sees. `user` is a user id, or `group:NAME`; `at` is POSIX seconds.

    `kind` is the service's word (`sampleMarkdown`, `sampleImageMsg`, `markdown`, `image`, …); `png` holds
    the bytes of the picture that `media_id` stands for; `mentions` are those whom an @ in the text really
    notifies.
    """

    user: str
    kind: str
    title: str
    text: str
    media_id: str | None
    png: bytes | None = field(repr=False)
    at: float
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Robot:
    """A custom robot of a group. Without `secret` it checks no signature; with `keywords` one must be in
    the text.
    """

    name: str = "group"
    secret: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(slots=True)
class Tenant:
    """One organisation. Every access from a route happens under `lock`."""

    app_key: str
    app_secret: str
    robot_code: str
    agent_id: int
    users: dict[str, dict[str, Any]]
    departments: dict[int, dict[str, Any]]
    robots: dict[str, Robot]
    clock: Callable[[], float]
    media_limit: int = 20 << 20
    tokens: dict[str, float] = field(default_factory=dict)
    media: dict[str, bytes] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    invalid_staff: set[str] = field(default_factory=set)
    flow_controlled: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)
    issued: int = 0
    listener: Callable[[Message], None] | None = None

    def issue_token(self) -> str:
        """A new access token, valid for two hours of the tenant's clock."""
        self.issued += 1
        token = f"token-{self.issued}"
        self.tokens[token] = self.clock() + TOKEN_LIFE
        return token

    def token_is_valid(self, token: str) -> bool:
        """Whether `token` was issued here and has not expired."""
        return self.tokens.get(token, float("-inf")) > self.clock()

    def deliver(
        self,
        user: str,
        kind: str,
        title: str,
        text: str,
        media_id: str | None = None,
        mentions: tuple[str, ...] = (),
    ) -> None:
        """A message arrives; the listener hears of it before the sender has an answer."""
        png = self.media.get(media_id) if media_id else None
        message = Message(user, kind, title, text, media_id, png, self.clock(), mentions)
        self.messages.append(message)
        if self.listener is not None:
            self.listener(message)


def errcode(code: int, message: str, **more: Any) -> Answer:
    """An `oapi` answer: HTTP 200 whatever happened."""
    return Answer.json({"errcode": code, "errmsg": message, **more})


def refusal(code: str, message: str, status: int = 400) -> Answer:
    """A `v1.0` answer that refuses."""
    return Answer.json({"code": code, "message": message, "requestid": "sandbox"}, status)


def object_of(document: Any) -> Mapping[str, Any]:
    """`document` if it is a JSON object, else an empty one."""
    return document if isinstance(document, dict) else {}
