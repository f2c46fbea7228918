"""Killed in the middle and started again: nothing is lost, nothing is said twice, and what nobody knows is shown as unknown."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter

import pytest

from engine import Engine
from engine.demo.inbox import Inbox
from engine.demo.line import PACKS, run

CHILD = """
import functools, sys, threading
from pathlib import Path

import connectors.dingtalk.message as dingtalk
import connectors.webhook.post as webhook
from engine.actions.attempt import Attempts
from engine.demo import line
from engine.demo.inbox import Inbox
from engine.runtime.engine import Engine
from engine.runtime.session import Session
from engine.store.database import DatabaseStore

folder, weeks, where, number = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
left = [number]
lock = threading.Lock()


def here():
    with lock:
        left[0] -= 1
        reached = left[0] == 0
    if reached:
        print(where, flush=True)
        threading.Event().wait()


def stop(owner, name, *, after):
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def stopped(*args, **kwargs):
        if not after:
            here()
        found = whole(*args, **kwargs)
        if after:
            here()
        return found

    setattr(owner, name, stopped)


Engine.dispatcher = functools.partialmethod(Engine.dispatcher, threads=1)
match where:
    case "committing":
        stop(Session, "commit", after=False)
    case "committed":
        stop(Session, "commit", after=True)
    case "claimed":
        stop(Attempts, "_prepare", after=False)
    case "calling":
        stop(dingtalk.DingTalkMessage, "perform", after=False)
    case "posting":
        stop(webhook.Webhook, "perform", after=False)
    case "arrived":
        stop(Inbox, "message", after=True)
    case "taken":
        stop(Inbox, "delivery", after=True)
    case "answered":
        stop(DatabaseStore, "finish_attempt", after=False)
line.run(Path(folder), weeks=weeks)
"""

POINTS = [
    ("committing", 6, 0),
    ("committed", 12, 0),
    ("claimed", 2, 0),
    ("calling", 1, 1),
    ("posting", 3, 1),
    ("arrived", 1, 1),
    ("taken", 2, 1),
    ("answered", 1, 1),
]
"""Where the child is killed, at the how manieth time, and whether a call whose outcome nobody can know is under way then.

It has one thread for messages, so that there is one such call at most.
"""


def kill(folder, weeks, where, number, root):
    """Run the demo in a child and kill it, without warning, when it has come as far as `where`."""
    command = [sys.executable, "-c", CHILD, str(folder), str(weeks), where, str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        impatience = threading.Timer(120, child.kill)
        impatience.start()
        said = child.stdout.readline().strip()
        impatience.cancel()
        child.kill()
    assert said == where


def decided(folder):
    """(kind, id) of every decision in a folder's store, and the dedupe keys of what was queued."""
    with Engine.open(PACKS, folder.store) as engine:
        decisions = sorted((record.kind, record.id) for _, record in engine.store.decisions())
        return decisions, sorted(row.action.dedupe_key for row in engine.store.actions())


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("where", "number", "doubts"), POINTS, ids=[point[0] for point in POINTS])
def test_a_killed_demo_goes_on_without_a_loss_or_a_second_message(where, number, doubts, folder, unbroken, request):
    weeks = unbroken.summary.weeks
    kill(folder, weeks, where, number, request.config.rootpath)
    result = run(folder, weeks=weeks)

    assert result.folder.resumed
    assert decided(result.folder) == decided(unbroken.folder)
    assert doubts <= len(result.summary.unknown) <= 1
    letters = Inbox(result.folder.inbox, result.folder.pictures).letters()
    posts = Counter(letter.document["dedupe_key"] for letter in letters if letter.via == "webhook")
    texts = Counter((one.to, one.title, one.text) for one in letters if one.via == "dingtalk" and one.title)
    wanted = Counter((one.user, one.title, one.text) for one in unbroken.summary.messages)
    assert set(posts.values()) <= {1}
    assert texts <= wanted
    for sent in (*result.summary.messages, *result.summary.webhooks):
        assert (sent.status == "sent" and sent.arrived == 1) or sent.key in result.summary.unknown
    assert {path.name for path in result.folder.pictures.glob("*.part")} == set()


def test_a_demo_that_was_killed_tells_the_same_story_in_the_end(folder, unbroken, request):
    kill(folder, unbroken.summary.weeks, "committing", 9, request.config.rootpath)
    assert run(folder, weeks=unbroken.summary.weeks).summary == unbroken.summary
