"""Texts in Chinese and English, and templates in which `{{ … }}` holds an expression."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.core.program import Expression


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one or two languages; a missing one falls back to the other."""

    zh: str | None = None
    en: str | None = None

    def pick(self, language: str) -> str:
        """The text in `language` (`zh` or `en`), else in the other one, else the empty string."""
        first, second = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return first if first is not None else (second or "")


def display(value: Any) -> str:
    """A value as people read it: `3`, `2.3`, `true`, `2d 4h`; a double without a trailing `.0` and with at most two decimals."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, list):
        return ", ".join(display(item) for item in value)
    return "" if value is None else str(value)


def _span(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    parts = [
        (seconds // 86400, "d"),
        (seconds % 86400 // 3600, "h"),
        (seconds % 3600 // 60, "m"),
        (seconds % 60, "s"),
    ]
    shown = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0s"


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it, a list of parts per language; most templates have one language only."""

    zh: tuple[str | Expression, ...] | None
    en: tuple[str | Expression, ...] | None

    def parts(self, language: str) -> tuple[str | Expression, ...]:
        """The parts in `language`, else in the other one."""
        first, second = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return first if first is not None else (second or ())

    def render(self, env: Any, language: str) -> str:
        """The text with every expression evaluated; raises `CelError` where one fails."""
        return "".join(part if isinstance(part, str) else display(part.run(env)) for part in self.parts(language))


def render(content: Any, env: Any, language: str) -> Any:
    """`content` of an action with its templates evaluated; a template that is one whole expression keeps its type."""
    if isinstance(content, Template):
        parts = content.parts(language)
        if len(parts) == 1 and not isinstance(parts[0], str):
            return parts[0].run(env)
        return content.render(env, language)
    if isinstance(content, dict):
        return {key: render(value, env, language) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [render(item, env, language) for item in content]
    return content
