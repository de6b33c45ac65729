"""WARC files: what is written comes back, and what is cut short, damaged or no WARC file is never taken for whole."""

import errno
import gzip
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import igzip

from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.exchange import BY_DISCONNECT, Exchange
from ciwen_crawler.saved import resource as resource_of
from ciwen_crawler.warc.capturing import capture_of, captures
from ciwen_crawler.warc.exchanges import records_of
from ciwen_crawler.warc.files import file_name
from ciwen_crawler.warc.reader import parsed, parts, record_at, records, whole_records
from ciwen_crawler.warc.record import (
    HTTP_REQUEST,
    HTTP_RESPONSE,
    MEMBER_HEADER,
    METADATA,
    REQUEST,
    RESOURCE,
    RESPONSE,
    REVISIT,
    WARCINFO,
    Record,
    bare_id,
    build,
    described,
    digest,
    new_id,
    report,
    urn,
    warcinfo,
)
from ciwen_crawler.warc.writer import OPEN, Span, WarcWriter

ROOT = Path(__file__).resolve().parent.parent
DATE = "2025-06-04T08:35:12.123456Z"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>" + "瓷".encode() * 40
NAME = "ciwen.warc.gz"


def exchange(number: int, response: bytes = PAGE) -> list[Record]:
    """A request and its response."""
    request_id, response_id = new_id(), new_id()
    url = {"WARC-Target-URI": f"http://ci.china.com.cn/content_{number}.html"}
    request = b"GET /content_%d.html HTTP/1.1\r\nHost: ci.china.com.cn\r\n\r\n" % number
    return [
        build(REQUEST, request_id, DATE, request, HTTP_REQUEST, url | {"WARC-Concurrent-To": urn(response_id)}),
        build(RESPONSE, response_id, DATE, response, HTTP_RESPONSE, url | {"WARC-Concurrent-To": urn(request_id)}),
    ]


def run_of(*exchanges: list[Record]) -> list[Record]:
    """The records of a run."""
    info = warcinfo(new_id(), DATE, NAME, {"software": "Ciwen", "isPartOf": "1"})
    return [info, *(record for each in exchanges for record in each)]


SMALL = run_of(exchange(1), exchange(2, PAGE * 2))


def ends_of(members: list[bytes]) -> list[int]:
    """Where members begin, and where the last one ends."""
    ends = [0]
    for member in members:
        ends.append(ends[-1] + len(member))
    return ends


def file_of(made: list[Record], folder: Path, name: str = NAME) -> Path:
    """A WARC file of those records."""
    path = folder / name
    path.write_bytes(b"".join(record.member() for record in made))
    return path


def read(path: Path, start: int = 0, end: int | None = None) -> tuple[list[Record], str | None]:
    """What a file gives, and what is wrong with it."""
    given: list[Record] = []
    try:
        given.extend(records(path, start, end))
    except UnreadableInput as error:
        assert str(path) in str(error)
        return given, str(error)
    return given, None


def told(found: list[Record]) -> list[tuple[tuple[tuple[str, str], ...], bytes]]:
    """Records without their places."""
    return [(record.fields, record.block) for record in found]


# Records


FIELD_NAMES = st.text("ABCabc-", min_size=1, max_size=10)
FIELD_VALUES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).map(lambda text: text.strip(" "))
RECORDS = st.builds(
    lambda block, more: build(RESPONSE, new_id(), DATE, block, HTTP_RESPONSE, more),
    st.binary(max_size=200) | st.sampled_from([b"\r\n\r\n", b"WARC/1.1\r\n\r\n", MEMBER_HEADER * 3, bytes(5000)]),
    st.dictionaries(FIELD_NAMES, FIELD_VALUES, max_size=4),
)


