"""What comes back into the log: how an action ended, as an event that workflows can wait for."""

from __future__ import annotations

from typing import Any

from engine.core.codec import identity
from engine.store.outbox import OutboxRow

SOURCE = "rulewright/actions"


def receipt(row: OutboxRow) -> dict[str, Any]:
    """The event of a finished action, without its time: that is when it enters the log.

    `action.succeeded` carries {action, do, name, scope, key, result}; `action.failed`, for dead and unknown ones, {action, do,
    name, scope, key, code, reason}. The id is that of the action's last attempt, so that a replayed one has a receipt again.
    """
    action = row.action
    about = {"action": action.id, "do": action.do, "name": action.name, "scope": action.scope, "key": action.key}
    if row.status == "sent":
        kind, data = "action.succeeded", {**about, "result": dict(row.result or {})}
    else:
        kind, data = "action.failed", {**about, "code": row.code or "", "reason": row.reason or ""}
    return {"id": identity("receipt", action.id, row.attempt), "source": SOURCE, "type": kind, "data": data}
