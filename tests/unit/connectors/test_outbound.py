from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address

import pytest

from connectors import ConnectorError, ErrorClass
from connectors.outbound import Outbound, is_public
from connectors.sandbox.server import Answer, LocalServer


class Echo(LocalServer):
    """Answers with the Host header; `/big` with a megabyte, `/moved` with a redirect to `/`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = []
        self.routes = {
            "/": self.echo,
            "/big": lambda _: Answer(200, b"x" * 1_000_000),
            "/moved": lambda _: Answer(302, b"", {"Location": "/"}),
        }

    def echo(self, call):
        self.calls.append(call)
        return Answer(200, call.headers["host"].encode())


@pytest.fixture
def echo():
    with Echo() as server:
        yield server


@pytest.fixture
def door(echo):
    outbound = Outbound([echo.host])
    yield outbound
    outbound.close()


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
    ],
)
def test_addresses_inside_a_network_are_not_public(text):
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "203.119.25.1", "2400:3200::1", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(text):
    assert is_public(ip_address(text))


def test_a_local_server_is_refused_unless_its_host_is_allowed(echo):
    outbound = Outbound()
    with pytest.raises(ConnectorError, match="allow_hosts") as caught:
        outbound.send("GET", echo.url + "/", timeout=5)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "address_refused")
    assert echo.calls == []


def test_allowing_one_port_does_not_allow_another(echo):
    outbound = Outbound(["127.0.0.1:1"])
    with pytest.raises(ConnectorError) as caught:
        outbound.send("GET", echo.url + "/", timeout=5)
    assert caught.value.code == "address_refused"


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    outbound = Outbound(resolver=lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(ConnectorError) as caught:
        outbound.send("GET", "http://rebound.example/", timeout=5)
    assert caught.value.code == "address_refused"


def test_the_verified_address_is_the_one_called_and_the_name_stays_in_the_host_header(echo):
    port = echo.host.split(":")[1]
    asked = []

    def resolver(host, _):
        asked.append(host)
        return ["127.0.0.1"]

    outbound = Outbound(["shop.example"], resolver=resolver)
    reply = outbound.send("GET", f"http://shop.example:{port}/", timeout=5)
    outbound.close()
    assert reply.body == f"shop.example:{port}".encode()
    assert asked == ["shop.example"]


def test_the_next_address_is_tried_when_the_first_does_not_answer(echo):
    port = echo.host.split(":")[1]
    outbound = Outbound(["two.example"], resolver=lambda *_: ["127.0.0.2", "127.0.0.1"])
    reply = outbound.send("GET", f"http://two.example:{port}/", timeout=5)
    outbound.close()
    assert reply.status == 200


def test_proxies_of_the_environment_are_not_used(echo, door, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert door.send("GET", echo.url + "/", timeout=5).status == 200


def test_redirects_are_handed_back_and_not_followed(echo, door):
    reply = door.send("GET", echo.url + "/moved", timeout=5)
    assert (reply.status, reply.headers["location"]) == (302, "/")
    assert echo.calls == []


def test_an_answer_above_the_limit_is_refused(echo):
    outbound = Outbound([echo.host], max_body=1000)
    with pytest.raises(ConnectorError) as caught:
        outbound.send("GET", echo.url + "/big", timeout=5)
    outbound.close()
    assert caught.value.code == "answer_too_large"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "http://", "not a url", "http://user:pw@example.com/"]
)
def test_anything_but_a_plain_http_url_is_refused(url):
    with pytest.raises(ConnectorError) as caught:
        Outbound().send("GET", url, timeout=5)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "bad_url")


def test_a_closed_port_is_transient_and_a_name_without_address_too(echo):
    closed = echo.host
    echo.close()
    with pytest.raises(ConnectorError) as refused:
        Outbound([closed]).send("GET", f"http://{closed}/", timeout=5)

    def nowhere(*_):
        raise OSError("no such name")

    with pytest.raises(ConnectorError) as lost:
        Outbound(resolver=nowhere).send("GET", "http://nowhere.example/", timeout=5)
    for caught in (refused, lost):
        assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "connect_failed")


@pytest.mark.parametrize(("safe", "expected"), [(False, ErrorClass.UNKNOWN), (True, ErrorClass.TRANSIENT)])
@pytest.mark.parametrize("how", ["timeout", "drop_after"])
def test_a_lost_answer_is_unknown_unless_the_call_is_safe(echo, door, how, safe, expected):
    echo.fail_next("/", 1, how)
    with pytest.raises(ConnectorError) as caught:
        door.send("POST", echo.url + "/", timeout=0.2, safe=safe, json={})
    assert (caught.value.error_class, caught.value.code) == (expected, "answer_lost")


def test_an_answer_that_drips_for_ever_ends_at_the_deadline(monkeypatch):
    held = threading.Event()

    def drip(self):
        self.send_response(200)
        self.end_headers()
        while not held.wait(0.02):
            self.wfile.write(b".")
            self.wfile.flush()

    with Echo() as server:
        handler = server._http.RequestHandlerClass
        monkeypatch.setattr(handler, "_serve", drip)
        outbound = Outbound([server.host])
        with pytest.raises(ConnectorError) as caught:
            outbound.send("GET", server.url + "/", timeout=0.3)
        held.set()
        outbound.close()
    assert issubclass(handler, BaseHTTPRequestHandler)
    assert caught.value.code == "answer_lost"


def test_no_url_reaches_an_error_or_a_log(echo, door, caplog):
    caplog.set_level("DEBUG")
    echo.fail_next("/", 1, "drop_after")
    with pytest.raises(ConnectorError) as caught:
        door.send("GET", echo.url + "/", timeout=5, params={"access_token": "very-secret"})
    assert "very-secret" not in str(caught.value) + caplog.text
