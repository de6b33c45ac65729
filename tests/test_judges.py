"""Outside judges of archives: warcio, FastWARC and pywb read every record; bare gzip and sqlite3 find what rows name.

Nothing here reads with Ciwen's own readers.
"""

import gzip
import hashlib
import json
import re
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
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
from tests import wayback as pywb
from tests.database import select
from tests.odd_messages import OddMessages
from tests.odd_server import Answer
from tests.program import ciwen
from tests.records import (
    IDENTICAL,
    NOT_MODIFIED,
    Found,
    entity_of,
    files_of,
    found_in,
    found_in_file,
    head_of,
    sha1,
    taken_apart,
)
from tests.tenfold import CRAWLS, KILLED, Tenfold

SEED = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
REQUEST = (
    b"GET /%d HTTP/1.1\r\nHost: odd.example\r\nAuthorization: Basic c2VjcmV0\r\nproxy-AUTHORIZATION:secret\r\n\r\n"
)
SECRETS = (b"c2VjcmV0", b"secret")
ANSWERS = ("response", "revisit")
# What a revisit says of its original: the standard's fields, and those of Heritrix that tell its place.
REFERRING = (
    "WARC-Refers-To",
    "WARC-Refers-To-Target-URI",
    "WARC-Refers-To-Date",
    "WARC-Refers-To-Filename",
    "WARC-Refers-To-File-Offset",
)


# The archives


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
    # What came before comes again, whole and cut off.
    again = [*answers[::3], *map(Answer, plain)]
    made = [(answer, None) for answer in [*answers, *map(Answer, plain), *again]]
    made += [(answer, BY_DISCONNECT) for answer in [*cut, *answers[::9]]]
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


@pytest.fixture(scope="module")
def ten(tenfold: Tenfold) -> Path:
    """Ten crawls and a killed one, over several files."""
    return tenfold.archive