@given(st.lists(RECORDS, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_records_come_back_as_they_were_made(tmp_path_factory: pytest.TempPathFactory, made: list[Record]) -> None:
    path = file_of(made, tmp_path_factory.mktemp("warc"))
    found = list(records(path))
    assert told(found) == told(made)
    ends = ends_of([record.member() for record in made])
    assert [(record.offset, record.offset + record.length) for record in found] == list(pairwise(ends))
    assert [record_at(path.parent, Span(NAME, record.offset, record.length)) for record in found] == found
    assert [record.member() for record in found] == [record.member() for record in made]


def test_every_field_of_a_record() -> None:
    record = build(
        RESOURCE, "a-b", DATE, b"abc", "text/html", {"WARC-Target-URI": "http://a/", "WARC-IP-Address": None}
    )
    assert record.fields == (
        ("WARC-Type", "resource"),
        ("WARC-Record-ID", "<urn:uuid:a-b>"),
        ("WARC-Date", DATE),
        ("WARC-Target-URI", "http://a/"),
        ("WARC-Block-Digest", "sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5"),
        ("Content-Type", "text/html"),
        ("Content-Length", "3"),
    )
    assert (record.type, record.id, record.field("warc-date"), record.field("WARC-IP-Address")) == (
        RESOURCE,
        "a-b",
        DATE,
        None,
    )


@pytest.mark.parametrize(
    ("field", "bare"),
    [
        ("<urn:uuid:2f1>", "2f1"),
        ("urn:uuid:2f1", "2f1"),
        (" <urn:uuid:2f1> ", "2f1"),
        ("<http://archive.example/1>", "http://archive.example/1"),
        (None, ""),
    ],
)
def test_record_ids(field: str | None, bare: str) -> None:
    assert bare_id(field) == bare
    assert bare == "" or bare_id(urn(bare)) == bare


def test_a_warcinfo_is_its_own() -> None:
    info, request, _ = run_of(exchange(1))
    assert info.warcinfo_id == info.id
    assert request.warcinfo_id == ""
    assert described(info) == {"software": "Ciwen", "isPartOf": "1"}
    assert info.field("WARC-Filename") == NAME


def test_a_report() -> None:
    record = report(DATE, "2", "3", {"stats": {"瓷": 1}})
    assert json.loads(record.block) == {"stats": {"瓷": 1}}
    assert (record.warcinfo_id, record.field("WARC-Refers-To")) == ("2", "<urn:uuid:3>")


def dense_warc() -> bytes:
    """A WARC file that deflate cannot make smaller, and so stores as it is."""
    noise = random.Random(1)
    made = [each for number in range(12) for each in exchange(number, PAGE + noise.randbytes(36_000))]
    return b"".join(gzip_as_ours(record) for record in made)


def gzip_as_ours(record: Record) -> bytes:
    """A member as another writer of our kind might make it, who does not part the headers in it."""
    data = gzip.decompress(record.member())
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(data)
    return MEMBER_HEADER + made.getvalue()[len(MEMBER_HEADER) :]


@pytest.fixture(scope="module")
def nested() -> list[Record]:
    """A run that fetched WARC files."""
    inner = dense_warc()
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    return run_of(exchange(1), exchange(2, head + inner), exchange(3), exchange(4, head + inner[5:]), exchange(5))


@pytest.mark.parametrize("record", SMALL)
def test_every_member_has_the_constant_header(record: Record) -> None:
    assert record.member().startswith(MEMBER_HEADER)


def test_the_constant_header_stands_nowhere_else(nested: list[Record]) -> None:
    assert igzip.compress(dense_warc(), 2, mtime=0).count(MEMBER_HEADER) > 1, "this is what becomes of such blocks else"
    for record in nested:
        member = record.member()
        assert member.count(MEMBER_HEADER) == 1
        assert parsed(gzip.decompress(member)) == record


# Parts


@pytest.mark.parametrize("count", range(1, 9))
def test_parts_are_the_whole_however_many_they_are(nested: list[Record], tmp_path: Path, count: int) -> None:
    path = file_of(nested, tmp_path)
    whole = list(records(path))
    split = [list(records(path, start, end)) for start, end in parts(path, count)]
    assert [record for part in split for record in part] == whole
    assert told(whole) == told(nested)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_every_part_begins_with_an_exchange(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], count: int
) -> None:
    noise = random.Random(1)
    made = run_of(*(exchange(number, PAGE + noise.randbytes(size)) for number, size in enumerate(sizes)))
    path = file_of(made, tmp_path_factory.mktemp("warc"))
    bounds = parts(path, count)
    assert [start for start, _ in bounds] == [0, *(end for _, end in bounds[:-1])]
    assert bounds[-1][1] == path.stat().st_size
    assert len(bounds) <= count
    split = [list(records(path, start, end)) for start, end in bounds]
    assert {part[0].type for part in split} <= {WARCINFO, REQUEST}
    assert told([record for part in split for record in part]) == told(made)


def test_a_large_file_has_parts_of_about_equal_size(tmp_path: Path) -> None:
    noise = random.Random(1)
    path = file_of(run_of(*(exchange(number, PAGE + noise.randbytes(2000)) for number in range(100))), tmp_path)
    sizes = [end - start for start, end in parts(path, 4)]
    assert len(sizes) == 4
    assert max(sizes) - min(sizes) < 10_000


def test_a_file_of_another_make_is_one_part(tmp_path: Path) -> None:
    path = tmp_path / "other.warc.gz"
    path.write_bytes(b"".join(gzip.compress(gzip.decompress(record.member())) for record in SMALL))
    assert parts(path, 4) == [(0, path.stat().st_size)]
    assert told(list(records(path))) == told(SMALL)


# Files that are not whole


def test_a_file_cut_at_any_byte_gives_what_is_whole_and_says_so(tmp_path: Path) -> None:
    path = file_of(SMALL, tmp_path)
    data = path.read_bytes()
    ends = ends_of([record.member() for record in SMALL])
    for length in range(len(data)):
        path.write_bytes(data[:length])
        given, fault = read(path)
        whole = sum(end <= length for end in ends[1:])
        assert told(given) == told(SMALL)[:whole], length
        # A cut between two records cannot be seen.
        assert (fault is None) == (length in ends[1:]), length


def test_an_uncompressed_file_cut_at_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    plain = [gzip.decompress(record.member()) for record in SMALL]
    ends = ends_of(plain)
    path.write_bytes(b"".join(plain))
    given, fault = read(path)
    assert (told(given), fault) == (told(SMALL), None)
    assert [(record.offset, record.offset + record.length) for record in given] == list(pairwise(ends))
    for length in range(ends[-1]):
        path.write_bytes(b"".join(plain)[:length])
        given, fault = read(path)
        # A record is whole without the line ends behind it.
        whole = sum(end - 4 <= length for end in ends[1:])
        assert told(given) == told(SMALL)[:whole], length
        assert (fault is None) == (length > 0 and any(end - 4 <= length <= end for end in ends[1:])), length


def test_a_file_that_is_one_member(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    data = gzip.compress(b"".join(gzip.decompress(record.member()) for record in SMALL))
    path.write_bytes(data)
    given, fault = read(path)
    assert (told(given), fault) == (told(SMALL), None)
    path.write_bytes(data + data)
    given, fault = read(path)
    assert (told(given), fault) == (told(SMALL + SMALL), None)
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        given, fault = read(path)
        assert told(given) == told(SMALL)[: len(given)]
        assert len(given) < len(SMALL)
        assert fault


MEMBERS = [record.member() for record in SMALL]
NOISE = random.Random(1).randbytes(3000)


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        pytest.param(b"", 0, id="empty"),
        pytest.param(bytes(3000), 0, id="zeros"),
        pytest.param(NOISE, 0, id="noise"),
        pytest.param(b"<html><p>WARC/1.1</p></html>", 0, id="html"),
        pytest.param(b"WARC/1.1\r\n", 0, id="first line"),
        pytest.param(b"WARC/1.1\r\nWARC-Type: response\r\n\r\nblock\r\n\r\n", 0, id="without length"),
        pytest.param(b"WARC/1.1\r\nContent-Length: five\r\n\r\nblock\r\n\r\n", 0, id="length of letters"),
        pytest.param(b"WARC/1.1\r\nContent-Length: -5\r\n\r\nblock\r\n\r\n", 0, id="length below zero"),
        pytest.param(b"WARC/1.1\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\nblock\r\n\r\n", 0, id="length beyond all"),
        pytest.param(gzip.compress(b"hello"), 0, id="gzip of something else"),
        pytest.param(gzip.compress(b""), 0, id="gzip of nothing"),
        pytest.param(b"\x1f\x8b", 0, id="gzip's first bytes"),
        pytest.param(b"\r\n" + MEMBERS[0], 0, id="something before"),
        pytest.param(MEMBERS[0] + bytes(600), 1, id="zeros after"),
        pytest.param(MEMBERS[0] + b"\n", 1, id="a line end after"),
        pytest.param(MEMBERS[0] + NOISE, 1, id="noise after"),
        pytest.param(MEMBERS[0] + bytes(512) + MEMBERS[1], 1, id="zeros between"),
        pytest.param(MEMBERS[0] + b"garbage" + MEMBERS[1], 1, id="garbage between"),
        pytest.param(MEMBERS[0] + gzip.compress(b"hello") + MEMBERS[1], 1, id="something else between"),
        pytest.param(MEMBERS[0] + gzip.compress(b"") + MEMBERS[1], 1, id="nothing between"),
        pytest.param(MEMBERS[0] + MEMBERS[1][20:], 1, id="a member without its beginning"),
    ],
)
def test_what_is_no_warc_file(data: bytes, whole: int, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(data)
    given, fault = read(path)
    assert told(given) == told(SMALL)[:whole]
    assert fault


def test_every_flipped_bit_is_seen(tmp_path: Path) -> None:
    """By the reader, by a digest, or by the header that has to be the constant one."""
    path = file_of(SMALL, tmp_path)
    data = path.read_bytes()
    for number, (start, end) in enumerate(pairwise(ends_of(MEMBERS))):
        for position in range(start, end):
            flipped = bytearray(data)
            flipped[position] ^= 1 << position % 8
            path.write_bytes(flipped)
            given, fault = read(path)
            assert told(given)[:number] == told(SMALL)[:number]
            seen = (
                fault is not None
                or any(record.field("WARC-Block-Digest") != digest(record.block) for record in given)
                or flipped[start : start + len(MEMBER_HEADER)] != MEMBER_HEADER
            )
            # Between the end of the deflate stream and the checksum up to seven bits have no meaning.
            assert seen or (position == end - 9 and told(given) == told(SMALL)), position - start


def test_records_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(
        b"WARC/1.0\r\nwarc-type: Resource\r\nX-Folded: one\r\n\ttwo\r\nWARC-Record-ID:<urn:uuid:1>\r\n"
        b"X-Latin: \xe9\r\nContent-Length:  2 \r\n\r\nab\r\n\r\n"
    )
    (record,) = records(path)
    assert (record.version, record.type, record.id, record.block) == ("WARC/1.0", RESOURCE, "1", b"ab")
    assert (record.field("X-Folded"), record.field("x-latin")) == ("one two", "\ufffd")


def test_a_url_as_long_as_a_server_likes(tmp_path: Path) -> None:
    made = [build(RESOURCE, new_id(), DATE, b"x", "text/html", {"WARC-Target-URI": "http://a/?" + "a" * 500_000})]
    path = file_of(made, tmp_path)
    (record,) = records(path)
    assert told([record]) == told(made)
    assert record_at(tmp_path, Span(NAME, 0, record.length)) == record


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (0, -1000), (5000, 0)])
def test_a_place_where_no_record_is(tmp_path: Path, shift: tuple[int, int]) -> None:
    path = file_of(SMALL, tmp_path)
    span = Span(NAME, ends_of(MEMBERS)[1] + shift[0], max(0, len(MEMBERS[1]) + shift[1]))
    with pytest.raises(UnreadableInput, match=f"no WARC record at byte {span.offset}"):
        record_at(path.parent, span)


