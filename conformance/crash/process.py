"""The processes that are killed: `python -m conformance.crash.process server|worker FOLDER …`, then what the command takes."""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.crash.failpoint import Failpoints


def main() -> None:
    """`rulewright serve` or `rulewright work`, with failpoints."""
    kind, folder, *words = sys.argv[1:]
    Failpoints(Path(folder), claimed=kind == "worker").install()
    if kind == "server":
        from engine.cli.serve import command
    else:
        from engine.cli.work import command
    command(words)


if __name__ == "__main__":
    main()
