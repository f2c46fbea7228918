"""DingTalk conversations as the managers see them, and the pop-up as a rep sees it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.demo.markup import message, picture, text, when
from engine.demo.post import Mail
from engine.demo.summary import Popup, Summary

_PURPOSES = {"price": "价格谈判", "delivery": "交付", "technical": "技术", "routine": "例行"}
_DOUBT = {
    "unknown": ("结果未知，不会自动重发", "outcome unknown, not sent again"),
    "dead": ("发送失败", "not sent"),
    "pending": ("待发送", "waiting"),
    "claimed": ("发送中", "being sent"),
    "cancelled": ("发送前已撤销", "withdrawn before it was sent"),
}


def chats(summary: Summary, pictures: Path) -> str:
    """A phone for every manager who received something, in the order of their first message."""
    people = dict.fromkeys(mail.to for mail in summary.messages)
    withdrawn = {mail.key.removesuffix("/correction") for mail in summary.messages if mail.correction}
    phones = (
        _phone(name, (mail for mail in summary.messages if mail.to == name), withdrawn, pictures) for name in people
    )
    return "".join(phones)


def popup(shown: Popup) -> str:
    """The pop-up of three scripts on the rep's phone."""
    offers = "".join(
        f'<li><p class="say">{text(offer.text)}</p>'
        f'<p class="why"><b>{offer.score:g}</b> {"".join(f"<span>{text(why)}</span>" for why in offer.why)}</p>'
        + (f'<p class="proof">{text(offer.proof)}</p>' if offer.proof else "")
        + "</li>"
        for offer in shown.items
    )
    purpose = _PURPOSES.get(shown.purpose, shown.purpose)
    return (
        f'<article class="phone"><header><b>{text(shown.rep)}</b><span>{when(shown.at)}</span></header>'
        f'<div class="sheet"><p class="for">{text(shown.customer)} · {text(shown.industry)} · {text(purpose)}</p>'
        f'<h4>推荐话术 <span class="en">Recommended scripts</span></h4><ol>{offers}</ol></div></article>'
    )


def _phone(name: str, mails: Iterable[Mail], withdrawn: set[str], pictures: Path) -> str:
    bubbles = "".join(_bubble(mail, mail.key in withdrawn, pictures) for mail in mails)
    return (
        f'<article class="phone"><header><b>{text(name)}</b><span>钉钉 DingTalk</span></header>'
        f'<div class="talk">{bubbles}</div></article>'
    )


def _bubble(mail: Mail, withdrawn: bool, pictures: Path) -> str:
    classes = "bubble correction" if mail.correction else "bubble withdrawn" if withdrawn else "bubble"
    notes = []
    if mail.correction:
        notes.append(("更正", "Correction"))
    if withdrawn:
        notes.append(("已被更正", "Corrected below"))
    if mail.status in _DOUBT:
        notes.append(_DOUBT[mail.status])
    tags = "".join(f'<span class="tag">{text(zh)} <i lang="en">{text(en)}</i></span>' for zh, en in notes)
    body = message(mail.text) if mail.text else f"<p>{text(mail.title)}</p>"
    parts = [f'<p class="time">{when(mail.at)}</p>', f'<div class="{classes}">{tags}{body}</div>']
    if mail.picture is not None:
        alt = f"{mail.about}：近7天签到热力图 / heat map of seven days"
        parts.append(f'<div class="bubble shot">{picture(pictures / mail.picture, alt)}</div>')
    return "".join(parts)