# Exchanges and captures


def test_an_exchange_as_records() -> None:
    secret = b"Authorization: Basic dTpw\r\n"
    made = Exchange(
        url="http://user:pw@ci.china.com.cn/a",
        sent_at=DATE,
        request=b"GET /a HTTP/1.1\r\n" + secret + b"\r\n",
        response=PAGE,
        interim=(b"HTTP/1.1 103 Early Hints\r\nLink: <http://u:p@h/>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ip="127.0.0.1",
        truncated=BY_DISCONNECT,
        kind=ARTICLE,
        via="http://user:pw@ci.china.com.cn/",
    )
    request, interims, response, _ = records_of(made, "info")
    assert response
    every = (request, *interims, response)
    assert [record.type for record in every] == [REQUEST, METADATA, METADATA, RESPONSE]
    assert {record.field("WARC-Target-URI") for record in (request, response)} == {"http://xxxxxxx@ci.china.com.cn/a"}
    assert {record.field("WARC-Date") for record in every} == {DATE}
    assert {record.warcinfo_id for record in every} == {"info"}
    assert {record.field("WARC-IP-Address") for record in every} == {"127.0.0.1"}
    assert request.field("WARC-Concurrent-To") == urn(response.id)
    assert {record.field("WARC-Concurrent-To") for record in (*interims, response)} == {urn(request.id)}
    assert request.block == b"GET /a HTTP/1.1\r\nAuthorization: xxxxxxxxxx\r\n\r\n"
    assert (request.field("Ciwen-Kind"), request.field("Ciwen-Via")) == (ARTICLE, "http://xxxxxxx@ci.china.com.cn/")
    assert [record.block for record in interims] == [made.interim[0].replace(b"u:p", b"xxx"), made.interim[1]]
    assert {record.field("Ciwen-Role") for record in interims} == {"interim"}
    assert {record.field("WARC-Target-URI") for record in interims} == {None}, "indexes list URLs as captures"
    assert (response.block, response.field("WARC-Truncated")) == (PAGE, BY_DISCONNECT)
    assert response.field("WARC-Payload-Digest") == digest(PAGE.partition(b"\r\n\r\n")[2])
    assert len({record.id for record in every}) == len(every)


def test_an_exchange_without_response() -> None:
    request, interims, response, _ = records_of(Exchange("http://a/", DATE, b"GET / HTTP/1.1\r\n\r\n", b""), "info")
    assert (interims, response) == ((), None)
    assert request.field("WARC-Concurrent-To") is request.field("Ciwen-Via") is request.field("WARC-IP-Address") is None


def test_an_answer_that_is_no_http_has_no_payload() -> None:
    response = records_of(Exchange("http://a/", DATE, b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0\r\n"), "info").response
    assert response
    assert response.field("WARC-Payload-Digest") is None
    assert capture_of(response, None, NAME) is None


def test_a_capture_out_of_records(tmp_path: Path) -> None:
    body = gzip.compress(b"<p>\xb4\xc9")
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    made = Exchange(
        "http://a/", DATE, b"GET / HTTP/1.1\r\n\r\n", raw % (len(body), body), kind=ARTICLE, via="http://b/"
    )
    request, _, response, _ = records_of(made, "info")
    assert response
    path = file_of([request, response], tmp_path)
    (nothing, _), (capture, record) = captures(records(path), NAME)
    assert nothing is None
    assert capture == Capture(
        id=response.id,
        url="http://a/",
        fetched_at=DATE,
        status=200,
        headers=(("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")),
        body=b"<p>\xb4\xc9",
        kind=ARTICLE,
        via="http://b/",
        payload_digest=digest(body),
        warc_file=NAME,
        warc_offset=record.offset,
        warc_length=record.length,
    )


def test_a_saved_page_as_a_capture() -> None:
    record = build(
        RESOURCE, "1", "2025-06-04T08:35:12Z", b"<p>", "text/html; charset=gbk", {"WARC-Target-URI": "<http://a/>"}
    )
    capture = capture_of(record, None, NAME)
    assert capture
    assert (capture.status, capture.body, capture.mime, capture.url, capture.kind) == (
        None,
        b"<p>",
        "text/html",
        "http://a/",
        "",
    )
    assert capture.is_whole


@pytest.mark.parametrize(
    ("name", "in_url"),
    [
        (b"page.html", "page.html"),
        ("瓷 闻.html".encode(), "%E7%93%B7%20%E9%97%BB.html"),
        ("瓷.html".encode("gbk"), "%B4%C9.html"),
        (b"a\r\nWARC-Type: x.html", "a%0D%0AWARC-Type%3A%20x.html"),
        (b"a?b#c%20.html", "a%3Fb%23c%2520.html"),
    ],
)
def test_a_saved_page_of_any_name(tmp_path: Path, name: bytes, in_url: str) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes("<html><p>瓷".encode())
    record = resource_of(path, "info")
    assert (record.field("WARC-Target-URI") or "").startswith(f"file:///{in_url}?sha256=")
    assert told(list(records(file_of([record], tmp_path)))) == told([record])


AT = {"WARC-Target-URI": "http://ci.china.com.cn/"}


def test_a_revisit_as_a_capture() -> None:
    record = build(REVISIT, "1", DATE, b"HTTP/1.1 304 Not Modified\r\n\r\n", HTTP_RESPONSE, AT)
    capture = capture_of(record, None, NAME)
    assert capture
    assert (capture.status, capture.record_type, capture.is_whole) == (304, REVISIT, False)


@pytest.mark.parametrize("kind", [WARCINFO, REQUEST, METADATA, "conversion", "unheard-of"])
def test_other_records_hold_no_capture(kind: str) -> None:
    assert capture_of(build(kind, "1", DATE, PAGE, HTTP_RESPONSE), None, NAME) is None


def test_a_response_that_is_cut_in_its_coding_is_not_whole() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(PAGE * 9)[:-9]
    capture = capture_of(build(RESPONSE, "1", DATE, block, HTTP_RESPONSE, AT), None, NAME)
    assert capture
    assert (capture.truncated, capture.is_whole) == ("unspecified", False)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2025-06-04T08:35:12.123456Z", "2025-06-04T08:35:12.123456Z"),
        ("2025-06-04T08:35:12Z", "2025-06-04T08:35:12.000000Z"),
        ("2025-06-04T08:35:12.5Z", "2025-06-04T08:35:12.500000Z"),
        ("2025-06-04T08:35:12.123456789Z", "2025-06-04T08:35:12.123456Z"),
        ("2025-06-04T08:35Z", "2025-06-04T08:35:00.000000Z"),
        ("2025-06-04", "2025-06-04T00:00:00.000000Z"),
        ("2025-06", "2025-06-01T00:00:00.000000Z"),
        ("2025", "2025-01-01T00:00:00.000000Z"),
    ],
)
def test_moments_of_records(date: str, moment: str) -> None:
    capture = capture_of(build(RESPONSE, "1", date, PAGE, HTTP_RESPONSE, AT), None, NAME)
    assert capture
    assert capture.fetched_at == moment


@pytest.mark.parametrize(
    ("record_id", "date", "at"), [("", DATE, AT), ("1", "yesterday", AT), ("1", "", AT), ("1", DATE, {})]
)
def test_what_came_nobody_knows_where_or_when_is_no_capture(record_id: str, date: str, at: dict[str, str]) -> None:
    assert capture_of(build(RESPONSE, record_id, date, PAGE, HTTP_RESPONSE, at), None, NAME) is None


def test_a_request_that_waits_in_vain_does_not_wait_for_ever(tmp_path: Path) -> None:
    kinds = {"Ciwen-Kind": ARTICLE}
    lost = [build(REQUEST, f"lost-{number}", DATE, b"", HTTP_REQUEST, kinds) for number in range(300)]
    answers = [
        build(RESPONSE, f"late-{number}", DATE, PAGE, HTTP_RESPONSE, AT | {"WARC-Concurrent-To": urn(f"lost-{number}")})
        for number in (0, 299)
    ]
    found = captures(records(file_of(lost + answers, tmp_path)), NAME)
    assert [capture.kind for capture, _ in found if capture] == ["", ARTICLE]


# The writer


def test_a_file_is_open_until_it_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "archive" / "warc"
    writer = WarcWriter(folder, NAME)
    assert [path.name for path in folder.iterdir()] == [NAME + OPEN]
    spans = [writer.append(record) for record in SMALL]
    # What is appended can be read at once.
    assert told([record_at(folder, span) for span in spans]) == told(SMALL)
    writer.sync()
    writer.close()
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert told([record_at(folder, span) for span in spans]) == told(SMALL)
    assert [Span(NAME, record.offset, record.length) for record in records(folder / NAME)] == spans


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    WarcWriter(tmp_path, NAME).append(SMALL[0])
    with pytest.raises(CannotWrite, match="File exists"):
        WarcWriter(tmp_path, NAME)
    assert told(list(records(tmp_path / (NAME + OPEN)))) == told(SMALL[:1])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "warc").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"cannot write .*warc"):
        WarcWriter(tmp_path / "warc", NAME)


