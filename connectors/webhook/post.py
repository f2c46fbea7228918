"""`webhook`: POST the action as JSON, with its dedupe key as `Idempotency-Key`."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass, Receipt, Recipient, Request
from connectors.settings import Settings
from connectors.statuses import failure
from connectors.webhook.signature import HEADER, signature

_ANSWER_LIMIT = 2_000
"""Bytes of an answer that a receipt keeps."""


class Webhook:
    """Posts to one URL. `resends_safely` when its receiver is known to honour the idempotency key."""

    name = "webhook"

    def __init__(
        self,
        outbound: Outbound,
        url: str,
        *,
        secret: str | None,
        headers: Mapping[str, str],
        resends_safely: bool,
        clock: Callable[[], float],
    ) -> None:
        self._outbound = outbound
        self._url = url
        self._secret = secret
        self._headers = headers
        self._clock = clock
        self.resends_safely = resends_safely

    def perform(self, request: Request) -> Receipt:
        """Post; `delivered` for any 2xx. The receipt keeps the status, and the answer if it is short JSON."""
        body = _body(request)
        reply = self._outbound.send(
            "POST",
            self._url,
            content=body,
            headers=self._sealed(request, body),
            timeout=request.timeout,
            safe=self.resends_safely,
        )
        error = failure(reply, self._clock(), "the webhook")
        if error is not None:
            raise error
        result: dict[str, Any] = {"status": reply.status}
        if 0 < len(reply.body) <= _ANSWER_LIMIT and reply.json() is not None:
            result["answer"] = reply.json()
        return Receipt("delivered", None, result)

    def close(self) -> None:
        """Close the connections."""
        self._outbound.close()

    def _sealed(self, request: Request, body: bytes) -> dict[str, str]:
        headers = {
            **self._headers,
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": _header_safe(request.dedupe_key),
        }
        if self._secret is not None:
            headers[HEADER] = signature(self._secret, int(self._clock()), body)
        return headers


def connect(values: Mapping[str, Any], clock: Callable[[], float]) -> Webhook:
    """Settings: `url`; optional `secret` (signs), `headers`, `resends_safely`, `allow_hosts`."""
    settings = Settings("webhook", values)
    url, secret = settings.text("url"), settings.optional("secret")
    headers, resends_safely = settings.table("headers"), settings.flag("resends_safely", False)
    outbound = Outbound(settings.texts("allow_hosts"))
    settings.done()
    return Webhook(outbound, url, secret=secret, headers=headers, resends_safely=resends_safely, clock=clock)


def _body(request: Request) -> bytes:
    """The document, its keys in order, so that every attempt posts the same bytes."""
    document: dict[str, Any] = {
        "action_id": request.action_id,
        "dedupe_key": request.dedupe_key,
        "do": request.do,
        "to": _person(request.to),
        "subject": _person(request.subject),
        "content": dict(request.content),
    }
    if request.picture is not None:
        picture = request.picture
        document["picture"] = {
            "name": picture.name,
            "alt": picture.alt,
            "png_base64": b64encode(picture.png).decode("ascii"),
        }
    try:
        return json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConnectorError(ErrorClass.PERMANENT, "bad_content", f"the content is not JSON: {error}") from error


def _person(who: Recipient | None) -> dict[str, str] | None:
    return None if who is None else {"id": who.id, "name": who.name}


def _header_safe(key: str) -> str:
    """A header holds ASCII only; other characters of a key are percent-encoded."""
    return "".join(c if 32 < ord(c) < 127 and c != "%" else _percent(c) for c in key)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
