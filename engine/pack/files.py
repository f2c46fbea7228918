"""The files of a pack: found, bounded, and refused when they are anything but YAML."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from engine.errors import Place
from engine.pack.diagnostic import Diagnostic, Report, did_you_mean

MAX_FILE_BYTES = 1 << 20
MAX_PACK_BYTES = 8 << 20
MAX_FILES = 500

_YAML = (".yaml", ".yml")
_TOLERATED = frozenset({"readme.md", "changelog.md", "license", "license.txt", "license.md", "notice"})
_BUILTIN: Mapping[str, tuple[str, ...]] = {"sales": ("workflows", "rules")}


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file that was read. `label` is how it is shown; `name` is its place in the pack, the same on every machine."""

    label: str
    name: str
    text: str


def builtin(name: str) -> list[Path]:
    """The folders of a built-in pack, in the wheel or in a checkout. Raises KeyError for a name that is none."""
    folders = _BUILTIN[name]
    engine = Path(str(resources("engine")))
    packaged = [engine / "builtin" / name / folder for folder in folders]
    if all(folder.is_dir() for folder in packaged):
        return packaged
    return [engine.parent / folder for folder in folders]


def read_files(paths: Sequence[str | Path], report: Report) -> list[PackFile]:
    """The YAML files of the packs in a fixed order; everything that may not be there goes into the report."""
    found: dict[Path, PackFile] = {}
    for given in paths:
        for root, label in _roots(given, report):
            for path in _walk(root, label, report):
                if path.resolve() not in found:
                    _read(path, root, label, found, report)
    if not found and not report.failed:
        report.add(_diagnostic(str(paths[0]) if paths else ".", "empty_pack", "there is no YAML file in the pack"))
    return list(found.values())


def revision(files: Sequence[PackFile], params: Mapping[str, Any]) -> str:
    """16 hex digits over names, contents and parameters: the same files and numbers give the same revision anywhere."""
    digest = sha256()
    parts = [part for file in sorted(files, key=lambda file: file.name) for part in (file.name, file.text)]
    parts += [part for name in sorted(params) for part in (name, repr(params[name]))]
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def _roots(given: str | Path, report: Report) -> Iterator[tuple[Path, str]]:
    path = Path(given)
    if path.exists():
        yield path, path.as_posix()
    elif str(given) in _BUILTIN:
        yield from ((folder, folder.name) for folder in builtin(str(given)))
    else:
        message = f"there is no folder, file or built-in pack `{given}`"
        report.add(_diagnostic(path.as_posix(), "no_such_pack", message, did_you_mean(str(given), _BUILTIN)))


def _walk(root: Path, label: str, report: Report) -> Iterator[Path]:
    if root.is_file():
        yield from _accepted(root, label, root.parent, report)
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names + [name for name in folders if (Path(folder) / name).is_symlink()]):
            path = Path(folder) / name
            if not name.startswith("."):
                yield from _accepted(path, _label(path, root, label), root, report)


def _accepted(path: Path, shown: str, root: Path, report: Report) -> Iterator[Path]:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        report.add(_diagnostic(shown, "symlink", "the link leaves the folder of the pack", "put the file itself there"))
    elif path.suffix.lower() in _YAML and path.is_file():
        yield path
    elif path.is_file() and path.name.lower() not in _TOLERATED:
        message = f"`{path.name}` is not YAML: a pack holds rules, not code"
        report.add(
            _diagnostic(shown, "code_in_pack", message, "only *.yaml, *.yml, README.md and LICENSE may be in a pack")
        )


def _read(path: Path, root: Path, label: str, found: dict[Path, PackFile], report: Report) -> None:
    shown = _label(path, root, label)
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        report.add(_diagnostic(shown, "too_large", f"the file has {size:,} bytes, allowed are {MAX_FILE_BYTES:,}"))
        return
    total = sum(len(file.text) for file in found.values()) + size
    if len(found) >= MAX_FILES or total > MAX_PACK_BYTES:
        message = f"a pack may have {MAX_FILES} files and {MAX_PACK_BYTES:,} bytes"
        report.add(_diagnostic(label, "too_large", message))
        return
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        report.add(_diagnostic(shown, "encoding", f"the file is not UTF-8: byte {error.start + 1} does not read"))
        return
    found[path.resolve()] = PackFile(shown, _name(path, root), text)


def _name(path: Path, root: Path) -> str:
    return path.name if root.is_file() else f"{root.resolve().name}/{path.relative_to(root).as_posix()}"


def _label(path: Path, root: Path, label: str) -> str:
    if root.is_file():
        return label
    inner = path.relative_to(root).as_posix()
    return inner if label == "." else f"{label}/{inner}"


def _diagnostic(file: str, code: str, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(Place(file, 1, 1), code, message, hint)
