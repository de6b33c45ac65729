"""The database: the columns that programs rely on, all or nothing, open to readers while it is written and after."""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select as query_of
from sqlalchemy.exc import IntegrityError

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.errors import CannotWrite, SchemaMismatch, UnreadableInput
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.store import schema
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import NAME, Database, remove, replace
from ciwen_crawler.warc.record import new_id
from fixtures.server import Channel
from tests.database import select, tables
from tests.program import ciwen

# What users and other programs rely on: names may be added and none changed. (Keys, other columns.)
RELIED_ON = {
    "articles": ("id", "url channel state first_captured_at last_captured_at versions same_as"),
    "versions": (
        "article_id number",
        "captured_at title published_at published_precision source author editor body body_html breadcrumb keywords "
        "summary content_hash minor extractor evidence",
    ),
    "images": ("article_id version position", "url alt caption"),
    "version_captures": ("article_id version page", "capture_id"),
    "captures": (
        "id",
        "crawl_id url via kind article_id fetched_at status location mime charset charset_evidence record_type "
        "payload_digest truncated etag last_modified warc_file warc_offset warc_length",
    ),
    "listings": ("capture_id position", "list_url article_url article_id title"),
    "quarantine": ("capture_id", "url reasons fields"),
    "crawls": ("id", "mode started_at finished_at outcome exit_code software stats"),
    "meta": ("key", "value"),
}
LATEST = (
    "id url channel state title published_at source author editor body captions image_count version captured_at "
    "warc_file warc_offset warc_length"
)
COMPANIONS = ("-wal", "-shm", "-journal")
MOMENT = "2025-06-04T08:35:12.123456Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an archive's database lies."""
    return tmp_path / NAME


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """A new one."""
    opened = Database(path)
    yield opened
    opened.close()


def companions(path: Path) -> list[str]:
    """The files that SQLite keeps beside a database."""
    return [suffix for suffix in COMPANIONS if path.with_name(path.name + suffix).exists()]


