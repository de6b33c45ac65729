"""Memory: what the archive knows of what a crawl is about to ask for, out of its own rows and records.

There is no other: what was listed, fetched and seen last, and with which validators, follows from the WARC files.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, func, or_, select

from ciwen_crawler.capture import Capture
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.exchange import BY_LENGTH
from ciwen_crawler.message import Message, joined, response
from ciwen_crawler.original import Original
from ciwen_crawler.store import schema
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.reader import record_at
from ciwen_crawler.warc.record import RESPONSE, REVISIT, Record, bare_id, moment
from ciwen_crawler.warc.revisit import original_at_hand
from ciwen_crawler.warc.writer import Span

# RFC 9110 sections 8.8.3 and 5.6.7, and the blanks that some write into tags. `*` would mean whatever the server has,
# and one that is very long no server takes.
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x20\x21\x23-\x7e]{0,1000}"')
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, [0-3]\d [A-Z][a-z]{2} \d{4} [0-2]\d:[0-5]\d:[0-6]\d GMT", re.ASCII)

# Revisits of revisits are against the standard's advice, and others write them all the same.
_MOST_STEPS = 8

_c = schema.captures.c
# A response that may be referred to.
_WHOLE = and_(_c.record_type == RESPONSE, _c.truncated.is_(None))
_REVISITED = and_(_c.record_type == REVISIT, _c.status.in_((200, 304)), _c.refers_to.is_not(None))


# Made once: making them costs more than asking them.
_ROW = select(schema.captures)
_BY_ID = _ROW.where(_c.id == bindparam("id"))
_ANSWERS = _ROW.where(_c.url == bindparam("url"), or_(and_(_WHOLE, _c.status == 200), _REVISITED)).order_by(
    _c.fetched_at.desc()
)
_SENT = _ROW.where(_c.url == bindparam("url"), _c.status == 200, _c.truncated.is_(None)).order_by(_c.fetched_at.desc())
_OF_DIGEST = _ROW.where(_WHOLE, _c.payload_digest == bindparam("payload"), _c.status == bindparam("status")).order_by(
    _c.fetched_at, _c.id
)


class Validators(NamedTuple):
    """What makes a request conditional (RFC 9110 section 13.1), and the response that need not come again."""

    original: Original
    etag: str | None
    last_modified: str | None


class Memory:
    """Answers out of the database, and of the rows that wait to be written to it where a run has such."""

    def __init__(self, database: Database | None, warc: Path, batch: Batch | None = None) -> None:
        self._database = database  # None for an archive that is not begun: nothing is known
        self._warc = warc
        self._batch = batch

    def holds(self, record_id: str) -> bool:
        """Whether a capture of that record id is in the archive."""
        return self._has(_c.id == record_id)

    def knows(self, article_id: str) -> bool:
        """Whether the archive has the article."""
        return self._has(schema.articles.c.id == article_id)

    def has(self, url: str) -> bool:
        """Whether a URL was fetched with success, as whatever: whole, or as much of it as is ever taken."""
        as_whole = _c.truncated.is_(None) | (_c.truncated == BY_LENGTH)
        return self._has(_c.url.in_(self._led_to(url)), _c.status == 200, as_whole)

    def _led_to(self, url: str) -> set[str]:
        """A URL and all those that redirects led to from it."""
        found, waiting = {url}, [url]
        while waiting:
            each = waiting.pop()
            moved = select(_c.location).where(_c.url == each, _c.location.is_not(None)).distinct()
            new = {urljoin(each, row["location"]) for row in self._rows(moved)} - found
            found |= new
            waiting += new
        return found

    def asked_at(self, url: str) -> str | None:
        """When a URL was last answered, in whatever way; None where it never was."""
        query = select(func.max(_c.fetched_at).label("at")).where(_c.url == url)
        return next((row["at"] for row in self._rows(query)), None)

    def failed_assets(self, since: str) -> set[str]:
        """What pages need to be seen as they were and runs since a moment could not have."""
        runs = schema.crawls.c
        found = self._rows(select(runs.stats).where(runs.started_at >= since, runs.stats.is_not(None)))
        return {url for row in found for url in _urls_of_asset_failures(row["stats"])}

    def validators(self, url: str) -> Validators | None:
        """What to ask a URL with, so that the newest answer that can be read does not come again."""
        found = self._newest(url)
        if found is None:
            return None
        row, original = found
        etag, since = row["etag"], row["last_modified"]
        if row["status"] == 304:
            # It may leave out what has not changed; what its original says is of another URL, as the case may be.
            sent = next(self._rows(_SENT, url=url), row)
            etag, since = etag or sent["etag"], since or sent["last_modified"]
        etag = etag if _ENTITY_TAG.fullmatch(etag or "") else None
        since = since if _HTTP_DATE.fullmatch(since or "") else None
        return Validators(_original(original), etag, since) if etag or since else None

    def status(self, url: str) -> int | None:
        """What a URL was last answered with, but for 304; None where it never was."""
        query = select(_c.status).where(_c.url == url, _c.status != 304).order_by(_c.fetched_at.desc()).limit(1)
        return next((row["status"] for row in self._rows(query)), None)

    def newest(self, url: str) -> Original | None:
        """The response that holds the newest answer of a URL that can be read."""
        found = self._newest(url)
        return _original(found[1]) if found else None

    def _newest(self, url: str) -> tuple[RowMapping, RowMapping] | None:
        """The row of the newest such capture, and that of its original: itself, where it is no revisit."""
        for row in self._rows(_ANSWERS, url=url):
            original = self._root(row)
            if original is not None and original["status"] == 200:
                return row, original
        return None

    def _root(self, row: RowMapping) -> RowMapping | None:
        for _ in range(_MOST_STEPS):
            if row["record_type"] != REVISIT:
                return row if _is_whole(row) else None
            found = next(self._rows(_BY_ID, id=row["refers_to"]), None)
            if found is None:
                return None
            row = found
        return None

    def identical(self, answer: Message, payload: str) -> Original | None:
        """The earliest response of the same status with the very same payload, which is said to be the same thing: a
        304 to the revisit is read by what its original says. The digest is taken for no more than a hint, as there are
        two payloads with one SHA-1.
        """
        for original in self._of_digest(answer.status, payload):
            record = self.record(original)
            stored = response(record.block) if record else None
            if stored is not None and stored.entity == answer.entity and _described(stored) == _described(answer):
                return original
        return None

    def _of_digest(self, status: int, payload: str) -> Iterator[Original]:
        yield from map(_original, self._rows(_OF_DIGEST, payload=payload, status=status))
        for row in self._batch.waiting(schema.captures) if self._batch else ():
            if row["payload_digest"] == payload and row["status"] == status and _is_whole(row):
                yield _original(row)

    def record(self, original: Original) -> Record | None:
        """The original's record; None where it cannot be read any more, so that nothing new refers to it."""
        try:
            found = record_at(self._warc, Span(original.file, original.offset, original.length))
        except UnreadableInput:
            return None
        return found if found.id == original.id else None

    def read(self, original: Original) -> Capture | None:
        """The original as a capture."""
        record = self.record(original)
        return capture_of(record, None, original.file) if record else None

    def original_of(self, revisit: Record) -> Record | None:
        """The record that a revisit, of whatever making, has its payload in; None where the archive lacks it."""
        return next(self._originals_of(revisit, {revisit.id}), None)

    def _originals_of(self, revisit: Record, seen: set[str]) -> Iterator[Record]:
        """Those that it may mean, the surest first; `seen` are the revisits on the way, which may go in a circle."""
        at_hand = original_at_hand(self._warc, revisit)
        if at_hand is not None:
            yield at_hand
        for condition in _told(revisit):
            for row in self._rows(_ROW.where(condition).order_by(_c.fetched_at, _c.id)):
                if row["id"] in seen or len(seen) > _MOST_STEPS:
                    continue
                record = self.record(_original(row))
                if record is not None and row["record_type"] == REVISIT:
                    seen.add(row["id"])
                    yield from self._originals_of(record, seen)
                elif record is not None and _is_whole(row):
                    yield record

    def _has(self, *conditions: ColumnElement[bool]) -> bool:
        return self._database is not None and self._database.has_row(*conditions)

    def _rows(self, query: Any, **values: object) -> Iterator[RowMapping]:
        """Read as they are asked for: a list page has been captured thousands of times, and the newest row will do."""
        if self._database is not None:
            with closing(self._database.connection.execute(query, values)) as result:
                yield from result.mappings()


