"""Pop-ups: the line of proof."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

PACK = """
pack: {name: talks, version: "1", title: {en: Talks}}
entities:
  rep: {key: id, data: {id: string}}
  script: {key: id, data: {id: string}}
events:
  call: {keys: {rep: data.rep}, data: {rep: ref(rep)}}
  result: {keys: {rep: data.rep, script: data.script}, data: {rep: ref(rep), script: ref(script), days: double}}
metrics:
  saved: {of: result, by: script, value: avg(data.days), window: lifetime, publish: true, owner: data.rep}
popups:
  talk:
    title: {en: Talk}
    on: call
    by: rep
    from: script
    where: "true"
    rank: {match: ["true"]}
    limit: 1
    proof: {metric: saved, except: own, min_n: LEAST, text: {en: "saves {{ value }}"}}
"""


@pytest.mark.parametrize(("least", "proof"), [(0, "saves 3"), (1, "saves 3"), (2, None)])
def test_proof_needs_the_word_of_somebody_else(
    open_pack: Callable[..., Engine], event: Callable[..., Any], least: int, proof: str | None
) -> None:
    engine = open_pack(PACK.replace("LEAST", str(least)))
    for entity, number in (("rep", "r1"), ("rep", "r2"), ("script", "s")):
        engine.put(entity, {"id": number})

    def shown(minute: int) -> Any:
        popup = engine.handle(event("call", f"2026-03-02T10:{minute}", rep="r1")).popup
        assert popup is not None
        return popup["items"][0]["proof"]

    engine.handle(event("result", "2026-03-02T10:00", rep="r1", script="s", days=9.0))
    assert shown(10) is None
    engine.handle(event("result", "2026-03-02T10:11", rep="r2", script="s", days=3.0))
    assert shown(12) == proof
