"""Messages are taken apart whatever their bytes are, and nothing in them is lost or rewritten on the way."""

import gzip
import zlib
from collections.abc import Callable
from functools import partial

import brotli
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ciwen_crawler.message import (
    MOST_CONTENT,
    Message,
    dechunked,
    decoded,
    response,
    split_head,
    without_secrets,
    without_userinfo,
)

OK = b"HTTP/1.1 200 OK\r\n"
TEXT = "伊兹尼克瓷砖 İznik çinileri\n".encode() * 200


def parsed(raw: bytes) -> Message:
    """A message that is one."""
    message = response(raw)
    assert message is not None
    return message


# Heads


@pytest.mark.parametrize(
    ("line", "version", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", "HTTP/1.1", 200, "OK"),
        (b"HTTP/1.0 404 Not  Found at all", "HTTP/1.0", 404, "Not  Found at all"),
        (b"HTTP/1.1 204", "HTTP/1.1", 204, ""),
        (b"HTTP/1.1 204 ", "HTTP/1.1", 204, ""),
        (b"HTTP/1.1  299\tx", "HTTP/1.1", 299, "x"),
        ("HTTP/1.1 200 成功".encode("gbk"), "HTTP/1.1", 200, "\xb3\xc9\xb9\xa6"),
        (b"HTTP/2 200", "HTTP/2", 200, ""),
    ],
)
def test_status_lines(line: bytes, version: str, status: int, reason: str) -> None:
    message = parsed(line + b"\r\nA: b\r\n\r\nbody")
    assert message == (version, status, reason, (("A", "b"),), b"body")


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"ICY 200 OK\r\n\r\n", b"HTTP/1.1 20\r\n\r\n", b"\x00\x01", b" " + OK])
def test_what_does_not_begin_with_a_status_line_is_no_response(raw: bytes) -> None:
    assert response(raw) is None


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (b"A: 1\r\na: 2\r\nA: 1\r\n", [("A", "1"), ("a", "2"), ("A", "1")]),
        (b"A:1\r\nB:\r\nC:\t 3 \t\r\n", [("A", "1"), ("B", ""), ("C", "3")]),
        (b"A: one\r\n\ttwo\r\n  three\r\nB: 2\r\n", [("A", "one two three"), ("B", "2")]),
        (b"A: 1\r\nno colon here\r\nB: 2\r\n", [("A", "1"), ("B", "2")]),
        (b"no colon here\r\n folded into nothing\r\nB: 2\r\n", [("B", "2")]),
        (b" folded into the status line\r\nB: 2\r\n", [("B", "2")]),
        (b": no name\r\nB: 2\r\n", [("B", "2")]),
        (b"A : blank before\r\n", [("A", "blank before")]),
        (b"A: b: c\r\n", [("A", "b: c")]),
        (b"A: 1\nB: 2\n", [("A", "1"), ("B", "2")]),
        (b"A: 1\nB: 2\r\n", [("A", "1"), ("B", "2")]),
        ("名字: 瓷闻\r\n".encode("gbk"), [("\xc3\xfb\xd7\xd6", "\xb4\xc9\xce\xc5")]),
    ],
)
def test_headers(lines: bytes, headers: list[tuple[str, str]]) -> None:
    end = b"\r\n" if lines.endswith(b"\r\n") else b"\n"
    message = parsed(OK + lines + end + b"body")
    assert list(message.headers) == headers
    assert message.entity == b"body"


@pytest.mark.parametrize("value", ["/阅", "à", "à b", "\u00a0"])
def test_bytes_that_other_encodings_have_for_white_space_stay(value: str) -> None:
    # 阅 ends in 0x85 in UTF-8, à in 0xA0: control and blank in Latin-1.
    (header,) = parsed(OK + b"Location: " + value.encode() + b"\r\n\r\n").headers
    assert header[1].encode("latin-1").decode() == value


def test_the_first_of_several_headers_is_the_one_that_counts() -> None:
    message = parsed(OK + b"etag: a\r\nETag: b\r\n\r\n")
    assert (message.header("ETAG"), message.header("Age")) == ("a", None)


def test_a_message_that_broke_off_in_its_head() -> None:
    assert parsed(OK + b"A: 1\r\nB: 2") == ("HTTP/1.1", 200, "OK", (("A", "1"), ("B", "2")), b"")


