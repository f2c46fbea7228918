"""Pushed packs: what is plain YAML is read, and nothing else; no archive can fill the memory or lead out of its folder."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from engine.pack.files import MAX_FILE_BYTES, MAX_FILES, MAX_PACK_BYTES
from engine.server import bundle
from engine.server.bundle import MOST_ENTRIES, read_bundle
from engine.server.problem import Problem

Made = Callable[[dict[str, bytes]], bytes]


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def gzipped(files: dict[str, bytes]) -> bytes:
    return gzip.compress(tarred(files))


every = pytest.mark.parametrize("made", [zipped, tarred, gzipped])


def refused(body: bytes) -> str:
    with pytest.raises(Problem) as problem:
        read_bundle(body)
    assert (problem.value.code, problem.value.status) == ("bad_bundle", 422)
    return problem.value.detail


@every
def test_the_files_of_a_pack_are_read(made: Made) -> None:
    files = {"pack.yaml": b"pack: {}", "rules/报警.yml": "alerts: {}  # 报警".encode()}
    assert read_bundle(made(files)) == {name: text.decode() for name, text in files.items()}


@every
@pytest.mark.parametrize(
    "name",
    [
        "../pack.yaml",
        "a/../../pack.yaml",
        "/etc/pack.yaml",
        "a\\..\\b.yaml",
        "C:pack.yaml",
        ".git/x.yaml",
        "a/.x.yaml",
        "x" * 201 + ".yaml",
    ],
)
def test_a_name_that_leads_out_is_refused(made: Made, name: str) -> None:
    assert "no file of a pack is called so" in refused(made({name: b"x: 1"}))


@every
@pytest.mark.parametrize("name", ["run.sh", "pack.yaml.exe", "notes", "data.json"])
def test_what_is_not_yaml_is_refused(made: Made, name: str) -> None:
    assert "not YAML" in refused(made({name: b"x"}))


@every
def test_a_file_that_unpacks_to_too_much_is_refused(made: Made) -> None:
    assert "a file may have" in refused(made({"pack.yaml": b" " * (MAX_FILE_BYTES + 1)}))


@every
def test_a_pack_that_unpacks_to_too_much_is_refused(made: Made) -> None:
    files = {f"f{i}.yaml": b" " * MAX_FILE_BYTES for i in range(MAX_PACK_BYTES // MAX_FILE_BYTES + 1)}
    assert "a pack" in refused(made(files))


@every
def test_too_many_files_are_refused(made: Made) -> None:
    assert f"{MAX_FILES} files" in refused(made({f"f{i}.yaml": b"" for i in range(MAX_FILES + 1)}))


@every
def test_too_many_folders_are_refused(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_ENTRIES", 3)
    assert "3 entries" in refused(made({f"f{i}.yaml": b"" for i in range(4)}))
    assert MOST_ENTRIES > MAX_FILES


def test_a_size_that_an_archive_says_of_itself_is_not_believed() -> None:
    honest = zipped({"pack.yaml": b" " * (MAX_FILE_BYTES + 7)})
    lying = honest.replace((MAX_FILE_BYTES + 7).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    refused(lying)


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (64 << 20))
    assert len(bomb) < 1 << 20
    assert "a pack may have" in refused(bomb)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("pack.yaml")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    assert "no plain file" in refused(out.getvalue())


def test_links_in_a_zip_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("pack.yaml")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert "no plain file" in refused(out.getvalue())


def test_a_file_that_is_there_twice_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("pack.yaml", "a: 1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("pack.yaml", "b: 1")
    assert "twice" in refused(out.getvalue())


@pytest.mark.parametrize(
    "body",
    [b"", b"pack: {}", b"PK\x03\x04broken", b"\x1f\x8bbroken", zipped({"a.yaml": b"x"})[:40], zipped({})],
    ids=["nothing", "yaml", "zip", "gzip", "half", "empty"],
)
def test_what_is_no_archive_is_refused(body: bytes) -> None:
    refused(body)


def test_what_is_not_utf8_is_refused() -> None:
    assert "UTF-8" in refused(zipped({"a.yaml": b"\xff"}))
