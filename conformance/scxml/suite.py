"""The suite: SCION's tests of SCXML interpreters, fetched from npm when they are run, and never kept here."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PACKAGE = "@scion-scxml/test-framework"
VERSION = "2.0.16"
OTHERS = "w3c-ecma"
"""A folder of the package with the tests of the W3C in another form; they need scripting throughout, and are no part of the 127."""

NAMESPACE = "{http://www.w3.org/2005/07/scxml}"
SCRIPTING = frozenset({"script"})
DATA = frozenset({"data", "assign", "if", "foreach", "param", "content"})


@dataclass(frozen=True, slots=True)
class Step:
    """An event, how long after the one before it comes (milliseconds), and the atomic states that are active then."""

    event: str
    after: int
    active: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A chart, and what it must do: the atomic states that are active in the beginning and after each event."""

    name: str
    chart: ElementTree.Element
    initial: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def group(self) -> str:
        """The folder that it stands in."""
        return self.name.partition("/")[0]

    @property
    def tags(self) -> frozenset[str]:
        """The elements of its chart."""
        return frozenset(element.tag.removeprefix(NAMESPACE) for element in self.chart.iter())

    @property
    def scripted(self) -> bool:
        """Whether it runs ECMAScript statements."""
        return bool(self.tags & SCRIPTING)

    @property
    def structural(self) -> bool:
        """Whether it is about the structure of charts alone: no data model, no conditions, no scripts."""
        conditions = any("cond" in element.attrib for element in self.chart.iter())
        return not conditions and not self.tags & (DATA | SCRIPTING)


def fetched() -> Path:
    """The folder of the tests: downloaded once, then taken from the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rulewright" / "conformance"
    folder = cache / f"scion-scxml-{VERSION}"
    if not (folder / "package" / "test").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        with tarfile.open(folder / done.stdout.strip().splitlines()[-1]) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package" / "test"


def cases(folder: Path, legacy: frozenset[str] = frozenset()) -> Iterator[Case]:
    """Every case that has a script, in order. Those named in `legacy` take their older column of expectations."""
    for path in sorted(folder.glob("*/*.scxml")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        script = path.with_suffix(".json")
        if path.parent.name == OTHERS or not script.exists():
            continue
        expected: dict[str, Any] = json.loads(script.read_text(encoding="utf-8"))
        if name in legacy:
            expected = expected["legacySemantics"]
        steps = (
            Step(one["event"]["name"], int(one.get("after", 0)), tuple(one["nextConfiguration"]))
            for one in expected["events"]
        )
        chart = ElementTree.parse(path).getroot()
        yield Case(name, chart, tuple(expected["initialConfiguration"]), tuple(steps))
