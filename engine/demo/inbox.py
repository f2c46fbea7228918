"""What recipients hold in their hands: every message that a sandbox took, on disk before its sender has an answer."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any, Literal

import msgspec

from connectors.sandbox.dingtalk import Message
from connectors.sandbox.webhook import Delivery


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as it arrived. `picture` is a file name in the folder of pictures, `media` the service's id of it.

    `to` is a DingTalk user id, or `webhook`; `key` and `document` are a webhook's idempotency key and body.
    """

    via: Literal["dingtalk", "webhook"]
    to: str
    title: str = ""
    text: str = ""
    picture: str | None = None
    media: str | None = None
    key: str | None = None
    document: dict[str, Any] | None = None


class Inbox:
    """A journal of letters. What was taken survives a killed process: a line is written in one piece and handed over at once."""

    def __init__(self, journal: Path, pictures: Path) -> None:
        self._journal = journal
        self._pictures = pictures
        self._lock = threading.Lock()

    def message(self, message: Message) -> None:
        """A DingTalk message arrived."""
        picture = None if message.png is None else self._keep(message.png)
        self._append(Letter("dingtalk", message.user, message.title, message.text, picture, message.media_id))

    def delivery(self, delivery: Delivery) -> None:
        """A webhook was called."""
        document = delivery.document if isinstance(delivery.document, dict) else {"body": delivery.document}
        self._append(Letter("webhook", "webhook", key=delivery.key, document=document))

    def letters(self) -> list[Letter]:
        """Everything that arrived, in order. A line that a killed process left unfinished is no letter."""
        if not self._journal.exists():
            return []
        lines = self._journal.read_bytes().split(b"\n")
        return [msgspec.json.decode(line, type=Letter) for line in lines[:-1] if line]

    def mend(self) -> None:
        """Cut off a line that a killed process left unfinished."""
        if self._journal.exists():
            content = self._journal.read_bytes()
            self._journal.write_bytes(content[: content.rfind(b"\n") + 1])

    def _append(self, letter: Letter) -> None:
        with self._lock, self._journal.open("ab", buffering=0) as file:
            file.write(msgspec.json.encode(letter) + b"\n")

    def _keep(self, png: bytes) -> str:
        name = f"heatmap-{hashlib.sha256(png).hexdigest()[:12]}.png"
        if not (self._pictures / name).exists():
            draft = self._pictures / f"{name}.part"
            draft.write_bytes(png)
            draft.replace(self._pictures / name)
        return name
