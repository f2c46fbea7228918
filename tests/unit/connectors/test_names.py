from __future__ import annotations

import pytest

from connectors.ocr.names import Line, decide, plain, rank, shop_name

BAKERY = {"id": "c1", "name": "杭州甜里烘焙", "lat": 30.2741, "lon": 120.1551}
TWIN = {"id": "c2", "name": "杭州甜里烘焙", "lat": 30.3200, "lon": 120.2000}
OTHER = {"id": "c3", "name": "长江医院"}


def line(text, height=40.0):
    return Line(text, height, 0.99)


def test_the_tallest_line_is_the_name_and_contact_lines_never_are():
    lines = [
        line("营业时间 9:00-21:00", 90),
        line("电话:0571-88886666", 80),
        line("杭州甜里烘焙", 60),
        line("现烤", 20),
    ]
    assert shop_name(lines) == "杭州甜里烘焙"


@pytest.mark.parametrize("text", ["ＴＥＬ 138", "www.tianli.cn", "地址:文三路18号", "0571-88886666", "—"])
def test_lines_that_are_no_names(text):
    assert shop_name([line(text)]) == ""


def test_width_case_spaces_and_punctuation_do_not_matter():
    assert plain("Ｔｉａｎ Li·烘焙(文三路)") == plain("tianli烘焙（文三路）")


def test_one_misread_character_still_matches():
    ranked = rank("杭州甜里供焙", [BAKERY, OTHER], None)
    decision, offered = decide(ranked, 80, 8)
    assert (decision, offered[0].id, offered[0].score) == ("matched", "c1", 83.3)


def test_two_equal_candidates_are_a_question():
    decision, offered = decide(rank("杭州甜里烘焙", [TWIN, BAKERY, OTHER], None), 80, 8)
    assert decision == "ask"
    assert [(c.id, c.score) for c in offered] == [("c1", 100.0), ("c2", 100.0)]


def test_the_place_of_the_photo_settles_between_equal_names():
    decision, offered = decide(rank("杭州甜里烘焙", [BAKERY, TWIN], (30.3201, 120.2001)), 80, 8)
    assert (decision, offered[0].id, offered[0].score) == ("matched", "c2", 100.0)
    assert offered[1].score == 75.0


def test_the_right_name_far_away_is_a_question():
    decision, offered = decide(rank("杭州甜里烘焙", [BAKERY, OTHER], (31.23, 121.47)), 80, 8)
    assert (decision, [c.id for c in offered]) == ("ask", ["c1"])


def test_below_the_threshold_is_a_question_and_far_below_is_none():
    assert decide(rank("甜里面包", [BAKERY], None), 90, 8)[0] == "none"
    assert decide(rank("甜里烘培坊", [BAKERY], None), 80, 8)[0] == "ask"
    assert decide(rank("长江医院", [BAKERY], None), 80, 8) == ("none", [])


def test_at_most_three_are_offered():
    customers = [{"id": f"c{n}", "name": "杭州甜里烘焙"} for n in range(9)]
    assert [c.id for c in decide(rank("杭州甜里烘焙", customers, None), 80, 8)[1]] == ["c0", "c1", "c2"]


@pytest.mark.parametrize("customers", [[], [OTHER]])
def test_nothing_read_is_no_candidate(customers):
    assert rank("", customers, None) == []
    assert decide([], 80, 8) == ("none", [])
