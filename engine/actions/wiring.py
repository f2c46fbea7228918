"""From a channel to its connector: secrets resolved, the deployment's own permissions added, what is missing named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from connectors import registry
from connectors.protocol import Connector, ConnectorError, ErrorClass
from engine.actions.secrets import resolved
from engine.core.program import Channel

ALLOWED_HOSTS = "RULEWRIGHT_ALLOW_HOSTS"
"""Hosts (`host` or `host:port`, separated by commas) that may have a private address. A pack cannot permit that."""

_REACHING_OUT = frozenset(("dingtalk.message", "dingtalk.robot", "webhook", "ocr.read"))


def connected(channel: Channel, clock: Callable[[], float], environment: Mapping[str, str] = os.environ) -> Connector:
    """The connector of a channel. A setting whose variable is not set is left out, so that its default holds.

    Raises ConnectorError CONFIGURATION: `missing_setting` (with the variables that are not set), `missing_secret`,
    `not_in_packs`, and those of `registry.build`.
    """
    unset = {name: str(value["env"]) for name, value in channel.settings.items() if _is_unset(value, environment)}
    given = {name: value for name, value in channel.settings.items() if name not in unset}
    if "allow_hosts" in given:
        message = f"which private hosts may be called is said by the deployment, in {ALLOWED_HOSTS}"
        raise ConnectorError(ErrorClass.CONFIGURATION, "not_in_packs", message)
    settings = resolved(given, environment)
    hosts = [host.strip() for host in environment.get(ALLOWED_HOSTS, "").split(",") if host.strip()]
    if hosts and channel.connector in _REACHING_OUT:
        settings["allow_hosts"] = hosts
    try:
        return registry.build(channel.connector, settings, clock=clock)
    except ConnectorError as failure:
        if failure.code != "missing_setting" or not unset:
            raise
        message = f"{failure.message}; not set in the environment: {', '.join(sorted(unset.values()))}"
        raise ConnectorError(ErrorClass.CONFIGURATION, "missing_setting", message) from failure


def _is_unset(value: Any, environment: Mapping[str, str]) -> bool:
    return isinstance(value, Mapping) and set(value) == {"env"} and not environment.get(str(value["env"]))
