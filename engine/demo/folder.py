"""The folder of a demo: what lies in it, whether a run in it was interrupted, and that only one runs in it at a time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import RulewrightError

_ANOTHER = "name another folder with --dir"
_RUN, _LOCK = "run.json", ".lock"
_DATABASE, _INBOX, _PICTURES, _PAGE = "rulewright.db", "inbox.jsonl", "pictures", "index.html"
_OWN = (_RUN, _DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm", _INBOX, _PAGE)


class Run(msgspec.Struct, frozen=True):
    """What a run is of: another seed, length or revision is another run. Kept in the folder."""

    seed: int
    weeks: int
    revision: str
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that this process holds. `resumed`: it goes on with a run that was interrupted."""

    path: Path
    run: Run
    resumed: bool

    @property
    def store(self) -> str:
        """The store's URL."""
        return f"sqlite:///{self.database}"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / _DATABASE

    @property
    def inbox(self) -> Path:
        """The journal of what arrived."""
        return self.path / _INBOX

    @property
    def pictures(self) -> Path:
        """Where pictures lie: those that were sent, and those that are read."""
        return self.path / _PICTURES

    @property
    def page(self) -> Path:
        """The page."""
        return self.path / _PAGE

    def finish(self) -> None:
        """Note that the run is complete: the next one starts anew."""
        _write(self.path, msgspec.structs.replace(self.run, finished=True))


@contextmanager
def held(path: Path, run: Run, *, fresh: bool = False) -> Iterator[Folder]:
    """The folder at `path`, made or emptied as needed; an unfinished run that equals `run` is gone on with unless `fresh`.

    Raises RulewrightError `not_a_demo` when there are files in it that no demo wrote, `demo_running` when another process holds it,
    `not_writable` when there can be no such folder.
    """
    _ours(path)
    _make(path)
    with _locked(path):
        resumed = not fresh and _read(path) == run
        if not resumed:
            _empty(path)
            _write(path, run)
        (path / _PICTURES).mkdir(exist_ok=True)
        yield Folder(path, run, resumed)


def _ours(path: Path) -> None:
    if path.is_dir() and any(path.iterdir()) and not ((path / _RUN).exists() or (path / _LOCK).exists()):
        raise RulewrightError("not_a_demo", f"{path} holds files that no demo wrote", hint=_ANOTHER)


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / _LOCK).touch()
    except OSError as failure:
        raise RulewrightError("not_writable", f"{path}: {failure.strerror}", hint=_ANOTHER) from failure


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """SQLite's lock works on every system, and goes with the process that held it."""
    lock = sqlite3.connect(path / _LOCK, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise RulewrightError(
            "demo_running", f"another demo is running in {path}", hint="wait for it, or name another folder with --dir"
        ) from error
    try:
        yield
    finally:
        lock.close()


def _read(path: Path) -> Run | None:
    try:
        return msgspec.json.decode((path / _RUN).read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, run: Run) -> None:
    draft = path / f"{_RUN}.part"
    draft.write_bytes(msgspec.json.encode(run))
    draft.replace(path / _RUN)


def _empty(path: Path) -> None:
    for name in _OWN:
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / _PICTURES, ignore_errors=True)
