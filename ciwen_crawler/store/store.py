"""The store: what follows from captures goes in here, whoever made them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy import RowMapping, select, update

from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.crawl import KILLED, Crawl
from ciwen_crawler.decision import decided_by
from ciwen_crawler.items import Article, ArticlePage, Listing
from ciwen_crawler.looks import Looks
from ciwen_crawler.pages import extractor_digest, missing
from ciwen_crawler.store import schema
from ciwen_crawler.store.articles import Articles
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.memory import Memory
from ciwen_crawler.store.readings import Reading, read
from ciwen_crawler.store.referrers import Referrers
from ciwen_crawler.store.rows import Row, listing_rows
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.reader import record_at
from ciwen_crawler.warc.record import REVISIT, Record
from ciwen_crawler.warc.revisit import followed
from ciwen_crawler.warc.writer import Span

_BATCH = 400  # rows


class Store:
    """Rows are gathered and written together; `before` makes durable what they follow from."""

    def __init__(self, database: Database, warc: Path, before: Callable[[], None] = lambda: None) -> None:
        self.database = database
        self.looks = Looks()
        self._warc = warc
        self._batch = Batch(database, before)
        self.memory = Memory(database, warc, self._batch)
        self.articles = Articles(database, self._batch, self._looks_of)
        self._referrers = Referrers(database, self._batch)
        self._taken_in: set[str] = set()  # crawls whose captures another run took in

    def add_crawl(self, row: Row) -> None:
        """A run's row, as it begins or as it ends."""
        self._batch.add(schema.crawls, [row])

    def add_capture(self, row: Row) -> None:
        """A capture's row."""
        self._batch.add(schema.captures, [row])
        self.articles.note(row)
        if self._batch.size >= _BATCH:
            self.commit()

    def add_listing(self, capture: Capture, listing: Listing) -> None:
        """What a list page links to. Of a revisit its original's rows say so."""
        if capture.record_type == REVISIT:
            return
        self._batch.add(schema.listings, listing_rows(capture, listing))

    def crawl_of(self, warcinfo_id: str) -> Crawl | None:
        """The run that a warcinfo record opened, where an earlier run has stored it."""
        c = schema.crawls.c
        fields = (c.id, c.mode, c.started_at, c.channel, c.software, c.warcinfo_id)
        row = self.database.connection.execute(select(*fields).where(c.warcinfo_id == warcinfo_id)).mappings().first()
        return Crawl(**row) if row else None

    def add(self, reading: Reading, taken_in: bool = False) -> Article | None:
        """All that follows from one capture; the article whose look it completes is given, not yet stored.

        `taken_in`: another run wrote the record down than the one that it was made in.
        """
        if taken_in:  # else nothing that refers to it can have come before it
            self._taken_in.add(reading.capture.crawl_id)
            for article_id in self._referrers.articles(reading.row):
                self.articles.reconsider(article_id)
        self.add_capture(reading.row | {"crawl_id": reading.capture.crawl_id})
        if reading.listing:
            self.add_listing(reading.capture, reading.listing)
        return self.looks.add(reading.capture, reading.page) if reading.page else None

    def followed(self, reading: Reading, revisit: Record) -> Reading:
        """The reading of a revisit with what its original holds, wherever in the archive that lies."""
        self.commit()  # what it is looked for among must not depend on which rows happen to wait
        original = self.memory.original_of(revisit)
        content = followed(reading.capture, original) if original else None
        return read(reading.capture, content)

    def decide(self, article: Article) -> str:
        """What the pipelines do with an article, for records that come without them: its verdict, or `quarantined`."""
        reasons = missing(article)
        if reasons:
            self.articles.quarantine(article, reasons)
            return "quarantined"
        return self.articles.save(article)

    def decide_against(self, record: Record, file: str) -> None:
        """What a monitor has decided by a record in a file: the looks that it names make no version."""
        decision = decided_by(record, extractor_digest())
        if decision is None:
            return
        of_record = {"record_id": record.id, "warc_file": file, "warc_offset": record.offset}
        rows = [{"capture_id": each, "reason": decision.reason, **of_record} for each in decision.captures]
        self._batch.add(schema.decisions, rows)
        self.articles.decide_against(decision.captures)
        self.commit()  # which articles they are of, the rows of captures tell
        c = schema.captures.c
        articles = select(c.article_id).where(c.id.in_(decision.captures), c.article_id.is_not(None)).distinct()
        for article_id in self.database.connection.execute(articles).scalars().all():
            self.articles.reconsider(article_id)

    def end_looks(self, crawl_id: str) -> None:
        """A crawl has ended: looks that are incomplete stay so, but for pages that come with another file of it."""
        lacking = self.looks.lacking(crawl_id)
        self.looks.forget(crawl_id)
        if crawl_id in self._taken_in:
            for article_id in lacking:
                self.articles.reconsider(article_id)

    def knows_crawl(self, crawl_id: str) -> bool:
        """Whether there is a row of that run."""
        waiting = any(row["id"] == crawl_id for row in self._batch.waiting(schema.crawls))
        return waiting or self.database.has_row(schema.crawls.c.id == crawl_id)

    def settle(self) -> None:
        """Write all that waits, late looks folded in."""
        for crawl_id in self._taken_in:
            self.end_looks(crawl_id)
        self.articles.settle()

    def commit(self) -> None:
        """Write all that waits, but for late looks."""
        self._batch.flush()
        self.articles.forget_states()

    def close_crawls(self) -> None:
        """Runs without an end record were killed."""
        c = schema.crawls.c
        with self.database.transaction() as connection:
            connection.execute(update(schema.crawls).where(c.outcome.is_(None)).values(outcome=KILLED))

    def _looks_of(self, identity: str) -> Iterator[Article]:
        """Every complete look of an article, read out of the records again."""
        c, crawls = schema.captures, schema.crawls
        query = (
            select(c, crawls.c.channel)
            .outerjoin(crawls, crawls.c.id == c.c.crawl_id)
            .where(c.c.article_id == identity, c.c.kind == ARTICLE)
            .order_by(c.c.fetched_at, c.c.id)
        )
        looks = Looks()
        for row in self.database.connection.execute(query).mappings().all():
            page = self._page_of(row)
            article = looks.add(*page) if page else None
            if article:
                yield article

    def _page_of(self, row: RowMapping) -> tuple[Capture, ArticlePage] | None:
        """What was read from a capture when it came, and what is read from a revisit now."""
        record = record_at(self._warc, Span(row["warc_file"], row["warc_offset"], row["warc_length"]))
        capture = capture_of(record, None, row["warc_file"])
        if capture is None:
            return None
        of_row = {name: row[name] for name in ("kind", "via", "crawl_id", "channel")}
        capture = replace(capture, **of_row)
        if record.type == REVISIT:
            original = self.memory.original_of(record)
            found = read(capture, followed(capture, original) if original else None)
        else:
            # What was asked for as an article has a page that linked to it; others are what they turn out to be.
            found = read(capture if capture.via else replace(capture, kind=""))
        return (found.capture, found.page) if found.page and found.capture.kind == ARTICLE else None
