from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.corpus import expected, packs, rendered


@pytest.mark.parametrize("pack", packs(), ids=lambda pack: pack.name)
def test_a_broken_pack_is_told_exactly_what_is_wrong(pack: Path) -> None:
    assert rendered(pack) == expected(pack).read_text(encoding="utf-8")


def test_every_expected_text_belongs_to_a_pack() -> None:
    wanted = {expected(pack) for pack in packs()}

    assert set(packs()[0].parent.glob("*.expected")) == wanted
    assert len(wanted) >= 25


def test_no_two_packs_have_one_number() -> None:
    numbers = [pack.name.partition("_")[0] for pack in packs()]

    assert len(numbers) == len(set(numbers))