def is_wal(path: Path) -> bool:
    """By the file's header (SQLite file format, section 1.3.3)."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def listing(position: int, title: str | None = None, capture_id: str = "c") -> dict[str, Any]:
    """A row."""
    return {
        "capture_id": capture_id,
        "position": position,
        "list_url": "http://a/",
        "article_url": "http://a/content_1.html",
        "article_id": "china.com.cn:1",
        "title": title,
    }


def article(number: int, **more: Any) -> dict[str, Any]:
    """A row."""
    row = {"id": f"china.com.cn:{number}", "url": f"http://a/content_{number}.html", "channel": None, "state": "live"}
    moments = dict.fromkeys(("first_captured_at", "last_captured_at", "looked_at", "dated_at"), MOMENT)
    return row | moments | {"versions": 1, "same_as": None} | more


def version(number: int = 1, of: int = 1, **more: Any) -> dict[str, Any]:
    """A row."""
    row = {column.name: None for column in schema.versions.c}
    names = {"article_id": f"china.com.cn:{of}", "number": number, "captured_at": MOMENT, "captured_url": "http://a/"}
    return (
        row | names | {"content_hash": "0", "substance_hash": "0", "minor": 0, "extractor": "E", "evidence": {}} | more
    )


def image(position: int, caption: str | None = None, version: int = 1) -> dict[str, Any]:
    """A row."""
    row = {"article_id": "china.com.cn:1", "version": version, "position": position, "url": f"http://a/{position}.jpg"}
    return row | {"alt": None, "caption": caption}


def titles(path: Path) -> list[str | None]:
    """The titles of all listings, as another connection sees them."""
    return [row["title"] for row in select(path.parent, "SELECT title FROM listings ORDER BY capture_id, position")]


# Tables


@pytest.mark.parametrize("table", RELIED_ON)
def test_tables_have_the_columns_that_are_relied_on(database: Database, path: Path, table: str) -> None:
    keys, others = (names.split() for names in RELIED_ON[table])
    info = select(path.parent, f"SELECT name, pk FROM pragma_table_info('{table}')")
    assert [row["name"] for row in sorted(info, key=lambda row: row["pk"]) if row["pk"]] == keys
    assert {*keys, *others} <= {row["name"] for row in info}


def test_there_are_no_other_tables(database: Database, path: Path) -> None:
    assert set(tables(path.parent)) == {*RELIED_ON, "decisions"}


def test_latest_has_the_columns_that_are_relied_on(database: Database, path: Path) -> None:
    info = select(path.parent, "SELECT name FROM pragma_table_info('latest')")
    assert [row["name"] for row in info] == LATEST.split()


def test_a_database_says_of_which_schema_it_is(database: Database, path: Path) -> None:
    assert select(path.parent, "SELECT * FROM meta") == [{"key": "schema_version", "value": schema.SCHEMA_VERSION}]


def test_latest_is_the_newest_version_with_its_captions_in_order(database: Database, path: Path) -> None:
    batch = Batch(database, lambda: None)
    batch.add(schema.articles, [article(1, versions=10), article(2)])
    batch.add(schema.versions, [version(number, title=f"T{number}") for number in (1, 9, 10)] + [version(of=2)])
    captions = {2: "second", 10: "tenth", 1: None}
    batch.add(schema.images, [image(position, caption, 10) for position, caption in captions.items()])
    batch.add(schema.images, [image(1, "old", 9)])
    pages = [{"article_id": "china.com.cn:1", "version": 10, "page": page, "capture_id": f"c{page}"} for page in (2, 1)]
    batch.add(schema.version_captures, pages)
    place = {"warc_file": "a.warc.gz", "warc_offset": 7, "warc_length": 8}
    blank = {column.name: None for column in schema.captures.c}
    capture = {
        "id": "c1",
        "crawl_id": "1",
        "url": "u",
        "kind": "article",
        "fetched_at": MOMENT,
        "record_type": "response",
    }
    batch.add(schema.captures, [blank | capture | place, blank | capture | place | {"id": "c2", "warc_offset": 90}])
    batch.flush()
    first, second = select(path.parent, "SELECT * FROM latest ORDER BY id")
    assert json.loads(first["captions"]) == [None, "second", "tenth"]
    assert (first["title"], first["version"], first["image_count"]) == ("T10", 10, 3)
    assert {name: first[name] for name in place} == place
    # An article stays visible whatever it lacks.
    assert (second["captions"], second["image_count"], second["warc_file"]) == ("[]", 0, None)


# Opening


def test_a_database_opened_again_is_the_same(database: Database, path: Path) -> None:
    before = path.read_bytes()
    Database(path).close()
    Database(path, read_only=True).close()
    assert path.read_bytes() == before
    assert companions(path) == []


@pytest.mark.parametrize("name", ["瓷.sqlite", "a b.sqlite", "a?b#c%20d.sqlite", "a;b'c.sqlite"])
def test_any_name_is_a_file(tmp_path: Path, name: str) -> None:
    Database(tmp_path / name).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def other_schema(path: Path) -> None:
    """A database of a later Ciwen."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('schema_version', '999')")


def no_schema(path: Path) -> None:
    """A database of another program."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def empty_meta(path: Path) -> None:
    """A database whose meta says nothing."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")


def garbage(path: Path) -> None:
    """No database."""
    path.write_bytes(b"<html>" * 1000)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (other_schema, "schema 999, not 3"),
        (no_schema, "no schema of Ciwen's"),
        (empty_meta, "no schema of Ciwen's"),
        (garbage, "is damaged or no database"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(path: Path, make: Any, told: str, read_only: bool) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match=told) as refusal:
        Database(path, read_only=read_only)
    assert "`ciwen rebuild --archive " in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert path.read_bytes() == before


def test_a_folder_is_no_database(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SchemaMismatch, match="is a folder"):
        Database(path)


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"cannot write .*missing"):
        Database(tmp_path / "missing" / NAME)


def test_a_database_that_is_not_there_cannot_be_read(path: Path) -> None:
    with pytest.raises(UnreadableInput, match=r"cannot read .*ciwen.sqlite"):
        Database(path, read_only=True)
    assert not path.exists()


def test_read_only_is_read_only(database: Database, path: Path) -> None:
    reader = Database(path, read_only=True)
    with closing(reader), pytest.raises(UnreadableInput, match="readonly"):
        reader.connection.execute(schema.meta.insert(), [{"key": "a", "value": "b"}])


# Writing


def test_the_journal_is_wal_only_while_a_run_writes(database: Database, path: Path) -> None:
    assert not is_wal(path)
    database.begin_writing()
    write(database, "a")
    assert is_wal(path)
    assert "-wal" in companions(path)
    database.end_writing()
    assert not is_wal(path)
    assert companions(path) == []
    assert titles(path) == ["a"]


