"""A server that means harm. It plays every host, over HTTP as a proxy and over TLS behind CONNECT, on loopback.

What it does at an address is a `Trick`: a function that has the socket for itself. All else it answers 404.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PATIENCE = 60  # seconds that no client needs
_LONGEST_REQUEST = 1024 * 1024


class Gone(Exception):
    """The connection is of no use any more."""


@dataclass
class Talk:
    """One request, and the means to answer it."""

    sock: socket.socket
    url: str
    request: bytes
    good: bytes  # the page that an honest server has there
    is_over: threading.Event  # the server's end

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def forever(self, data: bytes, pause: float = 0) -> None:
        """Send it again and again, until the client has gone."""
        while not self.is_over.wait(pause) if pause else not self.is_over.is_set():
            self.send(data)

    def wait(self) -> None:
        """Say nothing more, until the client has gone."""
        with suppress(OSError):
            while self.sock.recv(_LONGEST_REQUEST):
                pass
        raise Gone

    def reset(self) -> None:
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise Gone


Trick = Callable[[Talk], None]


def says(data: bytes) -> Trick:
    """The trick that sends these bytes and ends the connection."""
    return lambda talk: talk.send(data)


def page(body: bytes, *lines: bytes, first: bytes = b"HTTP/1.1 200 OK", mime: bytes = b"text/html") -> bytes:
    """A whole answer."""
    head = [first, b"Content-Type: " + mime, b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"Connection: close", b"", body])


def leads(to: bytes) -> Trick:
    """The trick that redirects."""
    return says(page(b"", b"Location: " + to, first=b"HTTP/1.1 302 Found"))


@dataclass
class Hostile:
    """Serves from `with` on."""

    pages: Mapping[str, bytes]  # by address
    tricks: Mapping[str, Trick]  # by address; one that ends in `*` is for all that begin with what is before it
    tls: Mapping[str, ssl.SSLContext | Trick]  # by host: what its port for TLS does
    asked: list[str] = field(default_factory=list)  # addresses, in order
    requests: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # of its own
    most_at_once: int = 0  # connections

    def __enter__(self) -> Self:
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.proxy = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        with self._lock:
            left = [self._listener, *self._open]
        for sock in left:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in list(self._threads):
            thread.join(_PATIENCE)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(_PATIENCE)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open.add(sock)
                    self.most_at_once = max(self.most_at_once, len(self._open))
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            self._talk(sock, "http://")
        except (OSError, Gone):
            pass  # the client went away, or was sent away
        except Exception as fault:  # noqa: BLE001 - told by the test
            self.faults.append(repr(fault))
        finally:
            with self._lock:
                self._open.discard(sock)
            _close(sock)

    def _talk(self, sock: socket.socket, scheme: str, host: str = "") -> None:
        request = _request(sock)
        if not request:
            return
        method, target, _ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if method == "CONNECT":
            self._tunnel(sock, target.removesuffix(":443"), request)
            return
        url = target if target.startswith("http") else f"{scheme}{host}{target}"
        self.asked.append(url)
        self.requests.append(request)
        self._trick(url)(Talk(sock, url, request, self.pages.get(url, b""), self._is_over))

    def _tunnel(self, sock: socket.socket, host: str, request: bytes) -> None:
        self.asked.append(f"CONNECT {host}")
        secure = self.tls.get(host)
        talk = Talk(sock, host, request, b"", self._is_over)
        if secure is None:
            talk.send(page(b"", first=b"HTTP/1.1 403 Forbidden"))
            return
        talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if isinstance(secure, ssl.SSLContext):
            with secure.wrap_socket(sock, server_side=True) as wrapped:
                self._talk(wrapped, "https://", host)
        else:
            secure(talk)

    def _trick(self, url: str) -> Trick:
        if url in self.tricks:
            return self.tricks[url]
        if url in self.pages:
            return says(page(self.pages[url]))
        beginnings = (name for name in self.tricks if name.endswith("*") and url.startswith(name[:-1]))
        found = next(beginnings, None)
        return self.tricks[found] if found else says(page(b"<h1>none</h1>", first=b"HTTP/1.1 404 Not Found"))


def _request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _LONGEST_REQUEST:
        piece = sock.recv(_LONGEST_REQUEST)
        if not piece:
            return b""
        data += piece
    return data


def _close(sock: socket.socket) -> None:
    """An orderly end: what was sent arrives, as long as the client does not keep silence."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(1)
        until = time.monotonic() + 1
        while sock.recv(_LONGEST_REQUEST) and time.monotonic() < until:
            pass
    sock.close()
