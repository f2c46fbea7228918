"""State and events as bytes: MessagePack with extensions for durations, which msgspec would turn into text, and for `uint`."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar, cast

import msgspec

from engine.cel.values import UInt
from engine.core.calendar import MICROSECOND

T = TypeVar("T")

_DURATION, _UINT = 1, 2


def _tagged(value: Any) -> Any:
    if isinstance(value, timedelta):
        return msgspec.msgpack.Ext(_DURATION, str(value // MICROSECOND).encode())
    if isinstance(value, msgspec.Struct):
        return {name: _tagged(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tagged(item) for item in value]
    return value


def _extended(value: Any) -> msgspec.msgpack.Ext:
    """What MessagePack has no form for."""
    if isinstance(value, UInt):
        return msgspec.msgpack.Ext(_UINT, str(int(value)).encode())
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _restored(code: int, payload: memoryview) -> Any:
    if code == _DURATION:
        return timedelta(microseconds=int(bytes(payload)))
    if code == _UINT:
        return UInt(int(bytes(payload)))
    raise ValueError(f"unknown extension {code} in stored state")


_PLAIN = frozenset((str, int, float, bool, type(None), datetime))


def holds_duration(value: Any) -> bool:
    """Whether a duration hides anywhere inside; nearly no data do, so packing them stays one call."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return isinstance(value, timedelta)
    return any(item.__class__ not in _PLAIN and holds_duration(item) for item in value)


def portable(data: dict[str, Any]) -> dict[str, Any]:
    """`data` with durations tagged, ready for `pack`; the same object where there are none."""
    return _tagged(data) if holds_duration(data) else data


pack = msgspec.msgpack.Encoder(enc_hook=_extended).encode

_DURATION_TEXT = re.compile(rb"[\xa3-\xbf]-?P(?:\d{1,9}D|T\d)")
"""How msgspec writes a duration: a short text such as `P1DT5S` or `-PT0.5S`, behind the byte that says how long it is."""


def sealed(section: msgspec.Struct) -> bytes:
    """State as bytes that `unpack` gives back exactly. Packing is tried first: only what may hold durations is searched for them."""
    payload = pack(section)
    if b"P" in payload and _DURATION_TEXT.search(payload) is not None:
        return pack(_tagged(section))
    return payload


@lru_cache(maxsize=64)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, ext_hook=_restored)


def unpack(payload: bytes, kind: type[T]) -> T:
    """What `pack` wrote, as a value of `kind`."""
    decoder: msgspec.msgpack.Decoder[T] = _decoder(cast(Hashable, kind))
    return decoder.decode(payload)


_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


def digest(content: Any) -> bytes:
    """Sixteen bytes that are the same exactly when the content is: BLAKE2b over its canonical MessagePack.

    Raises OverflowError or RecursionError for what the store could not keep either: numbers beyond 64 bits, endless nesting.
    """
    return blake2b(_canonical(content), digest_size=16).digest()


def identity(*parts: object) -> str:
    """The id of what is decided: twenty hexadecimal digits of BLAKE2b over the parts, which cannot run into each other."""
    return identity_of("\x1f".join([str(part) for part in parts]))


def identity_of(text: str) -> str:
    """As `identity`, of parts that are joined already."""
    return blake2b(text.encode(), digest_size=10).hexdigest()
