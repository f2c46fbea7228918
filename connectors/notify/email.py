"""`email`: a letter by SMTP, with the picture inside it."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from connectors.notify.letter import letter
from connectors.protocol import ConnectorError, ErrorClass, Receipt, Request
from connectors.settings import Settings

_AUTHENTICATION = (530, 534, 535, 538)


@dataclass(frozen=True, slots=True)
class Server:
    """Where to hand letters in. `tls`: `starttls` (demanded, not tried), `implicit`, or `none`."""

    host: str
    port: int
    tls: str
    username: str | None
    password: str | None = field(repr=False)
    ca_file: str | None


class Email:
    """One connection a letter: a mail server drops idle ones anyway."""

    name = "email"
    resends_safely = False

    def __init__(self, server: Server, sender: str, clock: Callable[[], float]) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock

    def perform(self, request: Request) -> Receipt:
        """Send `content.title` and `content.text` to the recipient's address, or to his field `email`."""
        recipient = _address(request)
        title, text = str(request.content.get("title") or ""), str(request.content.get("text") or "")
        if not (title or text):
            raise ConnectorError(ErrorClass.PERMANENT, "bad_content", "a mail needs a `text` or a `title`")
        message = _composed(request, self._sender, recipient, title or text.splitlines()[0], text, self._clock())
        try:
            self._hand_in(message, recipient, request.timeout)
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ConnectorError(
                ErrorClass.CONFIGURATION,
                "smtp_unsupported",
                f"the mail server: {error}; see the setting 'tls'",
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise ConnectorError(
                ErrorClass.PERMANENT, "tls_failed", f"the mail server's certificate: {error.verify_message}"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ConnectorError(
                ErrorClass.TRANSIENT, "connect_failed", f"the mail server: {error or type(error).__name__}"
            ) from error
        return Receipt("accepted", message["Message-ID"], {"to": recipient})

    def close(self) -> None:
        """Nothing is kept open."""

    def _hand_in(self, message: EmailMessage, recipient: str, timeout: float) -> None:
        smtp = self._connected(timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if self._server.tls == "starttls":
                smtp.starttls(context=self._trust())
                smtp.ehlo()
            if self._server.username is not None:
                smtp.login(self._server.username, self._server.password or "")
            _expect(smtp.mail(self._sender.rpartition("<")[2].rstrip(">")))
            _expect(smtp.rcpt(recipient))
            _deliver(smtp, message)
            # The letter is taken: a farewell that fails must not look like a failed attempt.
            with contextlib.suppress(OSError):
                smtp.quit()
        finally:
            smtp.close()

    def _connected(self, timeout: float) -> smtplib.SMTP:
        server, name = self._server, self._sender.rpartition("@")[2].rstrip(">")
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=name, timeout=timeout, context=self._trust()
            )
        return smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=timeout)

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._server.ca_file)


def connect(values: Mapping[str, Any], clock: Callable[[], float]) -> Email:
    """Settings: `host`, `from`; optional `tls` (`starttls`, `implicit`, `none`), `port`, `username`,
    `password`, `ca_file`.
    """
    settings = Settings("email", values)
    host, sender = settings.text("host"), settings.text("from")
    tls = settings.choice("tls", "starttls", "implicit", "none")
    port = settings.whole("port", {"starttls": 587, "implicit": 465, "none": 25}[tls])
    username, password = settings.optional("username"), settings.optional("password")
    server = Server(host, port, tls, username, password, settings.optional("ca_file"))
    settings.done()
    if "@" not in sender:
        raise ConnectorError(ErrorClass.CONFIGURATION, "bad_setting", "email: 'from' must be a mail address")
    return Email(server, sender, clock)


def _address(request: Request) -> str:
    to = request.to
    address = (to.address or to.fields.get("email")) if to else None
    if not isinstance(address, str) or "@" not in address or any(c.isspace() or c in "<>" for c in address):
        who = to.name or to.id if to else "nobody"
        raise ConnectorError(ErrorClass.PERMANENT, "no_recipient", f"no mail address for {who}")
    return address


def _composed(request: Request, sender: str, recipient: str, title: str, text: str, now: float) -> EmailMessage:
    try:
        return letter(
            sender=sender,
            recipient=recipient,
            title=title,
            text=text,
            picture=request.picture,
            dedupe_key=request.dedupe_key,
            now=now,
        )
    except ValueError as error:
        raise ConnectorError(ErrorClass.PERMANENT, "bad_content", f"this is no mail: {error}") from error


def _expect(answer: tuple[int, bytes]) -> None:
    code, text = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, text)


def _deliver(smtp: smtplib.SMTP, message: EmailMessage) -> None:
    """Hand over the letter. When the connection breaks here, nobody knows whether the server has taken it."""
    try:
        _expect(smtp.data(message.as_bytes()))
    except smtplib.SMTPResponseException:
        raise
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise ConnectorError(
            ErrorClass.UNKNOWN, "answer_lost", "the mail server was silent after it had the letter"
        ) from error


def _refused(code: int, text: bytes | str) -> ConnectorError:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    message = f"the mail server answered {code} {words}"
    if code in _AUTHENTICATION:
        return ConnectorError(ErrorClass.CONFIGURATION, f"smtp_{code}", f"{message}; see 'username' and 'password'")
    kind = ErrorClass.TRANSIENT if 400 <= code < 500 else ErrorClass.PERMANENT
    return ConnectorError(kind, f"smtp_{code}", message)
