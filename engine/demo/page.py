"""The page: one file with the messages as their recipients see them, and what else the rules made of eight weeks."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from engine import __version__
from engine.demo import board, chat
from engine.demo.markup import label, picture, table, text, when
from engine.demo.post import Call
from engine.demo.summary import Sign, Summary
from engine.demo.team import SIGN

_STATES = {
    "stalled": ("仍停滞", "still"),
    "negotiating": ("谈判中", "negotiating"),
    "won": ("成交", "won"),
    "lost": ("未成交", "lost"),
}
_ENDINGS = {
    None: ("仍亮着", "still on"),
    "resolved": ("恢复绿灯", "green again"),
    "eased": ("转为黄灯", "eased to yellow"),
    "retracted": ("撤销，已发更正", "withdrawn, correction sent"),
}
_LARGEST = 6
"""Of the big wins, that many of the biggest."""

_MOST_ROWS = 12
"""Rows of a table of many; the rest is a number."""


def page(summary: Summary, pictures: Path, tries: list[str]) -> str:
    """The whole page as HTML that needs no other file. `pictures` is their folder, `tries` are commands to try next."""
    template = Template((files("engine.demo") / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        period=_period(summary),
        tiles=_tiles(summary),
        board=board.board(summary.board),
        legend=board.legend(),
        reds=_reds(summary),
        chats=chat.chats(summary, pictures) or _none("没有消息", "no messages"),
        popup=chat.popup(summary.popup) if summary.popup is not None else _none("没有弹窗", "no pop-up"),
        sign=_sign(summary.sign, pictures),
        arms=_arms(summary),
        stalled_note=_stalled_note(summary),
        stalled=_stalled(summary),
        webhooks_note=_webhooks_note(summary),
        webhooks=_webhooks(summary),
        rejects=_rejects(summary),
        next="".join(f"<li><code>{text(command)}</code></li>" for command in tries),
        version=text(__version__),
        seed=summary.seed,
        weeks=summary.weeks,
    )


def _period(summary: Summary) -> str:
    return (
        f"{text(summary.start[:10])} – {text(summary.until[:10])} · {summary.weeks} 周 · {len(summary.board)} 位销售 · "
        f"{summary.lines} 条事件。状态、时限、灯色、话术、分组与消息都来自规则文件，没有一行业务代码。 "
        f'<span class="en" lang="en">{summary.lines} events of {len(summary.board)} reps; every state, deadline, lamp, '
        "script, arm and message below comes from rule files.</span>"
    )


def _tiles(summary: Summary) -> str:
    corrections = sum(mail.correction for mail in summary.messages)
    tiles = (
        (len(summary.red_lights), "次红灯", "red lights"),
        (sum(mail.arrived for mail in summary.messages), "条钉钉消息", "DingTalk messages"),
        (corrections, "条更正", "corrections"),
        (summary.popups, "次话术弹窗", "pop-ups"),
        (len(summary.stalled), "单报价停滞过", "quotes stalled"),
        (len(summary.webhooks), "次大单通知", "webhook calls"),
        (sum(one.count for one in summary.rejects), "条拒收，各有原因", "refused, with reasons"),
        (" / ".join(str(count) for count in summary.arms.values()) or "0", " / ".join(summary.arms) + " 分组", "arms"),
    )
    return "".join(f"<li><b>{text(count)}</b>{label(zh, en)}</li>" for count, zh, en in tiles)


def _reds(summary: Summary) -> str:
    items = []
    for light in summary.red_lights:
        zh, en = _ENDINGS[light.ended]
        until = f"{when(light.until)} " if light.until is not None else ""
        items.append(
            f'<li class="{text(light.ended or "on")}"><b>{text(light.name)}</b> {when(light.at)} → {text(light.manager)}'
            f"<p>{text(light.why)}</p><p>{until}{label(zh, en)}</p></li>"
        )
    return f'<ul class="reds">{"".join(items)}</ul>' if items else _none("没有红灯", "no red light")


def _sign(sign: Sign | None, pictures: Path) -> str:
    if sign is None:
        return _none("没有照片", "no photo")
    shot = f'<div class="sign">{picture(pictures / SIGN, "门头照片 / photo of a shop sign")}</div>'
    if sign.status != "sent":
        told = ((label("结果", "outcome"), sign.status), (label("原因", "why"), sign.reason or sign.code or ""))
    else:
        told = ((label("读到", "read"), sign.text or ""), (label("填入", "filled in"), sign.filled or "—"))
    return shot + "<dl>" + "".join(f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in told) + "</dl>"


def _arms(summary: Summary) -> str:
    if not summary.assignments:
        return _none("还没有分组", "nobody was assigned")
    bars = "".join(
        f'<div class="{text(arm)}" style="flex:{count}">{text(arm)} {count}</div>'
        for arm, count in summary.arms.items()
    )
    rows = (
        (text(arm.employee_no), text(arm.rep), text(arm.variant), "奇偶 parity" if arm.by == "parity" else "哈希 hash")
        for arm in summary.assignments
    )
    heads = (label("工号", "no."), label("销售", "rep"), label("分组", "arm"), label("方式", "by"))
    return f'<div class="arms">{bars}</div>' + table(heads, rows)


def _stalled_note(summary: Summary) -> str:
    count, still = len(summary.stalled), sum(quote.state == "stalled" for quote in summary.stalled)
    return f"共 {count} 单停滞过，{still} 单至今未动 · {count} stalled, {still} are still waiting"


def _webhooks_note(summary: Summary) -> str:
    count = len(summary.webhooks)
    return f"演示包自带的规则，共 {count} 次，列出最大的几单 · a rule that the demo adds, {count} calls; the biggest:"


def _stalled(summary: Summary) -> str:
    newest = sorted(summary.stalled, key=lambda quote: (quote.state != "stalled", -quote.amount))[:_MOST_ROWS]
    rows = (
        (
            text(quote.quote),
            text(quote.rep),
            text(quote.customer),
            f"{quote.amount:,.0f}",
            when(quote.at),
            label(*_STATES.get(quote.state, (quote.state, ""))),
        )
        for quote in newest
    )
    heads = (
        label("报价", "quote"),
        label("销售", "rep"),
        label("客户", "customer"),
        label("金额", "yuan"),
        label("停滞于", "since"),
        label("现在", "now"),
    )
    return table(heads, rows) if newest else _none("没有", "none")


def _webhooks(summary: Summary) -> str:
    rows = (
        (
            when(call.at),
            text(call.content.get("rep", "")),
            text(call.content.get("customer", "")),
            f"{_amount(call):,.0f}",
            label("已送达", "taken") if call.arrived else text(call.status),
        )
        for call in sorted(summary.webhooks, key=_amount, reverse=True)[:_LARGEST]
    )
    heads = (
        label("时间", "at"),
        label("销售", "rep"),
        label("客户", "customer"),
        label("金额", "yuan"),
        label("结果", "outcome"),
    )
    return table(heads, rows) if summary.webhooks else _none("没有", "none")


def _amount(call: Call) -> float:
    return float(call.content.get("amount") or 0)


def _rejects(summary: Summary) -> str:
    rows = ((f"<code>{text(one.code)}</code>", text(one.count), text(one.reason)) for one in summary.rejects)
    heads = (label("代码", "code"), label("次数", "count"), label("其中一条的原因", "one of the reasons"))
    return table(heads, rows) if summary.rejects else _none("没有", "none")


def _none(zh: str, en: str) -> str:
    return f'<p class="none">{label(zh, en)}</p>'
