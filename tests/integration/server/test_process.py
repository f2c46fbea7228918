"""The commands `keys` and `serve` as people run them: processes, a real port, a signal."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from engine.store import DatabaseStore, open_store
from tests.integration.server.conftest import PACK, REPS
from tests.patience import until

RUN = [sys.executable, "-c", "from engine.cli import main; main()"]


DEADLY = """
import os, signal
from engine.cli import main
from engine.core.step import Stepper
from engine.runtime.crew import Crew

stepped = Stepper.step

def step(self, partition, *rest):
    if partition.key == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return stepped(self, partition, *rest)

Stepper.step = step
Crew.__init__.__kwdefaults__["term"] = 1_000_000
main()
"""
"""A command whose process is gone as soon as it steps one task; claims end after a second."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *words], capture_output=True, text=True, timeout=60)


@contextmanager
def serving(*words: str, command: Sequence[str] = RUN) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen([*command, "serve", "--port", "0", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = next(found for line in process.stderr if (found := re.search(r"serving \w+ at (\S+)", line)) is not None)
        yield process, said[1]
    finally:
        process.kill()
        process.wait(30)
        process.stderr.close()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'team.db'}"


def test_a_key_is_shown_once_listed_and_revoked(url: str) -> None:
    made = run(
        "keys", "create", "--store", url, "--name", "app", "--source", "app", "--scope", "events:write", "--role", "rep"
    )
    token = made.stdout.strip()
    assert re.fullmatch(r"rw_[0-9a-f]{12}_[\w-]{43}", token)
    number = token.split("_")[1]
    listed = run("keys", "ls", "--store", url).stdout
    assert number in listed
    assert "source app" in listed
    assert "roles rep" in listed
    assert token.split("_", 2)[2] not in listed
    assert run("keys", "revoke", "--store", url, number).returncode == 0
    assert "revoked" in run("keys", "ls", "--store", url).stdout
    again = run("keys", "revoke", "--store", url, number)
    assert (again.returncode, "unknown_key" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    "words", [["--scope", "events:write"], ["--scope", "all"], ["--scope", "system", "--source", "rulewright/x"], []]
)
def test_a_key_that_cannot_be_is_not_made(url: str, words: list[str]) -> None:
    assert run("keys", "create", "--store", url, "--name", "app", *words).returncode == 2


def test_a_server_needs_a_pack_and_keeps_to_it(url: str, pack: Path, tmp_path: Path) -> None:
    assert "no_pack" in run("serve", "--store", url, "--port", "0").stderr
    with serving("--store", url, "--pack", str(pack)):
        store = open_store(url)
        assert store.active_pack() is not None
        store.close()
    other = tmp_path / "other"
    other.mkdir()
    (other / "pack.yaml").write_text(PACK.replace('version: "1"', 'version: "2"'), encoding="utf-8")
    assert "other_pack" in run("serve", "--store", url, "--pack", str(other), "--port", "0").stderr
    with serving("--store", url) as (_, address):
        assert httpx.get(f"{address}/readyz").status_code == 200


def test_a_delivery_that_kills_its_server_is_found_when_it_is_started_again(url: str, pack: Path) -> None:
    scopes = ("--scope", "events:write", "--scope", "entities:write")
    made = run("keys", "create", "--store", url, "--name", "app", "--source", "app", *scopes)
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    server = {"command": [sys.executable, "-c", DEADLY]}

    def send(address: str, task: str) -> int:
        now, data = datetime.now(UTC).isoformat(), {"task": task, "rep": "r0"}
        event = {"specversion": "1.0", "id": task, "source": "app", "type": "task.opened", "time": now, "data": data}
        httpx.put(f"{address}/v1/entities/rep/r0", json={"name": "Rep", "active": True}, headers=headers)
        return httpx.post(f"{address}/v1/events", json=event, headers=headers, timeout=30).status_code

    def killed() -> list[str]:
        """Serve, and send the deadly event, until the process is gone; answers the events that are in the log."""
        with serving("--store", url, "--pack", str(pack), **server) as (process, address):
            with suppress(httpx.TransportError):
                send(address, "deadly")
            assert process.wait(60) == -signal.SIGKILL
        store = open_store(url)
        logged = [event.id for event in store.events() if event.source == "app"]
        store.close()
        return logged

    assert killed() == []  # it was stepped as it was appended: nothing is committed
    assert killed() == ["deadly"]  # steps are left to claims now, and this one is left behind
    with serving("--store", url, **server) as (process, address):
        assert send(address, "other") == 202
        store = open_store(url)
        assert until(lambda: any(one.key == "other" for _, one in store.decisions(kind="transition")))
        assert until(lambda: list(store.decisions(kind="reject")))
        [(_, given_up)] = store.decisions(kind="reject")
        assert (given_up.fields["code"], given_up.key) == ("step_crashed", "deadly")
        assert process.poll() is None
        store.close()


def test_a_server_that_is_told_to_stop_commits_what_came_and_ends_well(url: str, pack: Path) -> None:
    token = run(
        "keys", "create", "--store", url, "--name", "app", "--source", "app", "--scope", "entities:write"
    ).stdout.strip()
    with serving("--store", url, "--pack", str(pack)) as (process, address):
        answers: list[int] = []
        headers = {"Authorization": f"Bearer {token}"}
        started = threading.Event()

        def send() -> None:
            with httpx.Client(base_url=address, headers=headers) as client:
                for number in range(100_000):
                    rep = {"entity": "rep", "data": {**REPS[0]["data"], "id": f"n{number}"}}  # type: ignore[dict-item]
                    try:
                        answer = client.post("/v1/entities", json=rep)
                    except httpx.TransportError:
                        return
                    answers.append(answer.status_code)
                    if len(answers) == 5:
                        started.set()
                    if answer.status_code != 202:
                        return

        sender = threading.Thread(target=send)
        sender.start()
        assert started.wait(30)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 0
        sender.join(30)
    assert '"stopped"' in said
    assert set(answers) <= {202, 503}
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    known = {one.key for one in store.entities()}
    store.close()
    assert {f"n{i}" for i, status in enumerate(answers) if status == 202} <= known


def test_check_loads_neither_the_store_nor_the_server(pack: Path) -> None:
    code = (
        "import sys; from engine.cli import main; sys.argv = ['rulewright', 'check', sys.argv[1]]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'sqlalchemy', 'fastapi', 'uvicorn', 'starlette'}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(pack)], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
