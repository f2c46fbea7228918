from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.durable_rules.command import ours
from conformance.durable_rules.scenario import scenario

RECORDED = json.loads((Path(__file__).parent / "durable_rules_2_0_28.json").read_text(encoding="utf-8"))
"""What fired in durable_rules 2.0.28, by seed."""


@pytest.mark.parametrize("seed", RECORDED)
def test_the_same_fires_as_was_recorded_of_durable_rules(seed: str) -> None:
    fired = sorted(ours(int(seed)), key=lambda one: json.dumps(one, sort_keys=True))

    assert fired == RECORDED[seed]


def test_a_seed_gives_the_same_scenario_and_another_one_another() -> None:
    assert scenario(1) == scenario(1)
    assert scenario(1) != scenario(2)
    assert sum(map(len, RECORDED.values())) > 20
