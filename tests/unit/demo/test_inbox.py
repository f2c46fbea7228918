"""The inbox: what a sandbox took is on disk at once, and a torn line is no letter."""

from __future__ import annotations

import pytest

from connectors.sandbox.dingtalk import Message
from connectors.sandbox.webhook import Delivery
from engine.demo.inbox import Inbox, Letter


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "inbox.jsonl", tmp_path)


def message(text="两周不足", png=None):
    return Message("ding-m1", "sampleMarkdown", "周凯", text, "@lAD1" if png else None, png, 0.0)


def test_messages_and_calls_are_read_back_in_order(inbox):
    inbox.message(message())
    inbox.delivery(Delivery("key-1", {"amount": 5}, False, 0.0))
    assert inbox.letters() == [
        Letter("dingtalk", "ding-m1", "周凯", "两周不足"),
        Letter("webhook", "webhook", key="key-1", document={"amount": 5}),
    ]


def test_a_picture_is_kept_beside_the_journal(inbox, tmp_path):
    inbox.message(message(png=b"\x89PNG picture"))
    (letter,) = inbox.letters()
    assert (tmp_path / letter.picture).read_bytes() == b"\x89PNG picture"
    assert letter.media == "@lAD1"


def test_a_line_that_a_kill_cut_short_is_left_out_and_cut_off(inbox, tmp_path):
    inbox.message(message())
    with (tmp_path / "inbox.jsonl").open("ab") as journal:
        journal.write(b'{"via":"dingt')
    assert len(inbox.letters()) == 1
    inbox.mend()
    inbox.message(message("又一条"))
    assert [letter.text for letter in inbox.letters()] == ["两周不足", "又一条"]


def test_an_inbox_that_never_took_anything_is_empty(inbox):
    inbox.mend()
    assert inbox.letters() == []
