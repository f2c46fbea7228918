"""Errors are the same on the other side of a process."""

from __future__ import annotations

import pickle

import pytest

from engine.errors import PackError, Place, StoreError
from engine.pack import BrokenPackError, Diagnostic

AT = Place("a.yaml", 3, 4)


@pytest.mark.parametrize(
    "error", [StoreError("store_full", "no room", hint="make some"), PackError("tests_failed", "one", place=AT)]
)
def test_an_error_travels_whole(error: StoreError | PackError) -> None:
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert (str(found), found.place, found.hint) == (str(error), error.place, error.hint)


def test_all_mistakes_of_a_pack_travel() -> None:
    error = BrokenPackError([Diagnostic(AT, "unknown_key", "one"), Diagnostic(AT, "unknown_event", "two")])
    found = pickle.loads(pickle.dumps(error))
    assert [one.message for one in found.diagnostics] == ["one", "two"]
    assert str(found) == str(error)
