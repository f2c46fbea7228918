from __future__ import annotations

import subprocess
import sys

import pytest

from connectors import KINDS, ConnectorError, ErrorClass, build

COMPLETE = {
    "dingtalk.message": {"app_key": "k", "app_secret": "s", "robot_code": "r"},
    "dingtalk.robot": {"access_token": "t"},
    "webhook": {"url": "https://example.com/hook"},
    "email": {"host": "mail.example.com", "from": "rules@example.com"},
    "ocr.read": {},
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_builds_from_its_required_settings_and_closes_twice(kind):
    connector = build(kind, COMPLETE[kind])
    assert connector.name == kind
    assert isinstance(connector.resends_safely, bool)
    connector.close()
    connector.close()


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, settings in COMPLETE.items() for name in settings])
def test_a_missing_setting_is_named(kind, name):
    settings = {key: value for key, value in COMPLETE[kind].items() if key != name}
    with pytest.raises(ConnectorError, match=f"'{name}' is missing") as caught:
        build(kind, settings)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIGURATION, "missing_setting")


def test_a_misspelt_setting_is_refused_with_the_likely_one():
    with pytest.raises(ConnectorError, match="did you mean 'secret'") as caught:
        build("webhook", {"url": "https://example.com", "secrt": "x"})
    assert caught.value.code == "unknown_setting"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("webhook", {"url": 5}),
        ("webhook", {"resends_safely": "yes"}),
        ("webhook", {"headers": ["a"]}),
        ("webhook", {"allow_hosts": "localhost"}),
        ("dingtalk.robot", {"per_minute": 0}),
        ("dingtalk.robot", {"per_minute": 1.5}),
        ("dingtalk.message", {"via": "pigeon"}),
        ("email", {"from": "nobody"}),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(kind, change):
    with pytest.raises(ConnectorError) as caught:
        build(kind, COMPLETE[kind] | change)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIGURATION, "bad_setting")


def test_a_notification_needs_the_agent_and_not_the_robot():
    settings = {"app_key": "k", "app_secret": "s", "via": "notice"}
    with pytest.raises(ConnectorError, match="'agent_id' is missing"):
        build("dingtalk.message", settings)
    build("dingtalk.message", settings | {"agent_id": 7}).close()


def test_an_unknown_kind_names_those_that_exist():
    with pytest.raises(ConnectorError, match="webhook") as caught:
        build("pigeon", {})
    assert caught.value.code == "unknown_kind"


def test_building_loads_neither_the_recogniser_nor_the_http_library():
    code = (
        "import sys, connectors\n"
        "connectors.build('ocr.read', {}).close()\n"
        "connectors.build('webhook', {'url': 'https://example.com'}).close()\n"
        "heavy = {'rapidocr', 'onnxruntime', 'numpy', 'httpx', 'rapidfuzz'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
