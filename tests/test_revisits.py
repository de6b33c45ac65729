"""Identical payloads: what was had before is not kept twice, wherever and whenever it comes again."""

import dataclasses
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ciwen_crawler.message import Message, response
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.memory import Memory
from ciwen_crawler.warc.record import digest
from fixtures.markup import channel_pages, picture
from fixtures.page import Page
from fixtures.server import Channel
from tests.crawls import Crawls, article, crawled, identity, url
from tests.database import select
from tests.records import IDENTICAL, Found, entity_of, head_of

NAMES = "steady wavering pictured lost found zipped empty cut".split()
PICTURES = [f"http://ci.china.com.cn/pic/{name}.jpg" for name in ("one", "same", "other", "late")]
ONE, SAME, OTHER, LATE = PICTURES
JPEG = b"\xff\xd8\xff\xe0"
SORRY = b"<html><body>" + "此页不在。".encode() * 30 + b"</body></html>"


def unvalidated(content: str | bytes) -> Page:
    """A page of a server that names no validators."""
    return Page(content.encode() if isinstance(content, str) else content, modified=None)


def pages() -> dict[str, Page | bytes | str]:
    """The channel in the beginning: nothing in it can be asked for conditionally."""
    shown = tuple(picture(each, "窑口") for each in PICTURES[:3])
    illustrated = dataclasses.replace(article("pictured"), paragraphs=("看图。", *shown))
    found: dict[str, Page | bytes | str] = dict(channel_pages([article(name) for name in NAMES]))
    found = {address: unvalidated(content) for address, content in found.items() if isinstance(content, str)}
    found[url("pictured")] = unvalidated(illustrated.page())
    found |= {ONE: JPEG + b"one" * 99, SAME: JPEG + b"one" * 99, OTHER: JPEG + b"other" * 99, LATE: JPEG + b"one" * 99}
    return found


def before(channel: Channel, crawl: int) -> None:
    """What happens on the channel before a crawl."""
    if crawl == 0:
        # One payload, as an error and as an answer.
        channel.answer(url("lost"), 404, SORRY, [("Content-Type", "text/html")])
        channel.answer(url("found"), 200, SORRY, [("Content-Type", "text/html")])
        # One content, zipped in one answer and plain in the other.
        channel.answer(url("zipped"), 200, article("zipped").page(), [("Content-Type", "text/html")])
        channel.answer(url("empty"), 200, b"", [("Content-Type", "text/html")])
    if crawl == 1:
        channel.edit(url("wavering"), "第二段", "次段")
        channel.answer(url("zipped"), 200, zipped(), [("Content-Type", "text/html"), ("Content-Encoding", "gzip")])
        channel.break_off(url("cut"), after=-50)
        shown = "".join(f"<p>{picture(each)}</p>" for each in PICTURES)
        channel.edit(url("pictured"), "看图。", f"再看图。{shown}")
    if crawl == 2:
        channel.edit(url("wavering"), "次段", "第二段")
        channel.restore(url("cut"))


def zipped() -> bytes:
    return gzip.compress(article("zipped").page().encode(), mtime=0)


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Crawls:
    return crawled(tmp_path_factory.mktemp("revisits"), pages(), before, 3, "-s", "RETRY_ENABLED=False")


@pytest.fixture(scope="module")
def records(crawls: Crawls) -> dict[str, Found]:
    return crawls.records()


def test_rebuilt_is_crawled_after_each(crawls: Crawls) -> None:
    assert crawls.again == crawls.after


def test_page_that_comes_again_is_a_revisit_of_the_first_answer(crawls: Crawls, records: dict[str, Found]) -> None:
    """In every later run: never of another revisit."""
    (first,) = crawls.captures(0, url("steady"))
    assert first["record_type"] == "response"
    for crawl in 1, 2:
        (row,) = crawls.captures(crawl, url("steady"))
        assert (row["record_type"], row["status"], row["refers_to"]) == ("revisit", 200, first["id"])
        assert row["payload_digest"] == first["payload_digest"]
        assert (row["charset"], row["charset_evidence"]) == (None, None)
        assert row["mime"] == "text/html"
        record = records[row["id"]]
        assert record.field("WARC-Profile") == IDENTICAL
        (entry,) = [entry for entry in crawls.logs[crawl] if entry.url == url("steady")]
        assert record.block == head_of(entry.response)
        assert entity_of(records[first["id"]].block) == entity_of(entry.response)


def test_page_that_comes_again_is_a_sighting_and_no_version(crawls: Crawls) -> None:
    for crawl in range(3):
        (capture,) = crawls.captures(crawl, url("steady"))
        row = crawls.article("steady", crawl)
        assert (row["versions"], row["last_captured_at"]) == (1, capture["fetched_at"])


