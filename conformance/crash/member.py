"""One place in the fleet, and the process that fills it now."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from conformance.crash.failpoint import ARM, READY, WORDS

ROOT = Path(__file__).parents[2]
_PATIENCE = 60


@dataclass
class Member:
    """A process that is started again after it was killed: a `worker` or a `server`. `arguments` are those of its command; `folder` is its
    own.
    """

    kind: str
    folder: Path
    environment: dict[str, str]
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    complaints: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start a process, which is not armed."""
        for name in (ARM, WORDS, READY):
            (self.folder / name).unlink(missing_ok=True)
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "conformance.crash.process", self.kind, str(self.folder), *self.arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    @property
    def dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is None or self.process.poll() is not None

    @property
    def ready(self) -> bool:
        """Whether the process has begun to work."""
        return (self.folder / READY).exists()

    def arm(self, point: str) -> None:
        """Tell the process to kill itself when it next passes a failpoint."""
        draft = self.folder / f"{ARM}.draft"
        draft.write_text(point, encoding="utf-8")
        draft.rename(self.folder / ARM)

    def disarm(self) -> None:
        """Tell it that it need not."""
        (self.folder / ARM).unlink(missing_ok=True)

    def words(self) -> tuple[str, list[str]] | None:
        """Why the process has killed itself, and the tokens of the claims that it held; None: it has not."""
        try:
            words = json.loads((self.folder / WORDS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return str(words["why"]), list(words["claims"])

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM: it lets what is under way be committed, and ends."""
        if self.process is None or self.dead:
            return
        self.process.terminate()
        try:
            status = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.complaints.append(f"a {self.kind} did not end within {_PATIENCE} s after SIGTERM")
            self.kill()
        else:
            if self.kind == "worker" and status:
                self.complaints.append(f"a worker ended with {status} after SIGTERM")

    def tail(self) -> str:
        """The last that it said."""
        lines = self._said.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-3:])

    def broken(self) -> int:
        """How many threads of it have ended by an exception."""
        return self._said.read_text(encoding="utf-8", errors="replace").count("Exception in thread")

    @property
    def _said(self) -> Path:
        return self.folder / "stderr"
