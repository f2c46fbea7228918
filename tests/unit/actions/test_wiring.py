"""Channels become connectors with what the deployment's environment says."""

import pytest

from connectors.protocol import ConnectorError
from engine.actions.wiring import connected
from engine.core.program import Channel

KEYS = {"app_key": {"env": "KEY"}, "app_secret": {"env": "RULEWRIGHT_SECRET_X"}, "robot_code": {"env": "ROBOT"}}
SET = {"KEY": "k", "RULEWRIGHT_SECRET_X": "s", "ROBOT": "r"}


def channel(connector="dingtalk.message", **settings):
    return Channel("dingtalk.message", connector, settings, "hold", 5, 2.0, 10.0, None)


def test_an_optional_setting_whose_variable_is_not_set_takes_its_default():
    connector = connected(channel(**KEYS, api_base={"env": "NOWHERE"}), lambda: 0.0, SET)
    assert connector.name == "dingtalk.message"
    connector.close()


def test_a_missing_setting_is_named_with_the_variable_that_would_give_it():
    with pytest.raises(ConnectorError) as caught:
        connected(channel(**KEYS), lambda: 0.0, {"KEY": "k", "ROBOT": "r"})
    assert (caught.value.code, caught.value.error_class) == ("missing_setting", "configuration")
    assert "app_secret" in caught.value.message
    assert "RULEWRIGHT_SECRET_X" in caught.value.message
    assert "KEY," not in caught.value.message


def test_a_pack_cannot_permit_calls_to_private_addresses():
    with pytest.raises(ConnectorError) as caught:
        connected(channel("webhook", url="http://127.0.0.1:1/", allow_hosts=["127.0.0.1:1"]), lambda: 0.0, {})
    assert caught.value.code == "not_in_packs"


def test_the_deployment_can():
    hosts = {"RULEWRIGHT_ALLOW_HOSTS": " 127.0.0.1:1, internal.example "}
    connector = connected(channel("webhook", url="http://127.0.0.1:1/"), lambda: 0.0, hosts)
    assert connector.name == "webhook"
    connector.close()
