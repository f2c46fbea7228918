"""Functions of text, and the functions of this product that read numbers, keys and signatures out of text."""

from __future__ import annotations

import base64
import hmac
import string
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import re2

from engine.cel.errors import CelError
from engine.cel.values import LARGEST, too_large

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ESCAPES = str.maketrans(
    {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\", '"': r"\""}
)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """A compiled RE2 pattern: its matching time is linear in the text. Raises CelError `bad_regex`."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise CelError("bad_regex", f"bad regular expression: {shown}") from None


def matches(text: str, regex: str) -> bool:
    """Whether the pattern matches any part of the text."""
    return pattern(regex).search(text) is not None


def lower_ascii(text: str) -> str:
    """A–Z become a–z; everything else stays."""
    return text.translate(_LOWER)


def upper_ascii(text: str) -> str:
    """a–z become A–Z; everything else stays."""
    return text.translate(_UPPER)


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    """Replace the first `count` occurrences, all when negative."""
    found = text.count(old) if old else len(text) + 1
    replaced = found if count < 0 else min(found, count)
    if len(text) + replaced * (len(new) - len(old)) > LARGEST:
        raise too_large()
    return text.replace(old, new, replaced)


def split(text: str, separator: str, count: int = -1) -> list[str]:
    """The parts between separators, at most `count` of them; an empty separator gives the characters."""
    if count == 0:
        return []
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    if 0 < count < len(text):
        return [*text[: count - 1], text[count - 1 :]]
    return list(text)


def join(items: Sequence[Any], separator: str = "") -> str:
    """The items, which must be strings, one after the other."""
    if not all(type(item) is str for item in items):
        raise CelError("type_mismatch", "only strings can be joined")
    if sum(len(item) + len(separator) for item in items) > LARGEST + len(separator):
        raise too_large()
    return separator.join(items)


def substring(text: str, start: int, end: int | None = None) -> str:
    """Characters from `start` up to, not including, `end`."""
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise CelError("out_of_range", f"no characters {start} to {stop} in a text of {len(text)}")
    return text[start:stop]


def char_at(text: str, position: int) -> str:
    """One character; the position just after the last gives the empty string."""
    if not 0 <= position <= len(text):
        raise CelError("out_of_range", f"no character {position} in a text of {len(text)}")
    return text[position : position + 1]


def index_of(text: str, part: str, start: int = 0) -> int:
    """Where a part begins, at or after `start`; -1 when it does not occur."""
    if not 0 <= start <= len(text):
        raise CelError("out_of_range", f"no character {start} in a text of {len(text)}")
    return text.find(part, start)


def last_index_of(text: str, part: str, start: int | None = None) -> int:
    """Where the last occurrence begins, at or before `start`; -1 when there is none."""
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text):
        raise CelError("out_of_range", f"no character {start} in a text of {len(text)}")
    return text.rfind(part, 0, start + len(part))


def quoted(text: str) -> str:
    """The text as a literal in double quotation marks."""
    if len(text) > LARGEST // 2:
        raise too_large()
    return f'"{text.translate(_ESCAPES)}"'


def base64_encoded(data: bytes) -> str:
    """The bytes as base64 with padding (RFC 4648)."""
    if len(data) > LARGEST // 2:
        raise too_large()
    return base64.b64encode(data).decode()


def base64_decoded(text: str) -> bytes:
    """The bytes of base64, with padding or without."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise CelError("bad_argument", "the text is not base64") from None


def reverse(text: str) -> str:
    """The characters from last to first."""
    return text[::-1]


def has_digit(text: str) -> bool:
    """Whether any character is a decimal digit, of whatever script."""
    return any(character.isdecimal() for character in text)


def last_digit(text: str) -> int:
    """The last decimal digit anywhere in the text: 2 for `A12B`."""
    for character in reversed(text):
        if character.isdecimal():
            return int(character)
    raise CelError("bad_argument", f"no digit in {text!r:.80}")


def uid(*parts: str | int) -> str:
    """16 hexadecimal digits that stand for these parts: BLAKE2b over each one's length and UTF-8 text."""
    digest = blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, (str, int)):
            raise CelError("type_mismatch", "`uid` takes strings and ints")
        encoded = _utf8(str(part))
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def signed_by(text: str, key: str) -> str:
    """The payload of `<payload>.<hex of HMAC-SHA256(key, payload)>`, or '' when the signature is wrong."""
    payload, _, signature = text.rpartition(".")
    right = hmac.new(_utf8(key), _utf8(payload), "sha256").hexdigest()
    return payload if hmac.compare_digest(right.encode(), _utf8(signature.lower())) else ""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """The text of UTF-8 bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CelError("bad_argument", "the bytes are not UTF-8") from None
