"""A pack in many versions, every other one with another machine, and some that are no good."""

from __future__ import annotations

from pathlib import Path

PACK = """
pack: {{name: jobs, version: "{version}"}}
events:
  step.done: {{keys: {{job: data.job, desk: data.desk}}, data: {{job: string, desk: string}}}}
workflows:
  job:
    by: job
    context: {{count: int = 0}}
    initial: open
    migrate: {{}}
    states:
      open:
        on: {{step.done: {{to: open, set: {{count: context.count + 1}}}}}}
        after: [{{for: {days}d, to: open}}]
metrics:
  done: {{of: step.done, by: desk, window: {{calendar: day}}}}
alerts:
  busy: {{by: desk, red: "metrics.done.now >= {version}"}}
tests:
  counts:
    events: [{{type: step.done, time: "2026-03-02T10:00:00+08:00", data: {{job: j, desk: d}}}}]
    expect: {{transitions: {{job: {{j: {expected}}}}}}}
"""


def written(folder: Path, version: int) -> Path:
    """A version that is good."""
    return _write(folder, PACK.format(version=version, days=30 + version % 2, expected="open"))


def spoiled(folder: Path, version: int) -> Path:
    """A version that is not: a test fails, a name is unknown, or it cannot be read."""
    text = PACK.format(version=version, days=30, expected="open")
    wrong = (
        text.replace("{j: open}", "{j: shut}"),
        text.replace("{job: data.job,", "{job: data.nobody,"),
        text.replace("states:", "states: ["),
    )
    return _write(folder, wrong[version % len(wrong)])


def _write(folder: Path, text: str) -> Path:
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return folder
