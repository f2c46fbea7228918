"""A local HTTP server for sandboxes: routes, injected faults, and a clean end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

Fault = Literal["busy", "http500", "timeout", "drop_after"]
_FAULTS = ("busy", "http500", "timeout", "drop_after")
_BODY_LIMIT = 64 << 20
_SOCKET_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: header names in lower case, `query` decoded exactly once."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: Any, status: int = 200) -> Answer:
        """`document` as JSON."""
        body = json.dumps(document, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8"})


Route = Callable[[Call], Answer]


class LocalServer:
    """Serves `routes` on 127.0.0.1 at a free port, one thread a call, from `start` to `close`."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None

    @property
    def host(self) -> str:
        """`127.0.0.1:port`: what `allow_hosts` must hold."""
        if self._http is None:
            raise RuntimeError("the sandbox is not running; use it in a `with` block")
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """Base URL, with no slash at its end."""
        return f"http://{self.host}"

    def start(self) -> Self:
        """Listen. Calls are answered by threads of their own."""
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="sandbox")
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop, and wait for calls under way; those held by a fault are let go."""
        self._closing.set()
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fail_next(self, path: str, n: int = 1, how: Fault = "busy") -> None:
        """The next `n` calls of `path` go wrong.

        `busy`: refused as the service does when overloaded; `http500`: an error page; `timeout`: never
        answered and not done; `drop_after`: done, then the connection breaks without an answer.
        """
        if how not in _FAULTS:
            raise ValueError(f"a fault is one of {', '.join(_FAULTS)}, not {how!r}")
        with self._lock:
            self._faults.setdefault(path, []).extend([how] * n)

    def busy(self, path: str) -> Answer:  # noqa: ARG002 - a sandbox with dialects looks at the path
        """The answer of an overloaded service."""
        return Answer(503, b"busy")

    def answer(self, call: Call) -> Answer | None:
        """The answer to a call, None to break the connection."""
        fault = self._next_fault(call.path)
        if fault == "timeout":
            self._closing.wait(_SOCKET_TIMEOUT)
            return None
        if fault == "http500":
            return Answer(500, b"<html>Internal Server Error</html>", {"Content-Type": "text/html"})
        if fault == "busy":
            return self.busy(call.path)
        route = self.routes.get(call.path)
        reply = route(call) if route else Answer(404, b"no such path")
        return None if fault == "drop_after" else reply

    def _next_fault(self, path: str) -> Fault | None:
        with self._lock:
            waiting = self._faults.get(path)
            return waiting.pop(0) if waiting else None


class _Http(ThreadingHTTPServer):
    """Not daemon threads: `server_close` waits for them."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, owner: LocalServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: one call a connection, so no handler waits for a client that keeps its connection open."""

    server: _Http
    timeout = _SOCKET_TIMEOUT

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: tokens travel in URLs."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            self.send_error(413)
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, parts.path, query, headers, self.rfile.read(length))
        self._send(self.server.owner.answer(call))

    def _send(self, answer: Answer | None) -> None:
        if answer is None:
            self.close_connection = True
            return
        try:
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except (BrokenPipeError, ConnectionResetError):
            # The client gave up waiting, which is its right.
            self.close_connection = True
