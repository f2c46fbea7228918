"""The engine inside a program of your own: `python examples/embedding/embed.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import Engine

PACK = Path(__file__).with_name("pack")


def event(number: str, kind: str, time: str, **data: Any) -> dict[str, Any]:
    """A CloudEvent as your app would send it: (source, id) is its identity, and sending it twice changes nothing."""
    return {"id": number, "source": "my-app", "type": kind, "time": f"2026-03-{time}+08:00", "data": data}


def main() -> None:
    """Send an offer, ask what to say, let time pass, and ask why the light is red."""
    # A store in memory; "sqlite:///offers.db" would keep everything, deadlines included, over a restart.
    with Engine.open(PACK, params={"patience": "2d"}) as engine:
        # Entities are what rules know about the world. They may change at any time: expressions see them as of the event.
        engine.put("customer", {"id": "c1", "name": "Lin's Bakery", "branch": "food"})
        engine.put("tip", {"id": "t1", "text": "Ask about the new oven.", "branch": "food"})
        engine.put("tip", {"id": "t2", "text": "Ask who else decides.", "branch": "any"})

        # Everything that an event sets off comes back as records, in the order in which it was decided.
        outcome = engine.handle(event("e1", "offer.sent", "02T10:00:00", offer_id="o1", customer_id="c1", amount=4200))
        for record in outcome.of("transition"):
            print(f"offer {record['key']} is {record['to']}")

        # What cannot be taken is a reject with a code and a reason, never an exception and never silence.
        refused = engine.handle(event("e2", "offer.sent", "02T11:00:00", offer_id="o2", customer_id="nobody"))
        print(f"refused: {refused.rejects[0]['code']}, {refused.rejects[0]['reason']}")

        # A pop-up is answered at once: candidates, best first, each with the reasons for its rank.
        popup = engine.handle(event("e3", "call.started", "03T09:00:00", customer_id="c1")).popup
        for item in popup["items"] if popup else []:
            print(f"say {item['id']}, score {item['score']:g}: {', '.join(item['why']) or 'fits any branch'}")

        # Time is an input. In a live program, call `advance` with the present time whenever `next_due` has come.
        print(f"next deadline: {engine.next_due():%Y-%m-%d %H:%M} UTC")
        alert = engine.advance("2026-03-04T12:00:00+08:00").alerts[0]
        print(f"{alert['at']}: {alert['name']} is {alert['level']} for {alert['key']}")

        # Why? The place in the YAML and the value of every part of the condition, computed again from the log.
        for line in engine.explain(alert["id"]).lines():
            print(line)


if __name__ == "__main__":
    main()
