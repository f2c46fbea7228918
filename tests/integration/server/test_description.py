"""The description and the server agree: whatever a caller makes of it, the answer is what it says, and never a mistake of ours."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.api.caller import Caller
from tests.integration.server.conftest import Api


@pytest.mark.parametrize("seed", [1])
def test_no_request_made_from_the_description_breaks_the_server(api: Api, seed: int) -> None:
    caller = Caller(api.address, api.tokens[0], examples=5, seed=seed)
    found: list[Any] = list(caller.failures())
    assert not found, found[0]
    assert caller.count > 50
