"""S21, S22, S45: what is decided goes through the real connectors to servers that speak the same wire."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from connectors import build
from connectors.ocr.reading import installed
from connectors.pictures.sign import shop_sign
from connectors.sandbox.dingtalk import DingTalkSandbox

PATIENCE = 60.0


@pytest.fixture
def sandbox() -> Iterator[DingTalkSandbox]:
    with DingTalkSandbox(users={"boss-1": {"name": "王经理"}}) as server:
        yield server


def two_bad_weeks(team: Any) -> None:
    team.put("rep", id="m1", employee_no="1", name="王经理", active=True, dingtalk_userid="boss-1")
    for number, time in enumerate(["2026-03-03T10:00", "2026-03-10T10:00", "2026-03-11T15:00"]):
        team.check_in(f"v{number}", time)
    for rep in ("r2", "r3"):
        for number in range(6):
            team.visit(f"{rep}{number}", f"2026-03-{3 + number // 3 * 7:02}T1{number}:30", rep=rep)
    team.advance("2026-03-16T00:00")


def test_s21_one_red_episode_reaches_the_manager_once_and_s22_with_the_heat_map(
    open_team: Callable[..., Any], sandbox: DingTalkSandbox, tmp_path: Path
) -> None:
    team = open_team(f"sqlite:///{tmp_path / 'team.db'}")
    two_bad_weeks(team)
    connectors = {"dingtalk.message": build("dingtalk.message", sandbox.settings())}
    with team.engine.dispatcher(connectors) as dispatcher:
        assert dispatcher.drain(PATIENCE)
        team.engine.receive()
        team.advance("2026-03-20T00:00")
        dispatcher.notify()
        assert dispatcher.drain(PATIENCE)
    text, picture = sandbox.messages
    assert (text.user, picture.user) == ("boss-1", "boss-1")
    assert "r1 李 需要关注" in text.text
    assert picture.png is not None
    image = Image.open(io.BytesIO(picture.png))
    assert image.size[0] >= 600
    assert len(image.convert("RGB").getcolors(1 << 24) or []) > 50
    (action,) = team.engine.store.actions()
    assert (action.status, len(action.action.attach["points"])) == ("sent", 2)


def test_s21_the_result_of_an_action_comes_back_as_an_event(
    open_team: Callable[..., Any], sandbox: DingTalkSandbox
) -> None:
    team = open_team()
    two_bad_weeks(team)
    with team.engine.dispatcher({"dingtalk.message": build("dingtalk.message", sandbox.settings())}) as dispatcher:
        assert dispatcher.drain(PATIENCE)
    team.engine.receive()
    events = [one for one in team.engine.store.events(scope="rep", key="r1") if one.type.startswith("action.")]
    assert [(one.type, one.data["name"], one.data["do"]) for one in events] == [
        ("action.succeeded", "visit_discipline", "dingtalk.message")
    ]
    assert len(team.engine.receive()) == 0


def test_s23_a_red_light_retracted_before_it_was_sent_tells_nobody(
    open_team: Callable[..., Any], sandbox: DingTalkSandbox, tmp_path: Path
) -> None:
    team = open_team(f"sqlite:///{tmp_path / 'team.db'}")
    two_bad_weeks(team)
    team.visit("other", "2026-03-17T09:00", rep="r2")
    for number in ("late1", "late2"):
        team.send("feedback.submitted", "2026-03-13T16:05", visit_id=number, rep_id="r1", customer_id="c1", text="好")
        team.send("visit.closed", "2026-03-13T16:00", visit_id=number, rep_id="r1", customer_id="c1")
    assert [one["correction"] for one in team.of("action", key="r1")] == [False, True]
    with team.engine.dispatcher({"dingtalk.message": build("dingtalk.message", sandbox.settings())}) as dispatcher:
        assert dispatcher.drain(PATIENCE)
    assert sandbox.messages == []
    assert {one.status for one in team.engine.store.actions()} == {"cancelled"}


def photograph(team: Any, folder: Path, name: str) -> None:
    (folder / "sign.png").write_bytes(shop_sign(name))
    team.send(
        "visit.planned",
        "2026-03-02T08:00",
        visit_id="v1",
        rep_id="r1",
        customer_id="c1",
        planned_for="2026-03-02T09:00:00+08:00",
    )
    team.send("photo.taken", "2026-03-02T10:00", visit_id="v1", rep_id="r1", image="sign.png")


def read_sign(team: Any, folder: Path) -> list[dict[str, Any]]:
    with team.engine.dispatcher({"ocr.read": build("ocr.read", {"folder": str(folder)})}) as dispatcher:
        assert dispatcher.drain(PATIENCE)
    found = list(team.engine.receive())
    team.records += found
    return [one["data"] for one in found if one["kind"] == "emit" and one["type"] == "customer.recognised"]


def test_s45_a_photo_of_the_sign_fills_in_the_customer(open_team: Callable[..., Any], tmp_path: Path) -> None:
    assert installed()
    team = open_team()
    for number, name in (("C-001", "杭州甜里烘焙"), ("C-002", "杭州糖力食品"), ("C-003", "广州药房")):
        team.put("customer", id=number, name=name, tier="A", industry="烘焙")
    photograph(team, tmp_path, "杭州甜里烘焙")
    (recognised,) = read_sign(team, tmp_path)
    assert (recognised["decision"], recognised["customer_id"]) == ("matched", "C-001")
    assert team.engine.state("visit", "v1")["context"]["visit"]["suggested_customer"] == "C-001"


def test_s45_two_customers_that_look_alike_are_asked_about(open_team: Callable[..., Any], tmp_path: Path) -> None:
    team = open_team()
    for number, name in (("C-001", "杭州甜里烘焙一店"), ("C-002", "杭州甜里烘焙二店")):
        team.put("customer", id=number, name=name, tier="A", industry="烘焙")
    photograph(team, tmp_path, "杭州甜里烘焙")
    (recognised,) = read_sign(team, tmp_path)
    assert recognised["decision"] == "ask"
    assert sorted(recognised["candidates"]) == ["C-001", "C-002"]
    assert "suggested_customer" not in team.engine.state("visit", "v1")["context"]["visit"]


def test_s45_when_nobody_can_read_it_the_rep_types_and_the_visit_goes_on(
    open_team: Callable[..., Any], tmp_path: Path
) -> None:
    team = open_team()
    photograph(team, tmp_path, "杭州甜里烘焙")
    (tmp_path / "sign.png").write_bytes(b"no picture at all")
    (recognised,) = read_sign(team, tmp_path)
    assert recognised["decision"] == "manual"
    records = team.check_in("v1", "2026-03-02T11:00")
    assert [one["to"] for one in records if one["kind"] == "transition"] == ["checked_in"]
