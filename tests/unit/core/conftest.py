from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine
from tests.unit.core.shop import FRAME, NOTE, Shop


@pytest.fixture
def open_shop(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]]) -> Callable[..., Shop]:
    def open_it(rules: str, **options: Any) -> Shop:
        return Shop(open_pack(FRAME.format(rules=rules.replace("NOTE", NOTE)), **options), event)

    return open_it
