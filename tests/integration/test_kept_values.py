"""What is plain data may be kept and sent as a whole: the data of an event, an entity, a fact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import Engine
from engine.runtime.replay import live, replayed, state_hash

PACK = """
entities:
  rep: {data: {id: string, hired: timestamp, probation: duration}}
events:
  seen: {keys: {rep: data.rep}, data: {rep: ref(rep), item: string}}
  told: {keys: {rep: data.who.id}, data: {who: any, all: list(any), which: any}}
channels:
  webhook: {connector: webhook, settings: {url: {env: RULEWRIGHT_WEBHOOK_URL}}}
workflows:
  day:
    by: rep
    context: {last: any?}
    initial: new
    states: {new: {on: {seen: {set: {last: data}, then: [{do: webhook, with: {all: "{{ data }}", who: "{{ rep }}"}}]}}}}
rules:
  first:
    by: rep
    match: [{event: seen, as: s}]
    then: [{assert: {fact: met, who: rep, what: s.data}, keep: true}]
  second:
    by: rep
    match: [{fact: met, as: m, where: m.what.item == 'tea'}]
    then: [{emit: told, data: {who: m.who, all: "[m]", which: m}}]
"""
REP = {"id": "r1", "hired": "2020-01-01T00:00:00Z", "probation": "720h"}
SHOWN = {"id": "r1", "hired": "2020-01-01T08:00:00+08:00", "probation": "2592000s"}


def test_data_entities_and_facts_are_kept_as_a_whole(
    open_pack: Callable[..., Engine], event: Callable[..., Any], tmp_path: Path
) -> None:
    text = f"{PACK}\ncalendars: {{shanghai: {{tz: Asia/Shanghai}}}}"
    engine = open_pack(text, store=f"sqlite:///{tmp_path / 'log.db'}")
    engine.put("rep", REP)
    outcome = engine.handle(event("seen", "2026-03-02T10:00", rep="r1", item="tea"))
    seen = {"rep": "r1", "item": "tea"}
    (sent,) = outcome.actions
    assert sent["with"] == {"all": seen, "who": SHOWN}
    (told,) = outcome.of("emit")
    fact = {"who": SHOWN, "what": seen}
    assert told["data"] == {"who": SHOWN, "all": [fact], "which": fact}
    engine.close()
    engine = open_pack(text, store=f"sqlite:///{tmp_path / 'log.db'}")
    assert engine.state("rep", "r1")["context"] == {"day": {"last": seen}}
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))
    assert len(engine.handle(event("seen", "2026-03-02T11:00", rep="r1", item="tea")).of("error")) == 0


def test_what_is_endless_on_paper_is_an_error_outcome_and_is_never_written_out(
    open_pack: Callable[..., Engine], event: Callable[..., Any]
) -> None:
    twice = "".join(f".map(a{n}, [a{n}, a{n}])" for n in range(40))
    engine = open_pack(
        f"""
events:
  seen: {{keys: {{rep: data.rep}}, data: {{rep: string}}}}
  told: {{keys: {{rep: data.rep}}, data: {{rep: string, item: any}}}}
rules:
  first:
    by: rep
    match: [{{event: seen, as: s}}]
    then: [{{emit: told, data: {{rep: s.data.rep, item: "[s.data.rep]{twice}"}}}}]
  second:
    by: rep
    match: [{{event: seen, as: s, where: "dyn([s.data.rep]{twice}) / 2 == 1"}}]
    then: [{{emit: told, data: {{rep: s.data.rep, item: s.data.rep}}}}]
"""
    )
    outcome = engine.handle(event("seen", "2026-03-02T10:00", rep="r1"))
    assert outcome.of("emit") == []
    errors = {one["name"]: one for one in outcome.of("error")}
    assert errors["first"]["code"] == "too_large"
    assert (errors["second"]["code"], list(errors["second"]["values"])) == ("type_mismatch", ["2"])
