"""Group commit: alone when idle, together under load, bounded, and one caller's fault is not another's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from engine.errors import StoreError
from engine.server.committer import LINES, Committer
from engine.server.intake import Receipt, Served, Submission
from engine.server.problem import Problem
from engine.store import StoredKey

KEY = StoredKey("k", "k", b"", (), "app", (), 0)


class Counter:
    """Notes each group; holds the first one until `go` is set."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.go = threading.Event()
        self.entered = threading.Event()
        self.fails: Callable[[Sequence[bytes]], Exception | None] = lambda _lines: None

    def serve(self, submissions: Sequence[Submission]) -> Served:
        lines = [line for one in submissions for line in one.lines]
        self.groups.append(lines)
        self.entered.set()
        assert self.go.wait(30)
        failure = self.fails(lines)
        if failure is not None:
            raise failure
        receipts = [[Receipt("accepted", line.decode()) for line in one.lines] for one in submissions]
        return Served(receipts, frozenset({7}), len(lines), b"acts" in lines)


def one(*lines: bytes, urgent: bool = False) -> Submission:
    return Submission(list(lines), KEY, 0, urgent=urgent)


def test_what_comes_while_a_commit_is_under_way_is_committed_together() -> None:
    counter, rung = Counter(), list[int]()
    committer = Committer(counter, rung.extend)
    committer.start()
    first = committer.submit(one(b"a"))
    assert counter.entered.wait(30)
    rest = [committer.submit(one(b"%d" % i)) for i in range(5)]
    assert committer.waiting == 6
    counter.go.set()
    assert [future.result(30)[0].event for future in (first, *rest)] == ["a", "0", "1", "2", "3", "4"]
    committer.stop()
    assert counter.groups == [[b"a"], [b"0", b"1", b"2", b"3", b"4"]]
    assert rung == [7, 7]
    assert committer.waiting == 0


def test_it_is_told_what_was_stepped_and_that_somebody_has_to_act() -> None:
    counter, acts, told = Counter(), list[int](), list[tuple[int, int]]()
    counter.go.set()
    committer = Committer(
        counter, lambda _: None, acts=lambda: acts.append(1), told=lambda lines, _, steps: told.append((lines, steps))
    )
    committer.start()
    committer.submit(one(b"a")).result(30)
    assert acts == []
    committer.submit(one(b"acts", b"b")).result(30)
    committer.stop()
    assert (acts, told) == ([1], [(1, 1), (2, 2)])


def test_alone_nobody_waits() -> None:
    counter = Counter()
    counter.go.set()
    committer = Committer(counter, lambda _shards: None)
    committer._took = 30.0
    committer.start()
    began = time.monotonic()
    committer.submit(one(b"a")).result(30)
    committer.submit(one(b"b")).result(30)
    assert time.monotonic() - began < 10
    committer.stop()
    assert counter.groups == [[b"a"], [b"b"]]


def test_under_load_a_group_waits_for_company_but_not_for_who_is_urgent() -> None:
    counter = Counter()
    committer = Committer(counter, lambda _shards: None)
    committer._loaded, committer._took = True, 30.0
    first, urgent = one(b"a"), one(b"b", urgent=True)
    committer._submitted.put(urgent)
    began = time.monotonic()
    assert committer._gathered(first) == ([first, urgent], False)
    assert committer._gathered(first) == ([first], False)
    assert 0.02 <= time.monotonic() - began < 10


def test_a_group_is_bounded() -> None:
    committer = Committer(Counter(), lambda _shards: None)
    for _ in range(3):
        committer._submitted.put(one(*[b"x"] * (LINES // 2)))
    group, ended = committer._gathered(one(b"a"))
    assert (sum(len(each.lines) for each in group), ended) == (LINES + 1, False)


def test_too_much_is_refused_until_some_is_committed() -> None:
    counter = Counter()
    committer = Committer(counter, lambda _shards: None, most=3)
    committer.start()
    first = committer.submit(one(*[b"x"] * 10))
    with pytest.raises(Problem) as refused:
        committer.submit(one(b"y"))
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("overloaded", 503, 1)
    counter.go.set()
    first.result(30)
    committer.stop()
    with pytest.raises(Problem) as stopped:
        committer.submit(one(b"z"))
    assert stopped.value.code == "stopping"


def test_what_was_submitted_before_the_stop_is_committed() -> None:
    counter = Counter()
    committer = Committer(counter, lambda _shards: None)
    committer.start()
    futures = [committer.submit(one(b"%d" % i)) for i in range(3)]
    assert counter.entered.wait(30)
    counter.go.set()
    committer.stop()
    assert [future.result(0)[0].status for future in futures] == ["accepted"] * 3


def test_a_submission_that_the_store_refuses_does_not_take_others_with_it() -> None:
    counter = Counter()
    counter.fails = lambda lines: StoreError("store_failed", "no") if b"bad" in lines else None
    committer = Committer(counter, lambda _shards: None)
    committer.start()
    first = committer.submit(one(b"a"))
    assert counter.entered.wait(30)
    good, bad = committer.submit(one(b"good")), committer.submit(one(b"bad"))
    counter.go.set()
    assert first.result(30)
    assert good.result(30)[0].event == "good"
    assert isinstance(bad.exception(30), StoreError)
    committer.stop()


def test_a_store_that_is_away_is_asked_once_for_a_group() -> None:
    counter = Counter()
    counter.fails = lambda lines: StoreError("store_unavailable", "gone") if b"a" not in lines else None
    committer = Committer(counter, lambda _shards: None)
    committer.start()
    committer.submit(one(b"a"))
    assert counter.entered.wait(30)
    lost = [committer.submit(one(b"%d" % i)) for i in range(3)]
    counter.go.set()
    assert all(isinstance(future.exception(30), StoreError) for future in lost)
    committer.stop()
    assert len(counter.groups) == 2