LENIENT_BYTES = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK",
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"\t",
            b":",
            b"Transfer-Encoding: chunked",
            b"Content-Encoding: gzip",
            b"Content-Encoding: deflate, br",
            b"5\r\nhello\r\n",
            b"ffffffffffffffffff\r\n",
            b"0\r\n\r\n",
            gzip.compress(b"hello", mtime=0),
            b"\x1f\x8b\x08",
        ]
    )
    | st.binary(max_size=6),
    max_size=12,
).map(b"".join)


@given(LENIENT_BYTES)
@example(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc")
@settings(max_examples=500, deadline=None)
def test_any_bytes(raw: bytes) -> None:
    for message in (response(raw), response(OK + raw)):
        if message:
            content, _ = message.content()
            assert isinstance(content, bytes)
    dechunked(raw)
    head, body = split_head(raw)
    assert head + body == raw
    assert len(without_secrets(raw)) == len(raw)


NAMES = st.text("abcXYZ-", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=12)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from(["\r\n", "\n"]), st.binary(max_size=30))
@settings(max_examples=200, deadline=None)
def test_headers_come_back_as_they_were_sent(headers: list[tuple[str, str]], end: str, body: bytes) -> None:
    # Transfer-Encoding cannot be drawn from these letters, so the body stays as it is.
    head = end.join(["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in headers), "", ""])
    message = parsed(head.encode("latin-1") + body)
    assert list(message.headers) == headers
    assert message.entity == body


# Chunks


def extension() -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"", b";a", b" ;name=value", b';q="a, b"', b";\xb4\xc9", b"  ", b"\t;;"])


@st.composite
def chunked_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """(a body, its framing)."""
    end = draw(st.sampled_from([b"\r\n", b"\n"]))
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\r\n0\r\n\r\n"), max_size=6))
    framed = []
    for chunk in chunks:
        size = draw(st.sampled_from([b"%x", b"%X", b"000%x", b"00000000000000000000%X", b" %x"])) % len(chunk)
        framed += [size, draw(extension()), end, chunk, end]
    trailers = draw(st.lists(st.sampled_from([b"X-Sum: 1", b"x-sum:2", b"Expires: \xb4\xc9"]), max_size=2))
    framed += [draw(st.sampled_from([b"0", b"000"])), draw(extension()), end]
    framed += [line + end for line in trailers] + [end]
    return b"".join(chunks), b"".join(framed)


@given(chunked_bodies())
@settings(max_examples=300, deadline=None)
def test_chunks_put_together_again(made: tuple[bytes, bytes]) -> None:
    body, framed = made
    assert dechunked(framed) == body
    message = parsed(OK + b"TRANSFER-encoding:  gzip , CHUNKED\r\n\r\n" + framed)
    assert message.entity == body


@given(chunked_bodies())
@settings(max_examples=50, deadline=None)
def test_chunks_cut_anywhere_give_a_beginning_of_the_body(made: tuple[bytes, bytes]) -> None:
    body, framed = made
    lengths = [len(dechunked(framed[:end])) for end in range(len(framed) + 1)]
    assert all(body.startswith(dechunked(framed[:end])) for end in range(len(framed) + 1))
    assert lengths == sorted(lengths)
    assert lengths[-1] == len(body)


@pytest.mark.parametrize(
    "body",
    [b"<html>not chunked</html>", b"plain\r\ntext", b"-5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5\r\nhello, world\r\n"],
)
def test_a_body_that_is_not_chunked_stays(body: bytes) -> None:
    assert dechunked(body) == body


def test_transfer_encodings_on_two_lines_are_one_list() -> None:
    head = OK + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert parsed(head + b"5\r\nhello\r\n0\r\n\r\n").entity == b"hello"


def test_only_the_last_transfer_encoding_can_be_chunked() -> None:
    head = OK + b"Transfer-Encoding: chunked, identity\r\n\r\n"
    assert parsed(head + b"5\r\nhello\r\n0\r\n\r\n").entity == b"5\r\nhello\r\n0\r\n\r\n"


# Content codings


def deflated(data: bytes) -> bytes:
    """Raw deflate, without zlib's frame."""
    compressor = zlib.compressobj(1, wbits=-15)
    return compressor.compress(data) + compressor.flush()


