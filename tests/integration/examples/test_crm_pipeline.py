"""The CRM replay against counts that are taken from the CSV alone, on a small export with the same dirt and on the real one."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner, Result

from examples.crm_pipeline.__main__ import main

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "crm"
END = date(2017, 12, 31)
STALL_DAYS = 60

TEAMS = """\
sales_agent,manager,regional_office
Ann,Max,East
Bob,Max,East
Cy,Mia,West
Dee,Nobody's Boss,West
"""
ACCOUNTS = """\
account,sector,year_established,revenue,employees,office_location,subsidiary_of
Acme,technolgy,1996,1100.04,2822,United States,
Bluth,medical,1993,1242.32,3027,Philipines,Acme
"""
PRODUCTS = """\
product,series,sales_price
GTX Pro,GTX,4821
MG Special,MG,55
"""
PIPELINE = """\
opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
Q01,Ann,GTXPro,Acme,Won,2017-01-10,2017-02-24,4700
Q02,Ann,GTX Pro,,Won,2017-01-10,2017-03-11,4800
Q03,Ann,MG Special,Bluth,Lost,2017-01-10,2017-03-12,0
Q04,Bob,GTXPro,Acme,Won,2017-01-12,2017-05-20,4512
Q05,Bob,MG Special,,Engaging,2017-11-01,,
Q06,Bob,MG Special,Bluth,Engaging,2017-11-02,,
Q07,Cy,GTX Pro,Acme,Prospecting,,,
Q08,Cy,GTX Pro,,Prospecting,,,
Q09,Cy,GTX Pro,Teste,Prospecting,2026-03-13,,
Q10,Cy,MG Special,Acme,Engaging,2026-03-12,,
Q11,Cy,MG Special,Unheard Of,Engaging,2017-05-02,,
Q12,Cy,MG Special,Acme,Lost,2017-06-01,2017-12-31,0
Q13,Zed,MG Special,Acme,Won,2017-06-01,2017-06-02,55
Q14,Ann,MG Special,Acme,Won,12.06.2017,2017-06-20,55
Q15,Ann,MG Special,Acme,Won,2017-06-01,2017-06-11,55
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    for name, text in (
        ("sales_teams", TEAMS),
        ("accounts", ACCOUNTS),
        ("products", PRODUCTS),
        ("sales_pipeline", PIPELINE),
    ):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def replayed(folder: Path, *options: str) -> dict[str, Any]:
    answer = called(folder, "--json", *options)
    assert answer.exit_code == 0, answer.output
    report: dict[str, Any] = json.loads(answer.stdout)
    return report


def called(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, [str(folder), *options], catch_exceptions=False)


