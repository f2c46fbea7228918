"""What an HTTP status means for the next attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from connectors.outbound import Reply
from connectors.protocol import ConnectorError, ErrorClass

DEFAULT_PAUSE = 60.0
"""Seconds to wait after 429 when the server does not say how long."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from the `Retry-After` header, in either form of RFC 9110 section 10.2.3; None when absent or
    unreadable.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when.timestamp() - now, 0.0)


def failure(reply: Reply, now: float, who: str) -> ConnectorError | None:
    """The error that `reply`'s status stands for, or None for 2xx. `now` is POSIX seconds; `who` answers."""
    status = reply.status
    if 200 <= status < 300:
        return None
    code, message = f"http_{status}", f"{who} answered {status}"
    pause = retry_after(reply.headers, now)
    if status == 429:
        return ConnectorError(ErrorClass.RATE_LIMITED, code, message, DEFAULT_PAUSE if pause is None else pause)
    if status == 408 or status >= 500:
        kind = ErrorClass.TRANSIENT if pause is None else ErrorClass.RATE_LIMITED
        return ConnectorError(kind, code, message, pause)
    if 300 <= status < 400:
        return ConnectorError(ErrorClass.PERMANENT, code, f"{message}; redirects are not followed")
    return ConnectorError(ErrorClass.PERMANENT, code, message)
