import pytest

from connectors.protocol import ConnectorError
from engine.actions.receipts import receipt
from engine.actions.request import fingerprint, request
from engine.actions.secrets import resolved
from engine.core.event import Action
from engine.core.program import Channel
from engine.store import OutboxRow

CHANNEL = Channel("dingtalk.message", "dingtalk.message", {}, "hold", 5, 2.0, 12.5, None)
ENTITIES = {
    ("rep", "m1"): {"id": "m1", "name": "李强", "dingtalk_userid": "u-m1"},
    ("rep", "r1"): {"id": "r1", "name": "王芳", "manager": "m1"},
}
CUSTOMERS = [
    {"id": "c1", "name": "甜里烘焙", "lat": 30.1, "lon": 120.2, "tier": "A"},
    {"id": "c2", "name": "田里面包", "lat": None},
]


def action(**changes):
    values = {"id": "a1", "do": "dingtalk.message", "to": "m1", "to_entity": "rep", "scope": "rep", "key": "r1"}
    values |= {"name": "visit_discipline", "content": {"title": "需要关注"}, "attach": None, "dedupe_key": "k"}
    return Action(**(values | {"correction": False, "corrects": None, "at": 0} | changes))


def made(**changes):
    return request(action(**changes), CHANNEL, lambda *who: ENTITIES.get(who), lambda _entity: CUSTOMERS)


def heatmap(*points):
    window = {"from": "2026-03-09T00:00:00+08:00", "to": "2026-03-16T00:00:00+08:00"}
    return {"heatmap": "visit.arrived", **window, "points": list(points)}


def test_a_request_names_the_recipient_and_whom_it_is_about():
    asked = made()
    assert (asked.to.id, asked.to.name, asked.to.fields["dingtalk_userid"]) == ("m1", "李强", "u-m1")
    assert (asked.subject.id, asked.subject.name) == ("r1", "王芳")
    assert (asked.action_id, asked.dedupe_key, asked.timeout) == ("a1", "k", 12.5)
    assert asked.picture is None


def test_a_recipient_that_is_no_entity_is_an_address():
    asked = made(to="boss@example.com", to_entity=None, scope="quote", key="q1")
    assert (asked.to.address, asked.subject) == ("boss@example.com", None)


def test_a_recipient_that_is_not_known_keeps_its_id():
    assert made(to="m9").to.id == "m9"
    assert made(to=None).to is None


@pytest.mark.parametrize("points", [[], [{"lat": 30.1, "lon": 120.2, "time": "2026-03-10T09:00:00+08:00"}]])
def test_a_heat_map_becomes_a_picture(points):
    picture = made(attach=heatmap(*points)).picture
    assert picture.png.startswith(b"\x89PNG")


def test_a_heat_map_without_its_points_is_a_permanent_error():
    with pytest.raises(ConnectorError) as caught:
        made(attach={"heatmap": "visit.arrived"})
    assert (caught.value.code, caught.value.error_class) == ("bad_attachment", "permanent")


def test_a_sign_is_compared_with_all_customers():
    asked = made(do="ocr.read", to=None, content={"image": "sign.png", "candidates_from": "customer"})
    assert asked.content["candidates"] == [
        {"id": "c1", "name": "甜里烘焙", "lat": 30.1, "lon": 120.2},
        {"id": "c2", "name": "田里面包"},
    ]
    assert "candidates_from" not in asked.content


def test_the_fingerprint_tells_whether_two_requests_say_the_same():
    point = {"lat": 30.1, "lon": 120.2, "time": "2026-03-10T09:00:00+08:00"}
    alike = [fingerprint(made(attach=heatmap(point))) for _ in range(2)]
    assert alike[0] == alike[1]
    others = {fingerprint(made()), fingerprint(made(to="r1")), fingerprint(made(content={})), alike[0]}
    assert len(others) == 4


def test_settings_name_their_secrets(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    settings = {"app_key": {"env": "KEY"}, "nested": [{"file": str(secret)}], "size": 5, "plain": {"env": "A", "b": 1}}
    expected = {"app_key": "k", "nested": ["s3cret"], "size": 5, "plain": {"env": "A", "b": 1}}
    assert resolved(settings, {"KEY": "k"}) == expected


@pytest.mark.parametrize("setting", [{"env": "RULEWRIGHT_SECRET_X"}, {"file": "/no/such/file"}])
def test_a_missing_secret_is_named(setting):
    with pytest.raises(ConnectorError) as caught:
        resolved({"app_secret": setting}, {})
    assert (caught.value.code, caught.value.error_class) == ("missing_secret", "configuration")
    assert next(iter(setting.values())) in caught.value.message


def test_a_receipt_tells_what_came_of_it():
    row = OutboxRow(action(), "sent", attempt=1, result={"decision": "matched"})
    told = receipt(row)
    assert told["type"] == "action.succeeded"
    about = {"action": "a1", "do": "dingtalk.message", "name": "visit_discipline", "scope": "rep", "key": "r1"}
    assert told["data"] == about | {"result": {"decision": "matched"}}
    assert told == receipt(row)
    assert told["id"] != receipt(OutboxRow(action(), "sent", attempt=2))["id"]


@pytest.mark.parametrize("status", ["dead", "unknown"])
def test_a_receipt_of_a_failure_says_why(status):
    told = receipt(OutboxRow(action(), status, attempt=1, code="no_recipient", reason="nobody"))
    assert told["type"] == "action.failed"
    assert (told["data"]["code"], told["data"]["reason"]) == ("no_recipient", "nobody")
