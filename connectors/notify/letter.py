"""The letter itself: text, HTML with the picture inside, and an id that every attempt shares."""

from __future__ import annotations

import hashlib
import html
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from connectors.protocol import Picture


def letter(
    *,
    sender: str,
    recipient: str,
    title: str,
    text: str,
    picture: Picture | None,
    dedupe_key: str,
    now: float,
) -> EmailMessage:
    """A mail in UTF-8. Its Message-ID comes from the dedupe key, so a repeated one can be recognised."""
    message = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2].rstrip(">")
    mark = hashlib.sha256(dedupe_key.encode()).hexdigest()[:32]
    message["From"], message["To"] = sender, recipient
    message["Subject"] = " ".join(title.split())
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = f"<{mark}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n") if part.strip())
    if picture is None:
        message.add_alternative(f"<html><body>{paragraphs}</body></html>", subtype="html")
        return message
    cid = f"{mark}.picture@{domain}"
    image = f'<p><img src="cid:{cid}" alt="{html.escape(picture.alt)}"></p>'
    message.add_alternative(f"<html><body>{paragraphs}{image}</body></html>", subtype="html")
    body = message.get_payload(1)
    if not isinstance(body, EmailMessage):
        raise TypeError("the HTML part of a letter must be a message")
    body.add_related(picture.png, "image", "png", cid=f"<{cid}>", filename=picture.name, disposition="inline")
    return message
