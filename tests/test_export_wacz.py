"""`ciwen export wacz`: a package whose every part is what it says, and from which pywb replays every article."""

import gzip
import hashlib
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.errors import UsageError
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.exports import cdxj, wacz
from ciwen_crawler.exports.output import Written, opened
from ciwen_crawler.period import Period
from ciwen_crawler.store import queries
from ciwen_crawler.warc.record import new_id
from fixtures.markup import Article
from tests import wayback as pywb
from tests.database import Rows, select
from tests.program import ciwen
from tests.records import IDENTICAL, NOT_MODIFIED, Found, files_of, found_in, found_in_file, sha1
from tests.tenfold import Tenfold

ALL = Period()


@dataclass(frozen=True)
class Packed:
    """A WACZ, and what is in it."""

    path: Path
    parts: dict[str, bytes]

    def read(self, name: str) -> Any:
        """A JSON file."""
        return json.loads(self.parts[name])

    @property
    def pages(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.parts["pages/pages.jsonl"].splitlines()[1:]]

    @property
    def index(self) -> list[dict[str, str]]:
        """What its index says of each capture."""
        lines = gzip.decompress(self.parts["indexes/index.cdx.gz"]).decode().splitlines()
        return [json.loads(line.split(" ", 2)[2]) for line in lines]

    def records(self, folder: Path) -> list[Found]:
        """Every record in it; WARC files are put into a folder for that."""
        with zipfile.ZipFile(self.path) as package:
            names = [name for name in package.namelist() if name.startswith("archive/")]
            return [record for name in names for record in found_in_file(Path(package.extract(name, folder)))]


def packed(archive: Path, path: Path, period: Period = ALL) -> Packed:
    """An archive, packed."""
    with closing(queries.opened(archive)) as database:
        written = wacz.write(database, archive, str(path), period)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    found = Packed(path, parts)
    assert written == Written(len(found.index), path.stat().st_size, len(found.pages))
    assert list(path.parent.iterdir()) == [path]
    return found


@pytest.fixture(scope="module")
def ten(tenfold: Tenfold) -> Path:
    return tenfold.archive


