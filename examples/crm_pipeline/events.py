"""From rows to entities and CloudEvents. Nothing is judged here: what cannot be used, the engine refuses with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from examples.crm_pipeline.export import Export, Opportunity

SOURCE = "crm-export"
OFFSET = "+08:00"
"""A date of the export is a local date: the event lies at its midnight in Asia/Shanghai."""

UNTIL = f"2017-12-31T23:59:59{OFFSET}"
"""The end of the export's last day. It is when the export was received, too: what lies after it has not happened yet."""

Data = dict[str, Any]


def entities(export: Export) -> Iterator[tuple[str, Data]]:
    """Managers, reps with their managers, customers and products; names are their ids, for the export has no others.

    The export knows neither staff numbers nor tiers: a rep's number is their place in the list, and every customer is in tier B.
    """
    managers = {row["manager"]: row["regional_office"] for row in export.teams}
    for number, (name, region) in enumerate(managers.items(), 1):
        yield "rep", {"id": name, "employee_no": f"M{number}", "name": name, "region": region, "active": True}
    for number, row in enumerate(export.teams, 1):
        name, region = row["sales_agent"], row["regional_office"]
        rep = {"id": name, "employee_no": str(number), "name": name, "region": region, "active": True}
        yield "rep", {**rep, "manager": row["manager"]}
    for row in export.accounts:
        yield "customer", {"id": row["account"], "name": row["account"], "tier": "B", "industry": row["sector"]}
    for row in export.products:
        product = {"sku": row["product"], "name": row["product"], "category": row["series"]}
        yield "product", {**product, "price": _number(row["sales_price"])}


def events(export: Export) -> list[tuple[Data, str]]:
    """Every row's events with the row's place, in the order of time; what has no time comes last."""
    prices = {row["product"]: _number(row["sales_price"]) for row in export.products}
    found = [(event, row.place) for row in export.opportunities for event in _quote(row, prices)]
    return sorted(found, key=_when)


def quote_of(event: str) -> str:
    """The quote that an event of ours is about, from the event's id."""
    return event.rpartition(":")[0]


def _when(item: tuple[Data, str]) -> str:
    time: str = item[0].get("time", "~")
    return time


def _quote(row: Opportunity, prices: dict[str, Any]) -> Iterator[Data]:
    """A quote is sent when the customer is engaged, and won or lost when the opportunity closes.

    A row that was never engaged still gives its event, without a time: it must not vanish before the engine has seen it.
    """
    if not row.engaged:
        yield _event(row, "quote.created", "", prices.get(row.product))
        return
    yield _event(row, "quote.sent", row.engaged, prices.get(row.product))
    if row.closed:
        kind = "quote.accepted" if row.stage == "Won" else "quote.rejected"
        yield _event(row, kind, row.closed, _number(row.value) if row.value else None)


def _event(row: Opportunity, kind: str, date: str, amount: Any) -> Data:
    data = {"quote_id": row.id, "rep_id": row.agent, "product": row.product}
    if row.account:
        data["customer_id"] = row.account
    if amount is not None:
        data["amount"] = amount
    event: Data = {"specversion": "1.0", "id": f"{row.id}:{kind}", "source": SOURCE, "type": kind, "data": data}
    if date:
        event["time"] = f"{date}T00:00:00{OFFSET}"
    return {**event, "receivedtime": UNTIL}


def _number(text: str) -> float | str:
    """The number that a cell holds; a cell that holds none stays text, which the engine refuses by name."""
    try:
        return float(text)
    except ValueError:
        return text
