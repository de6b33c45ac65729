"""Outside judges of an archive: warcio, FastWARC and pywb read every record; bare gzip and sqlite3 find what rows name.

Nothing here reads with Ciwen's own readers.
"""

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from fastwarc.warc import WarcRecordType
from warcio.archiveiterator import ArchiveIterator

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.exchange import BY_DISCONNECT, Exchange
from ciwen_crawler.warc.record import new_id
from fixtures.server import Channel
from tests.database import select
from tests.odd_messages import OddMessages
from tests.odd_server import Answer
from tests.program import ROOT, ciwen

SEED = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
REQUEST = (
    b"GET /%d HTTP/1.1\r\nHost: odd.example\r\nAuthorization: Basic c2VjcmV0\r\nproxy-AUTHORIZATION:secret\r\n\r\n"
)
SECRETS = (b"c2VjcmV0", b"secret")


@dataclass(frozen=True)
class Found:
    """A record as it lies in a file, taken out with zlib alone."""

    file: str
    offset: int
    length: int
    fields: tuple[tuple[str, str], ...]
    block: bytes

    def field(self, name: str) -> str | None:
        """The one value of a field."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, name
        return values[0] if values else None

    @property
    def type(self) -> str | None:
        return self.field("WARC-Type")

    @property
    def id(self) -> str | None:
        return self.field("WARC-Record-ID")

    @property
    def is_chunked(self) -> bool:
        """Whether its message is, and has a body."""
        head, _, body = re.sub(rb"\r?\n\r?\n", b"\0", self.block, count=1).partition(b"\0")
        says_so = re.search(rb"(?im)^transfer-encoding:[ \t]*chunked", head)
        return self.type == "response" and says_so is not None and body != b""


def found_in(archive: Path) -> list[Found]:
    """Every record of an archive, member by member."""
    found = []
    for path in sorted((archive / "warc").iterdir()):
        data, offset = path.read_bytes(), 0
        while offset < len(data):
            decoder = zlib.decompressobj(wbits=31)
            record = decoder.decompress(data[offset:]) + decoder.flush()
            assert decoder.eof
            length = len(data) - offset - len(decoder.unused_data)
            found.append(taken_apart(path.name, offset, length, record))
            offset += length
    return found


def taken_apart(file: str, offset: int, length: int, record: bytes) -> Found:
    """A record by WARC/1.1's grammar, strictly."""
    head, _, rest = record.partition(b"\r\n\r\n")
    version, *lines = head.decode().split("\r\n")
    assert version == "WARC/1.1"
    fields = tuple((name, value) for name, value in (line.split(": ", 1) for line in lines))
    size = int(dict(fields)["Content-Length"])
    assert rest[size:] == b"\r\n\r\n"
    return Found(file, offset, length, fields, rest[:size])


def sha1(data: bytes) -> str:
    """A digest as WARC fields hold it."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def entity_of(message: bytes) -> bytes:
    """The body of a message without its Transfer-Encoding, read line by line as a client reads it off a socket."""
    stream = io.BytesIO(message)
    chunked = False
    for line in iter(stream.readline, b""):
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.lower().partition(b":")
        chunked = chunked or (name, value.strip()) == (b"transfer-encoding", b"chunked")
    if not chunked:
        return stream.read()
    parts = []
    while size := int(stream.readline().partition(b";")[0] or b"0", 16):
        parts.append(stream.read(size))
        stream.readline()
    return b"".join(parts)


# The two archives


@pytest.fixture(scope="module")
def crawled(shared_channel: Channel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled channel, crawled."""
    archive = tmp_path_factory.mktemp("crawled")
    ciwen("crawl", archive=archive, channel=shared_channel)
    return archive


def odd_exchanges() -> list[Exchange]:
    """What servers send, and what they must not."""
    odd = OddMessages(seed=2)
    answers = [odd.answer(odd.message()) for _ in range(100)]
    answers += [odd.answer(odd.message(status)) for status in (204, 304, 301, 500) for _ in range(4)]
    answers += [odd.answer(odd.message(large=True))]
    cut = [odd.cut(odd.message()) for _ in range(40)]
    plain = [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200\r\n\r\nold",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a="b"\r\nbody\r\n0;x\r\nX-Trailer: \xb4\xc9\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://user:secret@odd.example/\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00\xff no HTTP either",
    ]
    made = [(answer, None) for answer in [*answers, *map(Answer, plain)]] + [(answer, BY_DISCONNECT) for answer in cut]
    return [
        Exchange(
            url=f"http://{'user:secret@' if number % 5 == 0 else ''}odd.example/{number}",
            sent_at=clock.now(),
            request=REQUEST % number,
            response=answer.response,
            interim=answer.interim,
            ip="127.0.0.1",
            truncated=truncated if answer.response else None,
            via="http://user:secret@odd.example/" if number % 7 == 0 else None,
        )
        for number, (answer, truncated) in enumerate(made)
    ]


