from __future__ import annotations

from pathlib import Path

import pytest

from engine.pack import BrokenPackError, builtin, diagnose, load
from engine.pack.diagnostic import Report
from engine.pack.files import MAX_FILE_BYTES, read_files, revision


def codes(*paths: Path | str) -> list[str]:
    return [one.code for one in diagnose(list(paths))]


def test_a_built_in_pack_is_found_by_its_name() -> None:
    assert [folder.name for folder in builtin("sales")] == ["workflows", "rules"]
    with pytest.raises(KeyError):
        builtin("nothing")


def test_an_unknown_pack_is_told_with_the_nearest_name() -> None:
    (found,) = diagnose(["slaes"])

    assert found.code == "no_such_pack"
    assert found.hint == "did you mean `sales`?"


@pytest.mark.parametrize("name", ["check.py", "rules.js", "run.sh", "data.json", "notes.txt", "rules.yaml.bak"])
def test_anything_but_yaml_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "pack.yaml").write_text("pack: {name: p}\n")
    (tmp_path / name).write_text("x")

    assert codes(tmp_path) == ["code_in_pack"]
    with pytest.raises(BrokenPackError, match="rules, not code"):
        load([tmp_path])


def test_a_readme_a_licence_and_hidden_files_are_tolerated(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("pack: {name: p}\n")
    for name in ("README.md", "LICENSE", ".gitignore"):
        (tmp_path / name).write_text("x")

    assert codes(tmp_path) == []


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("pack: {name: secret}\n")
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "pack.yaml").write_text("pack: {name: p}\n")
    (pack / "stolen.yaml").symlink_to(outside)
    (pack / "folder").symlink_to(tmp_path)
    (pack / "again.yaml").symlink_to(pack / "pack.yaml")

    assert sorted(codes(pack)) == ["symlink", "symlink"]


def test_a_file_that_is_too_large_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "b.yaml").write_bytes(b"pack: {name: \xff}")

    assert codes(tmp_path) == ["too_large", "encoding"]


def test_a_file_that_is_given_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("pack: {name: p}\n")
    report = Report()

    assert len(read_files([tmp_path, tmp_path / "pack.yaml"], report)) == 1


def test_the_revision_is_that_of_contents_and_params_and_of_nothing_else(tmp_path: Path) -> None:
    text = "pack: {name: p, params: {limit: 3}}\n"
    for folder in ("here", "there"):
        (tmp_path / folder / "pack").mkdir(parents=True)
        (tmp_path / folder / "pack" / "a.yaml").write_text(text)
    here, there = tmp_path / "here" / "pack", tmp_path / "there" / "pack"

    assert load([here]).revision == load([there]).revision
    assert load([here]).revision != load([here], {"limit": 4}).revision
    assert load([here], {"limit": "4"}).revision == load([there], {"limit": 4}).revision
    assert len(load([here]).revision) == 16
    (there / "a.yaml").write_text(text + "# another\n")
    assert load([here]).revision != load([there]).revision


def test_names_and_contents_do_not_run_into_each_other() -> None:
    assert revision([], {"a": "bc"}) != revision([], {"ab": "c"})
