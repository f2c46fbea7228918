"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a server, each with its unit.

    `body_bytes` is the longest request body; `batch_lines` how many lines one may hold; `rate` how many requests a second a key has, and
    `burst` how many of them at once; `waiting_lines` how many lines may wait to be committed before callers are told to come back;
    `work`: whether this process also steps and acts, with `threads` that do; `grace` seconds are left to requests when it stops.
    """

    body_bytes: int = 8 << 20
    batch_lines: int = 5_000
    rate: float = 500.0
    burst: int = 1_000
    waiting_lines: int = 20_000
    work: bool = True
    threads: int = 2
    grace: int = 20
