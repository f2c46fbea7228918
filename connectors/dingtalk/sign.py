"""The signature of a custom robot's webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote


def digest(secret: str, timestamp_ms: int) -> str:
    """Base64 of HMAC-SHA256 over `timestamp\\nsecret`, not URL-encoded."""
    text = f"{timestamp_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode("ascii")


def sign(secret: str, timestamp_ms: int) -> str:
    """The `sign` parameter, URL-encoded once: to be put into the URL as it is.

    Encoding it again is what the service answers with `310000 sign not match`.
    """
    return quote(digest(secret, timestamp_ms), safe="")
