"""The folder: an equal unfinished run is gone on with, everything else starts anew, and no stranger's file is touched."""

from __future__ import annotations

import pytest

from engine.demo.folder import Run, held
from engine.errors import RulewrightError

RUN = Run(7, 8, "abc")


def leave(path, run=RUN, *, finished):
    with held(path, run) as folder:
        folder.database.write_text("a log")
        (folder.pictures / "a.png").write_text("a picture")
        if finished:
            folder.finish()


def test_an_unfinished_run_is_gone_on_with(tmp_path):
    leave(tmp_path, finished=False)
    with held(tmp_path, RUN) as folder:
        assert folder.resumed
        assert folder.database.read_text() == "a log"


@pytest.mark.parametrize(("run", "fresh"), [(RUN, True), (Run(8, 8, "abc"), False), (Run(7, 8, "other"), False)])
def test_another_run_or_a_fresh_one_starts_anew(tmp_path, run, fresh):
    leave(tmp_path, finished=False)
    with held(tmp_path, run, fresh=fresh) as folder:
        assert not folder.resumed
        assert not folder.database.exists()
        assert list(folder.pictures.iterdir()) == []


@pytest.mark.parametrize("name", ["a file", "a file/inside"])
def test_a_folder_that_cannot_be_is_said_so(tmp_path, name):
    (tmp_path / "a file").touch()
    with pytest.raises(RulewrightError) as caught, held(tmp_path / name, RUN):
        pytest.fail("there is no such folder")
    assert caught.value.code == "not_writable"


def test_a_finished_run_starts_anew(tmp_path):
    leave(tmp_path, finished=True)
    with held(tmp_path, RUN) as folder:
        assert not folder.resumed


def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(RulewrightError) as refused, held(tmp_path, RUN):
        pass
    assert refused.value.code == "not_a_demo"
    assert (tmp_path / "index.html").read_text() == "mine"


def test_only_one_demo_runs_in_a_folder(tmp_path):
    with held(tmp_path, RUN), pytest.raises(RulewrightError) as refused, held(tmp_path, RUN):
        pass
    assert refused.value.code == "demo_running"
