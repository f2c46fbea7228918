"""Settings of a connector, read strictly: what is missing, unknown or of the wrong type is named."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from connectors.protocol import ConnectorError, ErrorClass


class Settings:
    """Reads named values once each; `done()` refuses names that nobody asked for."""

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        self._kind = kind
        self._values = values
        self._asked: set[str] = set()

    def text(self, name: str, default: str | None = None) -> str:
        """A text that must be there and not empty, unless a default is given."""
        value = self._get(name)
        if value is None:
            if default is None:
                raise self._error("missing_setting", f"the setting {name!r} is missing")
            return default
        if not isinstance(value, str) or not value:
            raise self._error("bad_setting", f"the setting {name!r} must be a text")
        return value

    def optional(self, name: str) -> str | None:
        """A text, or None where it is not given."""
        return None if self._get(name) is None else self.text(name)

    def number(self, name: str, default: float | None) -> float:
        """A number above zero; with None for a default it must be there."""
        value = self._get(name)
        if value is None:
            if default is None:
                raise self._error("missing_setting", f"the setting {name!r} is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self._error("bad_setting", f"the setting {name!r} must be a number above zero")
        return float(value)

    def whole(self, name: str, default: int | None) -> int:
        """A whole number above zero; with None for a default it must be there."""
        value = self.number(name, default)
        if value != int(value):
            raise self._error("bad_setting", f"the setting {name!r} must be a whole number")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._error("bad_setting", f"the setting {name!r} must be true or false")
        return value

    def choice(self, name: str, default: str, *options: str) -> str:
        """One of `default` and `options`."""
        value = self.text(name, default)
        if value not in (default, *options):
            allowed = ", ".join((default, *options))
            raise self._error("bad_setting", f"the setting {name!r} must be one of {allowed}, not {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where it is not given."""
        value = self._get(name)
        if value is None:
            return ()
        if isinstance(value, str) or not all(isinstance(item, str) for item in value):
            raise self._error("bad_setting", f"the setting {name!r} must be a list of texts")
        return tuple(value)

    def table(self, name: str) -> dict[str, str]:
        """A map of texts to texts, empty where it is not given."""
        value = self._get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self._error("bad_setting", f"the setting {name!r} must be a map of texts")
        return {str(key): item for key, item in value.items()}

    def done(self) -> None:
        """Refuse what was given but never read."""
        for name in self._values:
            if name not in self._asked:
                close = get_close_matches(name, self._asked, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise self._error("unknown_setting", f"there is no setting {name!r}{hint}")

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        return self._values.get(name)

    def _error(self, code: str, message: str) -> ConnectorError:
        return ConnectorError(ErrorClass.CONFIGURATION, code, f"{self._kind}: {message}")
