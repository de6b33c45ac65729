"""The tables, declared once with SQLAlchemy Core so that another database can follow SQLite.

Keys are natural, never counters: the same records give the same rows in whatever order they come. Columns are
described where they are declared; absent is NULL, never ''.
"""

import json
from functools import partial

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, and_, text

SCHEMA_VERSION = "3"

metadata = MetaData()
# Text that JSON columns hold; Chinese stays legible for who reads the file by hand.
dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
_Json = JSON(none_as_null=True)

articles = Table(
    "articles",
    metadata,
    Column("id", String, primary_key=True),  # china.com.cn:43135627
    Column("url", Text, nullable=False),  # canonical
    Column("channel", Text),
    Column("state", String, nullable=False),  # live or gone (see store.standing)
    Column("first_captured_at", String, nullable=False),
    Column("last_captured_at", String, nullable=False),  # of the newest look, changed or not
    Column("looked_at", String, nullable=False),  # when it was last looked at: had, found absent, or quarantined
    Column("dated_at", String, nullable=False),  # its newest version's published_at in UTC, by which its age is told
    Column("versions", Integer, nullable=False),  # how many
    Column("same_as", String),  # id of the article that it reprints
    Index("ix_articles_due", "looked_at", "dated_at"),
    Index("ix_articles_unsure", "looked_at", sqlite_where=text("looked_at > last_captured_at")),  # few
)

versions = Table(
    "versions",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # 1…
    Column("captured_at", String, nullable=False),
    Column("captured_url", Text, nullable=False),  # as requested; not the canonical one where a twin was captured
    Column("title", Text),
    Column("published_at", String),  # the page's own clock with its offset
    Column("published_precision", String),  # second, minute or day
    Column("source", Text),
    Column("author", Text),
    Column("editor", Text),
    Column("body", Text),  # one paragraph a line
    Column("body_html", Text),
    Column("breadcrumb", _Json),  # [[URL or null, text], …]
    Column("keywords", _Json),
    Column("summary", Text),
    Column("content_hash", String, nullable=False),
    Column("substance_hash", String, nullable=False),  # the same without published_at and punctuation
    Column("minor", Integer, nullable=False),  # 1: only punctuation or the date line differ from the version before
    Column("extractor", String, nullable=False),  # page class and version
    Column("evidence", _Json, nullable=False),  # field → the rule that gave it
    Index("ix_versions_captured", "captured_at", "article_id", "number"),
)

images = Table(
    "images",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),  # 1…
    Column("url", Text, nullable=False),
    Column("alt", Text),
    Column("caption", Text),
)

version_captures = Table(
    "version_captures",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("page", Integer, primary_key=True),  # 1…
    Column("capture_id", String, nullable=False),
)

captures = Table(
    "captures",
    metadata,
    Column("id", String, primary_key=True),  # the WARC-Record-ID's UUID
    Column("crawl_id", String, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("via", Text),
    Column("kind", String, nullable=False),  # list, article, image, robots or other
    Column("article_id", String, index=True),
    Column("fetched_at", String, nullable=False),
    Column("status", Integer),  # NULL for resource records
    Column("location", Text),
    Column("mime", String),
    Column("charset", String),
    Column("charset_evidence", _Json),
    Column("record_type", String, nullable=False),  # response, revisit or resource
    Column("payload_digest", String, index=True),
    Column("refers_to", String, index=True),  # of a revisit: the id of the record that it names as its original
    Column("truncated", String),  # why the body is not whole: length, time, disconnect; NULL where it is
    Column("etag", Text),
    Column("last_modified", Text),
    Column("warc_file", String, nullable=False),  # final name
    Column("warc_offset", Integer, nullable=False),
    Column("warc_length", Integer, nullable=False),
    Index("ix_captures_place", "warc_file", "warc_offset"),
    Index("ix_captures_url", "url", "fetched_at"),
    Index("ix_captures_fetched", "fetched_at"),
)

listings = Table(
    "listings",
    metadata,
    Column("capture_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),  # 1…
    Column("list_url", Text, nullable=False),
    Column("article_url", Text, nullable=False),
    Column("article_id", String, nullable=False, index=True),
    Column("title", Text),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("capture_id", String, primary_key=True),  # of the article's first page
    Column("url", Text, nullable=False),
    Column("reasons", _Json, nullable=False),
    Column("fields", _Json, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("capture_id", String, primary_key=True),  # of the first page of a look that must make no version
    Column("reason", Text, nullable=False),  # a monitor's, as the look's row of `quarantine` has it
    Column("record_id", String, nullable=False),  # of the metadata record that says so
    Column("warc_file", String, nullable=False),  # where that lies
    Column("warc_offset", Integer, nullable=False),
)

crawls = Table(
    "crawls",
    metadata,
    Column("id", String, primary_key=True),  # start in UTC to the millisecond, 6 hex digits
    Column("mode", String, nullable=False),  # crawl or replay
    Column("started_at", String, nullable=False),
    Column("finished_at", String),
    Column("outcome", String),  # NULL while it runs
    Column("exit_code", Integer),
    Column("software", String, nullable=False),
    Column("stats", _Json),
    Column("warcinfo_id", String, nullable=False),  # of the record that opens it
    Column("channel", Text),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),  # schema_version, extractor, software
    Column("value", Text, nullable=False),
)

# What joins an article to its newest version.
IS_NEWEST = and_(versions.c.article_id == articles.c.id, versions.c.number == articles.c.versions)

LATEST = """
CREATE VIEW latest AS
SELECT a.id, a.url, a.channel, a.state, v.title, v.published_at, v.source, v.author, v.editor, v.body,
       (SELECT json_group_array(caption) FROM (
            SELECT caption FROM images i WHERE i.article_id = a.id AND i.version = v.number ORDER BY position
        )) AS captions,
       (SELECT count(*) FROM images i WHERE i.article_id = a.id AND i.version = v.number) AS image_count,
       v.number AS version, v.captured_at, c.warc_file, c.warc_offset, c.warc_length
FROM articles a
JOIN versions v ON v.article_id = a.id AND v.number = a.versions
LEFT JOIN version_captures p ON p.article_id = a.id AND p.version = v.number
    AND p.page = (SELECT min(page) FROM version_captures m WHERE m.article_id = a.id AND m.version = v.number)
LEFT JOIN captures c ON c.id = p.capture_id
"""
