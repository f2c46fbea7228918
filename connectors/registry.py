"""Which connector answers to which kind. Modules are imported when their kind is first built."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from connectors.protocol import Connector, ConnectorError, ErrorClass

KINDS: Mapping[str, str] = {
    "dingtalk.message": "connectors.dingtalk.message",
    "dingtalk.robot": "connectors.dingtalk.robot",
    "webhook": "connectors.webhook.post",
    "email": "connectors.notify.email",
    "ocr.read": "connectors.ocr.reading",
}
"""Kind → the module whose `connect(settings, clock)` makes it."""


def build(kind: str, settings: Mapping[str, Any], *, clock: Callable[[], float] = time.time) -> Connector:
    """A connector of `kind`. `clock` gives POSIX seconds, for rate limits and expiries.

    Raises ConnectorError CONFIGURATION: `unknown_kind`, `missing_setting`, `unknown_setting`, `bad_setting`,
    `extra_missing`.
    """
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise ConnectorError(ErrorClass.CONFIGURATION, "unknown_kind", f"no connector {kind!r}; there are {known}")
    return cast(Connector, import_module(KINDS[kind]).connect(settings, clock))
