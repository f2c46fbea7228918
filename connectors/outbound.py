"""The one guard that every outgoing HTTP call passes.

Only http and https; the host is resolved here, every address must be public unless the deployment allows
the host, and the verified address is the one connected to, so a second DNS answer cannot redirect the call.
No proxies or credentials from the environment, no redirects, a bounded answer, one deadline for the whole
call. URLs are never logged or quoted: tokens travel in their queries.
"""

from __future__ import annotations

import json as jsonlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, NoReturn

from connectors.protocol import ConnectorError, ErrorClass

if TYPE_CHECKING:
    import httpx

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None where it is none (an error page, nothing at all)."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            return None


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, in the order in which the system prefers them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open Internet; an IPv4 address inside an IPv6 one is unwrapped
    first.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


class Outbound:
    """A door for HTTP calls. `allow_hosts` holds `host` or `host:port` that may have a private address.

    `max_body` bounds what is read of an answer, in bytes.
    """

    def __init__(
        self, allow_hosts: Iterable[str] = (), *, max_body: int = 4 << 20, resolver: Resolver = resolve
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allow_hosts)
        self._max_body = max_body
        self._resolve = resolver
        self._transports: dict[tuple[str, str], httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def send(self, method: str, url: str, *, timeout: float, safe: bool = False, **parts: Any) -> Reply:
        """One call. `parts` are httpx's: params, headers, json, data, files, content.

        `safe` says that repeating it does no harm: a lost answer is then TRANSIENT, otherwise UNKNOWN.
        Raises ConnectorError: `bad_url` and `address_refused` (PERMANENT), `connect_failed`, `answer_lost`,
        `answer_too_large`.
        """
        import httpx

        deadline = time.monotonic() + timeout
        request = self._request(method, url, parts)
        where = request.url.host
        lost = ErrorClass.TRANSIENT if safe else ErrorClass.UNKNOWN
        try:
            response = self._connect(request, deadline)
            try:
                return self._read(response, deadline, lost)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ConnectorError(
                ErrorClass.TRANSIENT, "connect_failed", f"{where} cannot be reached: {_why(error)}"
            ) from error
        except httpx.TransportError as error:
            raise ConnectorError(lost, "answer_lost", f"{where} gave no answer: {_why(error)}") from error

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            transports, self._transports = self._transports, {}
        for transport in transports.values():
            transport.close()

    def _request(self, method: str, url: str, parts: Mapping[str, Any]) -> httpx.Request:
        import httpx

        try:
            request = httpx.Request(method, url, **parts)
        except (httpx.InvalidURL, ValueError) as error:
            _refuse("bad_url", f"this is not a URL: {error}")
        target = request.url
        if target.scheme not in ("http", "https") or not target.host:
            _refuse("bad_url", f"only http and https URLs with a host are called, not {target.scheme or 'none'}")
        if target.userinfo:
            _refuse("bad_url", "a URL may not hold a user name or a password; use a header")
        request.headers.setdefault("accept-encoding", "identity")
        return request

    def _connect(self, request: httpx.Request, deadline: float) -> httpx.Response:
        import httpx

        addresses = self._verified(request.url)
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                return self._call(request, str(address), deadline)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if last == 0:
                    raise
        raise httpx.ConnectError("the name has no address")

    def _verified(self, url: httpx.URL) -> Sequence[Address]:
        host = url.raw_host.decode("ascii").rstrip(".")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = [ip_address(text.split("%")[0]) for text in self._resolve(host, port)]
        except (OSError, UnicodeError) as error:
            raise ConnectorError(
                ErrorClass.TRANSIENT, "connect_failed", f"the name {host} does not resolve: {error}"
            ) from error
        if host not in self._allowed and f"{host}:{port}" not in self._allowed:
            for address in addresses:
                if not is_public(address):
                    _refuse(
                        "address_refused",
                        f"{host}:{port} is at a private address; `allow_hosts` may permit it",
                    )
        return addresses

    def _call(self, request: httpx.Request, address: str, deadline: float) -> httpx.Response:
        import httpx

        left = _left(deadline)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={
                "timeout": {"connect": left, "read": left, "write": left, "pool": left},
                "sni_hostname": request.url.raw_host.decode("ascii"),
            },
        )
        return self._transport(request.url).handle_request(pinned)

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        """One pool a host: connections are reused by address, and two hosts behind one address must not
        share.
        """
        import httpx

        key = (url.scheme, url.netloc.decode("ascii"))
        with self._lock:
            if key not in self._transports:
                verify: ssl.SSLContext | bool = url.scheme == "https" and _trust()
                self._transports[key] = httpx.HTTPTransport(verify=verify, trust_env=False)
            return self._transports[key]

    def _read(self, response: httpx.Response, deadline: float, lost: ErrorClass) -> Reply:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._max_body:
                raise ConnectorError(
                    ErrorClass.PERMANENT, "answer_too_large", f"the answer exceeds {self._max_body} bytes"
                )
            if time.monotonic() > deadline:
                raise ConnectorError(lost, "answer_lost", "the answer did not end in time")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(body))


def _trust() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(verify=True, trust_env=False)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refuse(code: str, message: str) -> NoReturn:
    raise ConnectorError(ErrorClass.PERMANENT, code, message)
