"""Hints for names that do not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one is most like, if any is like it."""
    folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint for a misspelt name, or a short list of what there is."""
    names = sorted(known)
    close = closest(name, names)
    if close is not None:
        return f"did you mean `{close}`?"
    if 0 < len(names) <= 12:
        return "known here: " + ", ".join(f"`{candidate}`" for candidate in names)
    return None
