"""The misses that README.md lists, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from conformance.cel.runner import Verdict

README = Path(__file__).parents[1] / "README.md"
_ROW = re.compile(r"^\| `(?P<case>[^`]+)` \| (?P<reason>.+) \|$", re.MULTILINE)


def listed(text: str) -> dict[str, str]:
    """Case id (or `file/section/*`) and reason of each row ``| `case` | reason |`` of a page."""
    return {match["case"]: match["reason"] for match in _ROW.finditer(text)}


def unlisted(verdicts: Iterable[Verdict], known: Iterable[str]) -> list[Verdict]:
    """The misses that no row explains."""
    names = frozenset(known)
    return [
        one
        for one in verdicts
        if one.miss is not None and one.case.id not in names and f"{one.case.id.rpartition('/')[0]}/*" not in names
    ]


def outdated(verdicts: Iterable[Verdict], known: Iterable[str]) -> list[str]:
    """The rows whose case was run and passes by now."""
    passed = {one.case.id for one in verdicts if one.passed}
    return sorted(passed.intersection(known))
