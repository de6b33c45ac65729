"""A raw socket server that sends what it is told, byte for byte, and keeps a log of the exact bytes of both directions.

It plays an origin, an HTTP proxy (absolute-form request lines) and a CONNECT proxy at one port, and an origin over TLS
at another. What it answers is decided by the path of the request alone: the first request for a path gets the path's
first `Answer`, the next one its second.
"""

import re
import socket
import ssl
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# What becomes of the connection after an answer.
KEEP, CLOSE, RESET, WAIT = "keep", "close", "reset", "wait"

_PATIENCE = 30  # seconds until a silent client is given up, so that a failing test ends
_TLS_HANDSHAKE = b"\x16"
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What one request for a path gets."""

    response: bytes = b""  # the final message, or what of it is to be sent
    interim: tuple[bytes, ...] = ()
    extra: bytes = b""  # bytes after the end of the message
    then: str = KEEP
    sizes: tuple[int, ...] = ()  # of the pieces that it is sent in; the rest is one piece


@dataclass
class Logged:
    """One request as it was read, and what was sent for it."""

    path: str
    request: bytes
    connection: int  # number of the connection
    interim: tuple[bytes, ...] = ()
    response: bytes = b""
    extra: bytes = b""


@dataclass
class OddServer:
    """Serves from `with` on; `log` is complete once the client's connections are closed."""

    answers: dict[str, list[Answer]] = field(repr=False)
    folder: Path  # for the certificate
    log: list[Logged] = field(default_factory=list, repr=False)
    connections: int = 0

    def __enter__(self) -> "OddServer":
        self._begun: dict[str, int] = defaultdict(int)
        self._unexpected: list[str] = []
        self._change = threading.Condition()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate(self.folder))
        self._plain, self._secure = self._listen(self._talk), self._listen(self._talk_tls)
        self.origin = f"http://127.0.0.1:{self._plain.getsockname()[1]}"  # the proxy too
        self.tls_origin = f"https://127.0.0.1:{self._secure.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._plain, self._secure, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(_PATIENCE)
        assert self._unexpected == []

    def of(self, path: str) -> list[Logged]:
        """The log of one path, in the order of its requests."""
        return [entry for entry in self.log if entry.path == path]

    def wait_for(self, path: str) -> None:
        """Return when a request for a path has come and its answer is sent."""
        with self._change:
            assert self._change.wait_for(lambda: self.of(path), _PATIENCE), f"no request for {path}"

    def _listen(self, talk) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._start(self._accept, listener, talk)
        return listener

    def _start(self, target, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, talk) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                sock, _ = listener.accept()
                sock.settimeout(_PATIENCE)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(sock)
                self.connections += 1
                self._start(talk, sock, self.connections)

    def _talk_tls(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError):  # the client went away, or does not trust the certificate
            secure = self._tls.wrap_socket(sock, server_side=True)
            self._open.add(secure)
            self._talk(secure, number)
        sock.close()

    def _talk(self, sock: socket.socket, number: int) -> None:
        try:
            for request in _requests(sock):
                line = request.split(b"\r\n", 1)[0].decode("ascii")
                method, target, _ = line.split(" ")
                if method == "CONNECT":
                    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    self._talk_tls(sock, number)
                    return
                if not self._answer(sock, number, request, re.sub(r"^https?://[^/]+", "", target)):
                    return
        except OSError:
            pass  # the client went away, which several tests are about
        finally:
            sock.close()

    def _answer(self, sock: socket.socket, number: int, request: bytes, path: str) -> bool:
        """Send the path's next answer; whether the connection is kept."""
        with self._change:
            answers, place = self.answers.get(path, []), self._begun[path]
            self._begun[path] += 1
        if place >= len(answers):
            self._unexpected.append(f"request {place + 1} for {path}")
            return False
        answer = answers[place]
        sent = _send(sock, answer)
        with self._change:
            self.log.append(_logged(path, request, number, answer, sent))
            self._change.notify_all()
        if answer.then == WAIT:
            _until_closed(sock)
        elif answer.then == CLOSE:
            _close(sock)
        elif answer.then == RESET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        return answer.then == KEEP


def _requests(sock: socket.socket) -> Iterator[bytes]:
    """The requests that come over a connection, to their last byte; none where another protocol is spoken."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            data += (piece := sock.recv(65536))
            if not piece or data.startswith(_TLS_HANDSHAKE):
                return
        head, blank, _ = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = len(head) + len(blank) + (int(length[1]) if length else 0)
        while len(data) < size:
            data += (piece := sock.recv(65536))
            if not piece:
                return
        yield data[:size]
        data = data[size:]


def _send(sock: socket.socket, answer: Answer) -> int:
    """Send an answer in its pieces; the number of bytes that the kernel took."""
    data = memoryview(b"".join((*answer.interim, answer.response, answer.extra)))
    sent = 0
    try:
        for size in (*answer.sizes, len(data)):
            end = min(sent + size, len(data))
            while sent < end:
                sent += sock.send(data[sent:end])
    except OSError:
        pass  # the client wanted no more; the log says how far it got
    return sent


def _logged(path: str, request: bytes, number: int, answer: Answer, sent: int) -> Logged:
    parts = []
    for part in (*answer.interim, answer.response, answer.extra):
        parts.append(part[:sent])
        sent -= len(parts[-1])
    *interim, response, extra = parts
    return Logged(path, request, number, tuple(filter(None, interim)), response, extra)


def _until_closed(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def _close(sock: socket.socket) -> None:
    """An orderly end: TLS says goodbye first, and what was sent arrives."""
    if isinstance(sock, ssl.SSLSocket):
        sock = sock.unwrap()
    sock.shutdown(socket.SHUT_WR)
    _until_closed(sock)


def certificate(folder: Path, host: str = "127.0.0.1", now: datetime | None = None) -> Path:
    """A self-made certificate for a host and its key, in one file; good for a day before and after a moment."""
    path = folder / "odd-server.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = now or datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
