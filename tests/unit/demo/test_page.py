"""The page: what data says is text, never markup; pictures are inside it; levels are told by more than colour."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest

from engine.demo.board import board
from engine.demo.lamps import Red, Row
from engine.demo.markup import message
from engine.demo.page import page
from engine.demo.post import Call, Mail
from engine.demo.summary import Arm, Offer, Popup, Refused, Sign, Stalled, Summary

EVIL = "<script>alert('x')</script> & \"$period\""


class Tags(HTMLParser):
    """Collects the tags of a page and checks that they close."""

    VOID = frozenset({"meta", "img", "br", "circle", "rect", "path"})

    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def summary(word=EVIL, **changes):
    at = "2026-03-16T00:00:00+08:00"
    made = Summary(
        seed=7, weeks=2, start=at, until=at, lines=10, log=12, records={}, actions={"sent": 1},
        red_lights=[Red("d1", "r2", word, word, at, word, word, "retracted", at)],
        board=[Row("r2", word, word, ["yellow", "red"], [1, 1])],
        messages=[
            Mail("a1", "k1", at, "u", word, word, word, f"#### {word}\n\n- {word}\n{word}", "hot.png", False, "sent", 1),
            Mail("a2", "k1/correction", at, "u", word, word, word, word, None, True, "unknown", 1),
        ],
        corrections=["k1/correction"],
        webhooks=[Call("a3", "k3", at, {"rep": word, "customer": word, "amount": 9.0}, "sent", 1)],
        unknown=[], dead=[], popups=1,
        popup=Popup("p1", at, word, word, word, word, [Offer("s1", word, 3.5, [word], word)]),
        arms={"h5": 1}, assignments=[Arm("x", word, word, "h5", "hash")],
        stalled=[Stalled("s", "q1", at, word, word, 5.0, "stalled")],
        rejects=[Refused("too_far", 2, word)],
        sign=Sign("sent", word, word, "matched", word, word, None, None),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "hot.png").write_bytes(b"\x89PNG heat")
    return tmp_path


def parsed(html):
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags.seen


def test_data_never_becomes_markup(pictures):
    html = page(summary(), pictures, [EVIL])
    assert "<script" not in html
    assert "alert(&#x27;x&#x27;)" in html
    assert "script" not in {tag for tag, _ in parsed(html)}


def test_a_dollar_in_a_name_stays_a_dollar(pictures):
    assert "$period" in page(summary(), pictures, [])


def test_the_page_needs_no_other_file(pictures):
    tags = parsed(page(summary(), pictures, []))
    assert "link" not in {tag for tag, _ in tags}
    sources = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_a_corrected_message_and_its_correction_are_marked(pictures):
    classes = [attributes.get("class") for _, attributes in parsed(page(summary(), pictures, []))]
    assert {"bubble withdrawn", "bubble correction"} <= set(classes)


def test_a_message_of_unknown_outcome_says_so(pictures):
    assert "结果未知" in page(summary(), pictures, [])


def test_a_run_in_which_nothing_happened_has_a_page_too(pictures):
    nothing = summary(
        "", red_lights=[], messages=[], corrections=[], webhooks=[], popups=0, popup=None, arms={}, assignments=[],
        stalled=[], rejects=[], sign=None,
    )  # fmt: skip
    html = page(nothing, pictures, [])
    parsed(html)
    assert "没有红灯" in html


def test_an_unread_sign_says_why(pictures):
    unread = Sign("dead", "甲", None, None, None, None, "extra_missing", "pip install 'rulewright[ocr]'")
    assert "rulewright[ocr]" in page(summary(sign=unread), pictures, [])


def test_a_level_is_told_by_shape_and_words_besides_colour():
    svg = board([Row("r1", "王芳", "华东", ["green", "yellow", "red"], [3, 2, 0])])
    assert all(shape in svg for shape in ("<circle", "<path", "<rect"))
    assert all(word in svg for word in ("绿 green", "黄 yellow", "红 red"))


def test_markdown_of_a_message_becomes_headings_points_and_paragraphs():
    assert message("#### 甲\n\n- 乙  \n- 丙\n丁") == "<h4>甲</h4><ul><li>乙</li><li>丙</li></ul><p>丁</p>"
