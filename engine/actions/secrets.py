"""Settings of channels: `{env: NAME}` and `{file: PATH}` become what they name, when a connector is built and not before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.protocol import ConnectorError, ErrorClass


def resolved(settings: Any, environment: Mapping[str, str] = os.environ) -> Any:
    """`settings` with every reference replaced, at any depth.

    Raises ConnectorError CONFIGURATION `missing_secret`, which names the variable or the file.
    """
    if isinstance(settings, Mapping):
        if set(settings) == {"env"}:
            return _variable(str(settings["env"]), environment)
        if set(settings) == {"file"}:
            return _file(str(settings["file"]))
        return {name: resolved(value, environment) for name, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [resolved(value, environment) for value in settings]
    return settings


def _variable(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        raise _missing(f"the environment variable {name} is not set")
    return value


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(f"the file {path} cannot be read: {type(error).__name__}") from error


def _missing(message: str) -> ConnectorError:
    return ConnectorError(ErrorClass.CONFIGURATION, "missing_secret", message)