@pytest.fixture(params=["crawled", "odd", "ten"])
def archive(request: pytest.FixtureRequest) -> Path:
    """Each of the three."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


# Readers


def test_warcio_reads_every_record_and_finds_every_digest_right(archive: Path) -> None:
    records = found_in(archive)
    # It takes the chunk framing for part of the payload, against the standard, and passes revisits over.
    expected = {record.id: (True, []) for record in records}
    expected |= {record.id: (False, ["payload digest failed"]) for record in records if record.is_chunked}
    expected |= {record.id: (None, []) for record in of_type(records, "revisit")}
    verdicts = {}
    for path in files_of(archive):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests=True):
                record.raw_stream.read()
                problems = [text.split(" sha1:")[0] for text in record.digest_checker.problems]
                verdicts[record.rec_headers.get_header("WARC-Record-ID")] = (record.digest_checker.passed, problems)
    assert verdicts == expected
    assert list(verdicts) == list(expected)
    assert {passed for passed, _ in expected.values()} == {True, False, None}


def test_warcio_check_as_a_program(archive: Path) -> None:
    records = found_in(archive)
    chunked, revisits = sum(record.is_chunked for record in records), len(of_type(records, "revisit"))
    command = [str(Path(sys.executable).with_name("warcio")), "check", "-v", *map(str, files_of(archive))]
    done = subprocess.run(command, capture_output=True, text=True)
    verdicts = Counter(re.findall(r"(?m)^    (digest pass|\w+ digest failed|.+)", done.stdout))
    told = Counter({text.partition(" sha1:")[0]: count for text, count in verdicts.items()})
    assert told == {
        "digest pass": len(records) - chunked - revisits,
        "payload digest failed": chunked,
        "digest present but not checked (revisit)": revisits,
    }
    assert done.stderr == ""


def test_fastwarc_reads_every_record_and_finds_every_block_right(archive: Path) -> None:
    read = []
    for path in files_of(archive):
        with path.open("rb") as stream:
            for record in FastIterator(stream, parse_http=False):
                assert record.headers["WARC-Block-Digest"]
                assert record.verify_block_digest(), record.record_id
                read.append(record.headers["WARC-Record-ID"])
    assert read == [record.id for record in found_in(archive)]


def test_fastwarc_finds_every_unchunked_payload_right(archive: Path) -> None:
    responses = [record for record in of_type(found_in(archive), "response") if record.field("WARC-Payload-Digest")]
    judged = {record.id for record in responses if is_easy(record)}
    verdicts = {}
    for path in files_of(archive):
        with path.open("rb") as stream:
            for record in FastIterator(stream, parse_http=False, record_types=WarcRecordType.response):
                if record.headers["WARC-Record-ID"] in judged:
                    record.parse_http()
                    verdicts[record.headers["WARC-Record-ID"]] = record.verify_payload_digest()
    assert verdicts == dict.fromkeys(judged, True)
    assert len(judged) > 6


def is_easy(record: Found) -> bool:
    """Whether FastWARC can tell where the head ends: not where lines end with LF alone, or one has 20,000 bytes."""
    head, blank, _ = record.block.partition(b"\r\n\r\n")
    return not record.is_chunked and b"\n\n" not in head and (not blank or len(head) < 10_000)


def test_every_digest_computed_again(archive: Path) -> None:
    records = {record.id: record for record in found_in(archive)}
    for record in records.values():
        assert record.field("WARC-Block-Digest") == sha1(record.block)
        if record.field("WARC-Payload-Digest"):
            holder = records[record.field("WARC-Refers-To")] if record.type == "revisit" else record
            assert record.field("WARC-Payload-Digest") == sha1(entity_of(holder.block)), record.field("WARC-Target-URI")
    answers = [record for record in records.values() if record.type in ANSWERS]
    payloads = {record.id for record in records.values() if record.field("WARC-Payload-Digest")}
    assert payloads == {record.id for record in answers if is_http(record)}


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
                {"Ciwen-Kind", "WARC-Profile", *REFERRING},
            ),
            "revisit": (
                "application/http; msgtype=response",
                {"WARC-Target-URI", "WARC-Concurrent-To", "WARC-Profile", "WARC-Payload-Digest", *REFERRING},
                {"Ciwen-Kind", "WARC-Truncated"},
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
            assert response.type in ANSWERS
            assert response.field("WARC-Concurrent-To") == request.id
            assert response.offset > request.offset
    for answer in answers:
        request = records[answer.field("WARC-Concurrent-To")]
        assert request.type == "request"
        shared = ("WARC-Date", "WARC-Warcinfo-ID", "WARC-IP-Address")
        assert [answer.field(name) for name in shared] == [request.field(name) for name in shared]
        # An interim message is no capture of its URL.
        url = request.field("WARC-Target-URI") if answer.type in ANSWERS else None
        assert answer.field("WARC-Target-URI") == url
    paired = {request.field("WARC-Concurrent-To") for request in requests} - {None}
    assert paired == {record.id for record in records.values() if record.type in ANSWERS}


def test_revisits_refer_to_responses_and_agree_with_them(archive: Path) -> None:
    """WARC/1.1 section 6.7: what a revisit says of its original is what that says itself, and it holds no payload."""
    records = {record.id: record for record in found_in(archive)}
    revisits = [record for record in records.values() if record.type == "revisit"]
    for revisit in revisits:
        original = records[revisit.field("WARC-Refers-To")]
        assert original.type == "response"
        assert original.field("WARC-Truncated") is None
        assert revisit.field("WARC-Refers-To-Target-URI") == original.field("WARC-Target-URI")
        assert revisit.field("WARC-Refers-To-Date") == original.field("WARC-Date")
        assert revisit.field("WARC-Payload-Digest") == original.field("WARC-Payload-Digest")
        assert revisit.field("WARC-Refers-To-Filename") == original.file
        assert revisit.field("WARC-Refers-To-File-Offset") == str(original.offset)
        # Records stand in the order of answers and say when they were asked for: of two at once, either may be first.
        assert (original.file, original.offset) < (revisit.file, revisit.offset)
        assert re.split(rb"\r?\n\r?\n", revisit.block)[1:] == [b""], "a head alone"
        statuses = [int(re.match(rb"HTTP/\d\.\d +(\d{3})", each.block)[1]) for each in (revisit, original)]
        if revisit.field("WARC-Profile") == NOT_MODIFIED:
            assert revisit.field("WARC-Target-URI") == original.field("WARC-Target-URI")
            assert statuses == [304, 200]
        else:
            assert revisit.field("WARC-Profile") == IDENTICAL
            assert statuses[0] == statuses[1] != 304
    assert revisits


def test_every_record_names_the_warcinfo_that_opens_its_run_in_its_file(archive: Path) -> None:
    records = found_in(archive)
    opened: dict[str, Found] = {}
    for record in records:
        if record.type == "warcinfo":
            assert record.field("WARC-Filename") == record.file
            opened[record.file] = record
        else:
            assert record.field("WARC-Warcinfo-ID") == opened[record.file].id
    assert list(opened) == [path.name for path in files_of(archive)]


def test_each_file_names_the_one_before_it(ten: Path) -> None:
    """In its first warcinfo, with its SHA-256; a run that goes on in the next file names its first warcinfo."""
    before, first, runs = None, None, []
    for path in files_of(ten):
        infos = [record for record in found_in_file(path) if record.type == "warcinfo"]
        for number, info in enumerate(infos):
            told = described(info)
            if "ciwen-continues" in told:
                assert number == 0
                assert told["ciwen-continues"] == first.id
                assert told["isPartOf"] == described(first)["isPartOf"]
            else:
                first = info
                runs.append(told["isPartOf"])
            is_next = before is not None and number == 0
            assert told.get("ciwen-previous-file") == (before.name if is_next else None)
            digest = f"sha256:{hashlib.sha256(before.read_bytes()).hexdigest()}" if is_next else None
            assert told.get("ciwen-previous-digest") == digest
        before = path
    assert runs == [row["id"] for row in select(ten, "SELECT id FROM crawls ORDER BY id")]
    assert len(runs) == CRAWLS
    assert len(files_of(ten)) > 4


def test_sha256sum_finds_every_file_but_the_newest_as_the_manifest_says(ten: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "MANIFEST.sha256"], cwd=ten / "warc", capture_output=True, text=True)
    assert done.stdout == "".join(f"{path.name}: OK\n" for path in files_of(ten)[:-1])
    assert (done.stderr, done.returncode) == ("", 0)


def test_runs_tell_which_bytes_they_wrote(ten: Path) -> None:
    """All of them: together with the reports, and what the killed run left, they are the files."""
    told, reports = defaultdict(list), [each for each in found_in(ten) if each.field("Ciwen-Role") == "report"]
    for report in reports:
        for span in json.loads(report.block)["warc"]:
            data = (ten / "warc" / span["file"]).read_bytes()[span["offset"] :][: span["length"]]
            assert hashlib.sha256(data).hexdigest() == span["sha256"]
            within = [each for each in found_in(ten) if span["file"] == each.file]
            within = [each for each in within if span["offset"] <= each.offset < span["offset"] + span["length"]]
            assert len(within) == span["records"]
            assert within[0].type == "warcinfo"
            told[span["file"]].append((span["offset"], span["offset"] + span["length"]))
    assert len(reports) == CRAWLS - 1
    killed = [row["id"] for row in select(ten, "SELECT id FROM crawls WHERE outcome = 'killed'")]
    assert killed == [row["id"] for row in select(ten, "SELECT id FROM crawls ORDER BY id")][KILLED : KILLED + 1]
    untold = [
        each
        for each in found_in(ten)
        if each not in reports and not any(start <= each.offset < end for start, end in told[each.file])
    ]
    infos = {each.id: described(each)["isPartOf"] for each in found_in(ten) if each.type == "warcinfo"}
    assert {infos[each.field("WARC-Warcinfo-ID") or each.id] for each in untold} == set(killed)


def described(info: Found) -> dict[str, str]:
    """The fields of a warcinfo's block."""
    return dict(line.split(": ", 1) for line in info.block.decode().removesuffix("\r\n").split("\r\n"))


