"""Lists of references: each of their items must be known, as a single reference must be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine
from engine.errors import PackError
from engine.runtime.feed import Feed

PACK = """
entities:
  rep: {data: {id: string, peers: "list(ref(rep))?", pairs: "list(list(ref(rep)))?"}}
events:
  met: {lateness: 1h, keys: {rep: data.rep}, data: {rep: ref(rep), with: "list(ref(rep))", pairs: "list(list(ref(rep)))?"}}
"""


@pytest.fixture
def engine(open_pack: Callable[..., Engine]) -> Engine:
    opened = open_pack(PACK)
    for number in ("r1", "r2"):
        opened.put("rep", {"id": number}, "2026-01-01T00:00:00+08:00")
    opened.put("rep", {"id": "later"}, "2026-06-01T00:00:00+08:00")
    return opened


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"with": []}, None),
        ({"with": ["r1", "r2"], "pairs": [["r1", "r2"], []]}, None),
        ({"with": ["r1", "nobody", "r2"]}, "data.with: there is no rep `nobody`"),
        ({"with": ["later"]}, "data.with: there is no rep `later`"),
        ({"with": [], "pairs": [["r1"], ["r2", "nobody"]]}, "data.pairs: there is no rep `nobody`"),
    ],
)
def test_an_event_may_list_who_is_known(
    engine: Engine, event: Callable[..., Any], data: dict[str, Any], reason: str | None
) -> None:
    rejects = engine.handle(event("met", "2026-03-02T10:00", rep="r1", **data)).rejects
    expected = [] if reason is None else [("unknown_reference", reason)]
    assert [(one["code"], one["reason"]) for one in rejects] == expected


def test_an_entity_may_list_who_is_known(engine: Engine) -> None:
    assert engine.put("rep", {"id": "r3", "peers": ["r1", "r3"], "pairs": [["r2", "r1"]]}).rejects == []
    (reject,) = engine.put("rep", {"id": "r4", "pairs": [["r2", "r5"]]}).rejects
    assert (reject["code"], reject["reason"]) == ("unknown_reference", "data.pairs: there is no rep `r5`")


def test_in_a_file_the_order_does_not_matter_and_what_is_refused_takes_along_who_lists_it(engine: Engine) -> None:
    rows: list[dict[str, Any]] = [{"id": "a", "peers": ["b", "r1"]}, {"id": "b"}, {"id": "c", "peers": ["d"]}]
    rows.append({"id": "d", "peers": ["r1", "nobody"]})
    lines = [(json.dumps({"entity": "rep", "data": row}).encode(), f"team:{row['id']}") for row in rows]
    rejects = engine.load_entities(lines, 0).rejects
    assert [(one["place"], one["code"]) for one in rejects] == [
        ("team:c", "unknown_reference"),
        ("team:d", "unknown_reference"),
    ]


def test_a_line_that_lists_nobody_does_not_start_time(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    met = [
        event("met", "2026-03-02T10:00", rep="r1", **{"with": ["x"]}),
        event("met", "2026-03-02T11:00", rep="r1", **{"with": []}),
    ]
    feed = Feed([(json.dumps(one).encode(), "e") for one in met], [(b'{"entity": "rep", "data": {"id": "r1"}}', "t")])
    engine = open_pack(PACK)
    engine.load_entities(feed.entities, None)
    earliest = engine.earliest([line for line, _ in feed.events], feed.entities)
    assert earliest == 1_772_420_400_000_000


def test_what_a_test_gives_may_list_what_it_gives(open_pack: Callable[..., Engine]) -> None:
    case = """
tests:
  listed:
    from: 2026-03-02T00:00:00+08:00
    given: {rep: [{id: r1, peers: [r2, r1]}, {id: r2}]}
    expect: {rejects: []}
"""
    open_pack(PACK + case)
    with pytest.raises(PackError, match="no rep `r3` is given"):
        open_pack(PACK + case.replace("peers: [r2", "peers: [r3"))
