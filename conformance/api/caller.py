"""A caller that knows the description only, and makes all it can of it, right and wrong (schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/zip", "application/x-tar", "application/gzip", "application/x-gzip")
def _archive(_context: Any, value: Any) -> bytes:
    """Bytes as they are made: an archive that is none."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


class Caller:
    """Makes `examples` requests of each kind for every operation of the server at `address`; `count` says how many there were."""

    def __init__(self, address: str, token: str, *, examples: int, seed: int) -> None:
        self.count = 0
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"}
        self._examples = examples
        self._seed = seed
        described = httpx.get(f"{address}/openapi.json", headers=self._headers, timeout=30).raise_for_status().json()
        self._schema = schemathesis.openapi.from_dict(described)

    def failures(self) -> Iterator[str]:
        """What the server answered otherwise than it says, one for an operation."""
        for result in self._schema.get_all_operations():
            operation = result.ok()  # type: ignore[union-attr]
            for mode in GenerationMode:
                failure = self._tried(operation.as_strategy(generation_mode=mode))
                if failure is not None:
                    yield f"{operation.method.upper()} {operation.path}: {failure}"
                    break

    def _tried(self, strategy: Any) -> str | None:
        @seed(self._seed)
        @settings(
            max_examples=self._examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def tried(case: Any) -> None:
            self.count += 1
            response = case.call(base_url=self._address, headers=self._headers, timeout=30)
            case.validate_response(response, checks=CHECKS)

        try:
            tried()
        except Unsatisfiable:  # nothing can be wrong with a request that has no parts
            return None
        except Exception as failure:  # whatever it is, it is what is looked for
            return f"{type(failure).__name__}: {failure}"
        return None
