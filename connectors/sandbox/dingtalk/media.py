"""Uploads: multipart, a type, a size."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from connectors.sandbox.dingtalk.tenant import Tenant, errcode
from connectors.sandbox.server import Answer, Call

_TYPES = ("image", "voice", "video", "file")
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")


def upload(tenant: Tenant, call: Call) -> Answer:
    """`POST /media/upload`: part `media`, field `type`."""
    parts = _parts(call)
    kind, data = parts.get("type", b"").decode(), parts.get("media")
    if kind not in _TYPES:
        return errcode(40004, "不合法的媒体文件类型")
    if not data:
        return errcode(40035, "不合法的参数: media")
    if kind == "image" and not data.startswith(_IMAGES):
        return errcode(40004, "不合法的媒体文件类型")
    if len(data) > tenant.media_limit:
        return errcode(40006, "不合法的文件大小")
    media_id = f"@lAD{hashlib.sha256(data).hexdigest()[:24]}"
    tenant.media[media_id] = data
    return errcode(0, "ok", type=kind, media_id=media_id, created_at=int(tenant.clock() * 1000))


def _parts(call: Call) -> dict[str, bytes]:
    kind = call.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return {}
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    document = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + call.body)
    parts: dict[str, bytes] = {}
    for part in document.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            parts[name] = payload
    return parts
