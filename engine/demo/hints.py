"""What to try after the demo: commands with ids and keys that exist in the store it left behind."""

from __future__ import annotations

from pathlib import Path

from engine.demo.summary import Summary

DEFAULT = Path("demo")
"""Where the demo lives unless told otherwise, and where `rulewright explain` looks."""


def tries(summary: Summary, folder: Path) -> list[str]:
    """Commands, the most telling first."""
    store = "" if folder == DEFAULT else f" --store sqlite:///{folder / 'rulewright.db'}"
    found = [f"rulewright explain {light.id}{store}" for light in summary.red_lights[:1]]
    calm = next((row.rep for row in summary.board if "red" not in row.levels), None)
    if calm is not None:
        found.append(f"rulewright explain --why-not visit_discipline {calm}{store}")
    return [*found, "rulewright check sales", "rulewright test sales --coverage"]
