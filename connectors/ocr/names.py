"""Which line of a sign is the shop's name, and which customer it names."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.protocol import ConnectorError, ErrorClass

Decision = Literal["matched", "ask", "none"]

EXTRA_MISSING = "reading signs needs an extra that is not installed: pip install 'rulewright[ocr]'"

_NOISE = re.compile(r"电话|手机|热线|地址|营业|时间|微信|订购|tel|phone|www\.|https?:", re.IGNORECASE)
_NEAR, _FAR, _FAR_PENALTY, _UNKNOWN_PENALTY = 200.0, 2_000.0, 25.0, 5.0
"""Metres within which a customer is where the photo was taken, and beyond which hardly; points taken off."""

_ASK_BELOW = 30.0
"""How far below the threshold a candidate may be and still be offered to a person."""

_SHORTLIST = 20
_EARTH = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Line:
    """A line as read: its text, the height of its box in pixels, and the reader's confidence in [0, 1]."""

    text: str
    height: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that it may be. `score` is 0..100: likeness of the name less what the distance takes off."""

    id: str
    name: str
    score: float


def shop_name(lines: Sequence[Line]) -> str:
    """The tallest line that is no telephone, address or opening hour; empty when there is none."""
    names = [line for line in lines if _may_be_name(line.text)]
    return max(names, key=lambda line: line.height).text if names else ""


def rank(name: str, customers: Sequence[Mapping[str, Any]], here: tuple[float, float] | None) -> list[Candidate]:
    """Customers (`id`, `name`, optional `lat`, `lon`) by likeness to `name`, best first, ties by id.

    `here` is (lat, lon) of the photo in degrees. Likeness is rapidfuzz's `fuzz.ratio` of the names without
    spaces and width variants. Raises ConnectorError CONFIGURATION `extra_missing`.
    """
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise ConnectorError(ErrorClass.CONFIGURATION, "extra_missing", EXTRA_MISSING) from error
    names = [plain(str(customer["name"])) for customer in customers]
    wanted = plain(name)
    if not wanted:
        return []
    close = process.extract(wanted, names, scorer=fuzz.ratio, limit=_SHORTLIST)
    found = [
        Candidate(
            str(customers[index]["id"]),
            str(customers[index]["name"]),
            round(max(likeness - _penalty(customers[index], here), 0.0), 1),
        )
        for _, likeness, index in close
    ]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.id))


def decide(ranked: Sequence[Candidate], threshold: float, margin: float) -> tuple[Decision, list[Candidate]]:
    """`matched` only at or above `threshold` and `margin` ahead of the second; else `ask` with up to 3, or
    `none`.
    """
    offered = [c for c in ranked[:3] if c.score >= max(threshold - _ASK_BELOW, 1.0)]
    if not offered:
        return "none", []
    runner_up = ranked[1].score if len(ranked) > 1 else 0.0
    if offered[0].score >= threshold and offered[0].score - runner_up >= margin:
        return "matched", offered
    return "ask", offered


def plain(text: str) -> str:
    """NFKC, lower case, no spaces and no punctuation: what differs between a sign and a customer list."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def _may_be_name(text: str) -> bool:
    folded = unicodedata.normalize("NFKC", text)
    return not _NOISE.search(folded) and any(c.isalpha() for c in folded)


def _penalty(customer: Mapping[str, Any], here: tuple[float, float] | None) -> float:
    if here is None:
        return 0.0
    lat, lon = customer.get("lat"), customer.get("lon")
    if not isinstance(lat, int | float) or not isinstance(lon, int | float):
        return _UNKNOWN_PENALTY
    away = _metres(here, (lat, lon))
    return _FAR_PENALTY * min(max((away - _NEAR) / (_FAR - _NEAR), 0.0), 1.0)


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance by the haversine formula."""
    lat1, lat2 = math.radians(one[0]), math.radians(other[0])
    lon = math.radians(other[1] - one[1])
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(lon / 2) ** 2
    return 2 * _EARTH * math.asin(min(math.sqrt(half), 1.0))