@pytest.fixture(scope="module")
def whole(ten: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """All of ten crawls."""
    return packed(ten, tmp_path_factory.mktemp("whole") / "whole.wacz")


@pytest.fixture(scope="module")
def late(ten: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """The last crawls of the ten, most of whose originals are in earlier ones."""
    return packed(ten, tmp_path_factory.mktemp("late") / "late.wacz", late_period(ten))


def late_period(archive: Path) -> Period:
    return Period(select(archive, "SELECT started_at FROM crawls ORDER BY id")[-2]["started_at"], None)


@pytest.fixture(params=["whole", "late"])
def package(request: pytest.FixtureRequest) -> Packed:
    """Either."""
    found: Packed = request.getfixturevalue(request.param)
    return found


# What the standard asks for


def test_every_part_is_described_with_its_digest(package: Packed) -> None:
    described = package.read("datapackage.json")
    assert (described["profile"], described["wacz_version"]) == ("data-package", "1.1.1")
    assert described["software"].startswith("Ciwen/")
    assert clock.read(described["created"])
    assert described["title"] == "瓷闻天下"
    assert re.fullmatch(r"\d+ versions of articles in \d+ captures, from \S+Z to \S+Z\.", described["description"])
    own = {"datapackage.json", "datapackage-digest.json"}
    assert {each["path"] for each in described["resources"]} == package.parts.keys() - own
    for each in described["resources"]:
        part = package.parts[each["path"]]
        assert each["hash"] == "sha256:" + hashlib.sha256(part).hexdigest()
        assert each["bytes"] == len(part)
        assert each["name"] == Path(each["path"]).name.lower()
    digest = "sha256:" + hashlib.sha256(package.parts["datapackage.json"]).hexdigest()
    assert package.read("datapackage-digest.json") == {"path": "datapackage.json", "hash": digest}


def test_what_is_compressed_already_is_stored_as_it_is(package: Packed) -> None:
    with zipfile.ZipFile(package.path) as opened_:
        stored = {each.filename for each in opened_.infolist() if each.compress_type == zipfile.ZIP_STORED}
    assert stored == {name for name in package.parts if name.endswith(".gz")}


def test_readers_that_trust_the_directory_find_where_each_part_begins(package: Packed) -> None:
    """Where the directory has no extra field wabac.js takes it that the head of the entry has none either."""
    with zipfile.ZipFile(package.path) as opened_:
        entries = opened_.infolist()
    data = package.path.read_bytes()
    for entry in entries:
        lengths = struct.unpack_from("<HH", data, entry.header_offset + 26)
        assert entry.extra or lengths[1] == 0
        begins = entry.header_offset + 30 + sum(lengths)
        if entry.compress_type == zipfile.ZIP_STORED:
            assert data[begins : begins + entry.file_size] == package.parts[entry.filename]


def test_py_wacz_finds_it_valid(package: Packed) -> None:
    program = str(Path(sys.executable).with_name("wacz"))
    done = subprocess.run([program, "validate", "-f", str(package.path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation succeeded" in done.stdout


def test_the_index_in_blocks_is_the_whole_index(whole: Packed, ten: Path, tmp_path: Path) -> None:
    with closing(queries.opened(ten)) as database:
        cdxj.write(database, ten, str(tmp_path / "index.cdxj"), ALL)
    blocks, head = whole.parts["indexes/index.cdx.gz"], whole.parts["indexes/index.idx"].decode().splitlines()
    assert head[0] == '!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}'
    end, found = 0, b""
    for line in head[1:]:
        prefix, told = line.split(" {", 1)
        place = json.loads("{" + told)
        assert place["offset"] == end
        block = blocks[end : end + place["length"]]
        end += len(block)
        assert place["digest"] == "sha256:" + hashlib.sha256(block).hexdigest()
        lines = gzip.decompress(block)
        assert lines.decode().startswith(prefix + " {")
        found += lines
    assert end == len(blocks)
    lines_found = found.decode().splitlines()
    assert lines_found == sorted(lines_found)
    assert len(head) == 1 + -(-len(lines_found) // 300)
    # It is exact to the millisecond, and a 304 has no status there.
    assert all(re.fullmatch(r"\S+ \d{17} \{.*\}", line) for line in lines_found)
    coarse = [re.sub(r"^(\S+ \d{14})\d{3} ", r"\1 ", line) for line in lines_found]
    coarse = [line.replace('"status": "-"', '"status": "304"') for line in coarse]
    assert sorted(coarse) == (tmp_path / "index.cdxj").read_text().splitlines()
    assert '"status": "304"' not in found.decode()
    assert '"status": "-"' in found.decode()


def test_the_index_names_every_capture_where_it_lies(package: Packed, tmp_path: Path) -> None:
    records = package.records(tmp_path)
    captures = [each for each in records if each.type in ("response", "revisit", "resource")]
    found = {(line["filename"], int(line["offset"]), int(line["length"])): line["url"] for line in package.index}
    assert found == {(each.file, each.offset, each.length): each.field("WARC-Target-URI") for each in captures}


def test_packing_again_differs_in_its_moment_alone(whole: Packed, ten: Path, tmp_path: Path) -> None:
    again = packed(ten, tmp_path / "again.wacz")
    assert list(again.parts) == list(whole.parts)
    changed = {name for name in again.parts if again.parts[name] != whole.parts[name]}
    assert changed <= {"datapackage.json", "datapackage-digest.json"}
    without = [{**each.read("datapackage.json"), "created": None} for each in (again, whole)]
    assert without[0] == without[1]


# Pages


def versions(archive: Path) -> Rows:
    """Every version of an article with the capture of its first page (the original of a 304), and its captions."""
    return select(
        archive,
        """SELECT v.*, c.id AS capture_id, coalesce(o.url, c.url) AS url,
               coalesce(o.fetched_at, c.fetched_at) AS fetched_at, (
               SELECT group_concat(caption, char(10)) FROM (
                   SELECT caption FROM images i WHERE i.article_id = v.article_id AND i.version = v.number
                   ORDER BY position)) AS captions
           FROM versions v
           JOIN version_captures p ON p.article_id = v.article_id AND p.version = v.number AND p.page IN (0, 1)
           JOIN captures c ON c.id = p.capture_id
           LEFT JOIN captures o ON o.id = c.refers_to AND c.status = 304
           ORDER BY v.article_id, v.number""",
    )


def test_every_version_of_an_article_is_a_page_that_can_be_searched(whole: Packed, ten: Path) -> None:
    head = json.loads(whole.parts["pages/pages.jsonl"].splitlines()[0])
    assert head == {"format": "json-pages-1.0", "id": "pages", "title": "Articles", "hasText": True}
    for page, row in zip(whole.pages, versions(ten), strict=True):
        read = "\n".join(filter(None, (row["body"], row["captions"])))
        text, _, words = page.pop("text").rpartition("\n")
        assert text == f"{row['title']}\n{read}"
        # Those who search know words by the blanks between them.
        runs = re.findall(r"[\u4e00-\u9fff]+", f"{row['title']} {read}")
        assert set(words.split()) == {
            run[at : at + n] for run in runs for n in (2, 3, 4) for at in range(len(run) - n + 1)
        }
        assert page == {
            "id": f"{row['article_id']}-{row['number']}",
            "url": row["url"],
            "ts": row["fetched_at"],
            "title": row["title"],
        }
    assert len(whole.pages) == select(ten, "SELECT count(*) AS n FROM versions")[0]["n"]
    assert any("窑口" in page["text"] for page in whole.pages)


def test_pages_of_a_period_are_those_whose_captures_are_in_it(late: Packed, ten: Path, tmp_path: Path) -> None:
    inside = {f"{each.id}".strip("<>").removeprefix("urn:uuid:") for each in late.records(tmp_path)}
    rows = [row for row in versions(ten) if row["capture_id"] in inside]
    assert [page["id"] for page in late.pages] == [f"{row['article_id']}-{row['number']}" for row in rows]
    assert 0 < len(rows) < len(versions(ten))


def test_the_main_page_is_the_home_of_the_channel(package: Packed) -> None:
    described = package.read("datapackage.json")
    assert described["mainPageUrl"] == "http://ci.china.com.cn/"
    stamp = "".join(re.findall(r"\d", described["mainPageDate"]))[:17]
    lines = gzip.decompress(package.parts["indexes/index.cdx.gz"]).decode()
    assert f"cn,com,china,ci)/ {stamp} " in lines


# WARC files


def test_the_whole_holds_the_files_as_they_are(whole: Packed, ten: Path) -> None:
    held = {name: part for name, part in whole.parts.items() if name.startswith("archive/")}
    assert held == {f"archive/{path.name}": path.read_bytes() for path in files_of(ten)}
    assert len(held) > 1


def expected(archive: Path, period: Period) -> set[str | None]:
    """The ids of the records that a period asks for, worked out from the records alone."""
    records = {record.id: record for record in found_in(archive)}
    captures = {each.id for each in records.values() if each.type in ("response", "revisit", "resource")}
    wanted = {
        each
        for each in captures
        if (period.since or "") <= (records[each].field("WARC-Date") or "") <= (period.until or "9")
    }
    wanted |= {records[each].field("WARC-Refers-To") for each in wanted} - {None}
    concurrent = {each.id: each.field("WARC-Concurrent-To") for each in records.values()}
    requests = {concurrent[each] for each in wanted} - {None}
    interims = {each for each in records if records[each].type == "metadata" and concurrent[each] in requests}
    wanted |= requests | interims
    return wanted | {records[each].field("WARC-Warcinfo-ID") for each in wanted}


def test_a_period_holds_its_captures_with_all_that_belongs_to_them(late: Packed, ten: Path, tmp_path: Path) -> None:
    found = late.records(tmp_path)
    wanted = expected(ten, late_period(ten)) - {None}
    assert {record.id for record in found} == wanted
    assert len(found) == len(wanted)
    there = {record.id: record for record in found_in(ten)}
    for record in found:
        original = there[record.id]
        source = (ten / "warc" / original.file).read_bytes()[original.offset : original.offset + original.length]
        part = late.parts[f"archive/{record.file}"]
        assert record.file == f"excerpt-of-{original.file}"
        assert part[record.offset : record.offset + record.length] == source
    originals = {record.field("WARC-Refers-To") for record in found if record.type == "revisit"}
    assert originals
    assert originals <= {record.id for record in found if record.type == "response"}


def test_warcinfos_stand_before_what_names_them(late: Packed, tmp_path: Path) -> None:
    seen: set[str | None] = set()
    for record in late.records(tmp_path):
        assert record.type == "warcinfo" or record.field("WARC-Warcinfo-ID") in seen
        seen.add(record.id)


def exchange(number: int, *interim: bytes) -> Exchange:
    body = b"body %d" % number
    return Exchange(
        url=f"http://odd.example/{number}",
        sent_at=clock.now(),
        request=b"GET /%d HTTP/1.1\r\nHost: odd.example\r\n\r\n" % number,
        response=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
        interim=interim,
    )


EARLY_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


def test_what_came_before_an_answer_comes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    kept = [archive.keep(exchange(number, EARLY_HINT, EARLY_HINT)) for number in range(3)]
    archive.keep(
        Exchange(url="http://odd.example/none", sent_at=clock.now(), request=b"GET / HTTP/1.1\r\n\r\n", response=b"")
    )
    archive.finish("done", 0, {})
    assert kept[1] is not None
    moment = kept[1].fetched_at
    (tmp_path / "out").mkdir()
    found = packed(folder, tmp_path / "out" / "one.wacz", Period(moment, moment)).records(tmp_path)
    assert [record.type for record in found] == ["warcinfo", "request", "metadata", "metadata", "response"]
    assert found[-1].id == f"<urn:uuid:{kept[1].id}>"
    assert {record.id for record in found} == expected(folder, Period(moment, moment))


def test_requests_of_other_archivers_that_stand_behind_their_answers_come_too(tmp_path: Path) -> None:
    with (tmp_path / "foreign.warc.gz").open("wb") as file:
        for number in range(3):
            foreign(file, number)
    folder = tmp_path / "archive"
    ciwen("replay", tmp_path / "foreign.warc.gz", archive=folder)
    moment = "2020-01-02T00:00:00.000000Z"
    (tmp_path / "out").mkdir()
    found = packed(folder, tmp_path / "out" / "one.wacz", Period(moment, moment)).records(tmp_path)
    assert [record.type for record in found] == ["warcinfo", "response", "request"]
    assert {record.field("WARC-Target-URI") for record in found[1:]} == {"http://odd.example/1"}


def foreign(file: Any, number: int) -> None:
    """A run of another archiver, with one exchange."""
    writer = WARCWriter(file, gzip=True, warc_version="1.1")
    info = writer.create_warcinfo_record("other.warc.gz", {"software": "other"})
    headers = {"WARC-Date": f"2020-01-0{number + 1}T00:00:00Z", "WARC-Warcinfo-ID": info.rec_headers["WARC-Record-ID"]}
    response = writer.create_warc_record(
        f"http://odd.example/{number}",
        "response",
        payload=io.BytesIO(b"body %d" % number),
        http_headers=StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.1"),
        warc_headers_dict=headers,
    )
    request = writer.create_warc_record(
        f"http://odd.example/{number}",
        "request",
        http_headers=StatusAndHeaders("GET / HTTP/1.1", [("Host", "odd.example")], is_http_request=True),
        warc_headers_dict=headers | {"WARC-Concurrent-To": response.rec_headers["WARC-Record-ID"]},
    )
    for record in (info, response, request):
        writer.write_record(record)


def plain(kind: str, number: int, block: bytes, **fields: str) -> bytes:
    """A record of another archiver, of the day of that number; names have `_` for `-`."""
    names = {
        "WARC-Type": kind,
        "WARC-Record-ID": urn(number),
        "WARC-Target-URI": ARTICLE,
        "WARC-Date": day(number),
        "Content-Type": "application/http;msgtype=response",
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
    return b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def urn(number: int) -> str:
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


def day(number: int) -> str:
    return f"2025-06-1{number}T08:35:12Z"


ARTICLE = "http://ci.china.com.cn/2025-06/04/content_43000001.html"
UNCHANGED = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'


@pytest.fixture(scope="module")
def foreign_revisits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that was changed and changed back, which its revisits tell without the id of its response."""
    folder = tmp_path_factory.mktemp("foreign")
    pages = [Article(43000001, "开窑记", (text,)).page().encode() for text in ("窑火未熄。", "窑火已熄。")]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    unchanged = {"WARC_Profile": NOT_MODIFIED}
    of_the_first = {"WARC_Refers_To_Target_URI": ARTICLE, "WARC_Refers_To_Date": day(1)}
    of_the_third = {"WARC_Refers_To_Target_URI": ARTICLE, "WARC_Refers_To_Date": day(3)}
    records = [
        plain("response", 1, head + pages[0], WARC_Payload_Digest=sha1(pages[0])),
        plain("response", 2, head + pages[1], WARC_Payload_Digest=sha1(pages[1])),
        plain("revisit", 3, UNCHANGED, **unchanged, **of_the_first),
        plain("revisit", 4, UNCHANGED, **unchanged, WARC_Refers_To=urn(3)),
        plain("revisit", 5, UNCHANGED, **unchanged, **of_the_third),
        plain("revisit", 6, head, WARC_Profile=IDENTICAL, WARC_Payload_Digest=sha1(pages[0])),
    ]
    (folder / "foreign.warc").write_bytes(b"".join(records))
    ciwen("replay", folder / "foreign.warc", archive=folder / "archive")
    return folder / "archive"


@pytest.mark.parametrize(
    ("of", "holds"),
    [(2, {2}), (3, {3, 1}), (4, {4, 3, 1}), (5, {5, 1}), (6, {6, 1})],
    ids=["no revisit", "by URL and moment", "of a revisit", "of a revisit, by URL and moment", "by payload alone"],
)
def test_revisits_of_other_archivers_come_with_their_originals(
    foreign_revisits: Path, tmp_path: Path, of: int, holds: set[int]
) -> None:
    moment = day(of).replace("Z", ".000000Z")
    (tmp_path / "out").mkdir()
    found = packed(foreign_revisits, tmp_path / "out" / "one.wacz", Period(moment, moment))
    captures = [each.id for each in found.records(tmp_path) if each.type in ("response", "revisit")]
    assert sorted(map(str, captures)) == sorted(map(urn, holds))
    assert len(found.index) == len(holds)


def test_a_page_whose_revisit_does_not_name_its_response_is_shown_by_that(
    foreign_revisits: Path, tmp_path: Path
) -> None:
    found = packed(foreign_revisits, tmp_path / "all.wacz")
    assert [page["ts"][:10] for page in found.pages] == ["2025-06-11", "2025-06-12", "2025-06-11"]


def test_a_file_is_not_read_far_behind_what_is_taken_out_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    first, *_ = [archive.keep(exchange(number)) for number in range(200)]
    archive.finish("done", 0, {})
    assert first is not None
    (path,) = files_of(folder)
    last = select(folder, "SELECT * FROM captures ORDER BY warc_offset DESC")[0]
    data = bytearray(path.read_bytes())
    data[last["warc_offset"] + 20 : last["warc_offset"] + last["warc_length"]] = bytes(last["warc_length"] - 20)
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    found = packed(folder, tmp_path / "out" / "one.wacz", Period(first.fetched_at, first.fetched_at))
    assert [record.type for record in found.records(tmp_path)] == ["warcinfo", "request", "response"]


@pytest.mark.parametrize("period", [ALL, Period("2000-01-01T00:00:00.000000Z", None)], ids=["whole", "period"])
def test_an_archive_that_a_run_is_writing(tmp_path: Path, period: Period) -> None:
    """What is durable is packed; half a record behind it is not."""
    folder = tmp_path / "archive"
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    kept = [archive.keep(exchange(number)) for number in range(3)]
    archive.commit()
    (path,) = (folder / "warc").glob("*.open")
    with path.open("ab") as file:
        file.write(path.read_bytes()[:200])
    (tmp_path / "out").mkdir()
    found = packed(folder, tmp_path / "out" / "live.wacz", period)
    archive.abandon()
    assert [name for name in found.parts if name.endswith(".warc.gz")] == [
        f"archive/{'' if period.is_all else 'excerpt-of-'}{path.name.removesuffix('.open')}"
    ]
    records = found.records(tmp_path)
    assert [record.type for record in records] == ["warcinfo", *["request", "response"] * 3]
    assert [record.id for record in records[2::2]] == [f"<urn:uuid:{each.id}>" for each in kept if each]


def test_a_period_without_captures_makes_no_file(ten: Path, tmp_path: Path) -> None:
    with closing(queries.opened(ten)) as database, pytest.raises(UsageError, match="holds no capture of that period"):
        wacz.write(database, ten, str(tmp_path / "none.wacz"), Period(None, "2001-01-01T00:00:00.000000Z"))
    assert not list(tmp_path.iterdir())


def test_a_terminal_is_not_written_to(ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours):
        monkeypatch.setattr(sys, "stdout", terminal)
        with pytest.raises(UsageError, match="a terminal cannot show this"), opened(None, is_text=False):
            pass


# pywb


@pytest.fixture(scope="module")
def served(whole: Packed, late: Packed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pywb.Wayback]:
    """pywb over both packages."""
    pywb.installed()
    with pywb.wayback(tmp_path_factory.mktemp("pywb"), whole=[whole.path], late=[late.path]) as running:
        yield running


@pytest.mark.parametrize("name", ["whole", "late"])
def test_pywb_replays_every_page(
    name: str, served: pywb.Wayback, tenfold: Tenfold, request: pytest.FixtureRequest
) -> None:
    package: Packed = request.getfixturevalue(name)
    crawls = [row["id"] for row in select(tenfold.archive, "SELECT id FROM crawls ORDER BY id")]
    rows = select(tenfold.archive, "SELECT url, fetched_at, crawl_id FROM captures")
    by = {(row["url"], row["fetched_at"]): row["crawl_id"] for row in rows}
    for page in package.pages:
        had = tenfold.served[crawls.index(by[page["url"], page["ts"]])][page["url"]]
        assert served.replayed(name, page["url"], page["ts"]) == (200, had.body), page
    assert package.pages


def test_pywb_replays_every_capture_of_a_period(served: pywb.Wayback, late: Packed, tenfold: Tenfold) -> None:
    """Where a revisit keeps a 304 it answers that; what was identical comes with its original's body."""
    crawls = [row["id"] for row in select(tenfold.archive, "SELECT id FROM crawls ORDER BY id")]
    places = {(line["filename"], int(line["offset"])): line for line in late.index}
    assert places
    rows = select(tenfold.archive, "SELECT * FROM captures WHERE fetched_at >= ?", late_period(tenfold.archive).since)
    # Captures of one second have one address there.
    at = defaultdict(set)
    for row in rows:
        page = tenfold.served[crawls.index(row["crawl_id"])].get(row["url"])
        body = page.body if page and row["status"] == 200 else None
        at[row["url"], row["fetched_at"][:19]].add((row["status"], body))
    for url, second in at:
        status, body = served.replayed("late", url, second)
        assert (status, body if status == 200 else None) in at[url, second], url
    assert {("revisit", 200), ("revisit", 304), ("response", 200)} <= {(r["record_type"], r["status"]) for r in rows}
