"""The example for embedding says what its README promises."""

from __future__ import annotations

import re

import pytest

from engine.pack import diagnose, load
from engine.runtime.packtests import run
from examples.embedding import embed

PRINTED = """\
offer o1 is draft
offer o1 is waiting
refused: unknown_reference, data.customer_id: there is no customer `nobody`
say t1, score 1: knows the branch
say t2, score 0: fits any branch
next deadline: 2026-03-04 02:00 UTC
2026-03-04T10:00:00+08:00: gone_cold is red for o1
2026-03-04T10:00:00+08:00  gone_cold went from green to red (firing) for offer o1
"""


def test_the_program_prints_every_step_and_then_why(capsys: pytest.CaptureFixture[str]) -> None:
    embed.main()

    printed = capsys.readouterr().out
    assert printed.startswith(PRINTED)
    assert re.search(r"decided by .*offers\.yaml:\d+:\d+  alerts\.gone_cold", printed)
    assert re.search(r"workflows\.offer\.context\.amount  =  4200\b", printed)


def test_its_pack_has_no_mistakes_and_passes_its_own_tests() -> None:
    assert diagnose([embed.PACK]) == []
    assert [result.failures for result in run(load([embed.PACK]))] == [()]
