"""Values and types between their wire form and Python, and what counts as the same value."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from engine.cel import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Denotation,
    ListType,
    MapType,
    Type,
    UInt,
)
from engine.cel.timestamps import parse_duration, parse_timestamp

_TIME_TYPES = {"google.protobuf.Timestamp": TIMESTAMP, "google.protobuf.Duration": DURATION}
_PRIMITIVES = {"INT64": INT, "UINT64": UINT, "DOUBLE": DOUBLE, "BOOL": BOOL, "STRING": STRING, "BYTES": BYTES}


def read(wire: Mapping[str, Any]) -> Any:
    """The Python value of a `cel.expr.Value` in its JSON form. Raises ValueError for what belongs to protobuf."""
    ((kind, value),) = wire.items()
    match kind:
        case "int64Value":
            return int(value)
        case "uint64Value":
            return UInt(int(value))
        case "doubleValue":
            return float(value)
        case "boolValue" | "stringValue" | "nullValue":
            return value
        case "bytesValue":
            return base64.b64decode(value)
        case "typeValue":
            return Denotation(value)
        case "listValue":
            return [read(item) for item in value.get("values", ())]
        case "mapValue":
            return {read(entry["key"]): read(entry["value"]) for entry in value.get("entries", ())}
        case "objectValue":
            return _well_known(value)
    raise ValueError(f"no value of this language: {kind}")


def _well_known(value: Mapping[str, Any]) -> Any:
    name = value["@type"].rpartition("/")[2]
    if name not in _TIME_TYPES:
        raise ValueError(f"a message: {name}")
    return parse_timestamp(value["value"]) if name.endswith("Timestamp") else parse_duration(value["value"])


def declared(wire: Mapping[str, Any]) -> Type:
    """The type of a `cel.expr.Type` in its JSON form; `dyn` for what belongs to protobuf."""
    ((kind, value),) = wire.items()
    match kind:
        case "primitive":
            return _PRIMITIVES.get(value, DYN)
        case "null":
            return NULL
        case "listType":
            return ListType(declared(value["elemType"]))
        case "mapType":
            return MapType(declared(value["keyType"]), declared(value["valueType"]))
        case "wellKnown":
            return {"TIMESTAMP": TIMESTAMP, "DURATION": DURATION}.get(value, DYN)
        case "messageType":
            return _TIME_TYPES.get(value, DYN)
    return DYN


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same value of the same type; NaN is the same as NaN, and the sign of zero is lost on the wire."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return _keyed(one).keys() == _keyed(other).keys() and all(
            same(value, _keyed(other)[name]) for name, value in _keyed(one).items()
        )
    return bool(one == other)


def _keyed(entries: Mapping[Any, Any]) -> dict[tuple[str, Any], Any]:
    return {(type(name).__name__, name): value for name, value in entries.items()}
