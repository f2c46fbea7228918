"""Experiments: which arm a unit is in. Decided once, on its first exposure, and the same for ever after."""

from __future__ import annotations

from engine.cel import CelError
from engine.core.env import Env
from engine.core.hashing import bucket, choose, parity
from engine.core.program import Experiment
from engine.core.turn import Turn


def expose(turn: Turn, experiment: Experiment, env: Env) -> None:
    """Assign the unit if it is eligible and has no arm yet; one record per unit."""
    arms = turn.partition.decisions.arms
    if experiment.name in arms or turn.event.at < experiment.start:
        return
    if not turn.holds(experiment.name, "eligible", experiment.eligible, env):
        return
    try:
        variant, by = arm(experiment, env)
    except CelError as failure:
        turn.error(experiment.name, failure, experiment.assign.parity_of or experiment.assign.hash_of, env)
        return
    if variant is None:
        return
    arms[experiment.name] = variant
    turn.changed("decisions")
    turn.record("assignment", experiment.name, {"variant": variant, "by": by})


def arm(experiment: Experiment, env: Env) -> tuple[str | None, str]:
    """The arm and how it was found: `parity` of the last digit, or `hash` where there is no digit or no parity rule."""
    assign = experiment.assign
    if assign.parity_of is not None:
        side = parity(str(assign.parity_of.run(env)))
        if side is not None:
            return (assign.odd if side == "odd" else assign.even), "parity"
    value = str(assign.hash_of.run(env))
    return choose(assign.weights, bucket(experiment.name, value)), "hash"
