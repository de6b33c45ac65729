"""Referrers: revisits that stand before what they refer to, as where files are taken in in another order than time's.

What a page says by them is known once the original is there.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.store import schema
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.rows import Row
from ciwen_crawler.warc.record import REVISIT

_c = schema.captures.c
_named = schema.captures.alias("named").c
_is_found = select(_named.id).where(_named.id == _c.refers_to).correlate(schema.captures).exists()
# Where a revisit names no id, or one that is not there, it is followed by URL and moment, or by its payload. Which URL
# and moment is in its record alone; those of its own are as good as told, as is that nothing refers to what is later.
_QUERY = select(_c.id, _c.url, _c.fetched_at, _c.payload_digest, _c.kind, _c.article_id).where(
    _c.record_type == REVISIT,
    or_(
        _c.refers_to == bindparam("id"),
        and_(_c.url == bindparam("url"), _c.fetched_at >= bindparam("fetched_at"), ~_is_found),
        and_(_c.payload_digest == bindparam("payload_digest"), _c.fetched_at >= bindparam("fetched_at"), ~_is_found),
    ),
)
_ASKED = ("id", "url", "fetched_at", "payload_digest")


class Referrers:
    """Asks the database, and the rows that wait to be written to it."""

    def __init__(self, database: Database, batch: Batch) -> None:
        self._database = database
        self._batch = batch

    def articles(self, capture: Row) -> set[str]:
        """The articles whose revisits may be followed to a capture that has come, through other revisits too."""
        found: set[str] = set()
        seen, waiting = {capture["id"]}, [capture]
        while waiting:
            for revisit in self._of(waiting.pop()):
                if revisit["id"] not in seen:
                    seen.add(revisit["id"])
                    waiting.append(revisit)
                    found |= {revisit["article_id"]} if revisit["kind"] == ARTICLE else set()
        return found

    def _of(self, capture: Any) -> Iterator[Any]:
        asked = {name: capture[name] for name in _ASKED}
        yield from self._database.connection.execute(_QUERY, asked).mappings().all()
        for row in self._batch.waiting(schema.captures):
            if row["record_type"] == REVISIT and _may_refer(row, asked):
                yield row


def _may_refer(revisit: Row, capture: Row) -> bool:
    if revisit["refers_to"] == capture["id"]:
        return True
    same = ("url", "payload_digest")
    is_like = any(revisit[name] is not None and revisit[name] == capture[name] for name in same)
    return is_like and revisit["fetched_at"] >= capture["fetched_at"]