ODD = odd_exchanges()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Odd exchanges, kept."""
    folder = tmp_path_factory.mktemp("odd")
    archive = Archive(folder, begin(CRAWL, "瓷闻天下", new_id()), {"robots": "obey"})
    for exchange in ODD:
        archive.keep(exchange)
    archive.finish("done", 0, archive.tally.as_dict())
    return folder


@pytest.fixture(params=["crawled", "odd"])
def archive(request: pytest.FixtureRequest) -> Path:
    """Each of the two."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


def files(archive: Path) -> list[Path]:
    """The WARC files."""
    found = sorted((archive / "warc").iterdir())
    assert found
    assert all(path.name.endswith(".warc.gz") for path in found)
    return found


# Readers


def test_warcio_reads_every_record_and_finds_every_digest_right(archive: Path) -> None:
    records = found_in(archive)
    chunked = {record.id for record in records if record.is_chunked}
    verdicts = {}
    for path in files(archive):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests=True):
                record.raw_stream.read()
                # None where there was nothing to check.
                verdict = (
                    record.digest_checker.passed,
                    [text.split(" sha1:")[0] for text in record.digest_checker.problems],
                )
                verdicts[record.rec_headers.get_header("WARC-Record-ID")] = verdict
    assert list(verdicts) == [record.id for record in records]
    # It takes the chunk framing for part of the payload, against the standard.
    framed = (False, ["payload digest failed"])
    assert all(verdict == (framed if each in chunked else (True, [])) for each, verdict in verdicts.items())
    assert chunked


def test_warcio_check_as_a_program(archive: Path) -> None:
    chunked = sum(record.is_chunked for record in found_in(archive))
    command = [str(Path(sys.executable).with_name("warcio")), "check", "-v", *map(str, files(archive))]
    done = subprocess.run(command, capture_output=True, text=True)
    verdicts = Counter(re.findall(r"(?m)^    (digest pass|\w+ digest failed|.+)", done.stdout))
    told = Counter({text.partition(" sha1:")[0]: count for text, count in verdicts.items()})
    assert told == {"digest pass": len(found_in(archive)) - chunked, "payload digest failed": chunked}
    assert done.stderr == ""


def test_fastwarc_reads_every_record_and_finds_every_block_right(archive: Path) -> None:
    read = []
    for path in files(archive):
        with path.open("rb") as stream:
            for record in FastIterator(stream, parse_http=False):
                assert record.headers["WARC-Block-Digest"]
                assert record.verify_block_digest(), record.record_id
                read.append(record.headers["WARC-Record-ID"])
    assert read == [record.id for record in found_in(archive)]


def test_fastwarc_finds_every_unchunked_payload_right(archive: Path) -> None:
    judged = {record.id for record in found_in(archive) if record.field("WARC-Payload-Digest") and is_easy(record)}
    verdicts = {}
    for path in files(archive):
        with path.open("rb") as stream:
            for record in FastIterator(stream, parse_http=False, record_types=WarcRecordType.response):
                if record.headers["WARC-Record-ID"] in judged:
                    record.parse_http()
                    verdicts[record.headers["WARC-Record-ID"]] = record.verify_payload_digest()
    assert verdicts == dict.fromkeys(judged, True)
    assert len(judged) > 20


def is_easy(record: Found) -> bool:
    """Whether FastWARC can tell where the head ends: not where lines end with LF alone, or one has 20,000 bytes."""
    head, blank, _ = record.block.partition(b"\r\n\r\n")
    return not record.is_chunked and b"\n\n" not in head and (not blank or len(head) < 10_000)


