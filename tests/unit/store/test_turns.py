"""Turns: one at a time, in the order of arrival, those who hurry first."""

from __future__ import annotations

import threading

import pytest

from engine.store.turns import Turns, hurried


def waiting(turns: Turns) -> int:
    return len(turns._first) + len(turns._others)


def arrive(turns: Turns, name: str, order: list[str], *, hurry: bool = False) -> threading.Thread:
    """A thread that wants a turn; it is queued when this returns."""
    before = waiting(turns)

    def want() -> None:
        if hurry:
            with hurried(), turns:
                order.append(name)
        else:
            with turns:
                order.append(name)

    thread = threading.Thread(target=want)
    thread.start()
    while waiting(turns) == before:
        pass
    return thread


def test_who_hurries_comes_first_and_the_others_as_they_came() -> None:
    turns, order = Turns(), list[str]()
    with turns:
        threads = [arrive(turns, name, order) for name in ("a", "b")]
        threads += [arrive(turns, name, order, hurry=True) for name in ("x", "y")]
        threads.append(arrive(turns, "c", order))
    for thread in threads:
        thread.join()
    assert order == ["x", "y", "a", "b", "c"]
    with turns:
        assert turns._taken
    assert not turns._taken


def test_who_gives_it_back_and_wants_it_again_waits_for_the_others() -> None:
    turns, order = Turns(), list[str]()
    with turns:
        thread = arrive(turns, "other", order)
    with turns:
        order.append("again")
    thread.join()
    assert order == ["other", "again"]


def test_only_one_has_it() -> None:
    turns, inside, most = Turns(), [0], [0]

    def work() -> None:
        for _ in range(300):
            with turns:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_another_thread_may_give_it_back() -> None:
    turns = Turns()
    turns.__enter__()
    thread = threading.Thread(target=turns.__exit__)
    thread.start()
    thread.join()
    with turns:
        pass


def test_what_fails_inside_gives_it_back() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns:
        raise ZeroDivisionError
    with turns:
        pass


def test_who_hurries_does_so_only_inside() -> None:
    turns, order = Turns(), list[str]()

    def want() -> None:
        with hurried(), hurried():
            pass
        with turns:
            order.append("late")

    with turns:
        first = arrive(turns, "first", order)
        second = threading.Thread(target=want)
        second.start()
        while waiting(turns) < 2:
            pass
    first.join()
    second.join()
    assert order == ["first", "late"]
