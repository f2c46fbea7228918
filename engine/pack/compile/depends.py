"""What a condition reads of its partition, so that it is asked again only when that has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.core.program import Expression
from engine.pack.compile.build import Build

_CLOSED = frozenset({"last", "streak", "trend", "target"})


def depends(
    build: Build, condition: Expression, by: str, aliases: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Iterator[str]:
    """`closed:METRIC`, `now:METRIC`, `open:METRIC`, `workflow:NAME`, and `entity` for the entity of the partition's own key.

    `aliases` are names of a rule's own for metrics and workflows.
    """
    for read in condition.checked.reads:
        path = (*aliases[read[0]], *read[1:]) if read[0] in aliases else read
        if path[0] == "metrics" and len(path) > 1:
            yield _aspect(build, by, path)
        elif path[0] == "workflows" and len(path) > 1:
            yield f"workflow:{path[1]}"
        elif path[0] == by:
            yield "entity"


def _aspect(build: Build, by: str, path: tuple[str, ...]) -> str:
    record = build.vocabulary.metrics.get(by, {}).get(path[1])
    if record is not None and "oldest" in record.fields:
        return f"open:{path[1]}"
    if len(path) > 2 and path[2] in _CLOSED:
        return f"closed:{path[1]}"
    return f"now:{path[1]}"
