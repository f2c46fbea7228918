"""A server in a process of its own, and a key to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.server.keyring import SCOPES, new_key
from engine.store import DatabaseStore, open_store

RUN = [sys.executable, "-c", "from engine.cli import main; main()"]

PATIENCE = 60
"""Seconds in which a server must have started."""


@contextmanager
def served(url: str, *words: str, source: str = "app", pack: str = "sales") -> Iterator[tuple[str, str]]:
    """The address of a server over the store at `url`, and a token for all of it; told to stop at the end."""
    key, token = new_key("conformance", SCOPES, source, (), 0)
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    store.keep_key(key)
    store.close()
    with running("serve", "--port", "0", "--pack", pack, "--store", url, *words) as log:
        yield _address(log), token


@contextmanager
def running(*words: str) -> Iterator[Path]:
    """A command that runs until the end; what it says on standard error goes to the file."""
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen([*RUN, *words], stderr=log, env=dict(os.environ))
        try:
            yield Path(log.name)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _address(log: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = re.search(r"serving \w+ at (\S+)", log.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")
