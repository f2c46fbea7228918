"""The signature by which a receiver knows that a webhook is ours and fresh."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Rulewright-Signature"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Header value `t=<POSIX seconds>,v1=<hex of HMAC-SHA256 over "timestamp.body">`."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def verifies(header: str, secret: str, body: bytes, now: float, skew: float = 300.0) -> bool:
    """Whether `header` signs `body` and is at most `skew` seconds away from `now`."""
    stamp = header.removeprefix("t=").partition(",")[0]
    if not stamp.isdigit() or abs(now - int(stamp)) > skew:
        return False
    return hmac.compare_digest(header.encode(), signature(secret, int(stamp), body).encode())
