"""What people ask of an archive: one article, or the state of the whole."""

from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import absolute, article_id, content_id, host_of, in_hosts
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.warc.files import WARC, exists, size_of, warc_files
from ciwen_crawler.warc.writer import OPEN

Facts = dict[str, Any]
_SITE = "china.com.cn"


def opened(folder: Path) -> Database:
    """An archive's database for reading; UsageError where there is none."""
    path = folder / NAME
    if not exists(path):
        if exists(folder / WARC):
            raise UsageError(f"{folder} holds no database: `ciwen rebuild --archive {folder}` makes it from warc/")
        raise UsageError(f"{folder} holds no archive: name another by --archive, or let `ciwen crawl` begin one")
    return Database(path, read_only=True)


def identified(text: str) -> str:
    """The id of the article that somebody names by URL, by id or by the id's number."""
    if text.isascii() and text.isdigit():
        return f"{_SITE}:{text}"
    url = absolute(text, text)
    if url:
        return article_id(url)
    # A browser's address line, copied without its scheme.
    site = absolute("http:", f"http://{text}") if "/" in text else None
    return article_id(site) if site and content_id(site) else text


def article_row(database: Database, named: str) -> Facts:
    """The row of `articles` that somebody names; UsageError where there is none."""
    # What no terminal can show is no id, and no text to SQLite.
    identity = identified(named) if named.isprintable() else ""
    found = _one(database, select(schema.articles).where(schema.articles.c.id == identity))
    if found is None:
        raise UsageError(f"no article {named!r} in {database.path.parent}")
    return found


def article(database: Database, named: str, version: int | None = None) -> Facts:
    """An article with one version (the newest unless told), its images and the captures of its pages; `looks` are all
    captures of the article, in the order of their moments. UsageError where there is none.
    """
    found = article_row(database, named)
    identity = found["id"]
    number = version or found["versions"]
    v = schema.versions.c
    held = _one(database, select(schema.versions).where(v.article_id == identity, v.number == number))
    if held is None:
        raise UsageError(f"article {named!r} has versions 1 to {found['versions']}, not {number}")
    i, p, c = schema.images.c, schema.version_captures.c, schema.captures.c
    images = select(i.position, i.url, i.alt, i.caption).where(i.article_id == identity, i.version == number)
    places = (c.id, c.url, c.fetched_at, c.status, c.record_type, c.payload_digest, c.refers_to)
    captures = (
        select(p.page, *places, c.warc_file, c.warc_offset, c.warc_length)
        .join_from(schema.version_captures, schema.captures, c.id == p.capture_id)
        .where(p.article_id == identity, p.version == number)
    )
    looks = select(*places, c.warc_file, c.warc_offset, c.warc_length).where(
        c.article_id == identity, c.kind == ARTICLE
    )
    del held["article_id"]
    return {
        **found,
        "version": held.pop("number"),
        **held,
        "images": all_rows(database, images.order_by(i.position)),
        "captures": all_rows(database, captures.order_by(p.page)),
        "looks": all_rows(database, looks.order_by(c.fetched_at, c.id)),
    }


def status(database: Database, folder: Path) -> Facts:
    """What is archived, how the last runs went, and what is known to be missing."""
    connection = database.connection
    tables = (schema.articles, schema.versions, schema.images, schema.captures, schema.quarantine, schema.crawls)
    counts = {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    c, v = schema.crawls.c, schema.versions.c
    fields = (c.id, c.mode, c.channel, c.started_at, c.finished_at, c.outcome, c.exit_code)
    runs = all_rows(database, select(*fields).order_by(c.id.desc()).limit(5))
    files = [*warc_files(folder), *(folder / WARC).glob("*" + OPEN)]
    dates = connection.execute(select(func.min(v.published_at), func.max(v.published_at))).one()
    return {
        "archive": str(folder),
        **counts,
        "oldest": dates[0],
        "newest": dates[1],
        "warc_files": len(files),
        "warc_bytes": sum(map(size_of, files)),
        "missing": _missing(database),
        "runs": runs,
    }


def _missing(database: Database) -> int:
    """How many articles lists name on their own host, or were asked for, and that never became one.

    Their pages failed, lacked others or are in quarantine, or nobody has asked for them yet.
    """
    c, entry, a = schema.captures.c, schema.listings.c, schema.articles.c
    stored = select(a.id)
    listed = (
        select(entry.article_id, entry.article_url, entry.list_url).where(entry.article_id.not_in(stored)).distinct()
    )
    asked = select(c.article_id, c.url).where(c.kind == ARTICLE, c.article_id.not_in(stored)).distinct()
    connection = database.connection
    found = {row.article_id for row in connection.execute(listed) if in_hosts(row.article_url, {host_of(row.list_url)})}
    # A page that led elsewhere is of no article.
    found |= {row.article_id for row in connection.execute(asked) if content_id(row.url)}
    return len(found)


def _one(database: Database, query: Select[Any]) -> Facts | None:
    row = database.connection.execute(query).mappings().first()
    return dict(row) if row else None


def all_rows(database: Database, query: Select[Any]) -> list[Facts]:
    """The rows of a query."""
    return [dict(row) for row in database.connection.execute(query).mappings()]