def test_every_digest_computed_again(archive: Path) -> None:
    records = found_in(archive)
    for record in records:
        assert record.field("WARC-Block-Digest") == sha1(record.block)
        if record.field("WARC-Payload-Digest"):
            assert record.field("WARC-Payload-Digest") == sha1(entity_of(record.block)), record.field("WARC-Target-URI")
    responses = [record for record in records if record.type == "response"]
    payloads = {record.id for record in records if record.field("WARC-Payload-Digest")}
    assert payloads == {record.id for record in responses if re.match(rb"HTTP/\d\.\d +\d{3}", record.block)}


# Records and what holds them together


def test_every_record_begins_with_the_constant_gzip_header(archive: Path) -> None:
    for record in found_in(archive):
        data = (archive / "warc" / record.file).read_bytes()
        assert data[record.offset : record.offset + 10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def test_record_ids_are_unique(archive: Path) -> None:
    ids = [record.id for record in found_in(archive)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"<urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>", each or "") for each in ids)


def test_every_record_has_what_the_standard_asks_of_its_type(archive: Path) -> None:
    for record in found_in(archive):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record.field("WARC-Date") or "")
        names = [name.lower() for name, _ in record.fields]
        assert len(set(names)) == len(names)
        wanted = {
            "warcinfo": ("application/warc-fields", {"WARC-Filename"}, {"WARC-Target-URI", "WARC-Warcinfo-ID"}),
            "request": (
                "application/http; msgtype=request",
                {"WARC-Target-URI", "Ciwen-Kind"},
                {"WARC-Payload-Digest"},
            ),
            "response": (
                # What a server answers that is no HTTP is kept, and nobody is to replay it as an answer.
                "application/http; msgtype=response"
                if re.match(rb"HTTP/\d(\.\d)?[ \t]+\d{3}\b", record.block)
                else "application/octet-stream",
                {"WARC-Target-URI", "WARC-Concurrent-To"},
                {"Ciwen-Kind"},
            ),
        }
        if record.type in wanted:
            content_type, some, none = wanted[record.type]
            assert record.field("Content-Type") == content_type
            assert all(record.field(name) for name in some)
            assert not any(record.field(name) for name in none)
        else:
            assert record.type == "metadata"
            assert record.field("Ciwen-Role") in ("report", "interim")


def test_exchanges_are_held_together(archive: Path) -> None:
    records = {record.id: record for record in found_in(archive)}
    requests = [record for record in records.values() if record.type == "request"]
    answers = [record for record in records.values() if record.field("WARC-Concurrent-To") and record.type != "request"]
    for request in requests:
        if request.field("WARC-Concurrent-To"):
            response = records[request.field("WARC-Concurrent-To")]
            assert response.type == "response"
            assert response.field("WARC-Concurrent-To") == request.id
            assert response.offset > request.offset
    for answer in answers:
        request = records[answer.field("WARC-Concurrent-To")]
        assert request.type == "request"
        shared = ("WARC-Date", "WARC-Warcinfo-ID", "WARC-IP-Address")
        assert [answer.field(name) for name in shared] == [request.field(name) for name in shared]
        # An interim message is no capture of its URL.
        url = request.field("WARC-Target-URI") if answer.type == "response" else None
        assert answer.field("WARC-Target-URI") == url
    paired = {request.field("WARC-Concurrent-To") for request in requests} - {None}
    assert paired == {record.id for record in records.values() if record.type == "response"}


def test_every_record_names_the_warcinfo_that_is_there(archive: Path) -> None:
    first, *others = found_in(archive)
    assert first.type == "warcinfo"
    assert {record.field("WARC-Warcinfo-ID") for record in others} == {first.id}
    assert first.field("WARC-Filename") == first.file == files(archive)[0].name


def test_the_warcinfo_tells_of_the_run(crawled: Path) -> None:
    block = found_in(crawled)[0].block.decode()
    fields = dict(line.split(": ", 1) for line in block.removesuffix("\r\n").split("\r\n"))
    (run,) = select(crawled, "SELECT * FROM crawls")
    assert fields["isPartOf"] == run["id"]
    assert fields["software"] == run["software"]
    assert fields["format"] == "WARC file version 1.1"
    assert fields["robots"] == "obey"
    assert fields["ciwen-mode"] == "crawl"
    assert fields["ciwen-channel"] == run["channel"] == "瓷闻天下"
    assert fields["ciwen-certificates"] == "verified"
    assert fields["http-header-user-agent"].lower().startswith("ciwen")
    assert {"hostname", "conformsTo", "description"} <= fields.keys()