def gzipped(data: bytes) -> bytes:
    """One member, the same at any time."""
    return gzip.compress(data, 1, mtime=0)


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "x-gzip": gzipped,
    "deflate": partial(zlib.compress, level=1),
    "br": partial(brotli.compress, quality=1),
}
STREAMS = {name: CODERS[name] for name in ("gzip", "deflate", "br")} | {"raw deflate": deflated}


def coding_of(name: str) -> str:
    """What a server calls the stream."""
    return name.rpartition(" ")[2]


@given(st.binary(max_size=300) | st.just(TEXT), st.lists(st.sampled_from(sorted(CODERS)), max_size=3))
@settings(max_examples=200, deadline=None)
def test_codings_are_taken_off_last_to_first(content: bytes, codings: list[str]) -> None:
    entity = content
    for name in codings:
        entity = CODERS[name](entity)
    assert decoded(entity, " , ".join(codings)) == (content, True)
    lines = "".join(f"Content-Encoding: {name.upper()}\r\n" for name in codings)
    assert parsed(OK + lines.encode() + b"\r\n" + entity).content() == (content, True)


def test_raw_deflate() -> None:
    assert decoded(deflated(TEXT), "deflate") == (TEXT, True)


@pytest.mark.parametrize("coding", [None, "", "identity", "zstd", "none, utf-8", ","])
def test_codings_that_are_none(coding: str | None) -> None:
    assert decoded(TEXT, coding) == (TEXT, True)


@pytest.mark.parametrize("coding", CODERS)
def test_a_body_that_is_not_in_its_coding_stays(coding: str) -> None:
    assert decoded(TEXT, coding) == (TEXT, True)


@pytest.mark.parametrize("coding", CODERS)
def test_an_empty_body_is_whole(coding: str) -> None:
    assert decoded(b"", coding) == (b"", True)


def test_gzip_in_several_members() -> None:
    members = [gzipped(TEXT[start : start + 1000]) for start in range(0, len(TEXT), 1000)]
    assert decoded(b"".join(members), "gzip") == (TEXT, True)


@pytest.mark.parametrize("garbage", [b"\0", b"\0" * 5000, b"<!-- cached -->", b"\x1f", b"\n"])
def test_what_follows_a_gzip_stream_is_no_content(garbage: bytes) -> None:
    assert decoded(gzipped(TEXT) + garbage, "gzip") == (TEXT, True)


def test_a_second_gzip_member_that_is_cut() -> None:
    content, whole = decoded(gzipped(TEXT) + gzipped(TEXT)[:-9], "gzip")
    assert content.startswith(TEXT)
    assert not whole


# Dense, so that a place in a stream is about the same place in what it holds, up to the text at its end.
DENSE = b"".join(zlib.crc32(b"%d" % number).to_bytes(4, "big") for number in range(3000)) + TEXT
BEGUN = 300  # bytes of a stream after which there is content


@given(st.sampled_from(sorted(STREAMS)), st.floats(0, 1, exclude_max=True))
@settings(max_examples=150, deadline=None)
def test_a_stream_that_is_cut_gives_a_beginning(name: str, place: float) -> None:
    stream = STREAMS[name](DENSE)
    content, whole = decoded(stream[: max(BEGUN, int(place * len(stream)))], coding_of(name))
    assert DENSE.startswith(content)
    assert not whole


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("end", [3, 20])
def test_a_stream_that_is_cut_at_once_is_not_whole(name: str, end: int) -> None:
    content, whole = decoded(STREAMS[name](DENSE)[:end], name)
    assert DENSE.startswith(content)
    assert not whole


