from __future__ import annotations

import pytest

from engine.errors import Place
from engine.pack.diagnostic import SHOWN, Diagnostic


def rendered(line: str, column: int) -> tuple[str, str]:
    _, source, caret = Diagnostic(Place("f", 1, column), "yaml", "wrong", line=line, length=3).render().split("\n")
    return source, caret


def test_a_short_line_is_shown_whole() -> None:
    assert rendered("key: bad", 6) == ("  key: bad", "       ^^^")


@pytest.mark.parametrize("column", [1, 40, 5_000, 99_998])
def test_of_an_endless_line_the_part_around_the_mistake_is_shown(column: int) -> None:
    line = "x" * 99_997 + "bad" if column == 99_998 else "x" * (column - 1) + "bad" + "x" * 100_000
    source, caret = rendered(line, column)

    assert len(source) <= SHOWN + 4
    assert source[len(caret) - 3 : len(caret)] == "bad"
    assert caret.strip() == "^^^"