def write(database: Database, title: str) -> None:
    """A listing, committed."""
    batch = Batch(database, lambda: None)
    found = database.connection.execute(query_of(func.count()).select_from(schema.listings)).scalar_one()
    batch.add(schema.listings, [listing(found + 1, title)])
    batch.flush()


def test_readers_go_on_while_a_run_writes(database: Database, path: Path) -> None:
    database.begin_writing()
    write(database, "a")
    reader = Database(path, read_only=True)
    with database.transaction() as connection:
        connection.execute(schema.listings.insert(), [listing(2, "b")])
        assert titles(path) == ["a"]
        assert reader.connection.execute(query_of(schema.listings.c.title)).scalars().all() == ["a"]
    assert titles(path) == ["a", "b"]
    reader.close()


def test_a_reader_in_the_middle_of_a_query_stops_nobody(database: Database, path: Path) -> None:
    database.begin_writing()
    for title in "abc":
        write(database, title)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        cursor = reader.execute("SELECT title FROM listings ORDER BY position")
        assert cursor.fetchone() == ("a",)
        database.end_writing()
        assert is_wal(path), "or there was nothing in its way"
        database.close()
        assert cursor.fetchall() == [("b",), ("c",)]
    assert titles(path) == ["a", "b", "c"]
    # The next run leaves the file as this one would have.
    after = Database(path)
    after.begin_writing()
    after.end_writing()
    after.close()
    assert not is_wal(path)
    assert companions(path) == []
    assert titles(path) == ["a", "b", "c"]


def test_a_transaction_is_all_or_nothing(database: Database, path: Path) -> None:
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute(schema.listings.insert(), [listing(1)])
        raise RuntimeError
    assert titles(path) == []
    write(database, "after")
    assert titles(path) == ["after"]


def test_a_full_disk(database: Database, path: Path) -> None:
    database.begin_writing()
    write(database, "before")
    pages = database.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(CannotWrite, match=r"cannot write .*ciwen.sqlite .*full"), database.transaction() as connection:
        connection.execute(schema.listings.insert(), [listing(n, "x" * 5000) for n in range(2, 50)])
    assert titles(path) == ["before"]
    database.connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    write(database, "after")
    assert titles(path) == ["before", "after"]


def test_a_second_writer_waits_and_is_told(database: Database, path: Path) -> None:
    database.connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotWrite, match="locked"):
            write(database, "a")
        other.execute("ROLLBACK")
    write(database, "a")
    assert titles(path) == ["a"]


def test_what_is_removed_is_removed_whole(path: Path) -> None:
    for suffix in ("", *COMPANIONS):
        path.with_name(path.name + suffix).write_bytes(b"x")
    path.with_name("other").write_bytes(b"x")
    remove(path)
    assert [each.name for each in path.parent.iterdir()] == ["other"]
    remove(path)


def test_a_stale_wal_brings_no_old_rows_back(path: Path) -> None:
    old = Database(path)
    old.begin_writing()
    write(old, "old")
    stale = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("-wal", "-shm")}
    old.close()
    for suffix, data in stale.items():
        path.with_name(path.name + suffix).write_bytes(data)
    beside = path.with_name("new")
    built = Database(beside)
    write(built, "new")
    built.close()
    replace(path, beside)
    assert titles(path) == ["new"]
    assert [each.name for each in path.parent.iterdir()] == [NAME]


# Batches


