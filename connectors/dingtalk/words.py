"""Title and text of a message, as DingTalk's markdown shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.protocol import ConnectorError, ErrorClass


def words(content: Mapping[str, Any]) -> tuple[str, str]:
    """(title, text) of a rendered `with`. The title is the first line of the text where there is none.

    Raises ConnectorError PERMANENT `bad_content` when there is nothing to say.
    """
    title, text = content.get("title") or "", content.get("text") or ""
    if not isinstance(title, str) or not isinstance(text, str) or not (title or text):
        raise ConnectorError(ErrorClass.PERMANENT, "bad_content", "a message needs a `text` or a `title`, each a text")
    return title or text.splitlines()[0], text


def markdown(title: str, text: str) -> str:
    """The body under its own heading: DingTalk shows the title in the list of chats only.

    A lone line break is two spaces and a break in its dialect.
    """
    body = "  \n".join(line.rstrip() for line in text.splitlines()) if text and text != title else ""
    return f"#### {title}\n\n{body}".rstrip()
