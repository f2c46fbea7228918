"""The world around the engine: local servers that speak as DingTalk and as a webhook do, and the real connectors to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.protocol import Connector
from connectors.sandbox.dingtalk import DingTalkSandbox
from connectors.sandbox.webhook import WebhookSandbox
from engine.demo.cast import Rep
from engine.demo.inbox import Inbox

_SECRET = "demo-webhook-secret"


@contextmanager
def stage(managers: list[Rep], reps: list[Rep], inbox: Inbox, pictures: Path) -> Iterator[Mapping[str, Connector]]:
    """Connectors by `do`, wired to sandboxes that write what they take into `inbox`; all is gone afterwards."""
    with ExitStack() as stack:
        dingtalk = stack.enter_context(DingTalkSandbox(users=directory(managers, reps), listener=inbox.message))
        webhook = stack.enter_context(WebhookSandbox(secret=_SECRET, listener=inbox.delivery))
        settings: dict[str, dict[str, Any]] = {
            "dingtalk.message": dingtalk.settings(),
            "webhook": webhook.settings(),
            "ocr.read": {"folder": str(pictures)},
        }
        connectors = {kind: registry.build(kind, values) for kind, values in settings.items()}
        for connector in connectors.values():
            stack.callback(connector.close)
        yield connectors


def directory(managers: list[Rep], reps: list[Rep]) -> dict[str, dict[str, Any]]:
    """The users of the DingTalk organisation: user id → name, and who is above them."""
    users: dict[str, dict[str, Any]] = {userid(one): {"name": one.name} for one in managers}
    for rep in reps:
        users[userid(rep)] = {"name": rep.name, "manager_userid": f"ding-{rep.manager}"}
    return users


def userid(rep: Rep) -> str:
    """The DingTalk user id of a rep or manager, whether the entity has it or only the directory does."""
    return f"ding-{rep.id}"
