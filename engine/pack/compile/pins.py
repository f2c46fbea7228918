"""Machines of earlier revisions that instances still run on: compiled once more, against what the pack declares now.

Whatever such a machine reads, emits or waits for is so known to be there; where it is not, the diagnostics name the old file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.core.program import Workflow
from engine.pack.compile.build import Build
from engine.pack.compile.charts import declare
from engine.pack.compile.states import compile_chart
from engine.pack.files import PackFile
from engine.pack.reading import read_definitions


@dataclass(frozen=True, slots=True)
class Pin:
    """Workflows of an earlier revision, by name, and the files of that revision."""

    revision: str
    workflows: tuple[str, ...]
    files: Sequence[PackFile]


def compile_pins(build: Build, pins: Sequence[Pin]) -> Iterator[Workflow]:
    """Their machines; to be compiled after everything that the pack itself declares."""
    for pin in pins:
        files = [replace(file, label=f"{file.name}@{pin.revision}") for file in pin.files]
        kept = read_definitions(files, build.definitions.report).of("workflows")
        for name in pin.workflows:
            yield compile_chart(declare(build, kept[name], pin.revision))
