from __future__ import annotations

import base64
import builtins

import pytest

from connectors import ConnectorError, ErrorClass, Request, build
from connectors.ocr import reader, reading
from connectors.pictures import fonts
from connectors.pictures.sign import shop_sign
from connectors.sandbox.server import Answer, LocalServer

LOOK_ALIKES = [
    {"id": "C-003", "name": "杭州甜甜烘焙坊"},
    {"id": "C-002", "name": "苏州甜里烘焙"},
    {"id": "C-001", "name": "杭州甜里烘焙"},
    {"id": "C-004", "name": "杭州长江医院"},
]


@pytest.fixture(scope="module")
def sign():
    return shop_sign("杭州甜里烘焙")


@pytest.fixture
def folder(tmp_path, sign):
    inside = tmp_path / "photos"
    inside.mkdir()
    (inside / "sign.png").write_bytes(sign)
    (inside / "note.txt").write_text("not a photo")
    (tmp_path / "secret.png").write_bytes(sign)
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    return inside


def perform(settings, **content):
    connector = build("ocr.read", settings)
    try:
        return connector.perform(Request("a", "k", "ocr.read", content=content, timeout=20.0))
    finally:
        connector.close()


def refused(settings, **content):
    with pytest.raises(ConnectorError) as caught:
        perform(settings, **content)
    return caught.value.error_class, caught.value.code


def test_a_sign_is_matched_to_the_right_one_among_look_alikes(folder):
    receipt = perform({"folder": str(folder)}, image="sign.png", candidates=LOOK_ALIKES)
    result = receipt.result
    assert receipt.status == "done"
    assert (result["text"], result["decision"], result["customer_id"]) == ("杭州甜里烘焙", "matched", "C-001")
    assert result["candidates"][0] == {"id": "C-001", "name": "杭州甜里烘焙", "score": 100.0}
    assert any("0571-88886666" in line for line in result["lines"])


def test_two_equal_customers_are_asked_about(folder):
    twin = {"id": "C-009", "name": "杭州甜里烘焙"}
    result = perform({"folder": str(folder)}, image="sign.png", candidates=[*LOOK_ALIKES, twin]).result
    assert (result["decision"], result["customer_id"]) == ("ask", None)
    assert [c["id"] for c in result["candidates"]] == ["C-001", "C-009", "C-002"]


def test_customers_without_a_name_or_with_an_odd_position_do_not_hold_the_others_back(folder):
    customers = [{"id": "C-010"}, {"id": "C-011", "name": "杭州长江医院", "lat": "30", "lon": None}, *LOOK_ALIKES]
    content = {"image": "sign.png", "candidates": customers, "lat": 30.27, "lon": 120.15}
    assert perform({"folder": str(folder)}, **content).result["customer_id"] == "C-001"


def test_a_photo_without_text_has_no_candidate(sign):
    blank = shop_sign("", lines=())
    assert blank != sign
    image = "data:image/png;base64," + base64.b64encode(blank).decode()
    result = perform({}, image=image, candidates=LOOK_ALIKES).result
    assert (result["text"], result["decision"], result["candidates"]) == ("", "none", [])


def test_a_photo_is_fetched_by_url_through_the_guard(sign):
    with LocalServer() as server:
        server.routes["/sign.png"] = lambda _: Answer(200, sign)
        url = server.url + "/sign.png"
        assert refused({}, image=url) == (ErrorClass.PERMANENT, "address_refused")
        allowed = {"allow_hosts": [server.host]}
        assert perform(allowed, image=url, candidates=LOOK_ALIKES).result["customer_id"] == "C-001"
        assert refused(allowed, image=server.url + "/none.png") == (ErrorClass.PERMANENT, "http_404")
        server.fail_next("/sign.png", 1, "timeout")
        connector = build("ocr.read", allowed)
        with pytest.raises(ConnectorError) as caught:
            connector.perform(Request("a", "k", "ocr.read", content={"image": url}, timeout=0.2))
        connector.close()
        assert caught.value.error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize("path", ["../secret.png", "link.png", "/etc/hostname"])
def test_no_path_leads_out_of_the_folder(folder, path):
    assert refused({"folder": str(folder)}, image=path) == (ErrorClass.PERMANENT, "path_refused")


def test_without_a_folder_no_path_is_read(folder):
    assert refused({}, image=str(folder / "sign.png")) == (ErrorClass.PERMANENT, "path_refused")


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("absent.png", "no_image"),
        ("note.txt", "bad_image"),
        ("data:image/png;base64,@@", "bad_image"),
        ("data:image/png,abc", "bad_image"),
        (None, "bad_content"),
    ],
)
def test_what_is_no_photo_is_permanent(folder, image, code):
    assert refused({"folder": str(folder)}, image=image) == (ErrorClass.PERMANENT, code)


def test_a_photo_above_the_limit_is_not_read(folder):
    settings = {"folder": str(folder), "image_limit": 100}
    assert refused(settings, image="sign.png") == (ErrorClass.PERMANENT, "image_too_large")


@pytest.mark.parametrize(
    "content", [{"candidates": "all"}, {"candidates": [{"name": "无号"}]}, {"lat": "north", "lon": 1}]
)
def test_content_of_the_wrong_shape_is_permanent(folder, content):
    assert refused({"folder": str(folder)}, image="sign.png", **content) == (ErrorClass.PERMANENT, "bad_content")


def test_without_the_extra_the_error_says_how_to_get_it(folder, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "rapidocr":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(reader, "_loaded", [])
    with pytest.raises(ConnectorError, match=r"pip install 'rulewright\[ocr\]'") as caught:
        perform({"folder": str(folder)}, image="sign.png", candidates=LOOK_ALIKES)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIGURATION, "extra_missing")


def test_whether_the_extra_is_there_can_be_asked(monkeypatch):
    assert reading.installed()
    monkeypatch.setattr(reading, "find_spec", lambda name: None if name == "rapidocr" else name)
    assert not reading.installed()


def test_a_sign_that_no_font_can_draw_names_the_extra():
    with pytest.raises(ConnectorError, match=r"rulewright\[fonts\]"):
        shop_sign("杭州甜里烘焙", font=fonts.latin())