def test_the_report_is_the_one_in_the_runs_folder(archive: Path) -> None:
    report = found_in(archive)[-1]
    assert (report.type, report.field("Ciwen-Role")) == ("metadata", "report")
    assert report.field("Content-Type") == "application/json"
    (path,) = (archive / "runs").iterdir()
    told = json.loads(report.block)
    assert told == json.loads(path.read_text(encoding="utf-8"))
    (run,) = select(archive, "SELECT * FROM crawls")
    assert path.name == f"{run['id']}.json"
    assert told["stats"] == json.loads(run["stats"])
    assert {name: told[name] for name in told.keys() - {"stats"}} == {
        name: run[name] for name in run.keys() - {"stats", "warcinfo_id"}
    }


# Rows


def test_every_row_names_the_bytes_of_its_record(archive: Path) -> None:
    rows = select(archive, "SELECT * FROM captures")
    for row in rows:
        with (archive / "warc" / row["warc_file"]).open("rb") as file:
            file.seek(row["warc_offset"])
            data = file.read(row["warc_length"])
        # One member, all of it and no more.
        decoder = zlib.decompressobj(wbits=31)
        record = taken_apart(row["warc_file"], 0, 0, decoder.decompress(data))
        assert decoder.eof
        assert decoder.unused_data == b""
        assert gzip.decompress(data)
        assert record.id == f"<urn:uuid:{row['id']}>"
        assert record.field("WARC-Target-URI") == row["url"]
        assert record.field("WARC-Date") == row["fetched_at"]
        assert record.field("WARC-Payload-Digest") == row["payload_digest"]
        assert record.type == row["record_type"]
        status = re.match(rb"HTTP/\d\.\d +(\d{3})", record.block)
        assert status
        assert int(status[1]) == row["status"]
    held = {record.id for record in found_in(archive) if record.field("WARC-Payload-Digest")}
    assert {f"<urn:uuid:{row['id']}>" for row in rows} == held


def test_rows_say_of_their_kind_and_way_what_requests_say(archive: Path) -> None:
    requests = {record.id: record for record in found_in(archive) if record.type == "request"}
    said = {}
    for record in found_in(archive):
        if record.type == "response" and record.field("WARC-Payload-Digest"):
            request = requests[record.field("WARC-Concurrent-To")]
            said[record.id] = request.field("Ciwen-Kind"), request.field("Ciwen-Via")
    rows = select(archive, "SELECT id, kind, via FROM captures")
    assert {f"<urn:uuid:{row['id']}>": (row["kind"], row["via"]) for row in rows} == said


def test_a_crawl_tells_how_it_came_to_each_page(crawled: Path) -> None:
    rows = select(crawled, "SELECT url, kind, via, status FROM captures")
    reached = {row["url"] for row in rows}
    assert {row["kind"] for row in rows} == {"list", "article", "image", "robots"}
    for row in rows:
        if row["via"] is None:
            assert row["kind"] == "robots" or row["url"] == "http://ci.china.com.cn/"
        else:
            assert row["via"] in reached
        assert (row["kind"] == "robots") == row["url"].endswith("/robots.txt")
        if row["kind"] == "image":
            assert "content_" in row["via"]


# Bytes


def test_the_blocks_of_a_crawl_are_the_bytes_that_the_server_saw(crawled: Path, shared_channel: Channel) -> None:
    records = found_in(crawled)
    log = list(shared_channel.log)
    assert Counter(record.block for record in records if record.type == "request") == Counter(e.request for e in log)
    assert Counter(record.block for record in records if record.type == "response") == Counter(e.response for e in log)
    assert len(log) > 80


def hidden(message: bytes) -> bytes:
    """The message as it may be archived: its secrets struck out."""
    for secret in (b"Basic c2VjcmV0", b"user:secret", b"secret"):
        message = message.replace(secret, b"x" * len(secret))
    return message


def test_the_blocks_of_odd_exchanges_are_the_bytes_that_were_given(odd: Path) -> None:
    records = found_in(odd)
    of_type = {name: [record.block for record in records if record.type == name] for name in ("request", "response")}
    assert of_type["request"] == [hidden(exchange.request) for exchange in ODD]
    assert of_type["response"] == [hidden(exchange.response) for exchange in ODD if exchange.response]
    interims = [record.block for record in records if record.field("Ciwen-Role") == "interim"]
    assert interims == [interim for exchange in ODD for interim in exchange.interim]
    assert interims
    cut = [record.field("WARC-Truncated") for record in records if record.type == "response"]
    assert cut == [exchange.truncated for exchange in ODD if exchange.response]


