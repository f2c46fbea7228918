"""Diagrams, word for word.

`python -m tests.golden.diagrams.pictures` writes the expected texts anew; look at the pictures before you commit them.
"""

from __future__ import annotations

from pathlib import Path

from engine.interop.diagram import draw, find
from engine.interop.dot import dot
from engine.interop.mermaid import mermaid
from engine.pack import load

FOLDER = Path(__file__).parent
FORMS = {"mmd": mermaid, "dot": dot}
PICTURES = (
    *(("order", language, form) for language in ("zh", "en") for form in FORMS),
    ("visit", "zh", "mmd"),
    ("quote", "en", "dot"),
)


def expected(name: str, language: str, form: str) -> Path:
    """Where the expected text of a picture stands."""
    return FOLDER / f"{name}.{language}.{form}"


def rendered(name: str, language: str, form: str) -> str:
    """The text of a picture: of the pack of that name here, or of a workflow of the sales packs."""
    pack = FOLDER / f"{name}.yaml"
    program = load([pack if pack.exists() else "sales"])
    return FORMS[form](draw(program, find(program, name), language))


def write() -> None:
    """Write the expected texts of all pictures."""
    for picture in PICTURES:
        expected(*picture).write_text(rendered(*picture), encoding="utf-8")


if __name__ == "__main__":
    write()