def test_a_file_is_written_again(tmp_path: Path) -> None:
    file_of(SMALL[:2], tmp_path)
    size = (tmp_path / NAME).stat().st_size
    writer = WarcWriter(tmp_path, NAME, again=True)
    assert [path.name for path in tmp_path.iterdir()] == [NAME + OPEN]
    spans = [writer.append(record) for record in SMALL[2:]]
    assert (writer.start, spans[0].offset, writer.records) == (size, size, len(spans))
    writer.close()
    writer.close()
    assert told(list(records(tmp_path / NAME))) == told(SMALL)


def test_what_is_written_again_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file"):
        WarcWriter(tmp_path, NAME, again=True)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_is_durable_before_what_follows_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed may have written it, and a disk that fails then loses it."""
    file_of(SMALL, tmp_path)
    writer = WarcWriter(tmp_path, NAME, again=True)
    monkeypatch.setattr(os, "fsync", failing)
    for message in ("Input/output error", "may be lost", "may be lost"):
        with pytest.raises(CannotWrite, match=message):
            writer.sync()


def test_nothing_follows_half_a_record_that_cannot_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = WarcWriter(tmp_path, NAME)
    writer.append(SMALL[0])
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", failing)
        patched.setattr(os, "ftruncate", failing)
        with pytest.raises(CannotWrite, match="Input/output error"):
            writer.append(SMALL[1])
    for go_on in (lambda: writer.append(SMALL[1]), writer.sync, writer.close):
        with pytest.raises(CannotWrite, match="may be lost"):
            go_on()
    assert [path.name for path in tmp_path.iterdir()] == [NAME + OPEN]


def failing(*_: object) -> int:
    """A disk that is broken."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_that_was_let_go_is_not_written(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, NAME)
    writer.append(SMALL[0])
    writer.abandon()
    with pytest.raises(CannotWrite, match="it is closed"):
        writer.append(SMALL[1])
    assert told(list(records(tmp_path / (NAME + OPEN)))) == told(SMALL[:1])