def test_the_warcinfo_tells_of_the_run(crawled: Path) -> None:
    fields = described(found_in(crawled)[0])
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


def test_each_report_is_the_one_in_the_runs_folder(archive: Path) -> None:
    reports = [record for record in found_in(archive) if record.field("Ciwen-Role") == "report"]
    paths = sorted((archive / "runs").iterdir())
    runs = select(archive, "SELECT * FROM crawls WHERE outcome <> 'killed' ORDER BY id")
    assert found_in(archive)[-1] == reports[-1]
    for report, path, run in zip(reports, paths, runs, strict=True):
        assert (report.type, report.field("Content-Type")) == ("metadata", "application/json")
        assert report.field("WARC-Refers-To") == f"<urn:uuid:{run['warcinfo_id']}>"
        told = json.loads(report.block)
        assert told == json.loads(path.read_text(encoding="utf-8"))
        assert path.name == f"{run['id']}.json"
        assert told["stats"] == json.loads(run["stats"])
        assert not told.get("health") and not told.get("lines"), "nothing was wrong with any of them"
        assert {name: told[name] for name in told.keys() - {"stats", "warc", "health", "lines"}} == {
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
        refers_to = record.field("WARC-Refers-To")
        assert refers_to == (f"<urn:uuid:{row['refers_to']}>" if row["refers_to"] else None)
        status = re.match(rb"HTTP/\d\.\d +(\d{3})", record.block)
        assert status
        assert int(status[1]) == row["status"]
    held = {record.id for record in found_in(archive) if record.type in ANSWERS and is_http(record)}
    assert {f"<urn:uuid:{row['id']}>" for row in rows} == held


def is_http(record: Found) -> bool:
    """Whether an answer is one."""
    return re.match(rb"HTTP/\d\.\d +\d{3}", record.block) is not None


def test_rows_of_revisits_hold_what_their_own_records_say(ten: Path) -> None:
    rows = select(ten, "SELECT * FROM captures WHERE record_type = 'revisit'")
    blocks = {record.id: record.block for record in found_in(ten) if record.type == "revisit"}
    for row in rows:
        lines = blocks[f"<urn:uuid:{row['id']}>"].decode().split("\r\n")
        said = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        names = {"etag": "etag", "last_modified": "last-modified", "mime": "content-type", "location": "location"}
        assert {column: row[column] for column in names} == {column: said.get(names[column]) for column in names}
        assert (row["charset"], row["charset_evidence"]) == (None, None)
    assert {row["status"] for row in rows} == {200, 301, 304, 404}
    listed = select(ten, "SELECT DISTINCT record_type FROM listings JOIN captures ON id = capture_id")
    assert listed == [{"record_type": "response"}]


def test_rows_say_of_their_kind_and_way_what_requests_say(archive: Path) -> None:
    requests = {record.id: record for record in found_in(archive) if record.type == "request"}
    said = {}
    for record in found_in(archive):
        if record.type in ANSWERS and is_http(record):
            request = requests[record.field("WARC-Concurrent-To")]
            said[record.id] = request.field("Ciwen-Kind"), request.field("Ciwen-Via")
    rows = select(archive, "SELECT id, kind, via FROM captures")
    assert {f"<urn:uuid:{row['id']}>": (row["kind"], row["via"]) for row in rows} == said


def test_a_crawl_tells_how_it_came_to_each_page(crawled: Path) -> None:
    rows = select(crawled, "SELECT url, kind, via, status FROM captures")
    reached = {row["url"] for row in rows}
    assert {row["kind"] for row in rows} == {"list", "article", "image", "robots", "other"}
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
    assert Counter(map(raw_of(records), of_type(records, *ANSWERS))) == Counter(entry.response for entry in log)
    assert len(log) > 80


def of_type(records: list[Found], *types: str) -> list[Found]:
    """Those of some types."""
    return [record for record in records if record.type in types]


def raw_of(records: list[Found]) -> Callable[[Found], bytes]:
    """What gives an answer as it went over the wire: a revisit's body is that of its original, as that was framed."""
    by_id = {record.id: record.block for record in records}

    def raw(record: Found) -> bytes:
        if record.type == "response" or record.field("WARC-Profile") == NOT_MODIFIED:
            return record.block
        original = by_id[record.field("WARC-Refers-To")]
        return record.block + original.removeprefix(head_of(original))

    return raw


def test_the_blocks_of_ten_crawls_are_the_bytes_that_the_server_saw(ten: Path, tenfold: Tenfold) -> None:
    """Of each of them but the killed one, of which the last are lost."""
    records = found_in(ten)
    infos = {record.id: described(record)["isPartOf"] for record in of_type(records, "warcinfo")}
    raw = raw_of(records)
    crawls = [row["id"] for row in select(ten, "SELECT id FROM crawls ORDER BY id")]
    for number, (crawl, log) in enumerate(zip(crawls, tenfold.logs, strict=True)):
        own = [record for record in records if infos.get(record.field("WARC-Warcinfo-ID") or "") == crawl]
        requests = Counter(record.block for record in of_type(own, "request"))
        answers = Counter(map(raw, of_type(own, *ANSWERS)))
        if number == KILLED:
            assert requests <= Counter(entry.request for entry in log)
            assert answers <= Counter(entry.response for entry in log)
        else:
            assert requests == Counter(entry.request for entry in log)
            assert answers == Counter(entry.response for entry in log)


def hidden(message: bytes) -> bytes:
    """The message as it may be archived: its secrets struck out."""
    for secret in (b"Basic c2VjcmV0", b"user:secret", b"secret"):
        message = message.replace(secret, b"x" * len(secret))
    return message


def test_the_blocks_of_odd_exchanges_are_the_bytes_that_were_given(odd: Path) -> None:
    records = found_in(odd)
    assert [record.block for record in of_type(records, "request")] == [hidden(each.request) for each in ODD]
    by_id = {record.id: record for record in records}
    answers = of_type(records, *ANSWERS)
    for answer, given in zip(answers, (hidden(each.response) for each in ODD if each.response), strict=True):
        if answer.type == "response":
            assert answer.block == given
        else:
            # However it is framed, its payload is the very same.
            assert given.startswith(answer.block)
            original = by_id[answer.field("WARC-Refers-To")]
            assert entity_of(given) == entity_of(original.block) != b""
            assert answer.field("WARC-Truncated") is None
    assert len(of_type(records, "revisit")) > 30
    interims = [record.block for record in records if record.field("Ciwen-Role") == "interim"]
    assert interims == [interim for exchange in ODD for interim in exchange.interim]
    assert interims
    cut = [record.field("WARC-Truncated") for record in answers]
    assert cut == [exchange.truncated for exchange in ODD if exchange.response]


def test_no_secret_reaches_the_disk(odd: Path) -> None:
    told = [repr(record).encode() for record in found_in(odd)]
    told += [path.read_bytes() for path in odd.rglob("*") if path.is_file()]
    assert not any(secret in each for secret in SECRETS for each in told)
    assert {record.field("Ciwen-Via") for record in found_in(odd)} == {None, "http://xxxxxxxxxxx@odd.example/"}


# pywb


@pytest.fixture(scope="module")
def installed() -> None:
    """pywb is there."""
    pywb.installed()


@pytest.mark.usefixtures("installed")
def test_pywb_indexes_every_capture(archive: Path, tmp_path: Path) -> None:
    printed = pywb.run("cdx-indexer", "-j", "-s", *files_of(archive), cwd=tmp_path)
    lines = [json.loads(line.split(" ", 2)[2]) for line in printed.splitlines()]
    rows = select(archive, "SELECT * FROM captures")
    places = {(line["filename"], int(line["offset"]), int(line["length"])): line for line in lines}
    assert len(places) == sum(record.type in ANSWERS for record in found_in(archive))
    for row in rows:
        line = places[row["warc_file"], row["warc_offset"], row["warc_length"]]
        # What it says of a revisit is that it is one.
        is_revisit = row["record_type"] == "revisit"
        assert line["url"] == row["url"]
        assert line.get("status") == (None if is_revisit else str(row["status"]))
        assert (line["mime"] == "warc/revisit") == is_revisit
        assert "sha1:" + line["digest"] == row["payload_digest"]


@pytest.fixture(scope="module")
def wayback(
    installed: None, crawled: Path, ten: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pywb.Wayback]:
    """pywb's server over the crawled archive, and over that of ten crawls."""
    with pywb.wayback(tmp_path_factory.mktemp("pywb"), ci=files_of(crawled), ten=files_of(ten)) as running:
        yield running


def test_pywb_replays_every_page_as_the_channel_has_it(
    wayback: pywb.Wayback, crawled: Path, shared_channel: Channel
) -> None:
    rows = select(crawled, "SELECT url, fetched_at, kind FROM captures WHERE status = 200 ORDER BY url")
    assert SEED in {row["url"] for row in rows}
    assert {row["kind"] for row in rows} == {"list", "article", "image", "robots", "other"}
    for row in rows:
        page = shared_channel.pages.get(row["url"])
        assert page, row["url"]
        assert wayback.replayed("ci", row["url"], row["fetched_at"]) == (200, page.body), row["url"]


def test_pywb_replays_every_capture_of_ten_crawls_as_the_channel_had_it_at_that_moment(
    wayback: pywb.Wayback, ten: Path, tenfold: Tenfold
) -> None:
    """Revisits too. A 304 it answers itself; then the original that it refers to is what the channel had."""
    rows = {row["id"]: row for row in select(ten, "SELECT * FROM captures ORDER BY url, fetched_at")}
    had = dict(
        zip([row["id"] for row in select(ten, "SELECT id FROM crawls ORDER BY id")], tenfold.served, strict=True)
    )
    # Captures of one second have one address there.
    at = defaultdict(set)
    for row in rows.values():
        page = had[row["crawl_id"]].get(row["url"])
        body = page.body if page and row["status"] == 200 else None
        at[row["url"], pywb.stamp_of(row["fetched_at"])].add((row["status"], body))
    wrong, count = [], Counter()
    for row in rows.values():
        status, body = wayback.replayed("ten", row["url"], row["fetched_at"])
        expected = at[row["url"], pywb.stamp_of(row["fetched_at"])]
        is_right = (status, body if status == 200 else None) in expected
        if row["status"] == 304:
            original = rows[row["refers_to"]]
            page = had[row["crawl_id"]][row["url"]]
            is_right = is_right and wayback.replayed("ten", original["url"], original["fetched_at"]) == (
                200,
                page.body,
            )
        count[row["record_type"], row["status"]] += 1
        if not is_right:
            wrong.append((row["url"], row["fetched_at"], row["status"], status))
    print(f"{len(wrong)} of {len(rows)} captures missing")
    assert wrong == []
    assert {("response", 200), ("revisit", 200), ("revisit", 304), ("revisit", 404)} <= count.keys()