@given(st.sampled_from(["gzip", "deflate"]), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_a_damaged_stream_gives_what_was_before_the_damage(name: str, place: float, flip: int) -> None:
    stream = bytearray(CODERS[name](DENSE))
    at = max(BEGUN, int(place * len(stream)))
    stream[at] ^= flip
    content, whole = decoded(bytes(stream), name)
    assert not whole
    sure = max(0, at - 4096)
    assert content[:sure] == DENSE[:sure]


@pytest.mark.parametrize("name", STREAMS)
def test_a_bomb_ends_where_it_must(name: str) -> None:
    content, whole = decoded(STREAMS[name](bytes(MOST_CONTENT + 1)), coding_of(name))
    assert (len(content), whole) == (MOST_CONTENT, False)


@pytest.mark.parametrize("name", STREAMS)
@given(st.integers(2, 3000))
@settings(max_examples=20, deadline=None)
def test_content_up_to_the_limit_is_whole(name: str, size: int) -> None:
    stream = STREAMS[name](DENSE[:size])
    assert decoded(stream, coding_of(name), size) == (DENSE[:size], True)
    assert decoded(stream, coding_of(name), size - 1) == (DENSE[: size - 1], False)


def test_bombs_within_bombs() -> None:
    content, whole = decoded(gzipped(gzipped(bytes(MOST_CONTENT + 1))), "gzip, gzip")
    assert (len(content), whole) == (MOST_CONTENT, False)


def test_a_bomb_of_many_members() -> None:
    content, whole = decoded(gzipped(bytes(1 << 20)) * 100, "gzip")
    assert (len(content), whole) == (MOST_CONTENT, False)


def test_a_body_of_very_many_empty_members() -> None:
    # Takes minutes where each member makes a copy of all that follows it.
    assert decoded(gzipped(b"") * 200_000, "gzip") == (b"", True)


# Secrets


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        (b"Authorization: Basic dTpw", b"Authorization: xxxxxxxxxx"),
        (b"authorization:Basic dTpw", b"authorization:xxxxxxxxxx"),
        (b"PROXY-AuThoriZation:\t Basic dTpw ", b"PROXY-AuThoriZation:\t xxxxxxxxxxx"),
        (b"Authorization : Bearer t", b"Authorization : xxxxxxxx"),
        (b"Authorization: Digest a,\r\n b=c", b"Authorization: xxxxxxxxx\r\n xxx"),
        (b"X: http://user:pw@host/a@b", b"X: http://xxxxxxx@host/a@b"),
        (b"X: http://user:p@w@host/", b"X: http://xxxxxxxx@host/"),
        (b"X: http://user@host?a=ftp://u:p@h", b"X: http://xxxx@host?a=ftp://xxx@h"),
        (b"X: http://host/user@host", b"X: http://host/user@host"),
        (b"From: someone@example.org", b"From: someone@example.org"),
        (b"X-Authorization: no secret", b"X-Authorization: no secret"),
        (b"X: Authorization: Basic", b"X: Authorization: Basic"),
        (b"WWW-Authenticate: Basic realm=a", b"WWW-Authenticate: Basic realm=a"),
        ("X: http://瓷:p@host/".encode(), b"X: http://xxxxx@host/"),
    ],
)
def test_secrets(line: bytes, hidden: bytes) -> None:
    body = b"\r\n\r\nAuthorization: Basic dTpw\r\nhttp://user:pw@host/"
    assert without_secrets(b"GET / HTTP/1.1\r\nHost: a\r\n" + line + body) == (
        b"GET / HTTP/1.1\r\nHost: a\r\n" + hidden + body
    )


def test_the_request_line_of_a_request_through_a_proxy() -> None:
    assert without_secrets(b"GET http://u:p@a/ HTTP/1.1\r\n\r\n") == b"GET http://xxx@a/ HTTP/1.1\r\n\r\n"


HEAD_PIECES = st.lists(
    st.sampled_from(
        [
            b"Authorization:",
            b"proxy-authorization: ",
            b"\r\n",
            b"\n",
            b" ",
            b"http://",
            b"user:pw@",
            b"@",
            b"/",
            b"x",
            b"\xb4",
        ]
    ),
    max_size=14,
).map(b"".join)


@given(HEAD_PIECES)
@settings(max_examples=300, deadline=None)
def test_hiding_secrets_changes_nothing_else(raw: bytes) -> None:
    hidden = without_secrets(raw)
    assert len(hidden) == len(raw)
    assert all(new in (old, ord("x")) for old, new in zip(raw, hidden, strict=True))
    assert split_head(hidden)[1] == split_head(raw)[1]
    assert without_secrets(hidden) == hidden
    assert [i for i, byte in enumerate(hidden) if byte in b"\r\n"] == [
        i for i, byte in enumerate(raw) if byte in b"\r\n"
    ]


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("http://user:pw@host/a", "http://xxxxxxx@host/a"),
        ("http://host/a@b", "http://host/a@b"),
        ("http://host/", "http://host/"),
        ("http://瓷@host/", "http://xxx@host/"),
    ],
)
def test_userinfo(url: str, hidden: str) -> None:
    assert without_userinfo(url) == hidden