def counted(folder: Path) -> dict[str, dict[str, Any]]:
    """Per manager, what plain Python over the usable rows of the CSV files says."""
    with (folder / "sales_teams.csv").open(encoding="utf-8-sig") as file:
        managers = {row["sales_agent"]: row["manager"] for row in csv.DictReader(file)}
    with (folder / "accounts.csv").open(encoding="utf-8-sig") as file:
        accounts = {"", *(row["account"] for row in csv.DictReader(file))}
    days: dict[str, list[int]] = {manager: [] for manager in managers.values()}
    counts: dict[str, Counter[str]] = {manager: Counter() for manager in managers.values()}
    with (folder / "sales_pipeline.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            engaged = day(row["engage_date"])
            if engaged is None or engaged > END or row["account"] not in accounts or row["sales_agent"] not in managers:
                continue
            closed, manager = day(row["close_date"]), managers[row["sales_agent"]]
            count = counts[manager]
            count["won"] += row["deal_stage"] == "Won"
            count["lost"] += row["deal_stage"] == "Lost"
            count["open"] += closed is None
            waited = ((closed or END) - engaged).days
            count["stalled"] += waited > STALL_DAYS or (closed is None and waited == STALL_DAYS)
            if closed is not None:
                days[manager].append(waited)
    names = ("stalled", "won", "lost", "open")
    return {
        manager: {
            **{name: count[name] for name in names},
            "median_days": median(days[manager]) if days[manager] else None,
        }
        for manager, count in counts.items()
    }


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def by_manager(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    names = ("stalled", "won", "lost", "open", "median_days")
    return {line["manager"]: {name: line[name] for name in names} for line in report["managers"]}


def test_every_manager_has_the_counts_that_the_rows_have(export: Path) -> None:
    found = by_manager(replayed(export))

    assert found == counted(export)
    assert found["Max"] == {"stalled": 3, "won": 4, "lost": 1, "open": 2, "median_days": 60}
    assert found["Mia"] == {"stalled": 1, "won": 0, "lost": 1, "open": 0, "median_days": 213}
    assert found["Nobody's Boss"] == {"stalled": 0, "won": 0, "lost": 0, "open": 0, "median_days": None}


def test_a_quote_closed_on_the_sixtieth_day_is_in_time_and_one_left_open_that_long_is_not(export: Path) -> None:
    kept = [line for line in PIPELINE.splitlines() if line.startswith(("opportunity_id", "Q02", "Q03", "Q05", "Q06"))]
    (export / "sales_pipeline.csv").write_text("\n".join(kept), encoding="utf-8")

    assert replayed(export)["total"]["stalled"] == 2


def test_rows_that_cannot_be_used_are_the_engines_rejects_with_code_and_reason(export: Path) -> None:
    report = replayed(export)

    codes = {code: one["rows"] for code, one in report["rejects"].items()}
    assert codes == {"missing_field": 2, "future": 2, "unknown_reference": 2, "wrong_type": 1}
    assert report["rejects"]["missing_field"]["reason"] == "Object missing required field `time`"
    assert report["processed"] + report["rejected"] == report["rows"] == 15


def test_spellings_are_mended_and_counted(export: Path) -> None:
    assert replayed(export)["mended"] == {"technolgy → technology": 1, "GTXPro → GTX Pro": 2}


def test_a_shorter_patience_stalls_more_quotes(export: Path) -> None:
    assert replayed(export, "--stall", "30d")["total"]["stalled"] == 7


def test_a_second_replay_into_the_same_file_changes_nothing(export: Path) -> None:
    store = ("--store", f"sqlite:///{export / 'crm.db'}")

    assert replayed(export, *store) == replayed(export, *store) == replayed(export)


def test_the_table_is_plain_text_when_nobody_watches(export: Path) -> None:
    printed = called(export).stdout

    assert "Max                  3    4     1     2           60" in printed
    assert "15 rows = 8 processed + 7 rejected" in printed
    assert "\x1b[" not in printed


def test_a_folder_without_the_files_is_named_in_the_error(tmp_path: Path) -> None:
    answer = called(tmp_path)

    assert answer.exit_code == 1
    assert "sales_teams.csv is missing" in answer.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"), [("--stall", "soon", "soon"), ("--store", "redis://x", "redis://x")]
)
def test_an_option_that_cannot_be_used_is_an_error_in_one_line(
    export: Path, option: str, value: str, said: str
) -> None:
    answer = called(export, option, value)

    assert answer.exit_code == 1
    assert answer.stderr.startswith("Error: ")
    assert said in answer.stderr


@pytest.fixture
def large(export: Path) -> Path:
    """The published export where it stands beside the repository, else one as large with the same kinds of dirt."""
    if (REAL / "sales_pipeline.csv").exists():
        return REAL
    head, *rows = PIPELINE.splitlines()
    copies = [f"{number}{row}" for number in range(587) for row in rows]
    (export / "sales_pipeline.csv").write_text("\n".join([head, *copies]), encoding="utf-8")
    return export


def test_thousands_of_opportunities_have_their_own_counts_in_time(large: Path) -> None:
    started = time.process_time()
    report = replayed(large)
    took = time.process_time() - started

    assert report["rows"] > 8800
    assert by_manager(report) == counted(large)
    assert report["processed"] + report["rejected"] == report["rows"]
    assert took < 20
    if large == REAL:
        total = report["total"]
        assert (report["rows"], total["won"], total["lost"], total["median_days"]) == (8801, 4238, 2473, 45)
        assert {code: one["rows"] for code, one in report["rejects"].items()} == {"missing_field": 498, "future": 3}
