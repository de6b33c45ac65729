"""A monitor's decision: a record first, then rows that move to quarantine, and stay there while one code reads."""

import json
import shutil
from pathlib import Path

import pytest

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import ROBOTS
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.decision import Decision, decided_by
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.store.upkeep import up_to_date
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import new_id
from ciwen_crawler.warc.recovery import recover
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import Rows, counts, select, tables
from tests.program import ciwen
from tests.rebuilt import rebuilt
from tests.records import found_in

ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]
ONCE, TWICE = "china.com.cn:43000001", "china.com.cn:43000002"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
REASON = "body: halved, before 60 characters"


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in which one article has two versions, to be copied."""
    archive = tmp_path_factory.mktemp("crawled") / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=archive, channel=channel)
        channel.edit(ARTICLES[1].url, "窑火未熄", "窑火已熄")
        ciwen("crawl", archive=archive, channel=channel)
    return archive


@pytest.fixture
def archive(crawled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(crawled, tmp_path / "archive"))


def captures(archive: Path) -> tuple[str, ...]:
    """The captures that are decided against: all looks at the one article, the newer version of the other."""
    c = [row for row in tables(archive)["captures"] if row["kind"] == "article"]
    newer = select(archive, f"SELECT capture_id FROM version_captures WHERE article_id = '{TWICE}' AND version = 2")
    return (*(row["id"] for row in c if row["article_id"] == ONCE), newer[0]["capture_id"])


def decide(archive: Path, *, killed: bool = False) -> tuple[str, ...]:
    """What a run does that has fetched something and judged; the captures that it decided against."""
    against = captures(archive)
    run = Archive(archive, begin(CRAWL, "瓷闻天下", new_id()), {})
    run.keep(Exchange(f"{HOME}robots.txt", clock.now(), b"GET /robots.txt HTTP/1.1\r\n\r\n", ANSWER, kind=ROBOTS))
    run.decide(Decision("lengths", "body", REASON, against))
    if killed:
        run.abandon()
    else:
        run.finish("unhealthy", 3, run.tally.as_dict())
    return against


def versions(archive: Path) -> list[tuple[object, object]]:
    """Those of the two articles."""
    query = f"SELECT article_id, number FROM versions WHERE article_id IN ('{ONCE}', '{TWICE}') ORDER BY 1, 2"
    return [(row["article_id"], row["number"]) for row in select(archive, query)]


def reasons(rows: Rows) -> list[object]:
    return [row["reasons"] for row in rows]


def test_looks_make_no_version_any_more_and_say_why(archive: Path) -> None:
    before = counts(archive)
    against = decide(archive)
    assert versions(archive) == [(TWICE, 1)]
    found = tables(archive)
    assert set(map(str, reasons(found["quarantine"]))) == {json.dumps([REASON], ensure_ascii=False)}
    assert {row["capture_id"] for row in found["decisions"]} == set(against)
    assert counts(archive)["captures"] == before["captures"] + 1


def test_record_stands_before_the_report_and_its_rows_name_it(archive: Path) -> None:
    decide(archive)
    roles = [each.field("Ciwen-Role") for each in found_in(archive) if each.type == "metadata"]
    assert roles[-2:] == ["decision", "report"]
    (record,) = [each for each in found_in(archive) if each.field("Ciwen-Role") == "decision"]
    assert json.loads(record.block)["extractor"] == extractor_digest()
    places = {(row["warc_file"], row["warc_offset"]) for row in tables(archive)["decisions"]}
    assert len(places) == 1


def test_rebuild_gives_the_same_rows(archive: Path, tmp_path: Path) -> None:
    decide(archive)
    assert rebuilt(archive, tmp_path / "again") == tables(archive)


def test_run_that_was_killed_after_it_decided_has_decided(archive: Path, tmp_path: Path) -> None:
    decide(archive, killed=True)
    recover(archive / WARC)
    up_to_date(archive).close()
    assert versions(archive) == [(TWICE, 1)]
    assert rebuilt(archive, tmp_path / "again") == tables(archive)


def test_code_that_has_learned_reads_the_looks_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(archive)
    for module in ("store.store", "store.upkeep"):
        monkeypatch.setattr(f"ciwen_crawler.{module}.extractor_digest", lambda: "another")
    up_to_date(archive).close()
    assert versions(archive) == [(ONCE, 1), (TWICE, 1), (TWICE, 2)]
    assert counts(archive)["decisions"] == 0


def test_decision_holds_where_the_archive_is_taken_in(archive: Path, tmp_path: Path) -> None:
    decide(archive)
    other = tmp_path / "other"
    ciwen("replay", archive, archive=other)
    found, wanted = tables(other), tables(archive)
    for table in ("articles", "versions", "quarantine"):
        assert found[table] == wanted[table], table
    assert rebuilt(other, tmp_path / "again") == found


@pytest.mark.parametrize(
    "block", [b"", b"[]", b"{}", b'{"extractor": "%s", "captures": 1}', b"\xff", b'{"extractor": 7}']
)
def test_what_is_no_decision_decides_nothing(block: bytes) -> None:
    digest = extractor_digest()
    record = Decision("lengths", "body", REASON, ("a",)).record("2025-06-04T08:35:12.123456Z", "warcinfo", digest)
    assert decided_by(record, digest) == Decision("lengths", "body", REASON, ("a",))
    assert decided_by(record, "another") is None
    damaged = type(record)(record.version, record.fields, block.replace(b"%s", digest.encode()))
    assert decided_by(damaged, digest) is None
