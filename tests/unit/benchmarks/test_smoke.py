"""The benchmarks run, so that they cannot rot. How fast they are is no test's business."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import TOPICS, main
from benchmarks.deals import deals, rules
from benchmarks.figure import Figure
from benchmarks.mix import Mix
from benchmarks.paper import cells
from benchmarks.rivals import child
from benchmarks.rivals.child import RIVALS


def test_every_topic_gives_figures_in_the_table_and_in_the_json(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"

    answer = CliRunner().invoke(main, ["--smoke", "--json", str(out)], catch_exceptions=False)

    assert answer.exit_code == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert {one["topic"] for one in written["figures"]} == set(TOPICS)
    here = [one for one in written["figures"] if not one["note"].startswith("not installed")]
    ours = [one for one in here if not any(name in one["what"] for name in RIVALS)]
    assert all(one["value"] > 0 for one in ours if one["unit"] != "blocks")
    assert all(one["value"] or one["note"] for one in written["figures"] if one not in ours)
    assert {"cpu", "cores", "python"} <= written["machine"].keys()
    for topic in TOPICS:
        assert f"\n{topic} " in answer.stdout


def test_markdown_has_a_row_for_every_figure(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"

    answer = CliRunner().invoke(main, ["--smoke", "--only", "conditions", "--markdown", "--json", str(out)])

    rows = [line for line in answer.stdout.splitlines() if line.startswith("| conditions |")]
    assert len(rows) == len(json.loads(out.read_text(encoding="utf-8"))["figures"])


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("durable-rules", " builds it, with a C compiler"),
        ("clipspy", ""),
        ("zen-engine", ""),
        ("drools_jpy", ", and it needs Java"),
    ],
)
def test_a_peer_that_is_not_there_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, name: str, needs: str
) -> None:
    monkeypatch.setattr(child, "installed", lambda _rival: False)

    said = child.measured(RIVALS[name], "alpha", 10, 10, 1)
    assert said == f"not installed: pip install 'rulewright[peers]'{needs}"


def test_a_peer_that_fails_is_said_with_its_last_line() -> None:
    broken = replace(RIVALS["clipspy"], module="json")

    said = str(child.measured(broken, "no such task", 10, 10, 1))
    assert re.match(r"ended with 1: (KeyError|ModuleNotFoundError)", said)


def test_the_same_seed_gives_the_same_mix_and_all_types_are_in_it() -> None:
    first, second = (Mix(7, 12, 60).feed(4_000) for _ in range(2))

    assert first == second
    types = Counter(json.loads(line)["type"] for line, _ in first.events)
    assert len(types) == 25
    assert types["visit.closed"] > 5 * types["quote.sent"] > 0


def test_every_deal_exceeds_the_amount_of_exactly_one_rule() -> None:
    wanted = list(rules(30))

    for deal in deals(30, 200):
        met = [one for one in wanted if one.type == deal.type and one.region == deal.region]
        assert len(met) == 1
        assert deal.amount > met[0].amount


def test_a_figure_says_whether_it_is_as_good_as_wanted() -> None:
    assert cells(Figure("t", "fast", 30_000.0, "events/s", "wall", (), 20_000.0))[-1] == "≥ 20,000 ✓"
    assert cells(Figure("t", "slow", 2.5, "×", "cpu", (), 2.0, most=True))[-1] == "≤ 2 ✗"