FULL = 10_000  # bytes that fit on the disk


def fill(folder: str) -> None:
    """Write until the disk is full, make room, go on. A program of its own: limits hold for a whole process."""
    writer = WarcWriter(Path(folder), NAME)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, most))
    spans, faults = [], []
    noise = random.Random(1)
    for number in range(12):
        try:
            spans.append(writer.append(exchange(number, PAGE + noise.randbytes(1500))[1]))
        except CannotWrite as fault:
            faults.append(str(fault))
            assert (Path(folder) / (NAME + OPEN)).stat().st_size == writer.size
            if len(faults) == 3:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    writer.close()
    print(json.dumps([spans, faults]))


def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    program = "import sys; from tests.test_warc import fill; fill(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spans, faults = json.loads(done.stdout)
    assert faults == [f"cannot write {tmp_path / NAME}{OPEN}: File too large"] * 3
    assert len(spans) == 12 - 3
    found = list(records(tmp_path / NAME))
    assert [[NAME, record.offset, record.length] for record in found] == spans
    assert found[-1].offset + found[-1].length > FULL


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)), st.integers(1, 99_999)),
        min_size=2,
        max_size=2,
    )
)
@settings(max_examples=200, deadline=None)
def test_names_sort_in_time_order(made: list[tuple[datetime, int]]) -> None:
    # A name tells a moment to the millisecond.
    exact = [(moment.replace(microsecond=moment.microsecond // 1000 * 1000), serial) for moment, serial in made]
    names = [file_name(moment.replace(tzinfo=UTC), serial, "host") for moment, serial in made]
    assert (names[0] < names[1]) == (exact[0] < exact[1])


def test_a_name() -> None:
    moment = datetime(2025, 6, 4, 8, 35, 12, 123456, tzinfo=UTC)
    assert file_name(moment, 1, "news-1") == "ciwen-20250604083512123-00001-news-1.warc.gz"
    assert (
        file_name(moment + timedelta(microseconds=544), 2, "瓷/a b.c")
        == "ciwen-20250604083512124-00002---a-b-c.warc.gz"
    )
    assert file_name(moment, 1, "") != file_name(moment, 1, "x")
    assert "/" not in file_name(moment, 1)


@pytest.mark.parametrize("seed", range(20))
def test_damage_costs_no_other_record_of_a_file_of_ours(tmp_path: Path, seed: int) -> None:
    noise = random.Random(seed)
    members = [record.member() for number in range(6) for record in exchange(number, PAGE + noise.randbytes(300))]
    hit = noise.randrange(1, len(members))
    damaged = bytearray(members[hit])
    damaged[noise.randrange(10, len(damaged))] ^= 1 << noise.randrange(8)
    path = tmp_path / NAME
    path.write_bytes(b"".join([*members[:hit], damaged, *members[hit + 1 :]]))
    found = []
    with pytest.raises(UnreadableInput, match=re.escape(str(path))):
        found.extend(record.member() for record in whole_records(path))
    assert found == [*members[:hit], *members[hit + 1 :]]


def test_damage_ends_a_file_of_another_make(tmp_path: Path) -> None:
    """Nobody knows where its next record begins."""
    members = [gzip.compress(gzip.decompress(record.member()), 6) for record in exchange(1, PAGE) + exchange(2, PAGE)]
    damaged = bytearray(members[1])
    damaged[len(damaged) // 2] ^= 1
    path = tmp_path / "other.warc.gz"
    path.write_bytes(b"".join([members[0], damaged, *members[2:]]))
    found = []
    with pytest.raises(UnreadableInput):
        found.extend(whole_records(path))
    assert len(found) == 1
