"""Serving: uvicorn around the application, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from engine.runtime.heap import steady
from engine.server.app import application
from engine.server.office import Office

_log = logging.getLogger("rulewright.serve")

TURN = 0.001
"""Seconds for which a thread keeps the interpreter while others want it: requests must not wait behind steps."""


BACKLOG = 2_048
"""Connections that wait to be accepted."""


def server_of(office: Office) -> uvicorn.Server:
    """A server over an office."""
    config = uvicorn.Config(
        application(office),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=office.settings.grace,
    )
    return uvicorn.Server(config)


def serve(office: Office, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT: then take nothing more, answer what came, commit what waits, and stop. `told` gets the address.

    Raises OSError when the address cannot be had.
    """
    sys.setswitchinterval(TURN)
    for told_to_stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told_to_stop, _stopped)  # uvicorn sends itself the signal again when it has stopped
    with bound(host, port) as listening, steady():
        told(f"http://{host}:{listening.getsockname()[1]}")
        server_of(office).run(sockets=[listening])
    _log.info("stopped")


def _stopped(_signal: int, _frame: FrameType | None) -> None:
    """Nothing more is to be done."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(BACKLOG)
    return listening
