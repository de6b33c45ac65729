"""One case of HTTP each: what a path answers, one request after the other, and how it is asked."""

import gzip
from dataclasses import dataclass, field
from typing import Any

from tests.odd_server import CLOSE, RESET, WAIT, Answer

PAGE = "<html>伊兹尼克 · İznik</html>".encode()
ZIPPED = gzip.compress(PAGE)
POSTED = bytes(range(256)) * 1000

# Seconds; all that a server sends before it falls silent must arrive in them, on a busy machine too.
TIMED = {"download_timeout": 1.5, "dont_retry": True}
ONCE = {"dont_retry": True}
MAXSIZE = 100_000
SMALL = {"download_maxsize": MAXSIZE}


@dataclass(frozen=True)
class Case:
    """Answers of a path, and a request for it."""

    answers: list[Answer]
    meta: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = b""


def page(*lines: bytes, body: bytes = PAGE, first: bytes = b"HTTP/1.1 200 OK", ends: bool = True) -> bytes:
    """A response; with its length unless it is not to say where it ends."""
    length = (b"Content-Length: %d" % len(body),) if ends else ()
    return b"\r\n".join([first, b"Content-Type: text/html", *length, *lines, b"", body])


def chunked(*parts: bytes) -> bytes:
    """A chunked response; its parts with their framing."""
    return page(b"Transfer-Encoding: chunked", body=b"".join(parts), ends=False)


WHOLE = Answer(page())
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CUT_EARLY = EARLY[:-10]
NO_LENGTH = page(ends=False)
GBK_NAME = "名字: 瓷".encode("gbk")

CASES = {
    "page": Case(
        [Answer(page(b"Content-Encoding: gzip", body=ZIPPED))], {"ciwen_kind": "article", "ciwen_via": "http://a/"}
    ),
    "missing": Case([Answer(page(first=b"HTTP/1.1 404 Not Found"))]),
    "hop-1": Case([Answer(page(b"Location: /hop-2", first=b"HTTP/1.1 301 Moved"))]),
    "retried": Case([Answer(page(first=b"HTTP/1.1 503 Busy")), Answer(page(first=b"HTTP/1.1 500 \xff")), WHOLE]),
    # Broken off, by the server or by us.
    "broken": Case([Answer(page(body=PAGE * 9)[:-50], then=CLOSE), WHOLE]),
    "broken-chunks": Case([Answer(chunked(b"5\r\nhello\r\n", b"5\r\nhe"), then=CLOSE), WHOLE]),
    "broken-head": Case([Answer(page()[:30], then=CLOSE), WHOLE]),
    "reset-without-length": Case([Answer(NO_LENGTH, then=RESET)]),
    "slow-head": Case([Answer(then=WAIT)], TIMED),
    "slow-body": Case([Answer(page()[:-5], then=WAIT)], TIMED),
    "slow-interim": Case([Answer(interim=(CONTINUE, CUT_EARLY), then=WAIT)], TIMED),
    "announced-too-long": Case([Answer(page(body=b"x" * 2_000_000))], SMALL),
    "found-too-long": Case([Answer(chunked((b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 64))], SMALL),
    "framing-too-long": Case([Answer(chunked((b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 5000))], SMALL),
    "head-too-long": Case([Answer(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000)], SMALL),
    "short-but-too-long": Case([Answer(page(body=b"x" * 200))], {"download_maxsize": 100}),
    "no-answer": Case([Answer(then=CLOSE)], ONCE, "POST"),
    # Not quite HTTP.
    "no-http": Case([Answer(b"\x00\x01garbage\r\n\r\n", then=CLOSE)], ONCE),
    "other-protocol": Case([Answer(page(first=b"ICY/1.1 200 OK"))], ONCE),
    "odd-names": Case(
        [Answer(page(GBK_NAME, b"Odd Name: 1", b": no name", b"no colon", b"Content-Encoding : gzip", body=ZIPPED))]
    ),
    "blank-before-colon": Case([Answer(page(b"Content-Length : %d" % len(PAGE), ends=False))], TIMED),
    "long-line": Case([Answer(page(b"X-Long: " + b"x" * 100_000))]),
    # Every way to begin and to end.
    "interim": Case([Answer(page(), interim=(CONTINUE, EARLY, EARLY))]),
    "http-1.0": Case([Answer(page(first=b"HTTP/1.0 200 OK", ends=False), then=CLOSE)]),
    "until-close": Case([Answer(NO_LENGTH, then=CLOSE)]),
    "no-content": Case([Answer(b"HTTP/1.1 204 No Content\r\n\r\n")]),
    "not-modified": Case([Answer(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 999\r\n\r\n')]),
    "head": Case([Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")], method="HEAD"),
    "chunks": Case(
        [Answer(chunked(b"5\r\nhello\r\n", b'006 ;n="v"\r\n world\r\n', b"1  \r\n!\r\n", b"0;x\r\nX-Sum: 1\r\n\r\n"))]
    ),
    "stray": Case([Answer(page(), extra=b"HTTP/1.1 200 stray\r\nContent-Length: 0\r\n\r\n")]),
    "posted": Case([WHOLE], method="POST", body=POSTED),
    "posted-nothing": Case([WHOLE], method="POST"),
    "refused/disk": Case([WHOLE, WHOLE]),
}
# Where a redirect leads, and what comes to its server over TLS or through a proxy.
FOLLOWED = {"hop-2": [Answer(page(b"Location: /hop-3", first=b"HTTP/1.1 302 Found", body=b""))], "hop-3": [WHOLE]}
WAYS = {"tls": [WHOLE], "through-proxy": [WHOLE], "through-tunnel": [WHOLE]}
# One after the other over one connection, until that turns out to be dead.
KEPT_ALIVE = {"first": [WHOLE], "second": [WHOLE], "stale": [Answer(then=CLOSE), WHOLE], "after-stale": [WHOLE]}
