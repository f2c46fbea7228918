"""What all parts of the language share: strict frozen models, texts, expressions, spans of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ModelWrapValidatorHandler, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from engine.pack.diagnostic import did_you_mean
from engine.pack.span import parse_span


def refuse(code: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """An error of the model with a code of ours; braces in the message are kept as they are."""
    return PydanticCustomError("pack", "{message}", {"code": code, "message": message, "hint": hint})


class Strict(BaseModel):
    """A frozen model that refuses what it does not know and converts nothing.

    While it is read it notes, in the validation context, which model reads which map, so that an unknown key can be
    compared with the keys that would have been known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    @model_validator(mode="wrap")
    @classmethod
    def _note(cls, data: Any, handler: ModelWrapValidatorHandler[Any], info: ValidationInfo) -> Any:
        if data is None:
            raise refuse("empty_value", "there is no value here")
        if isinstance(data, dict) and info.context is not None:
            info.context[id(data)] = cls
        return handler(data)

    @classmethod
    def known_keys(cls) -> list[str]:
        """The keys as they are written in YAML."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def _expression(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise refuse("empty_value", "there is no expression here")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        raise refuse(
            "bad_value", f"an expression is wanted, not {kind(value)}", "quote an expression that begins with { or ["
        )
    return value


def kind(value: Any) -> str:
    """What a YAML value is, in words."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a map"}
    return names.get(type(value), "nothing")


Expr = Annotated[str, BeforeValidator(_expression)]
"""The text of an expression; a plain number, true or false stands for itself."""


def _text(value: Any) -> Any:
    if value is None or value == "":
        raise refuse("empty_value", "there is no text here")
    return {"zh": value} if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """A number that stands for a text, such as a version, as that text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


class _Words(Strict):
    zh: Annotated[str, BeforeValidator(plain)] | None = None
    en: Annotated[str, BeforeValidator(plain)] | None = None

    @model_validator(mode="after")
    def _one(self) -> _Words:
        if self.zh is None and self.en is None:
            raise refuse("missing_key", "a text needs `zh` or `en`")
        return self


Words = Annotated[_Words, BeforeValidator(_text)]
"""A text, or a map of `zh` and `en`."""


def _span(value: Any) -> timedelta:
    try:
        return parse_span(value)
    except ValueError as error:
        raise refuse("bad_duration", str(error)) from None


Span = Annotated[timedelta, BeforeValidator(_span)]
"""A span of time: `72h`, `7d`."""


def as_list(value: Any) -> Any:
    """A list of what may be written alone."""
    if value is None:
        raise refuse("empty_value", "there is no value here")
    return value if isinstance(value, list) else [value]


def spelled(*names: str) -> BeforeValidator:
    """A text that must be one of `names`; anything else is refused with the nearest one as the hint."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in names:
            shown = f"`{value}`" if isinstance(value, (str, int, float)) else kind(value)
            wanted = ", ".join(f"`{name}`" for name in names)
            raise refuse("bad_value", f"{shown} is not one of {wanted}", did_you_mean(str(value), names))
        return value

    return BeforeValidator(check)
