from __future__ import annotations

import socket
import threading
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from connectors import ConnectorError, ErrorClass, Recipient, Request, build

BOSS = Recipient("m1", "韩梅梅", fields={"email": "boss@example.com"})


class Box:
    """A mail server's end: keeps letters, or answers as it is told."""

    def __init__(self) -> None:
        self.letters = []
        self.rcpt_answer = None
        self.data_answer = "250 taken"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: ARG002
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002
        self.letters.append(envelope)
        return self.data_answer


def authenticate(server, session, envelope, mechanism, data):  # noqa: ARG001
    return AuthResult(success=data.login == b"rules" and data.password == b"right", handled=False)


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def server(box):
    controller = Controller(
        box, hostname="127.0.0.1", port=0, authenticator=authenticate, auth_require_tls=False, ready_timeout=10
    )
    controller.port = free_port()
    controller.start()
    yield {"host": "127.0.0.1", "port": controller.port, "tls": "none", "from": "规则 <rules@example.com>"}
    controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(settings, clock, to=BOSS, picture=None, key="k1", timeout=5.0, **content):
    words = content or {"title": "李雷 需要关注", "text": "连续2周\n拜访不足 <2>"}
    connector = build("email", settings, clock=clock)
    try:
        return connector.perform(Request("a", key, "email", to, None, words, picture, timeout))
    finally:
        connector.close()


def failed(*args, **kwargs):
    with pytest.raises(ConnectorError) as caught:
        send(*args, **kwargs)
    return caught.value.error_class, caught.value.code


def test_a_letter_arrives_with_its_picture_inside(server, box, clock, picture):
    receipt = send(server, clock, picture=picture)
    [envelope] = box.letters
    letter = message_from_bytes(envelope.content, policy=default)
    html = letter.get_body(("html",))
    [image] = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("rules@example.com", ["boss@example.com"])
    assert letter["Subject"] == "李雷 需要关注"
    assert letter["Date"].datetime.timestamp() == clock()
    assert letter.get_body(("plain",)).get_content().split("\n")[0].strip() == "连续2周"
    assert "拜访不足 &lt;2&gt;" in html.get_content()
    assert f"cid:{image['Content-ID'][1:-1]}" in html.get_content()
    assert image.get_content() == picture.png
    assert receipt.status == "accepted"
    assert receipt.provider_id == letter["Message-ID"]


def test_every_attempt_has_the_same_message_id_and_every_effect_its_own(server, clock):
    ids = [send(server, clock, key=key).provider_id for key in ("k1", "k1", "k2")]
    assert ids[0] == ids[1] != ids[2]


def test_a_subject_cannot_add_headers(server, box, clock):
    send(server, clock, title="a\r\nBcc: all@example.com", text="b")
    letter = message_from_bytes(box.letters[0].content, policy=default)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "a Bcc: all@example.com"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("450 busy", (ErrorClass.TRANSIENT, "smtp_450")), ("550 no such box", (ErrorClass.PERMANENT, "smtp_550"))],
)
def test_codes_of_the_server_have_their_classes(server, box, clock, answer, expected):
    box.rcpt_answer = answer
    assert failed(server, clock) == expected
    box.rcpt_answer, box.data_answer = None, answer
    assert failed(server, clock) == expected


def test_a_password_is_checked_and_a_wrong_one_names_the_setting(server, box, clock):
    login = {"username": "rules", "password": "right"}
    assert send(server | login, clock).status == "accepted"
    assert failed(server | login | {"password": "wrong"}, clock) == (ErrorClass.CONFIGURATION, "smtp_535")
    assert len(box.letters) == 1


def test_tls_is_demanded_and_not_tried(server, box, clock):
    assert failed(server | {"tls": "starttls"}, clock) == (ErrorClass.CONFIGURATION, "smtp_unsupported")
    assert box.letters == []


@pytest.mark.parametrize(
    "to", [None, Recipient("m", "M"), Recipient("m", "M", "no address"), Recipient("m", "M", "a@b> RCPT TO:<c@d")]
)
def test_nobody_to_write_to_is_permanent(server, clock, to):
    assert failed(server, clock, to=to) == (ErrorClass.PERMANENT, "no_recipient")


def test_a_closed_port_is_transient(clock):
    settings = {"host": "127.0.0.1", "port": free_port(), "tls": "none", "from": "rules@example.com"}
    assert failed(settings, clock) == (ErrorClass.TRANSIENT, "connect_failed")


def scripted(answers, hang_up_after):
    """A mail server of fixed answers that hangs up once it has read a line or letter ending in `hang_up_after`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = listener.accept()
        with listener, peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 ready\r\n")
            for line in lines:
                if line.rstrip() == hang_up_after:
                    return
                for start, answer in answers.items():
                    if line.startswith(start):
                        peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


@pytest.mark.parametrize(
    ("hang_up_after", "expected"),
    [(b"data", ErrorClass.UNKNOWN), (b".", ErrorClass.UNKNOWN), (b"rcpt TO:<boss@example.com>", ErrorClass.TRANSIENT)],
)
def test_only_a_letter_handed_over_without_an_answer_is_unknown(clock, hang_up_after, expected):
    answers = {b"ehlo": b"250 hi\r\n", b"mail": b"250 ok\r\n", b"rcpt": b"250 ok\r\n", b"data": b"354 go\r\n"}
    port, thread = scripted(answers, hang_up_after)
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "rules@example.com"}
    connector = build("email", settings, clock=clock)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(Request("a", "k", "email", BOSS, None, {"text": "a"}, None, 5.0))
    thread.join()
    assert caught.value.error_class is expected


def test_a_farewell_that_fails_does_not_undo_a_letter_that_was_taken(clock):
    answers = {b"ehlo": b"250 hi\r\n", b"mail": b"250 ok\r\n", b"rcpt": b"250 ok\r\n", b"data": b"354 go\r\n"}
    port, thread = scripted(answers | {b".": b"250 taken\r\n"}, b"quit")
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "rules@example.com"}
    connector = build("email", settings, clock=clock)
    receipt = connector.perform(Request("a", "k", "email", BOSS, None, {"text": "a"}, None, 5.0))
    thread.join()
    assert receipt.status == "accepted"
