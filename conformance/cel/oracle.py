"""The same expression, evaluated by cel-expr-python (CEL in C++), in the words of this project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

from conformance.cel.runner import Outcome
from engine.cel import BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, UINT, ListType, MapType, Type, UInt

_TYPES: Mapping[Type, Any] = {
    INT: cel.Type.INT,
    UINT: cel.Type.UINT,
    DOUBLE: cel.Type.DOUBLE,
    BOOL: cel.Type.BOOL,
    STRING: cel.Type.STRING,
    BYTES: cel.Type.BYTES,
    TIMESTAMP: cel.Type.TIMESTAMP,
    DURATION: cel.Type.DURATION,
    DYN: cel.Type.DYN,
}
_CODES = (
    ("divide by zero", "division_by_zero"),
    ("modulus by zero", "division_by_zero"),
    ("No matching overloads", "type_mismatch"),
    ("Applying SELECT to non-message type", "type_mismatch"),
    ("<start> or <end> is greater than", "end_of_text"),
    ("substring(<start>): <start> is greater than", "end_of_text"),
    ("is greater than", "range"),
    ("is less than", "range"),
    ("Invalid container type", "type_mismatch"),
    ("must be numeric", "type_mismatch"),
    ("expected integer type", "type_mismatch"),
    ("can only be used on", "type_mismatch"),
    ("cannot convert", "conversion"),
    ("Key not found", "no_such_key"),
    ("Invalid map key type", "no_such_key"),
    ("duplicate key", "bad_argument"),
    ("regular expression", "bad_regex"),
    ("OUT_OF_RANGE", "range"),
    ("Index error", "range"),
    ("out of range", "range"),
    ("overflow", "range"),
    ("range", "range"),
    ("INVALID_ARGUMENT", "bad_argument"),
)


class Oracle:
    """An environment with the declared variables. `evaluate` gives None for what it refuses to compile."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self.environment = cel.NewEnv(
            variables={name: _type(of) for name, of in variables.items()},
            extensions=[
                ext_bindings.ExtBindings(),
                ext_math.ExtMath(),
                ext_optional.ExtOptional(),
                ext_strings.ExtStrings(),
            ],
        )

    def evaluate(self, text: str, values: Mapping[str, Any]) -> Outcome | None:
        """The outcome of an expression. Its error codes are ours, but for `range`, which is all that is out of one, `conversion` for
        texts that are no numbers or too large ones, and `end_of_text` for an end of a substring that it refuses.
        """
        try:
            program = self.environment.compile(text)
        except RuntimeError:
            return None
        found = program.eval(data=dict(values))
        if found.type() == cel.Type.ERROR:
            return Outcome(code=_code(str(found.value())))
        return Outcome(_value(found))


def _type(of: Type) -> Any:
    if isinstance(of, ListType):
        return cel.Type.List(_type(of.item))
    if isinstance(of, MapType):
        return cel.Type.Map(_type(of.key), _type(of.value))
    return _TYPES[of]


def _code(message: str) -> str:
    return next((code for part, code in _CODES if part in message), message)


def _value(found: Any) -> Any:
    value = found.value()
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _value(item) for name, item in value.items()}
    if isinstance(value, bytearray):
        return bytes(value)
    return UInt(value) if found.type() == cel.Type.UINT else value
