"""`/v1/instances`: which workflows are where."""

from __future__ import annotations

from fastapi import APIRouter, Response

from engine.core.partition import Partition
from engine.runtime.loading import restored
from engine.server.access import InOffice, Reader
from engine.server.page import Cursor, Limit, Name, plain, text_at
from engine.server.problem import Problem
from engine.server.shapes import Object, Page, answer, problems
from engine.server.states import Items, alerts, instances, leafed

router = APIRouter()


@router.get("/v1/instances", summary="Workflow instances", responses={200: {"model": Page}, **problems("unknown_name")})
def list_instances(
    office: InOffice, _key: Reader, workflow: Name = None, state: Name = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Instances in the order of scopes and keys; those of one workflow, or in one state, where it is asked."""
    program = office.program
    scopes = [
        name
        for name, one in sorted(program.scopes.items())
        if any(workflow is None or chart.name == workflow for chart in one.workflows)
    ]
    if workflow is not None and not scopes:
        raise Problem("unknown_name", f"no workflow is called `{workflow}`")

    def shown(partition: Partition) -> Items:
        found = instances(program, partition)
        return [one for one in found if workflow in (None, one["workflow"]) and state in (None, one["state"])]

    return answer(leafed(office, scopes, text_at(cursor), limit, shown))


@router.get(
    "/v1/instances/{scope}/{key}",
    summary="The state of one key",
    responses={200: {"model": Object}, **problems("not_found")},
)
def get_state(scope: str, key: str, office: InOffice, _key: Reader) -> Response:
    """Its workflows, its alerts and the arms it is in."""
    held = office.store.partitions([(plain(scope, "scope"), plain(key, "key"))]).get((scope, key))
    if held is None:
        raise Problem("not_found", f"nothing has happened to {scope} `{key}`")
    partition, program = restored((scope, key), held), office.program
    return answer(
        {
            "scope": scope,
            "key": key,
            "seq": held.seq,
            "workflows": instances(program, partition),
            "alerts": alerts(program, partition),
            "assignments": dict(partition.decisions.arms),
        }
    )
