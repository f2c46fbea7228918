"""Broken packs and what `check` says about them, word for word.

`python -m tests.golden.corpus` writes the expected texts anew; read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

from engine.pack import diagnose

FOLDER = Path(__file__).parent / "packs"


def packs() -> list[Path]:
    """Every broken pack: a file or a folder."""
    return sorted(path for path in FOLDER.iterdir() if path.suffix != ".expected")


def expected(pack: Path) -> Path:
    """Where the expected text of a pack stands."""
    return pack.with_name(f"{pack.name.removesuffix('.yaml')}.expected")


def rendered(pack: Path) -> str:
    """What `check` prints about a pack, with the pack's own name instead of the way to it."""
    text = "\n\n".join(one.render() for one in diagnose([pack]))
    return text.replace(f"{pack.parent.as_posix()}/", "") + "\n"


def write() -> None:
    """Write the expected texts of all packs."""
    for pack in packs():
        expected(pack).write_text(rendered(pack), encoding="utf-8")


if __name__ == "__main__":
    write()
