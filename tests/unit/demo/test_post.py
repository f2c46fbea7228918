"""Joining what was queued with what arrived."""

from __future__ import annotations

from connectors.dingtalk.words import markdown
from engine.core.event import Action
from engine.demo.inbox import Letter
from engine.demo.post import calls, mails
from engine.store import OutboxRow

NAMES = {"m1": "陈海燕", "r2": "周凯"}


def queued(number, *, title="周凯 需要关注", attach=None, at=0):
    content = {"title": title, "text": "- 一"}
    return Action(
        f"a{number}", "dingtalk.message", "m1", "rep", "rep", "r2", "visit_discipline", content, attach,
        f"visit_discipline/r2/{number}/red", False, None, at,
    )  # fmt: skip


def letter(title="周凯 需要关注"):
    return Letter("dingtalk", "ding-m1", title, markdown(title, "- 一"))


def shot(media, file):
    return Letter("dingtalk", "ding-m1", picture=file, media=media)


def test_each_letter_belongs_to_one_action_at_most():
    rows = [OutboxRow(queued(1), "sent"), OutboxRow(queued(2, at=5), "unknown")]
    first, second = mails(rows, [letter()], NAMES)
    assert (first.arrived, second.arrived) == (1, 0)
    assert (second.status, second.text) == ("unknown", "")


def test_pictures_of_two_messages_sent_at_once_are_told_apart():
    attach = {"heatmap": "visit.arrived"}
    rows = [
        OutboxRow(queued(1, title="甲", attach=attach), "sent", result={"userid": "ding-m1", "media_id": "@1"}),
        OutboxRow(queued(2, title="乙", attach=attach, at=1), "sent", result={"userid": "ding-m1", "media_id": "@2"}),
    ]
    letters = [letter("甲"), letter("乙"), shot("@2", "two.png"), shot("@1", "one.png")]
    assert [mail.picture for mail in mails(rows, letters, NAMES)] == ["one.png", "two.png"]


def test_a_call_says_how_often_it_arrived():
    action = Action("a1", "webhook", None, None, "quote", "q1", "big_win", {"quote": "q1"}, None, "k1", False, None, 0)
    (call,) = calls(
        [OutboxRow(action, "sent")], [Letter("webhook", "webhook", key="k1", document={"dedupe_key": "k1"})]
    )
    assert (call.arrived, call.at) == (1, "1970-01-01T08:00:00+08:00")
