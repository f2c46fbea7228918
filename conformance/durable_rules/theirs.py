"""`python -m conformance.durable_rules.theirs SEED`: what fires in durable_rules, as JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from durable.engine import Host

from conformance.durable_rules.scenario import scenario


class Teller(Host):  # type: ignore[misc]
    """A host that notes who took part in each firing."""

    def __init__(self) -> None:
        self.fired: list[dict[str, str]] = []
        super().__init__()

    def get_action(self, action_name: str) -> Any:
        """The only action."""
        del action_name
        return lambda c: self.fired.append({name: one["id"] for name, one in c._m.items()})


def main(seed: int) -> None:
    """Assert the messages of a scenario as facts; those that no rule wants are refused there, which is no matter."""
    played = scenario(seed)
    host = Teller()
    host.set_rulesets({"test": played.rules})
    for message in played.messages:
        try:
            host.assert_fact("test", message)
        except Exception as refusal:
            print(refusal, file=sys.stderr)
    print(json.dumps(host.fired), flush=True)
    os._exit(0)  # its timer threads would keep the process


if __name__ == "__main__":
    main(int(sys.argv[1]))
