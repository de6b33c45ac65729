"""Archiving: the Scrapy extension that opens the archive before a crawl's first request and closes it at the end."""

import asyncio
import json
import logging
from pathlib import Path
from typing import NamedTuple

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.asyncio import create_looping_call
from twisted.python.failure import Failure

from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import begin
from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.health import faults
from ciwen_crawler.rehearsal import Rehearsal
from ciwen_crawler.spiders.base import ArchivingSpider
from ciwen_crawler.warc.record import new_id

logger = logging.getLogger(__name__)

_COMMIT_EVERY = 5.0  # seconds
_INTERRUPTED = "shutdown"  # Scrapy's reason for a signal


class Result(NamedTuple):
    """How a crawl ended."""

    exit_code: int
    outcome: str
    lines: tuple[str, ...]  # what is to be said of it on standard error
    report: Path | None = None

    @property
    def facts(self) -> dict[str, object]:
        """The run's report; what is known of it where none could be written."""
        if self.report:
            facts: dict[str, object] = json.loads(self.report.read_text(encoding="utf-8"))
            return facts
        return {"outcome": self.outcome, "exit_code": self.exit_code}


class Archiving:
    """Puts the run's `Archive` at `crawler.archive`, commits as it goes, and judges at the end what came of it.

    Only for spiders of this project; another's run is left alone.
    """

    def __init__(self, crawler: Crawler) -> None:
        spider = crawler.spider
        if not isinstance(spider, ArchivingSpider):
            raise NotConfigured
        self._crawler = crawler
        self._spider = spider
        self._fault: CannotWrite | None = None
        self._errors: list[str] = []
        self.result: Result | None = None
        settings = crawler.settings
        if spider.is_rehearsal:
            self.archive: Archive | Rehearsal = Rehearsal(Path(settings["CIWEN_ARCHIVE"]))
        else:
            crawl = begin(spider.mode, spider.channel_name, new_id())
            self.archive = Archive(Path(settings["CIWEN_ARCHIVE"]), crawl, _about(spider))
        self._past = self.archive.past()
        crawler.archive = self.archive  # type: ignore[attr-defined]
        self._commits = create_looping_call(self._commit)
        crawler.signals.connect(self.spider_opened, signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signals.spider_closed)
        crawler.signals.connect(self.spider_error, signals.spider_error)
        crawler.signals.connect(self.item_error, signals.item_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Archiving":
        return cls(crawler)

    def spider_opened(self) -> None:
        self.archive.on_fault = self.stop
        self._commits.start(_COMMIT_EVERY, now=False)

    def stop(self, fault: CannotWrite) -> None:
        """The archive cannot be written: no further request is made."""
        if self._fault is None:
            self._fault = fault
            closing = self._crawler.engine.close_spider_async(reason="cannot write")
            self._closing = asyncio.ensure_future(closing)

    def _commit(self) -> None:
        try:
            self.archive.commit()
        except CannotWrite as fault:
            self.stop(fault)

    def spider_error(self, failure: Failure, response: Response) -> None:
        self._note(f"{response.url}: {failure.value!r}", failure.value)

    def item_error(self, item: object, failure: Failure) -> None:
        self._note(f"{getattr(item, 'url', item)}: {failure.value!r}", failure.value)

    def _note(self, line: str, error: BaseException | None) -> None:
        if isinstance(error, CannotWrite):
            self.stop(error)
        else:
            self._errors.append(line)

    def spider_closed(self, reason: str) -> None:
        if self._commits.running:
            self._commits.stop()
        self.archive.note_incomplete()
        result = self._judged(reason)
        try:
            if self._fault is None:
                report = self.archive.finish(result.outcome, result.exit_code, self.archive.tally.as_dict())
                self.result = result._replace(report=report)
                return
        except CannotWrite as fault:
            self._fault = fault
        self.archive.abandon()
        self.result = Result(CannotWrite.exit_code, "cannot write", (str(self._fault),))
        logger.error("%s", self._fault)

    def _judged(self, reason: str) -> Result:
        """When several things hold, the gravest decides: interrupted, a fault, unhealthy, done."""
        if reason == _INTERRUPTED:
            return Result(130, "interrupted", ("interrupted: what was fetched is kept, the next run goes on",))
        if self._errors:
            return Result(1, "fault", tuple(self._errors))
        found = faults(self.archive.tally, self._past, self._spider.minimum_articles)
        if found:
            return Result(3, "unhealthy", tuple(found))
        return Result(0, "done", ())


def _about(spider: ArchivingSpider) -> dict[str, str]:
    """How this run fetches, for its warcinfo record (WARC/1.1 section 6.3)."""
    settings = spider.settings
    about = {
        "robots": "obey" if settings.getbool("ROBOTSTXT_OBEY") else "ignore",
        "http-header-user-agent": settings["USER_AGENT"],
        "description": spider.description,
        "ciwen-certificates": "verified" if settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES") else "any",
    }
    return about | ({"operator": settings["CIWEN_CONTACT"]} if settings["CIWEN_CONTACT"] else {})
