from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from engine.pack import diagnose

PAGE = Path(__file__).parents[3] / "docs" / "language.md"
EXAMPLES = "\n".join(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
SCRAPS = ("3", "[1]", "{a: b}", "x", "true", "", "[[]]", '"{{ a"', "-1", "{to: 3}", "null", "*quote", "!x 1")


def damaged(text: str, chance: random.Random) -> str:
    """The text with a character too much, some characters or a line less, or a value replaced."""
    lines = text.split("\n")
    number, spot = chance.randrange(len(lines)), chance.randrange(len(text))
    match chance.randrange(4):
        case 0:
            return text[:spot] + chance.choice("{}[]:,\"'&*!|>-#? \n\t0é中%@.()") + text[spot:]
        case 1:
            return text[:spot] + text[spot + chance.randint(1, 8) :]
        case 2:
            del lines[number]
        case _:
            lines[number] = f"{lines[number].partition(':')[0]}: {chance.choice(SCRAPS)}"
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_pack_gets_diagnostics_and_never_an_exception(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    text = damaged(damaged(EXAMPLES, chance), chance)
    (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")

    for found in diagnose([tmp_path]):
        assert found.render().startswith(f"{tmp_path}/pack.yaml:{found.place.line}:")