class Before:
    """What a batch calls ahead of a commit, and what the database held each time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[list[str | None]] = []
        self.fault: CannotWrite | None = None

    def __call__(self) -> None:
        self.seen.append(titles(self.path))
        if self.fault:
            raise self.fault


@pytest.fixture
def before(path: Path) -> Before:
    """Notes each commit."""
    return Before(path)


@pytest.fixture
def batch(database: Database, before: Before) -> Batch:
    """An empty one."""
    return Batch(database, before)


def test_rows_are_written_when_the_batch_is(batch: Batch, before: Before, path: Path) -> None:
    batch.add(schema.listings, [listing(1, "a"), listing(2, "b")])
    assert batch.size == 2
    assert (titles(path), before.seen) == ([], [])
    batch.flush()
    assert (titles(path), before.seen, batch.size) == (["a", "b"], [[]], 0)
    batch.flush()
    assert before.seen == [[]], "nothing to write, nothing to make durable"


def test_what_cannot_be_made_durable_is_not_written(batch: Batch, before: Before, path: Path) -> None:
    batch.add(schema.listings, [listing(1, "a")])
    before.fault = CannotWrite("disk full")
    with pytest.raises(CannotWrite, match="disk full"):
        batch.flush()
    assert titles(path) == []
    before.fault = None
    batch.flush()
    assert titles(path) == ["a"]


def test_captures_and_listings_stay_as_they_came_first(batch: Batch, path: Path) -> None:
    batch.add(schema.listings, [listing(1, "first")])
    batch.add(schema.listings, [listing(1, "second"), listing(2, "other")])
    batch.flush()
    assert titles(path) == ["first", "other"]
    batch.add(schema.listings, [listing(1, "third")])
    batch.flush()
    assert titles(path) == ["first", "other"]


def test_other_rows_are_the_newest(batch: Batch, path: Path) -> None:
    batch.add(schema.articles, [article(1, state="live"), article(1, state="gone")])
    batch.flush()
    assert select(path.parent, "SELECT state FROM articles") == [{"state": "gone"}]
    batch.add(schema.articles, [article(1, channel="瓷闻天下", versions=2)])
    batch.flush()
    assert select(path.parent, "SELECT * FROM articles") == [article(1, channel="瓷闻天下", versions=2)]


def test_rows_may_come_in_any_order_of_tables(batch: Batch, path: Path) -> None:
    batch.add(schema.images, [image(1)])
    batch.add(schema.versions, [version()])
    batch.add(schema.articles, [article(1)])
    batch.flush()
    assert select(path.parent, "PRAGMA foreign_key_check") == []
    assert [len(tables(path.parent)[name]) for name in ("articles", "versions", "images")] == [1, 1, 1]


def test_a_batch_is_all_or_nothing(batch: Batch, path: Path) -> None:
    batch.add(schema.listings, [listing(1, "a")])
    batch.add(schema.articles, [article(1) | {"state": None}])
    with pytest.raises(IntegrityError):
        batch.flush()
    assert titles(path) == []


def test_a_forgotten_article_loses_all_its_rows(batch: Batch, path: Path) -> None:
    batch.add(schema.articles, [article(1, versions=2), article(2)])
    batch.add(schema.versions, [version(1), version(2), version(of=2)])
    batch.add(schema.images, [image(1, "old"), image(2, "old", 2)])
    page = {"article_id": "china.com.cn:1", "version": 1, "page": 1, "capture_id": "c"}
    batch.add(schema.version_captures, [page])
    batch.flush()
    batch.add(schema.images, [image(3, "waiting")])
    batch.forget("china.com.cn:1")
    batch.add(schema.articles, [article(1)])
    batch.add(schema.versions, [version(1, title="new")])
    batch.flush()
    rows = tables(path.parent)
    assert [(row["article_id"], row["number"], row["title"]) for row in rows["versions"]] == [
        ("china.com.cn:1", 1, "new"),
        ("china.com.cn:2", 1, None),
    ]
    assert rows["images"] == rows["version_captures"] == []
    assert [row["versions"] for row in rows["articles"]] == [1, 1]


def test_to_forget_is_work_enough(batch: Batch, path: Path) -> None:
    batch.add(schema.articles, [article(1)])
    batch.flush()
    batch.forget("china.com.cn:1")
    batch.flush()
    assert tables(path.parent)["articles"] == []


def test_json_is_legible_and_absence_is_null(batch: Batch, path: Path) -> None:
    batch.add(schema.articles, [article(1)])
    batch.add(schema.versions, [version(keywords=["陶瓷", "a"], breadcrumb=None, evidence={"title": "h1"})])
    batch.flush()
    (row,) = select(path.parent, "SELECT keywords, breadcrumb, evidence FROM versions")
    assert row == {"keywords": '["陶瓷","a"]', "breadcrumb": None, "evidence": '{"title":"h1"}'}


# What runs leave


@pytest.fixture(scope="module")
def crawled(shared_channel: Channel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled channel, crawled."""
    archive = tmp_path_factory.mktemp("crawled")
    ciwen("crawl", archive=archive, channel=shared_channel)
    return archive


