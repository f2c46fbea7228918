from __future__ import annotations

import pytest

from tests.golden.diagrams.pictures import FOLDER, PICTURES, expected, rendered


@pytest.mark.parametrize(("name", "language", "form"), PICTURES)
def test_a_picture_is_written_word_for_word(name: str, language: str, form: str) -> None:
    assert rendered(name, language, form) == expected(name, language, form).read_text(encoding="utf-8")


def test_every_expected_picture_is_drawn() -> None:
    wanted = {expected(*picture) for picture in PICTURES}

    assert {*FOLDER.glob("*.mmd"), *FOLDER.glob("*.dot")} == wanted
