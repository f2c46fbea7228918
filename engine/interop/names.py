"""Foreign names made fit for a pack: letters, digits and `_`, no word of CEL, each unlike the others."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field

from engine.pack.names import RESERVED_ROOTS, is_identifier


def fitted(text: str) -> str:
    """The nearest name that an expression can have."""
    found = re.sub(r"[^A-Za-z0-9_]+", "_", text)
    return found if is_identifier(found) and found not in RESERVED_ROOTS else f"_{found}"


@dataclass(slots=True)
class Names:
    """Names of one kind. `fit` maps what things are to what they are called in the pack."""

    fit: dict[Hashable, str] = field(default_factory=dict)

    def of(self, wanted: Hashable, text: str) -> str:
        """The name of `wanted`, made of `text` when it is first asked for."""
        if wanted not in self.fit:
            found = plain = fitted(text)
            taken = set(self.fit.values())
            count = 2
            while found in taken:
                found, count = f"{plain}_{count}", count + 1
            self.fit[wanted] = found
        return self.fit[wanted]
