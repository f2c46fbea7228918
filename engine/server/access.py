"""What handlers ask for: the office, the exchange, and a key that may do this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from engine.server.exchange import Exchange
from engine.server.office import Office
from engine.server.problem import Problem
from engine.store import StoredKey

# All of these are coroutines: FastAPI would send a plain function to a thread, and every request would wait for three of them.

_bearer = HTTPBearer(auto_error=False, description="An API key, as `rulewright keys create` shows it once.")


async def _office(request: Request) -> Office:
    found: Office = request.app.state.office
    return found


async def _exchange(request: Request) -> Exchange:
    found: Exchange = request.state.exchange
    return found


async def _allowed(scopes: SecurityScopes, request: Request, _token: Annotated[object, Depends(_bearer)]) -> StoredKey:
    """The caller's key. Raises Problem `forbidden` where it has not the scope that is needed."""
    return allowed((await _exchange(request)).key, scopes.scopes)


def allowed(key: StoredKey | None, scopes: Sequence[str]) -> StoredKey:
    """The caller's key. Raises Problem `forbidden` where it has not all of these scopes."""
    assert key is not None
    missing = [scope for scope in scopes if scope not in key.scopes]
    if missing:
        raise Problem("forbidden", f"this needs the scope {missing[0]}", scope=missing[0])
    return key


InOffice = Annotated[Office, Depends(_office)]
InExchange = Annotated[Exchange, Depends(_exchange)]
Anybody = Annotated[StoredKey, Security(_allowed)]
EventWriter = Annotated[StoredKey, Security(_allowed, scopes=["events:write"])]
Reader = Annotated[StoredKey, Security(_allowed, scopes=["decisions:read"])]
EntityWriter = Annotated[StoredKey, Security(_allowed, scopes=["entities:write"])]
PackWriter = Annotated[StoredKey, Security(_allowed, scopes=["packs:write"])]
Replayer = Annotated[StoredKey, Security(_allowed, scopes=["rejects:replay"])]
ActionWriter = Annotated[StoredKey, Security(_allowed, scopes=["actions:write"])]
Observer = Annotated[StoredKey, Security(_allowed, scopes=["metrics:read"])]