def test_change_that_was_taken_back_is_a_version_of_its_own_by_revisit(crawls: Crawls) -> None:
    first, second, third = (crawls.captures(crawl, url("wavering"))[0] for crawl in range(3))
    assert [row["record_type"] for row in (first, second, third)] == ["response", "response", "revisit"]
    assert third["refers_to"] == first["id"]
    of_versions = [row for row in crawls.after[2]["version_captures"] if row["article_id"] == identity("wavering")]
    assert [row["capture_id"] for row in of_versions] == [first["id"], second["id"], third["id"]]
    one, _, three = [row for row in crawls.after[2]["versions"] if row["article_id"] == identity("wavering")]
    assert {name: one[name] for name in ("title", "body", "content_hash")} == {
        name: three[name] for name in ("title", "body", "content_hash")
    }


def test_payload_that_another_url_had_is_a_revisit_of_that(crawls: Crawls) -> None:
    """In one run, where its row waits to be written, and in a later one."""
    had = {address: crawls.captures(0, address)[0] for address in (ONE, SAME, OTHER)}
    assert sorted(row["record_type"] for row in had.values()) == ["response", "response", "revisit"]
    first, second = sorted((had[ONE], had[SAME]), key=lambda row: (row["warc_file"], row["warc_offset"]))
    assert (second["refers_to"], first["refers_to"], had[OTHER]["refers_to"]) == (first["id"], None, None)
    (late,) = crawls.captures(1, LATE)
    assert (late["record_type"], late["refers_to"], late["kind"]) == ("revisit", first["id"], "image")


def test_payload_of_another_status_is_another(crawls: Crawls) -> None:
    """An error page is no original of a page."""
    lost, found = (crawls.captures(0, url(name))[0] for name in ("lost", "found"))
    assert (lost["status"], found["status"]) == (404, 200)
    assert lost["payload_digest"] == found["payload_digest"]
    assert (lost["record_type"], found["record_type"]) == ("response", "response")
    again = [crawls.captures(1, url(name))[0]["refers_to"] for name in ("lost", "found")]
    assert again == [lost["id"], found["id"]]


def test_payload_in_another_coding_is_another(crawls: Crawls) -> None:
    plain, zipped = (crawls.captures(crawl, url("zipped"))[0] for crawl in (0, 1))
    assert (plain["record_type"], zipped["record_type"]) == ("response", "response")
    assert plain["payload_digest"] != zipped["payload_digest"]
    # What they hold is one content all the same.
    assert crawls.article("zipped")["versions"] == 1
    assert crawls.captures(2, url("zipped"))[0]["refers_to"] == zipped["id"]


def test_empty_payload_is_kept_as_it_is(crawls: Crawls) -> None:
    assert [crawls.captures(crawl, url("empty"))[0]["record_type"] for crawl in range(3)] == ["response"] * 3


def test_what_broke_off_neither_refers_nor_is_referred_to(crawls: Crawls) -> None:
    whole, cut, again = (crawls.captures(crawl, url("cut"))[0] for crawl in range(3))
    assert (cut["record_type"], cut["truncated"], cut["refers_to"]) == ("response", "disconnect", None)
    assert (again["record_type"], again["refers_to"]) == ("revisit", whole["id"])
    assert crawls.article("cut", 1)["last_captured_at"] == whole["fetched_at"]
    assert crawls.article("cut", 2)["last_captured_at"] == again["fetched_at"]


# A digest is a hint


@pytest.fixture
def forged(crawls: Crawls, tmp_path: Path) -> Path:
    """A database in which everything has the payload digest of `PAYLOAD`: as if two payloads had one SHA-1."""
    path = tmp_path / "ciwen.sqlite"
    path.write_bytes((crawls.archive / "ciwen.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE captures SET payload_digest = ?", (digest(PAYLOAD),))
    return path


PAYLOAD = b"other bytes with the same digest"


def answer(payload: bytes) -> Message:
    """A page that comes over the wire."""
    made = response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + payload)
    assert made
    return made


def test_same_digest_of_other_bytes_is_no_revisit(crawls: Crawls, forged: Path) -> None:
    with closing(Database(forged, read_only=True)) as database:
        memory = Memory(database, crawls.archive / "warc")
        assert memory.identical(answer(PAYLOAD), digest(PAYLOAD)) is None


def test_among_those_of_one_digest_the_identical_one_is_found(
    crawls: Crawls, forged: Path, records: dict[str, Found]
) -> None:
    (row,) = select(crawls.archive, "SELECT * FROM captures WHERE url = ? AND record_type = 'response'", OTHER)
    payload = entity_of(records[row["id"]].block)
    with closing(Database(forged, read_only=True)) as database:
        memory = Memory(database, crawls.archive / "warc", Batch(database, lambda: None))
        same = response(records[row["id"]].block)
        assert same
        found = memory.identical(same, digest(PAYLOAD))
        assert found and found.id == row["id"]
        # The name that the bytes have in truth is nobody's here.
        assert memory.identical(same, digest(payload)) is None
