"""A database that goes away for a while, under clients that do as they are told: come back later, with the same event."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from conformance.servers import Postgres
from engine.store import open_store

CLIENTS = 4
PACE = 0.02
"""Seconds between two events of a client."""


class Outage:
    """Clients send while the database is stopped for `seconds`. `statuses` counts what they were answered meanwhile."""

    def __init__(self, address: str, token: str, database: Postgres) -> None:
        self.statuses: Counter[int] = Counter()
        self.accepted: list[str] = []
        self.back = 0.0
        self._wrong: list[str] = []
        self._database = database
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"}
        self._end = threading.Event()

    def play(self, seconds: float) -> None:
        """Two seconds before, the outage, and until events are taken again, and two seconds after."""
        clients = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(2)
        self._database.stop()
        time.sleep(seconds)
        self._database.start()
        held, began = len(self.accepted), time.monotonic()
        while len(self.accepted) == held and time.monotonic() - began < 60:
            time.sleep(0.02)
        self.back = time.monotonic() - began
        time.sleep(2)
        self._end.set()
        for client in clients:
            client.join()

    def failures(self) -> Iterator[str]:
        """What is not as it has to be."""
        yield from self._wrong
        if not self.statuses[503]:
            yield "nobody was told to come back"
        if self.statuses.keys() - {200, 202, 503}:
            yield f"answers that nobody expects: {dict(self.statuses)}"
        store = open_store(self._database.url)
        logged = Counter(event.id for event in store.events() if event.source == "app")
        store.close()
        if lost := [number for number in self.accepted if logged[number] != 1]:
            yield f"{len(lost)} accepted events are not in the log once"

    def _send(self, client: int) -> None:
        number = 0
        with httpx.Client(base_url=self._address, headers=self._headers, timeout=60) as http:
            while not self._end.is_set():
                self._until_taken(http, f"o{client}.{number}")
                number += 1
                time.sleep(PACE)

    def _until_taken(self, http: httpx.Client, number: str) -> None:
        data = {"quote_id": number, "rep_id": "r1", "customer_id": "c1", "amount": 1.0}
        event = {
            "id": number,
            "source": "app",
            "type": "quote.created",
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }
        while True:
            answer = http.post("/v1/events", json=event)
            self.statuses[answer.status_code] += 1
            if answer.status_code != 503:
                self.accepted.append(number)
                return
            if not answer.headers.get("retry-after", "").isdigit():
                self._wrong.append("a 503 does not say when to come back")
            time.sleep(0.1)
