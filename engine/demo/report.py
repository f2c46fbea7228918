"""The summary on a terminal: tables with colours there, plain lines where the output goes to a file."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.demo.hints import tries
from engine.demo.line import Result
from engine.demo.summary import Summary

_ENDINGS = {
    None: "仍亮着 still on",
    "resolved": "恢复绿灯 green again",
    "eased": "转为黄灯 eased to yellow",
    "retracted": "撤销 withdrawn",
}
_STATUS = {
    "sent": "已送达 sent",
    "unknown": "[yellow]结果未知 unknown, not sent again[/]",
    "dead": "[red]失败 dead letter[/]",
    "pending": "待发送 pending",
    "claimed": "发送中 being sent",
    "cancelled": "已撤销 cancelled",
}
_MOST_ROWS = 6


def report(result: Result, console: Console) -> None:
    """Say what happened, where it is, and what to try next."""
    summary = result.summary
    _opening(result, console)
    console.print()
    _reds(summary, console)
    console.print()
    _messages(summary, console)
    console.print()
    _popup(summary, console)
    console.print()
    _counts(summary, console)
    _sign(summary, console)
    _trouble(summary, console)
    console.print(f"\n[bold]数据库 database[/]  {result.folder.database}", soft_wrap=True)
    console.print(f"[bold]页面 page[/]          {result.folder.page}", soft_wrap=True)
    console.print("\n[bold]接下来试试 try next[/]")
    for command in tries(summary, result.folder.path):
        console.print(f"  {escape(command)}", soft_wrap=True, highlight=False)
    console.print("  编辑 YAML 后 edit the YAML, then: rulewright test my-pack/", highlight=False)


def _opening(result: Result, console: Console) -> None:
    summary = result.summary
    console.print(
        f"[bold]{summary.weeks} 周 weeks, {len(summary.board)} 位销售 reps: {summary.lines} 条事件 events[/] → "
        f"{sum(summary.records.values())} 个决定 decisions, {sum(summary.actions.values())} 个动作 actions",
        soft_wrap=True,
    )
    if result.folder.resumed:
        known = summary.lines - result.fed
        console.print(
            f"接着上次未完成的运行 went on with an interrupted run: {known} 条已在库中 were in the log", soft_wrap=True
        )
    if result.seconds > 0 and result.fed:
        rate = result.fed / result.seconds
        console.print(f"{result.seconds:.1f} s, {rate:,.0f} 条/秒 events/s, 含发送 sending included", soft_wrap=True)


def _reds(summary: Summary, console: Console) -> None:
    table = _table(f"红灯 red lights ({len(summary.red_lights)})", "时间 at", "销售 rep", "原因 why", "结局 end")
    for light in summary.red_lights:
        table.add_row(_when(light.at), f"[red]■[/] {escape(light.name)}", escape(light.why), _ENDINGS[light.ended])
    console.print(table)


def _messages(summary: Summary, console: Console) -> None:
    table = _table(
        f"钉钉消息 DingTalk messages ({len(summary.messages)})", "时间 at", "收件人 to", "内容 text", "状态 status"
    )
    for mail in summary.messages:
        kind = "更正 correction · " if mail.correction else ""
        shot = " + 热力图 heat map" if mail.picture else ""
        title = f"{kind}{escape(mail.title)}{shot}"
        table.add_row(_when(mail.at), escape(mail.to), title, _STATUS[mail.status])
    console.print(table)


def _popup(summary: Summary, console: Console) -> None:
    shown = summary.popup
    if shown is None:
        return
    about = f"{shown.rep} → {shown.customer}（{shown.industry}）{_when(shown.at)}"
    table = _table(f"话术弹窗 pop-ups ({summary.popups}); {about}", "", "话术 script", "得分 score", "理由 why")
    for place, offer in enumerate(shown.items, 1):
        proof = f"\n[green]{escape(offer.proof)}[/]" if offer.proof else ""
        table.add_row(str(place), escape(offer.text) + proof, f"{offer.score:g}", escape("，".join(offer.why)))
    console.print(table)


def _counts(summary: Summary, console: Console) -> None:
    arms = ", ".join(f"{arm} {count}" for arm, count in summary.arms.items())
    still = [quote for quote in summary.stalled if quote.state == "stalled"]
    largest = sorted(still, key=lambda quote: -quote.amount)[:_MOST_ROWS]
    quotes = ", ".join(f"{quote.quote} {quote.rep} ¥{quote.amount:,.0f}" for quote in largest)
    refused = ", ".join(f"{one.code} {one.count}" for one in summary.rejects)
    taken = sum(call.arrived for call in summary.webhooks)
    for head, said in (
        ("实验分组 arms", arms),
        ("停滞报价 stalled quotes", f"{len(summary.stalled)}, 仍停滞 still: {len(still)} ({quotes}, …)"),
        ("大单通知 webhook calls", f"{taken} / {len(summary.webhooks)}"),
        ("拒收 refused", refused),
    ):
        console.print(f"[bold]{head}[/]  {escape(said)}", soft_wrap=True, highlight=False)


def _sign(summary: Summary, console: Console) -> None:
    sign = summary.sign
    if sign is None:
        return
    if sign.status == "sent":
        hint = "" if sign.filled else "; 没有中文字体 no Chinese font? pip install '.[fonts]'"
        said = f"读到 read: {sign.text}; 填入客户 filled in: {sign.filled or '—'}{hint}"
    elif sign.code == "extra_missing":
        said = "未识别 not read: pip install '.[ocr]'"
    else:
        said = f"{sign.code}: {sign.reason}"
    console.print(f"[bold]门头识别 shop sign[/]  {escape(said)}", soft_wrap=True, highlight=False)


def _trouble(summary: Summary, console: Console) -> None:
    for head, keys in (
        ("结果未知，不再重发 unknown, not sent again", summary.unknown),
        ("死信 dead letters", summary.dead),
    ):
        for key in keys:
            console.print(f"[yellow]{head}[/]  {escape(key)}", soft_wrap=True, highlight=False)


def _table(title: str, *heads: str) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, header_style="dim", overflow="fold")
    return table


def _when(stamp: str) -> str:
    return stamp[5:16].replace("T", " ")
