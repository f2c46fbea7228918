"""Channels: which connector carries out an action; secrets are named, never written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.registry import KINDS
from engine.core.program import Channel
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Channel as Model
from engine.pack.reading import At, Definition

SECRET_PREFIX = "RULEWRIGHT_SECRET_"
_SECRET_WORDS = ("secret", "token", "password")
DEFAULT_BACKOFF_S = 2.0
DEFAULT_TIMEOUT_S = 10.0


def compile_channel(build: Build, one: Definition[Model]) -> Channel:
    """A channel; its settings keep `{env: NAME}` and `{file: PATH}` for the worker to resolve."""
    model, at = one.model, one.at
    build.known(model.connector, KINDS, at / "connector", "channel")
    _check_settings(model.settings, at / "settings")
    return Channel(
        do=one.name,
        connector=model.connector,
        settings=model.settings,
        on_unknown=model.on_unknown,
        max_attempts=model.max_attempts,
        backoff=model.backoff.total_seconds() if model.backoff is not None else DEFAULT_BACKOFF_S,
        timeout=model.timeout.total_seconds() if model.timeout is not None else DEFAULT_TIMEOUT_S,
        place=at.key,
    )


def _check_settings(settings: Mapping[str, Any], at: At) -> None:
    for name, value in settings.items():
        secret = any(word in name.lower() for word in _SECRET_WORDS)
        if isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
            _check_source(value, at / name, secret=secret)
        elif isinstance(value, dict) and {"env", "file"} & set(value):
            _check_extra(value, at / name)
        elif isinstance(value, dict):
            _check_settings(value, at / name)
        elif secret:
            hint = f"write `{name}: {{env: {SECRET_PREFIX}{name.upper()}}}`"
            (at / name).key_problem("literal_secret", f"`{name}` is a secret, and a pack holds none", hint)


def _check_source(value: Mapping[str, Any], at: At, *, secret: bool) -> None:
    for key, name in value.items():
        if not isinstance(name, str) or not name:
            (at / key).problem("bad_value", f"`{key}` needs a name")
        elif secret and key == "env" and not name.startswith(SECRET_PREFIX):
            (at / key).problem("literal_secret", f"a pack may name only secrets `{SECRET_PREFIX}…`, not `{name}`")


def _check_extra(value: Mapping[str, Any], at: At) -> None:
    for key in value:
        if key not in ("env", "file"):
            (at / key).key_problem("unknown_key", f"unknown key `{key}`", did_you_mean(key, ("env", "file")))