def _described(answer: Message) -> list[str]:
    return [joined(answer.headers, name) for name in ("content-type", "content-encoding")]


def _urls_of_asset_failures(stats: object) -> Iterator[str]:
    """Those that a report tells of (`tally.Tally`), whatever else one that came from elsewhere may hold there."""
    told = stats.get("asset_failures") if isinstance(stats, dict) else None
    for each in told if isinstance(told, list) else ():
        url = each.get("url") if isinstance(each, dict) else None
        if isinstance(url, str):
            yield url


def _is_whole(row: Any) -> bool:
    return row["record_type"] == RESPONSE and row["truncated"] is None


def _told(revisit: Record) -> Iterator[ColumnElement[bool]]:
    """How a revisit names its original, the surest first: by id, by URL and moment, by digest alone."""
    named = bare_id(revisit.field("WARC-Refers-To"))
    if named:
        yield _c.id == named
    url, date = revisit.field("WARC-Refers-To-Target-URI"), moment(revisit.field("WARC-Refers-To-Date") or "")
    if url and date:
        yield and_(_c.url == url.strip("<> "), _c.fetched_at == date)
    digest, own = revisit.field("WARC-Payload-Digest"), moment(revisit.field("WARC-Date") or "")
    if digest and own:  # nothing refers to what is later
        yield and_(_WHOLE, _c.status == 200, _c.payload_digest == digest, _c.fetched_at <= own)


def _original(row: Any) -> Original:
    return Original(
        id=row["id"],
        url=row["url"],
        fetched_at=row["fetched_at"],
        payload_digest=row["payload_digest"],
        file=row["warc_file"],
        offset=row["warc_offset"],
        length=row["warc_length"],
    )
