"""Reading, checking and compiling packs in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.core.program import Program
from engine.pack.compile.pins import Pin
from engine.pack.compile.program import compile_program
from engine.pack.diagnostic import BrokenPackError, Diagnostic, Report
from engine.pack.files import PackFile, read_files
from engine.pack.reading import read_definitions

Params = Mapping[str, Any]
NO_PARAMS: Params = {}


def load(paths: Sequence[str | Path], params: Params = NO_PARAMS) -> Program:
    """The program of folders, files or names of built-in packs. Raises `BrokenPackError` with all diagnostics."""
    return assemble(read(paths), params)


def restore(files: Mapping[str, str], params: Params = NO_PARAMS, pins: Sequence[Pin] = ()) -> Program:
    """The program of files that were kept with a log, by their name in the pack. Raises `BrokenPackError` like `load`."""
    return assemble([PackFile(name, name, text) for name, text in files.items()], params, pins)


def read(paths: Sequence[str | Path]) -> list[PackFile]:
    """The files of folders, files or names of built-in packs. Raises `BrokenPackError` for everything that may not be there."""
    report = Report()
    files = read_files(paths, report)
    if report.failed:
        raise BrokenPackError(report.sorted())
    return files


def assemble(files: Sequence[PackFile], params: Params = NO_PARAMS, pins: Sequence[Pin] = ()) -> Program:
    """The program of files that were read, with the workflows of earlier revisions that instances still run on.

    Raises `BrokenPackError` with all diagnostics.
    """
    report = Report()
    program = compile_program(read_definitions(files, report), files, params, pins)
    if report.failed:
        raise BrokenPackError(report.sorted())
    return program


def diagnose(paths: Sequence[str | Path], params: Params = NO_PARAMS) -> list[Diagnostic]:
    """Every mistake and every warning, by file, line and column; nothing is raised for them."""
    return _compile(paths, params)[1].sorted()


def _compile(paths: Sequence[str | Path], params: Params) -> tuple[Program | None, Report]:
    report = Report()
    files = read_files(paths, report)
    if not files:
        return None, report
    definitions = read_definitions(files, report)
    return compile_program(definitions, files, params), report
