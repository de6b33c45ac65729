"""Archive: the folder while a run writes it. Bytes first, then the rows that follow from them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ciwen_crawler import clock
from ciwen_crawler.capture import Capture
from ciwen_crawler.crawl import CONTINUES, CRAWL, STARTED_AT, Crawl
from ciwen_crawler.decision import Decision
from ciwen_crawler.errors import CiwenError
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.health.looked import Looked
from ciwen_crawler.health.past import Past
from ciwen_crawler.items import Article
from ciwen_crawler.lock import Lock
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.store.agenda import Agenda
from ciwen_crawler.store.derivation import ended
from ciwen_crawler.store.newest import must_not_be_ahead
from ciwen_crawler.store.past import Lookback
from ciwen_crawler.store.reports import Reports
from ciwen_crawler.store.rows import capture_row
from ciwen_crawler.store.store import Store
from ciwen_crawler.store.upkeep import up_to_date
from ciwen_crawler.tally import Tally
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.exchanges import records_of
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import RESPONSE, REVISIT, Record, new_id, report, urn, warcinfo
from ciwen_crawler.warc.recovery import recover
from ciwen_crawler.warc.series import Opening, Series
from ciwen_crawler.warc.writer import Span


class Archive:
    """One run's hold on an archive, from its lock to its report.

    Making one takes the lock (ArchiveLocked) where it is not held already, repairs what a killed run left, brings the
    database up to date (SchemaMismatch), sees that the clock is past its newest capture (UsageError), and opens a WARC
    file with the run's warcinfo (CannotWrite).
    """

    def __init__(self, folder: Path, crawl: Crawl, about: Mapping[str, str], lock: Lock | None = None) -> None:
        self.folder = folder
        self.crawl = crawl
        self.tally = Tally()
        self.looked = Looked()
        self.on_fault: Callable[[Exception], None] | None = None  # told what `keep` raises
        self._lock = lock or Lock(folder)
        try:
            self._open(about)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, about: Mapping[str, str]) -> None:
        warc, crawl = self.folder / WARC, self.crawl
        self.tally.repaired = {repair.file: repair.cut for repair in recover(warc)}
        self._about = about
        self._database = up_to_date(self.folder, self.tally.repaired)
        try:
            must_not_be_ahead(self._database, self.folder)
            self._database.begin_writing()
            self._series = Series(warc, crawl.moment, self._opening)
            self.store = Store(self._database, warc, self._series.sync)
            self.memory = self.store.memory
            self.agenda = Agenda(self._database, crawl.id)
            self._lookback = Lookback(self._database, crawl)
            self.store.add_crawl(crawl.row())
            self.store.commit()
        except BaseException:
            self._leave_database()
            raise

    def _opening(self, opening: Opening) -> Record:
        """The warcinfo that opens the run in a file."""
        crawl, more = self.crawl, {}
        if opening.previous:
            name, sha256 = opening.previous
            more = {"ciwen-previous-file": name, "ciwen-previous-digest": f"sha256:{sha256}"}
        if opening.is_first:
            return warcinfo(crawl.warcinfo_id, crawl.started_at, opening.file, crawl.description(self._about) | more)
        more |= {CONTINUES: urn(crawl.warcinfo_id), STARTED_AT: crawl.started_at}
        return warcinfo(new_id(), clock.now(), opening.file, crawl.description(self._about) | more)

    def ready(self) -> str:
        """The id of the warcinfo that the next exchange's records are to name: a full file is left before them."""
        return self._series.ready()

    def append(self, record: Record) -> Span:
        """Put a record into the WARC file as it is."""
        return self._series.append(record)

    def commit(self) -> None:
        """Make durable what was written so far."""
        self.store.commit()

    def keep(self, exchange: Exchange) -> Capture | None:
        """Archive one exchange: its request, its response, and the row that follows.

        The capture that holds the response is given, its body decoded; None where no response began, or one that is no
        HTTP. Raises CannotWrite.
        """
        try:
            return self._keep(exchange)
        except Exception as fault:
            # Whoever made the exchange might take it for one more request that failed.
            if self.on_fault:
                self.on_fault(fault)
            raise

    def _keep(self, exchange: Exchange) -> Capture | None:
        self.tally.exchanges += 1
        self.tally.received += len(exchange.response)
        records = records_of(exchange, self.ready(), self.memory.identical)
        for record in (records.request, *records.interims):
            self.append(record)
        if records.response is None:
            return None
        span = self.append(records.response)
        stored = replace(records.response, offset=span.offset, length=span.length)
        is_whole = stored.type == RESPONSE
        capture = capture_of(stored, records.request, span.file, records.answer if is_whole else None)
        if capture is None:
            return None
        capture = replace(capture, crawl_id=self.crawl.id, channel=self.crawl.channel)
        self.store.add_capture(capture_row(capture))
        if capture.record_type != REVISIT:
            return capture
        self.tally.revisits += 1
        if capture.status == 304 or records.answer is None:
            return capture
        body, whole = records.answer.content()
        return replace(capture, body=body, stands_for=capture.refers_to) if whole else capture

    def observe(self, article: Article, verdict: str, reasons: tuple[str, ...] = ()) -> None:
        """Note what a look says of the template, before the article is stored. What a replay yields is its sources'
        affair.
        """
        sample = self._lookback.observed(article, verdict, reasons) if self.crawl.mode == CRAWL else None
        if sample:
            self.looked.add(sample)

    def past(self) -> Past:
        """What the archive held before the run, for a judgement of what it adds."""
        self.commit()
        return self._lookback.past()

    def decide(self, decision: Decision) -> None:
        """Write down what a monitor has decided; the looks that it names are taken out of `articles` at the end."""
        self.commit()
        record = decision.record(clock.now(), self.ready(), extractor_digest())
        span = self.append(record)
        self.store.decide_against(replace(record, offset=span.offset), span.file)

    def note_incomplete(self) -> None:
        """Count the articles of which pages are lacking; the next run fetches them again."""
        lacking = self.store.looks.lacking(self.crawl.id)
        self.tally.incomplete = {article_id: sorted(pages) for article_id, pages in lacking.items()}

    def finish(
        self, outcome: str, exit_code: int, stats: Mapping[str, object], judged: Mapping[str, object] | None = None
    ) -> Path:
        """End the run: its report into the WARC file, all rows written, the file closed. The report's path is given.

        `judged` is what else the report tells beside the counts (report.schema.json: `lines`, `health`). Where it
        raises, the archive is still to be abandoned.
        """
        finished_at = clock.now()
        content = {
            "id": self.crawl.id,
            "mode": self.crawl.mode,
            "channel": self.crawl.channel,
            "started_at": self.crawl.started_at,
            "finished_at": finished_at,
            "outcome": outcome,
            "exit_code": exit_code,
            "software": self.crawl.software,
            **(judged or {}),
            "stats": dict(stats),
            "warc": [written._asdict() for written in self._series.written()],
        }
        record = report(finished_at, self._series.warcinfo_id, self.crawl.warcinfo_id, content)
        # A folder that refuses it is to be known before the run is called done.
        reports = Reports(self.folder)
        draft = reports.draft(self.crawl.id, record.block)
        self.store.settle()
        self.append(record)
        self.store.add_crawl(self.crawl.row() | ended(content))
        self.store.commit()
        self.store.close_crawls()
        self._series.close()
        self._database.end_writing()
        path = reports.keep(draft)
        self._database.close()
        self._lock.release()
        return path

    def abandon(self) -> None:
        """Let go after a fault, one of `finish` too: what is durable stays, and the next run repairs the rest."""
        self._leave_database()
        self._lock.release()

    def _leave_database(self) -> None:
        with suppress(CiwenError):  # a disk that is full may refuse this too
            self._database.end_writing()
        self._database.close()
