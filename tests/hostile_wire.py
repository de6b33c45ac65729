"""What a server can do to an HTTP client, each at an article's address, and what it must leave in the archive."""

import gzip
import random
import socket
import time
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import brotli

from tests.hostile import Talk, Trick, leads, page, says

MB = 1024 * 1024
NOISE = random.Random(7).randbytes(4096)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BIDI = "\u202e\u2066".encode()

# Where in a report the trick is told of, `article` where it does no harm, `capture` where only the record stays.
ARTICLE, FAILURE, EXCESS, QUARANTINE, OFF_HOSTS, PRIVATE = "article failure excess quarantine off_hosts private".split()
CAPTURE = "capture"


class Case(NamedTuple):
    """A trick, and what it must leave."""

    trick: Trick
    leaves: str = ARTICLE
    says: str = ""


def with_page(answer: Callable[[bytes], bytes]) -> Trick:
    """The trick that sends what is made of the page that belongs there."""
    return lambda talk: talk.send(answer(talk.good))


def first(line: bytes) -> Trick:
    """The page with another status line."""
    return with_page(lambda body: page(body, first=line))


def more(*lines: bytes) -> Trick:
    """The page with more header lines."""
    return with_page(lambda body: page(body, *lines))


def chunks(*parts: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def coded(coding: bytes, encode: Callable[[bytes], bytes]) -> Trick:
    """The page under a content coding."""
    return with_page(lambda body: page(encode(body), b"Content-Encoding: " + coding))


@cache
def bomb(megabytes: int = 1000) -> bytes:
    """So much of nothing, as raw deflate."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = coder.compress(b"a" * 1_000_000) + coder.flush(zlib.Z_FULL_FLUSH)  # stands for itself wherever it is
    return block * megabytes


def gzipped_bomb() -> bytes:
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + bomb()


def dripping(data: bytes, pause: float) -> Trick:
    """The trick that sends a byte at a time."""

    def trick(talk: Talk) -> None:
        for place in range(len(data)):
            talk.send(data[place : place + 1])
            if talk.is_over.wait(pause):
                return
        talk.wait()

    return trick


def resetting(data: Callable[[bytes], bytes]) -> Trick:
    """The trick that breaks off after so much."""

    def trick(talk: Talk) -> None:
        talk.send(data(talk.good))
        time.sleep(0.05)  # else the client's system may throw away what it has got
        talk.reset()

    return trick


def silent_after(data: bytes) -> Trick:
    """The trick that says so much, and then nothing."""

    def trick(talk: Talk) -> None:
        talk.send(data)
        talk.wait()

    return trick


def endless(begin: bytes, data: bytes) -> Trick:
    """The trick that never stops sending."""

    def trick(talk: Talk) -> None:
        talk.send(begin)
        talk.forever(data)

    return trick


def in_pieces(talk: Talk) -> None:
    data = page(talk.good)
    for place in range(400):
        talk.send(data[place : place + 1])
    talk.send(data[400:])


def hurried(talk: Talk) -> None:
    """Bytes that nobody asked for, before the answer."""
    talk.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    talk.send(b"\r\n" + page(talk.good))


def chain(length: int) -> Trick:
    """The trick that redirects so often, each time to another address, and then gives the page."""

    def trick(talk: Talk) -> None:
        place, _, number = talk.url.partition("?hop=")
        hop = int(number or 0)
        talk.send(page(b"", b"Location: %s?hop=%d" % (place.encode(), hop + 1), first=b"HTTP/1.1 301 Moved"))

    return trick


SLOW, TOO_LONG = "took longer than", "more than 33,554,432 bytes"
HEAD, LOST = "a head of more than", ""
WIRE: dict[str, Case] = {
    # Time.
    "slow loris in the head": Case(dripping(OK + b"X-Slow: " + b"x" * 1000, 0.2), FAILURE, SLOW),
    "slow loris in the body": Case(dripping(page(b"x" * 10_000), 0.2), FAILURE, SLOW),
    "slow loris in a chunk's size": Case(dripping(CHUNKED + b"0" * 1000, 0.2), FAILURE, SLOW),
    "silence": Case(silent_after(b""), FAILURE, SLOW),
    "silence in the head": Case(silent_after(OK), FAILURE, SLOW),
    "silence in the body": Case(silent_after(page(b"x" * 100)[:-50]), FAILURE, SLOW),
    "many small pieces": Case(in_pieces),
    # Size.
    "endless body": Case(endless(OK + b"\r\n", b"<p>x</p>" * 8192), EXCESS, ""),
    "endless chunks": Case(endless(CHUNKED, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"), EXCESS, ""),
    "endless small chunks": Case(endless(CHUNKED, b"1\r\nx\r\n" * 10_000), EXCESS, "more than 200,000 chunks"),
    "endless chunk extension": Case(endless(CHUNKED + b"1;", b"x" * 65536), FAILURE, ""),
    "endless trailers": Case(endless(CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000), FAILURE, ""),
    "endless head": Case(endless(OK, b"X-More: " + b"y" * 8000 + b"\r\n"), EXCESS, HEAD),
    "endless header line": Case(endless(OK + b"X-More: ", b"y" * 65536), FAILURE, ""),
    "endless status line": Case(endless(b"HTTP/1.1 200 ", b"O" * 65536), FAILURE, ""),
    "many headers": Case(more(*[b"X: y"] * 5000), EXCESS, "more than 2,000 header lines"),
    "many folds": Case(more(b"X: y", *[b" z"] * 100_000)),
    "long header": Case(more(b"X: " + b"y" * 200_000)),
    "many cookies": Case(more(*(b"Set-Cookie: c%d=1; Domain=.cn; Path=/" % number for number in range(500)))),
    "flood of interim responses": Case(
        endless(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 500), EXCESS, "more than 50 interim"
    ),
    "some interim responses": Case(with_page(lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + page(body))),
    "length of an exabyte": Case(says(OK + b"Content-Length: 1152921504606846976\r\n\r\nx"), EXCESS, ""),
    "length of a thousand digits": Case(says(OK + b"Content-Length: " + b"9" * 1000 + b"\r\n\r\nx"), EXCESS, ""),
    # Codings.
    "gzip bomb": Case(says(page(gzipped_bomb(), b"Content-Encoding: gzip")), EXCESS, "unpacked"),
    "deflate bomb": Case(says(page(bomb(), b"Content-Encoding: deflate")), EXCESS, "unpacked"),
    "brotli bomb": Case(
        says(page(brotli.compress(bytes(100 * MB), lgwin=24), b"Content-Encoding: br")), EXCESS, "unpacked"
    ),
    "bomb in a bomb": Case(
        says(page(gzip.compress(gzipped_bomb(), 9), b"Content-Encoding: gzip, gzip")), EXCESS, "unpacked"
    ),
    "bomb of many members": Case(
        says(page(gzip.compress(bytes(MB), 9) * 100, b"Content-Encoding: gzip")), EXCESS, "unpacked"
    ),
    "more members than anybody writes": Case(
        says(page(gzip.compress(b"", mtime=0) * 300_000, b"Content-Encoding: gzip")), FAILURE, "cannot be unpacked"
    ),
    "two members": Case(coded(b"gzip", lambda body: gzip.compress(body[:500]) + gzip.compress(body[500:]))),
    "gzip in gzip": Case(coded(b"gzip, gzip", lambda body: gzip.compress(gzip.compress(body)))),
    "a hundred codings": Case(coded(b"gzip, " * 100, gzip.compress), FAILURE, "cannot be unpacked"),
    "unknown coding": Case(coded(b"rot13", bytes)),
    "coding that it is not in": Case(coded(b"gzip", bytes)),
    "damaged gzip": Case(coded(b"gzip", lambda body: gzip.compress(body)[:-40] + NOISE), FAILURE, "cannot be unpacked"),
    # Lengths and framing.
    "length too short": Case(with_page(lambda body: OK + b"Content-Length: %d\r\n\r\n" % (len(body) - 1) + body)),
    "length too long": Case(
        with_page(lambda body: OK + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body), FAILURE
    ),
    "negative length": Case(says(OK + b"Content-Length: -1\r\n\r\nx"), FAILURE),
    "no number for a length": Case(says(OK + b"Content-Length: many\r\n\r\nx"), FAILURE),
    "two lengths": Case(says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), FAILURE),
    "the same length twice": Case(with_page(lambda body: page(body, b"Content-Length: %d" % len(body)))),
    "length and chunks": Case(
        with_page(lambda body: OK + b"Content-Length: 3\r\n" + CHUNKED[len(OK) :] + chunks(body))
    ),
    "chunk size that is none": Case(says(CHUNKED + b"zz\r\nx\r\n"), FAILURE),
    "negative chunk size": Case(says(CHUNKED + b"-1\r\nx\r\n"), FAILURE),
    "chunk size beyond all numbers": Case(says(CHUNKED + b"f" * 400 + b"\r\nx\r\n"), FAILURE),
    "chunk longer than its size": Case(says(CHUNKED + b"3\r\nxxxxxxx\r\n0\r\n\r\n"), FAILURE),
    "chunks cut off": Case(says(CHUNKED + b"ffff\r\nxx"), FAILURE),
    "chunks without an end": Case(says(CHUNKED + b"2\r\nxx\r\n"), FAILURE),
    "trailers": Case(
        with_page(lambda body: CHUNKED + chunks(body)[:-2] + b"Set-Cookie: a=1\r\nContent-Length: 1\r\n\r\n")
    ),
    "unknown transfer coding": Case(says(OK + b"Transfer-Encoding: cream\r\n\r\nx"), FAILURE),
    "answers that nobody asked for": Case(with_page(lambda body: page(body) + page(b"<h1>stray</h1>") * 20)),
    # Resets.
    "reset at once": Case(lambda talk: talk.reset(), FAILURE),
    "reset in the head": Case(resetting(lambda _: OK[:20]), FAILURE),
    "reset after the head": Case(resetting(lambda body: page(body)[: -len(body)]), FAILURE),
    "reset in the body": Case(resetting(lambda body: page(body)[:-100]), FAILURE),
    "reset without a length": Case(resetting(lambda body: OK + b"\r\n" + body), FAILURE),
    "reset after the body": Case(resetting(page)),
    "closed at once": Case(says(b""), FAILURE),
    "closed in the head": Case(says(OK), FAILURE),
    "closed in the body": Case(with_page(lambda body: page(body)[:-100]), FAILURE),
    # What is hardly HTTP.
    "blank line first": Case(hurried, FAILURE),
    "noise": Case(says(NOISE), FAILURE),
    "HTTP/0.9": Case(with_page(bytes), FAILURE),
    "HTTP/1.0": Case(with_page(lambda body: b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + body)),
    "HTTP/2": Case(says(bytes.fromhex("00001204000000000000030000008000040010000000050000ffff")), FAILURE),
    "HTTP/7.3": Case(first(b"HTTP/7.3 200 OK")),
    "TLS": Case(says(bytes.fromhex("15030100020228")), FAILURE),
    "SSH": Case(says(b"SSH-2.0-OpenSSH_9.9\r\n" + NOISE), FAILURE),
    "status 0": Case(first(b"HTTP/1.1 0 OK"), FAILURE),
    "status 000": Case(first(b"HTTP/1.1 000 OK"), FAILURE),
    "status 99": Case(first(b"HTTP/1.1 99 OK"), FAILURE),
    "status 999": Case(first(b"HTTP/1.1 999 OK"), FAILURE, "status 999"),
    "status -200": Case(first(b"HTTP/1.1 -200 OK"), FAILURE),
    "status 2000": Case(first(b"HTTP/1.1 2000 OK"), FAILURE),
    "status abc": Case(first(b"HTTP/1.1 abc OK"), FAILURE),
    "no status": Case(first(b"HTTP/1.1"), FAILURE),
    "reason that commands terminals": Case(first(b"HTTP/1.1 500 \x1b]0;x\x07\x1b[2J" + BIDI), FAILURE, "status 500"),
    "no reason": Case(first(b"HTTP/1.1 200")),
    "204 with a body": Case(first(b"HTTP/1.1 204 No Content"), FAILURE),
    "205 with a body": Case(first(b"HTTP/1.1 205 Reset Content"), FAILURE),
    "206 unasked": Case(first(b"HTTP/1.1 206 Partial Content"), FAILURE),
    "304 unasked": Case(first(b"HTTP/1.1 304 Not Modified"), FAILURE, "status 304"),
    "401": Case(
        with_page(lambda body: page(body, b"WWW-Authenticate: Basic realm=x", first=b"HTTP/1.1 401 Who")),
        FAILURE,
        "status 401",
    ),
    "407": Case(
        with_page(lambda body: page(body, b"Proxy-Authenticate: Basic realm=x", first=b"HTTP/1.1 407 Who")),
        FAILURE,
        "status 407",
    ),
    "header names that are no tokens": Case(more("名字: 瓷".encode("gbk"), b"Odd Name: 1", b": none", b"\x00\x01: 2")),
    "header lines without a colon": Case(more(b"no colon", b"=", b"\xff" * 100)),
    "header line that folds": Case(more(b"X: a", b"\tb", b"  c")),
    "NUL in a header": Case(more(b"X-Nul: a\x00b", b"X-Escape: \x1b[2J")),
    "bare line feeds": Case(with_page(lambda body: page(body).replace(b"\r\n", b"\n", 5))),
    "upgrade": Case(more(b"Upgrade: h2c", b"Connection: upgrade")),
    # Redirects.
    "redirect to itself": Case(lambda talk: leads(talk.url.encode())(talk), FAILURE, "max redirections"),
    "redirects without end": Case(chain(0), FAILURE, "max redirections"),
    "redirect without an address": Case(says(page(b"", first=b"HTTP/1.1 302 Found")), FAILURE, "status 302"),
    "redirect to file:": Case(leads(b"file:///etc/passwd"), FAILURE),
    "redirect to ftp:": Case(leads(b"ftp://127.0.0.1/x"), FAILURE),
    "redirect to data:": Case(leads(b"data:text/html,<h1>x</h1>"), FAILURE),
    "redirect to javascript:": Case(leads(b"javascript:alert(1)"), FAILURE),
    "redirect to no URL": Case(leads(b"http://[::1"), FAILURE),
    "redirect to a port that is none": Case(leads(b"http://ci.china.com.cn:99999999/"), FAILURE),
    "redirect off the channel": Case(leads(b"http://evil.example/content_1.html"), OFF_HOSTS),
    "redirect to loopback": Case(leads(b"http://127.0.0.1:22/content_1.html"), PRIVATE),
    "redirect to a private network": Case(leads(b"http://169.254.169.254/latest/meta-data/"), PRIVATE),
    "redirect with credentials": Case(
        lambda talk: leads(talk.url.replace("http://", "http://user:secret@").encode())(talk),
        FAILURE,
        "max redirections",
    ),
    "redirect home": Case(leads(b"/"), FAILURE, "which is no article's"),
}
