import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.demo.line import Result, run

WEEKS = 3


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run of three weeks that nobody interrupted."""
    return run(tmp_path_factory.mktemp("unbroken") / "demo", weeks=WEEKS)


@pytest.fixture
def threads() -> Iterator[set[threading.Thread]]:
    """The threads before; afterwards there must be no others."""
    before = set(threading.enumerate())
    yield before
    assert set(threading.enumerate()) <= before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"
