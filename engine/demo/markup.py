"""Small pieces of HTML. Everything that comes from data is escaped here, and only here becomes markup."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path


def text(value: object) -> str:
    """Any value as text that no browser takes for markup."""
    return escape(str(value), quote=True)


def label(zh: str, en: str) -> str:
    """A label in both languages."""
    return f'{text(zh)} <span class="en" lang="en">{text(en)}</span>'


def message(markdown: str) -> str:
    """A DingTalk message: headings, points and paragraphs of its markdown."""
    parts: list[str] = []
    points: list[str] = []
    for line in (*markdown.splitlines(), ""):
        line = line.strip()
        if line.startswith("- "):
            points.append(f"<li>{text(line[2:])}</li>")
            continue
        if points:
            parts.append(f"<ul>{''.join(points)}</ul>")
            points = []
        if line.startswith("#"):
            parts.append(f"<h4>{text(line.lstrip('#').strip())}</h4>")
        elif line:
            parts.append(f"<p>{text(line)}</p>")
    return "".join(parts)


def picture(path: Path, alt: str) -> str:
    """A PNG, embedded, so that the page can be passed on alone; its description where the file is gone."""
    if not path.is_file():
        return f"<p>{text(alt)}</p>"
    data = b64encode(path.read_bytes()).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{text(alt)}" loading="lazy">'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are markup already."""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def when(stamp: str) -> str:
    """`MM-DD HH:MM` of an RFC 3339 time, in the zone that it is written in."""
    return text(stamp[5:16].replace("T", " "))
