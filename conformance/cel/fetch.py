"""The published cases: fetched by name from npm once, and kept as JSON in a cache folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import click

PACKAGE = "@bufbuild/cel-spec@0.6.1"
_SUITE = "package/dist/esm/testdata/conformance.js"
_CONVERT = "const m = await import(process.argv[1]); process.stdout.write(JSON.stringify(m.tests))"
_PATIENCE_S = 300


def default_cache() -> Path:
    """The folder under the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rulewright" / "conformance"


def suite(cache: Path) -> dict[str, Any]:
    """The suite as its package gives it: nested `suites` with `tests`. Raises click.ClickException when it cannot be had."""
    kept = cache / f"{PACKAGE.rpartition('/')[2].replace('@', '-')}.json"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        text = _converted()
        part = kept.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _converted() -> str:
    """The cases are a JavaScript module: Node, which comes with npm, writes them as JSON."""
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not installed: the cases are an npm package")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = _run(["npm", "pack", "--silent", PACKAGE], folder).strip().splitlines()[-1]
        with tarfile.open(folder / archive) as tar:
            member = tar.getmember(_SUITE)
            tar.extract(member, folder, filter="data")
        script = (folder / _SUITE).with_suffix(".mjs")
        (folder / _SUITE).rename(script)
        return _run(["node", "--input-type=module", "-e", _CONVERT, script.as_uri()], folder)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