@pytest.fixture(scope="module")
def empty_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers whose headers say nothing, or in no composed form."""
    folder = tmp_path_factory.mktemp("headers")
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    names = ("Content-Type", "ETag", "Last-Modified", "Location")
    for number, value in enumerate(["", "  ", "\t", ";", "e\u0301", "\ufeff", "\x00", "瓷"]):
        head = "".join(f"{name}: {value}\r\n" for name in names)
        raw = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()
        archive.keep(Exchange(f"http://a/{number}", clock.now(), b"GET / HTTP/1.1\r\n\r\n", raw))
    archive.finish("done", 0, {})
    return folder


@pytest.fixture(params=["crawled", "empty_headers"])
def archive(request: pytest.FixtureRequest) -> Path:
    """Each of the two."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


def values(archive: Path) -> Iterator[tuple[str, Any]]:
    """(table.column, value) of everything."""
    for table, rows in tables(archive).items():
        for row in rows:
            for column, value in row.items():
                yield f"{table}.{column}", value
    for row in select(archive, "SELECT * FROM latest"):
        for column, value in row.items():
            yield f"latest.{column}", value


def test_absent_is_null(archive: Path) -> None:
    for name, value in values(archive):
        assert not isinstance(value, str) or value.strip(), name
        assert value != "null", name
        assert not isinstance(value, bytes), name


def test_text_is_composed_and_clean(archive: Path) -> None:
    for name, value in values(archive):
        if isinstance(value, str):
            assert unicodedata.is_normalized("NFC", value), (name, value)
            assert not set(value) & {"\0", "\ufeff", "\u200b", "\ufffd"}, (name, value)
            assert value == value.strip(), (name, value)


def test_moments_are_of_one_form(archive: Path) -> None:
    measured = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    printed = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
    names = {name for name, _ in values(archive) if name.endswith("_at")}
    assert {"captures.fetched_at", "crawls.started_at", "crawls.finished_at"} <= names
    for name, value in values(archive):
        if name.endswith("_at"):
            assert (printed if name.endswith("published_at") else measured).fullmatch(value), (name, value)


def test_json_is_json(archive: Path) -> None:
    columns = {"breadcrumb": list, "keywords": list, "evidence": dict, "charset_evidence": dict, "captions": list}
    columns |= {"reasons": list, "fields": dict, "stats": dict}
    for name, value in values(archive):
        kind = columns.get(name.partition(".")[2])
        if kind and value is not None:
            assert isinstance(json.loads(value), kind), (name, value)


def test_precisions_say_what_the_moments_hold(crawled: Path) -> None:
    rows = select(crawled, "SELECT published_at, published_precision FROM versions")
    assert {row["published_precision"] for row in rows} <= {"second", "minute", "day"}
    for row in rows:
        if row["published_precision"] != "second":
            assert row["published_at"].endswith(":00+08:00")
        if row["published_precision"] == "day":
            assert row["published_at"].endswith("T00:00:00+08:00")


def test_a_database_at_rest_is_whole_and_alone(archive: Path) -> None:
    assert companions(archive / NAME) == []
    assert not is_wal(archive / NAME)
    assert select(archive, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert select(archive, "PRAGMA foreign_key_check") == []


def test_rows_that_belong_together_are_there(crawled: Path) -> None:
    lacking = [
        "SELECT article_id FROM versions WHERE article_id NOT IN (SELECT id FROM articles)",
        "SELECT id FROM articles a WHERE versions <> (SELECT count(*) FROM versions WHERE article_id = a.id)",
        "SELECT capture_id FROM version_captures WHERE capture_id NOT IN (SELECT id FROM captures)",
        "SELECT capture_id FROM listings WHERE capture_id NOT IN (SELECT id FROM captures WHERE kind = 'list')",
        "SELECT capture_id FROM quarantine WHERE capture_id NOT IN (SELECT id FROM captures)",
        "SELECT crawl_id FROM captures WHERE crawl_id NOT IN (SELECT id FROM crawls)",
        "SELECT id FROM latest WHERE warc_file IS NULL",
        "SELECT id FROM articles WHERE id NOT IN (SELECT id FROM latest)",
    ]
    assert [select(crawled, query) for query in lacking] == [[]] * len(lacking)
    assert len(select(crawled, "SELECT id FROM latest")) >= 30


def test_images_and_pages_are_numbered_from_one(crawled: Path) -> None:
    for table, number in (("images", "position"), ("version_captures", "page")):
        rows = select(crawled, f"SELECT article_id, version, group_concat({number}) n FROM {table} GROUP BY 1, 2")
        assert rows
        for row in rows:
            numbers = sorted(map(int, row["n"].split(",")))
            assert numbers == list(range(1, len(numbers) + 1))
