"""Charts of tests: a workflow `job` and its events, and what is told of what happened."""

from __future__ import annotations

from typing import Any

FRAME = """
pack: {{name: charts, version: "1", title: {{en: Charts}}}}
calendars:
  shanghai: {{tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}}
events:
{events}
  said: {{lateness: 7d, keys: {{job: data.job}}, data: {{job: string, what: string}}}}
workflows:
  job:
    title: {{en: Job}}
    by: job
{chart}
"""


def chart(text: str, *events: str) -> str:
    declared = "\n".join(
        f"  {name}: {{lateness: 7d, keys: {{job: data.job}}, data: {{job: string, n: int?, at: timestamp?}}}}"
        for name in events
    )
    return FRAME.format(events=declared, chart=text)


def said(record: dict[str, Any]) -> str:
    kind = record["kind"]
    if kind == "transition":
        return f"{record['from']} → {record['to']}"
    if kind == "emit":
        return f"said {record['data']['what']}"
    return f"!{record['code']}" if kind in ("reject", "error") else f"-{record['type']}"
