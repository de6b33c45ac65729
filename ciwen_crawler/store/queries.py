"""What people ask of an archive: one article, or the state of the whole."""

from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import absolute, article_id, content_id
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.warc.files import WARC, exists

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


def _one(database: Database, query: Select[Any]) -> Facts | None:
    row = database.connection.execute(query).mappings().first()
    return dict(row) if row else None


def all_rows(database: Database, query: Select[Any]) -> list[Facts]:
    """The rows of a query."""
    return [dict(row) for row in database.connection.execute(query).mappings()]
