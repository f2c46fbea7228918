"""The CSV files of the export, row by row and as dirty as they are; only spellings are mended, and counted."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTORS = {"technolgy": "technology"}
"""Sectors that the export misspells."""


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A row of `sales_pipeline.csv`. `place` is `file:line`; an empty text is a cell without a value."""

    place: str
    id: str
    agent: str
    product: str
    account: str
    stage: str
    engaged: str
    closed: str
    value: str


@dataclass(frozen=True, slots=True)
class Export:
    """The whole export. `mended` counts the spellings that were put right, by what was done."""

    teams: list[dict[str, str]]
    accounts: list[dict[str, str]]
    products: list[dict[str, str]]
    opportunities: list[Opportunity]
    mended: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, folder: Path) -> Export:
        """Read the four files of a folder. Raises `FileNotFoundError` for one that is not there."""
        teams, accounts, products = (
            _table(folder / name) for name in ("sales_teams.csv", "accounts.csv", "products.csv")
        )
        mended: Counter[str] = Counter()
        for account in accounts:
            account["sector"] = _mend(account["sector"], SECTORS, mended)
        names = {_folded(product["product"]): product["product"] for product in products}
        pipeline = _lines(folder / "sales_pipeline.csv")
        opportunities = [_opportunity(place, row, names, mended) for place, row in pipeline]
        return cls(teams, accounts, products, opportunities, mended)


def _opportunity(place: str, row: dict[str, str], names: dict[str, str], mended: Counter[str]) -> Opportunity:
    product = row["product"]
    spellings = {product: names.get(_folded(product), product)}
    return Opportunity(
        place=place,
        id=row["opportunity_id"],
        agent=row["sales_agent"],
        product=_mend(product, spellings, mended),
        account=row["account"],
        stage=row["deal_stage"],
        engaged=row["engage_date"],
        closed=row["close_date"],
        value=row["close_value"],
    )


def _mend(text: str, spellings: dict[str, str], mended: Counter[str]) -> str:
    right = spellings.get(text, text)
    if right != text:
        mended[f"{text} → {right}"] += 1
    return right


def _folded(name: str) -> str:
    """A name as it is compared: `GTXPro` and `GTX Pro` are one product."""
    return name.replace(" ", "").casefold()


def _table(path: Path) -> list[dict[str, str]]:
    return [row for _, row in _lines(path)]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a file with their places; cells are stripped, and a cell that is missing is empty."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield f"{path.name}:{reader.line_num}", {name: (cell or "").strip() for name, cell in row.items() if name}
