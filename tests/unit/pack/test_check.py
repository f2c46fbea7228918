from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.check import command
from engine.pack import BrokenPackError, Diagnostic, diagnose, load

BROKEN = "alerts:\n  busy: {by: rep, red: rep.acitve}\n"


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(args))
    return result.exit_code, result.output


def test_the_sales_packs_have_no_mistakes_and_no_warnings() -> None:
    assert run("sales") == (0, "sales: 0 errors, 0 warnings\n")


def test_a_mistake_is_shown_with_its_line_a_caret_and_a_hint(write: Callable[[str], Path]) -> None:
    folder = write(BROKEN)
    code, output = run(str(folder))

    assert code == 1
    assert output == (
        f"{folder}/pack.yaml:2:24: unknown_field: rep has no field `acitve`\n"
        "    busy: {by: rep, red: rep.acitve}\n"
        "                         ^^^^^^^^^^\n"
        "hint: did you mean `active`?\n"
        "\n"
        f"{folder}: 1 error, 0 warnings\n"
    )


def test_json_is_for_programs(write: Callable[[str], Path]) -> None:
    code, output = run(str(write(BROKEN)), "--format", "json")
    (found,) = json.loads(output)

    assert code == 1
    assert (found["line"], found["column"], found["code"], found["severity"]) == (2, 24, "unknown_field", "error")
    assert found["path"] == "alerts.busy.red"


def test_warnings_are_shown_and_do_not_fail(write: Callable[[str], Path]) -> None:
    folder = write("events: {f: {form: {max_required: 0}, data: {a: string}}}\n")
    code, output = run(str(folder))

    assert code == 0
    assert "form_too_long: warning:" in output
    assert output.endswith("0 errors, 1 warning\n")
    assert load([folder]).events["f"].name == "f"


def test_parameters_are_given_as_pairs() -> None:
    assert run("sales", "--param", "quote_stall=60d")[0] == 0
    assert run("sales", "--param", "quote_stal=60d")[0] == 1
    assert run("sales", "--param", "quote_stall")[0] == 2


def test_all_mistakes_come_in_the_order_of_their_places(write: Callable[[str], Path]) -> None:
    found = diagnose([write(BROKEN + "metrics:\n  m: {by: rep, of: nothing, window: lifetime}\nrulez: {}\n")])

    assert [one.code for one in found] == ["unknown_field", "unknown_event", "unknown_key"]


def test_loading_a_broken_pack_raises_with_all_of_them(write: Callable[[str], Path]) -> None:
    folder = write(BROKEN)
    with pytest.raises(BrokenPackError) as raised:
        load([folder])

    assert list(raised.value.diagnostics) == diagnose([folder])
    assert raised.value.code == "unknown_field"


def test_the_caret_stands_below_wide_characters(problems: Callable[..., list[Diagnostic]]) -> None:
    (found,) = problems('alerts:\n  a: {title: "拜访纪律", by: rep, red: rep.acitve}\n')
    _, source, caret, _ = found.render().split("\n")
    before = source[: source.index("rep.acitve")]

    assert caret.index("^") == len(before) + 4


def test_checking_loads_neither_the_store_nor_a_server() -> None:
    heavy = ("sqlalchemy", "fastapi", "httpx", "dramatiq", "PIL")
    script = f"import sys; import engine.cli.check; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )

    assert answer.stdout.strip() == "[]"
