"""A pushed pack: YAML files in a zip or a tar, read in memory and never unpacked to the disk, with everything bounded before it is read.

What an archive says of sizes is not believed: bytes are counted as they come out.
"""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from engine.pack.files import MAX_FILE_BYTES, MAX_FILES, MAX_PACK_BYTES
from engine.server.problem import Problem

MOST_ENTRIES = 2 * MAX_FILES
"""Entries of an archive, folders included."""

_YAML = (".yaml", ".yml")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def read_bundle(body: bytes) -> dict[str, str]:
    """The files of a pack by their names in it. Raises Problem `bad_bundle` for anything that is not a plain pack."""
    files: dict[str, str] = {}
    left = MAX_PACK_BYTES
    try:
        for name, opened in _zipped(body) if body.startswith(_ZIP) else _tarred(body):
            text = opened.read(min(MAX_FILE_BYTES, left) + 1)
            if len(text) > min(MAX_FILE_BYTES, left):
                raise _bad(f"{name}: a file may have {MAX_FILE_BYTES} bytes, and a pack {MAX_PACK_BYTES}")
            left -= len(text)
            if name in files:
                raise _bad(f"{name}: it is there twice")
            files[name] = text.decode()
            if len(files) > MAX_FILES:
                raise _bad(f"a pack may have {MAX_FILES} files")
    except UnicodeDecodeError:
        raise _bad(f"{name}: it is not UTF-8") from None
    except _BROKEN as failure:
        raise _bad(f"the archive cannot be read: {type(failure).__name__}") from None
    if not files:
        raise _bad("there is no YAML file in it")
    return files


_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What the readers of the standard library raise for archives that are none, are encrypted, or end too early."""


def _zipped(body: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        if len(archive.infolist()) > MOST_ENTRIES:
            raise _bad(f"an archive may have {MOST_ENTRIES} entries")
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise _bad(f"{entry.filename}: it is no plain file")
            with archive.open(entry) as opened:
                yield _name(entry.filename), opened


def _tarred(body: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    plain = io.BytesIO(_inflated(body))
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        for number, entry in enumerate(archive):
            if number >= MOST_ENTRIES:
                raise _bad(f"an archive may have {MOST_ENTRIES} entries")
            if entry.isdir():
                continue
            opened = archive.extractfile(entry) if entry.isreg() and not entry.issparse() else None
            if opened is None:
                raise _bad(f"{entry.name}: it is no plain file")
            yield _name(entry.name), opened


def _inflated(body: bytes) -> bytes:
    """A tar without its gzip; no longer than a pack and the frames of its entries can be."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    import gzip

    most = MAX_PACK_BYTES + 1024 * MOST_ENTRIES
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise _bad(f"a pack may have {MAX_PACK_BYTES} bytes")
    return found


def _name(given: str) -> str:
    """A name inside the pack. Raises Problem `bad_bundle` for one that leads out of it, is hidden, or is not YAML's."""
    path = PurePosixPath(given)
    if (
        not given.isprintable()
        or "\\" in given
        or ":" in given
        or path.is_absolute()
        or any(part.startswith(".") for part in path.parts)
        or len(given) > 200
    ):
        raise _bad(f"{given[:200]!r}: no file of a pack is called so")
    if path.suffix not in _YAML:
        raise _bad(f"{path}: it is not YAML")
    return str(path)


def _bad(detail: str) -> Problem:
    return Problem("bad_bundle", detail, hint="send a zip or a tar of the pack's YAML files")
