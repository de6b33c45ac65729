"""Archiving: the Scrapy extension that opens the archive before a crawl's first request and closes it at the end."""

import asyncio
import json
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from twisted.python.failure import Failure

from ciwen_crawler import clock, ending
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.decision import Decision
from ciwen_crawler.errors import CannotWrite, CiwenError, Interrupted, Unhealthy, UnreadableInput
from ciwen_crawler.health.finding import Finding
from ciwen_crawler.health.judgement import judged, unwatched
from ciwen_crawler.lock import Lock
from ciwen_crawler.message import without_userinfo
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.rehearsal import Rehearsal
from ciwen_crawler.spiders.base import ArchivingSpider
from ciwen_crawler.warc.record import new_id

logger = logging.getLogger(__name__)

_COMMIT_EVERY = 5.0  # seconds
INTERRUPTED = "shutdown"  # Scrapy's reason for a signal
NO_BEGIN = "no begin"
_CUT_OFF = "interrupted at once: what was fetched is kept, the next run reads it"


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
        self._fault: CiwenError | None = None
        self._errors: list[str] = []
        self._has_begun = False
        self._result: Result | None = None
        self._findings: list[Finding] = []
        settings = crawler.settings
        self._unwatched = unwatched(settings["CIWEN_UNWATCHED"])
        if spider.is_rehearsal:
            self.archive: Archive | Rehearsal = Rehearsal(Path(settings["CIWEN_ARCHIVE"]))
        else:
            crawl = begin(spider.mode, spider.channel_name, new_id())
            lock: Lock | None = getattr(crawler, "lock", None)  # `scrapy crawl` has taken none
            with _interruptible():
                self.archive = Archive(Path(settings["CIWEN_ARCHIVE"]), crawl, _about(spider), lock)
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
        self._has_begun = True
        self.archive.on_fault = self.note
        self._commits.start(_COMMIT_EVERY, now=False)

    def note(self, error: BaseException | None, where: str = "archive") -> None:
        """Something failed that is no failed request. What the archive refuses ends the run before its next request."""
        if not isinstance(error, CiwenError):
            self._errors.append(f"{where}: {error!r}")
        elif self._fault is None:
            self._fault = error
            closing = self._crawler.engine.close_spider_async(reason="cannot go on")
            self._closing = asyncio.ensure_future(closing)

    def _commit(self) -> None:
        try:
            self.archive.commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must end as failed
            self.note(error)

    def spider_error(self, failure: Failure, response: object) -> None:
        # A spider's start has no response, a failed request a failure in its place.
        self.note(failure.value, getattr(response, "url", self._spider.name))

    def item_error(self, item: object, failure: Failure) -> None:
        self.note(failure.value, getattr(item, "url", str(item)))

    def spider_closed(self, reason: str) -> None:
        self._end(reason if self._has_begun else NO_BEGIN)

    def ended(self, reason: str) -> Result:
        """How the run ended; for that reason, where Scrapy let it go without an end."""
        if self._result is None:
            tally = self.archive.tally
            if reason == INTERRUPTED and (tally.exchanges or tally.records):
                # Answers may have been kept whose pages nobody has read. The next run reads what a killed one left.
                self.archive.abandon()
                self._result = Result(Interrupted.exit_code, "cut off", (_CUT_OFF,))
            else:
                self._end(reason)
        assert self._result is not None
        return self._result

    def _end(self, reason: str) -> None:
        if self._commits.running:
            self._commits.stop()
        try:
            self._result = self._finished(reason)
        except Exception as error:
            logger.exception("The run cannot be ended in order")
            self.archive.abandon()
            told = str(error) if isinstance(error, CiwenError) else f"archive: {error!r}"
            outcome, code = "fault", getattr(error, "exit_code", CiwenError.exit_code)
            if isinstance(error, CannotWrite):
                outcome = "cannot write"
            elif reason == INTERRUPTED:
                outcome, code = "interrupted", Interrupted.exit_code
            self._result = Result(code, outcome, (told,))

    def _finished(self, reason: str) -> Result:
        if self._fault:
            raise self._fault
        self.archive.note_incomplete()
        self._spider.conclude()
        result = self._judged(reason)
        told = {
            "lines": list(map(without_userinfo, result.lines)),
            "health": [finding.as_dict() for finding in self._findings],
        }
        stats = self.archive.tally.as_dict() | self.archive.looked.as_dict(extractor_digest())
        report = self.archive.finish(result.outcome, result.exit_code, stats, told)
        return result._replace(report=report)

    def _judged(self, reason: str) -> Result:
        """When several things hold, the gravest decides: interrupted, a fault, bad input, unhealthy, done."""
        if reason == NO_BEGIN:
            return Result(CiwenError.exit_code, "fault", ("the run could not begin",))
        if reason == INTERRUPTED:
            return Result(
                Interrupted.exit_code, "interrupted", ("interrupted: what was fetched is kept, the next run goes on",)
            )
        if self._errors:
            return Result(CiwenError.exit_code, "fault", tuple(self._errors))
        if self._spider.unreadable:
            return Result(UnreadableInput.exit_code, "input unreadable", tuple(map(str, self._spider.unreadable)))
        self._judge()
        if self._findings:
            return Result(Unhealthy.exit_code, "unhealthy", tuple(finding.line for finding in self._findings))
        return Result(0, "done", ())

    def _judge(self) -> None:
        """Find what is wrong with what the run got; what is not to be believed is decided against. What a replay yields
        is its sources' affair.
        """
        if self._spider.mode != CRAWL:
            return
        archive = self.archive
        least = self._spider.minimum_articles
        run, past = archive.looked.samples, archive.past()
        self._findings = judged(archive.tally, run, past, clock.moment(), least, self._unwatched)
        for finding in self._findings:
            if finding.captures:
                archive.decide(Decision(finding.monitor, finding.field or "", finding.reason, finding.captures))


@contextmanager
def _interruptible() -> Iterator[None]:
    """What Scrapy does at a signal waits for the event loop, which an archive that lacks rows may keep for minutes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ending.SIGNALS}
    ending.answer_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
