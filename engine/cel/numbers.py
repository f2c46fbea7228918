"""Conversions between the basic types, and functions of numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from engine.cel.arithmetic import unsigned, whole
from engine.cel.errors import CelError
from engine.cel.values import INT_MAX, UINT_MAX, UInt, greater, less

EARTH_RADIUS_M = 6_371_008.8

_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE)
_BOOLS = {
    **dict.fromkeys(("true", "True", "TRUE", "t", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "f", "0"), False),
}


def int_from_double(value: float) -> int:
    """Truncated towards zero; outside the 64 bits an error."""
    if not -(2.0**63) < value < 2.0**63:
        raise CelError("overflow", "the number does not fit a 64-bit int")
    return int(value)


def int_from_string(text: str) -> int:
    """A decimal whole number."""
    if _WHOLE.fullmatch(text) is None:
        raise CelError("bad_argument", f"not a whole number: {text!r:.80}")
    return whole(int(text))


def int_from_uint(value: int) -> int:
    """The same number; an error above 2**63 - 1."""
    if value > INT_MAX:
        raise CelError("overflow", "the number does not fit a 64-bit int")
    return int(value)


def uint_from_double(value: float) -> UInt:
    """Truncated; outside the 64 bits an error."""
    if not 0 <= value < 2.0**64:
        raise CelError("overflow", "the number does not fit a 64-bit uint")
    return UInt(int(value))


def uint_from_string(text: str) -> UInt:
    """A decimal whole number that is not negative."""
    if _WHOLE.fullmatch(text) is None:
        raise CelError("bad_argument", f"not a whole number: {text!r:.80}")
    value = int(text)
    if not 0 <= value <= UINT_MAX:
        raise CelError("overflow", "the number does not fit a 64-bit uint")
    return UInt(value)


def uint_from_int(value: int) -> UInt:
    """The same number, unless negative."""
    return unsigned(value)


def double_from_string(text: str) -> float:
    """A decimal number, `NaN` or `Infinity`."""
    if len(text) > 1000 or _DECIMAL.fullmatch(text) is None:
        raise CelError("bad_argument", f"not a number: {text!r:.80}")
    return float(text)


def bool_from_string(text: str) -> bool:
    """`true`, `t`, `1` and their negatives, in the usual capitalisations."""
    if text not in _BOOLS:
        raise CelError("bad_argument", f"neither true nor false: {text!r:.80}")
    return _BOOLS[text]


def string_from_double(value: float) -> str:
    """The shortest text that reads back as the same number, without a trailing `.0`."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value).removesuffix(".0")


def string_from_bool(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def absolute(value: int) -> int:
    """The absolute value of an int; the smallest has none."""
    return whole(abs(value))


def sign(value: int) -> int:
    """-1, 0 or 1."""
    return (value > 0) - (value < 0)


def sign_of_double(value: float) -> float:
    """-1.0, 0.0 or 1.0; NaN stays."""
    return math.nan if math.isnan(value) else float((value > 0) - (value < 0))


def square_root(value: float) -> float:
    """The square root; NaN below zero."""
    return math.sqrt(value) if value >= 0 else math.nan


def shift_left(value: int, places: int) -> int:
    """The 64 bits of an int moved to the left; what leaves them is lost."""
    bits = _shifted(value, places)
    return bits - (1 << 64) if bits > INT_MAX else bits


def shift_right(value: int, places: int) -> int:
    """The 64 bits of an int moved to the right, with zeros from the left."""
    if places < 0:
        raise CelError("out_of_range", "bits are moved by 0 or more places")
    bits = (value & UINT_MAX) >> min(places, 64)
    return bits - (1 << 64) if bits > INT_MAX else bits


def shift_uint_left(value: int, places: int) -> UInt:
    """The 64 bits of a uint moved to the left; what leaves them is lost."""
    return UInt(_shifted(value, places))


def shift_uint_right(value: int, places: int) -> UInt:
    """The 64 bits of a uint moved to the right."""
    if places < 0:
        raise CelError("out_of_range", "bits are moved by 0 or more places")
    return UInt(int(value) >> min(places, 64))


def _shifted(value: int, places: int) -> int:
    if places < 0:
        raise CelError("out_of_range", "bits are moved by 0 or more places")
    return ((int(value) & UINT_MAX) << places) & UINT_MAX if places < 64 else 0


def _rounded(rounding: Callable[[float], int]) -> Callable[[float], float]:
    def apply(value: float) -> float:
        return math.copysign(float(rounding(value)), value) if math.isfinite(value) else value

    return apply


ceil = _rounded(math.ceil)
floor = _rounded(math.floor)
trunc = _rounded(math.trunc)


def _half_away(value: float) -> int:
    down = math.floor(abs(value))
    size = down + (abs(value) - down >= 0.5)
    return -size if value < 0 else size


round_half_away = _rounded(_half_away)


def greatest(*values: Any) -> Any:
    """The greatest of some numbers, or of one list of numbers."""
    return _extreme(values, greater)


def least(*values: Any) -> Any:
    """The least of some numbers, or of one list of numbers."""
    return _extreme(values, less)


def _extreme(values: Sequence[Any], better: Callable[[Any, Any], bool]) -> Any:
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        values = values[0]
    if not values:
        raise CelError("bad_argument", "no numbers to choose from")
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        raise CelError("type_mismatch", "only numbers can be compared here")
    best = values[0]
    for value in values[1:]:
        if better(value, best):
            best = value
    return best


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres along the great circle between two points in degrees: haversine, mean Earth radius (IUGG)."""
    if not (abs(lat1) <= 90 and abs(lat2) <= 90 and abs(lon1) <= 360 and abs(lon2) <= 360):
        raise CelError("bad_argument", "latitudes are within ±90°, longitudes within ±360°")
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_phi, half_lambda = (phi2 - phi1) / 2, math.radians(lon2 - lon1) / 2
    chord = math.sin(half_phi) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))
