"""Standard output that takes no more: a reader that has read enough, a full disk, none at all. Never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CALL = [sys.executable, "-c", "from engine.cli import main; main()"]
RUN = ["run", "sales", "--events", "events.jsonl"]
FULL = "rulewright: the output cannot be written: No space left on device\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with events of which each gives a line, more of them than a pipe holds."""
    lines = [{"id": str(n), "source": "app", "type": f"none {n} {'x' * 200}"} for n in range(20_000)]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return tmp_path


def test_a_reader_that_has_read_enough_ends_the_command_without_a_word(folder: Path) -> None:
    with subprocess.Popen([*CALL, *RUN], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith(b'{"kind":"reject"')
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 1


@pytest.mark.parametrize(
    "words", [RUN, ["check", "sales"], ["--help"], ["check", "nothing"]], ids=lambda words: words[0]
)
def test_a_full_disk_is_said_in_a_sentence(folder: Path, words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([*CALL, *words], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, FULL)


def test_without_any_output_a_run_asks_for_a_file(folder: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *CALL, *RUN]
    ended = subprocess.run(closed, cwd=folder, env=os.environ, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "rulewright: not_writable: standard output is closed (name a file with --out)\n"
    ended = subprocess.run([*closed, "--out", "outcomes"], cwd=folder, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len((folder / "outcomes").read_bytes().splitlines()) == 20_000
