from datetime import timedelta

from engine.store import Batch


def names(decisions):
    return [record.id for _, record in decisions]


def test_a_record_comes_back_as_it_was_decided(store, record):
    store.commit(Batch(records=[(4, record("d1", fields={"to": "closed", "from": None, "held": timedelta(hours=2)}))]))
    seq, found = store.decision("d1")

    assert seq == 4
    assert list(found.fields.items()) == [("to", "closed"), ("from", None), ("held", timedelta(hours=2))]
    assert (found.kind, found.scope, found.key, found.name, found.event) == ("transition", "visit", "v1", "visit", "e1")
    assert store.decision("d2") is None


def test_decisions_are_found_by_what_people_ask_for(store, record):
    records = [
        (1, record("d1")),
        (1, record("d2", kind="alert", name="visit_discipline", scope="rep", key="r1")),
        (2, record("d3", kind="alert", name="quote_stalled", scope="quote", key="q1")),
        (3, record("d4", kind="alert", name="visit_discipline", scope="rep", key="r2")),
    ]
    store.commit(Batch(records=records))

    assert names(store.decisions()) == ["d1", "d2", "d3", "d4"]
    assert names(store.decisions(kind="alert", name="visit_discipline")) == ["d2", "d4"]
    assert names(store.decisions(scope="rep", key="r1")) == ["d2"]
    assert names(store.decisions(after=1)) == ["d3", "d4"]
    assert names(store.decisions(kind="alert", limit=2)) == ["d2", "d3"]
    assert names(store.decisions(kind="popup")) == []


def test_a_record_without_event_or_partition_is_kept(store, record):
    store.commit(Batch(records=[(0, record("r", kind="reject", event=None, scope=None, key=None, name=None))]))
    _, found = store.decision("r")
    assert (found.event, found.scope, found.key, found.name) == (None, None, None, None)