def test_no_secret_reaches_the_disk(odd: Path) -> None:
    told = [repr(record).encode() for record in found_in(odd)]
    told += [path.read_bytes() for path in odd.rglob("*") if path.is_file()]
    assert not any(secret in each for secret in SECRETS for each in told)
    assert {record.field("Ciwen-Via") for record in found_in(odd)} == {None, "http://xxxxxxxxxxx@odd.example/"}


# pywb

PYWB = ROOT / ".venv-pywb" / "bin"
WAYBACK = """
from pywb.apps.wayback import application
from pywb.utils.geventserver import GeventServer, RequestURIWSGIHandler
server = GeventServer(application, hostname="127.0.0.1", handler_class=RequestURIWSGIHandler)
print(server.port, flush=True)
server.join()
"""


def pywb(*command: str, cwd: Path) -> str:
    """Run one of its programs; what it prints."""
    done = subprocess.run([PYWB / command[0], *command[1:]], cwd=cwd, env=alone(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def alone() -> dict[str, str]:
    """An environment without proxies: its parts talk with each other by HTTP."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


@pytest.fixture(scope="module")
def installed() -> None:
    """pywb is there. It pins its needs too tightly to live with us."""
    if not (PYWB.parent / ".installed").exists():
        assert os.environ.get("CI") != "true", "pywb is missing: make .venv-pywb/.installed"
        pytest.skip("pywb is missing: make .venv-pywb/.installed")


@pytest.mark.usefixtures("installed")
def test_pywb_indexes_every_capture(archive: Path, tmp_path: Path) -> None:
    printed = pywb("cdx-indexer", "-j", "-s", *map(str, files(archive)), cwd=tmp_path)
    lines = [json.loads(line.split(" ", 2)[2]) for line in printed.splitlines()]
    rows = select(archive, "SELECT url, warc_file, warc_offset, warc_length, status, payload_digest FROM captures")
    places = {(line["filename"], int(line["offset"]), int(line["length"])): line for line in lines}
    assert len(places) == sum(record.type == "response" for record in found_in(archive))
    for row in rows:
        line = places[row["warc_file"], row["warc_offset"], row["warc_length"]]
        assert (line["url"], line["status"]) == (row["url"], str(row["status"]))
        assert "sha1:" + line["digest"] == row["payload_digest"]


@pytest.fixture(scope="module")
def wayback(
    installed: None, crawled: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[http.client.HTTPConnection]:
    """pywb's server over the crawled archive."""
    folder = tmp_path_factory.mktemp("pywb")
    pywb("wb-manager", "init", "ci", cwd=folder)
    pywb("wb-manager", "add", "ci", *map(str, files(crawled)), cwd=folder)
    log = (folder / "log").open("w")
    command = [PYWB / "python", "-c", WAYBACK]
    with (
        log,
        subprocess.Popen(command, cwd=folder, env=alone(), stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            port = next((int(line) for line in server.stdout or () if line.strip().isdecimal()), None)
            assert port, (folder / "log").read_text()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            yield connection
            connection.close()
        finally:
            server.terminate()


def replayed(wayback: http.client.HTTPConnection, url: str, moment: str) -> tuple[int, bytes]:
    """(status, body) of a page as pywb shows it, unrewritten."""
    stamp = "".join(re.findall(r"\d", moment))[:14]
    wayback.request("GET", f"/ci/{stamp}id_/{url}", headers={"Host": "localhost"})
    answer = wayback.getresponse()
    body = answer.read()
    return answer.status, gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body


def test_pywb_replays_every_page_as_the_channel_has_it(
    wayback: http.client.HTTPConnection, crawled: Path, shared_channel: Channel
) -> None:
    rows = select(crawled, "SELECT url, fetched_at, kind FROM captures WHERE status = 200 ORDER BY url")
    assert SEED in {row["url"] for row in rows}
    assert {row["kind"] for row in rows} == {"list", "article", "image", "robots"}
    for row in rows:
        page = shared_channel.pages.get(row["url"])
        assert page, row["url"]
        assert replayed(wayback, row["url"], row["fetched_at"]) == (200, page.body), row["url"]
