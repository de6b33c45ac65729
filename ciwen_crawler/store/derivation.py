"""Derives rows from WARC files: a whole database again, or what one lacks after a run that was killed.

Records are read, by several processes where there are several, and taken in the order in which they were written; so
what a run stored and what is derived from its records is the same.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ciwen_crawler.capture import Capture
from ciwen_crawler.crawl import REPLAY, Crawl, continued_by, told_by
from ciwen_crawler.items import Article
from ciwen_crawler.store.parts import Derived, read_parts
from ciwen_crawler.store.store import Store
from ciwen_crawler.warc.record import ROLE_DECISION, WARCINFO, Record, described


def derive(
    store: Store,
    files: Iterable[Path],
    jobs: int = 1,
    start: int = 0,
    *,
    advance: Callable[[int], None] = lambda _: None,
    reported: Callable[[str, bytes], None] = lambda _, __: None,
) -> set[str]:
    """Take every record of the files, from a byte of the first on; rows that are there already stay as they are. All is
    committed at the end. The ids of the runs that wrote there are given.

    `advance` is told how many bytes more have been taken, `reported` the report of each run that wrote into the files.
    Raises UnreadableInput where a file is damaged, WorkerLost where a process that reads is killed.
    """
    derivation = Derivation(store, reported)
    with closing(read_parts(files, jobs, start)) as found:
        for part, said in found:
            derivation.enter(part.path)
            for derived in said:
                article = derivation.take(derived)
                if article:
                    store.decide(article)
            advance(part.end - part.start)
    store.settle()
    store.close_crawls()
    return derivation.met


class Derivation:
    """Takes what records say, in their order."""

    def __init__(self, store: Store, reported: Callable[[str, bytes], None] = lambda _, __: None) -> None:
        self._store = store
        self._reported = reported
        self.met: set[str] = set()  # runs whose own records have come
        self._crawls: dict[str, Crawl | None] = {}  # by warcinfo id; None for those that nobody knows
        # What is known of no row is known while the run goes on that took it in, and to no later one.
        self._others: dict[str, str] = {}  # warcinfo id → crawl id, of other programs' warcinfos
        self._further: dict[str, Crawl] = {}  # by the ids of warcinfos that go on with a run in another file
        self._current: Crawl | None = None  # the run that wrote the file
        self._file: str | None = None

    def enter(self, path: Path) -> None:
        """The records that come are of this file."""
        if path.name != self._file:
            self._file, self._current = path.name, None

    def begin(self, crawl: Crawl) -> None:
        """The records that come are written by this run."""
        self._current = self._crawls[crawl.warcinfo_id] = crawl

    def take(self, derived: Derived, file: str | None = None) -> Article | None:
        """One record; an article whose look it completes is given, not yet stored.

        It lies in the file that was entered, unless another is named.
        """
        reading = derived.reading
        if reading is None:
            if derived.record is not None:
                self._take_telling(derived.record, file or self._file or "")
            return None
        if derived.record is not None:
            reading = self._store.followed(reading, derived.record)
        capture = self._placed(reading.capture, derived.warcinfo_id)
        current = self._current
        taken_in = current is None or current.mode == REPLAY or capture.crawl_id != current.id
        return self._store.add(replace(reading, capture=capture), taken_in)

    def _placed(self, capture: Capture, warcinfo_id: str) -> Capture:
        """The capture with the crawl that it was made in; a record of no known one is of the run that took it in."""
        crawl = self._crawl(warcinfo_id)
        if crawl is None and warcinfo_id not in self._others:
            crawl = self._current
        if crawl is None:
            return replace(capture, crawl_id=self._others.get(warcinfo_id, warcinfo_id))
        return replace(capture, crawl_id=crawl.id, channel=crawl.channel)

    def _crawl(self, warcinfo_id: str) -> Crawl | None:
        if warcinfo_id not in self._crawls and warcinfo_id not in self._others:
            # An earlier run may have taken in another file of the same crawl.
            self._crawls[warcinfo_id] = self._store.crawl_of(warcinfo_id)
        return self._crawls.get(warcinfo_id) or self._further.get(warcinfo_id)

    def _take_telling(self, record: Record, file: str) -> None:
        if record.type == WARCINFO:
            self._take_warcinfo(record)
        elif record.field("Ciwen-Role") == ROLE_DECISION:
            self._store.decide_against(record, file)
        else:
            self._take_report(record)

    def _take_report(self, record: Record) -> None:
        crawl = self._crawl(record.warcinfo_id)
        if crawl:
            self._store.end_looks(crawl.id)
            self._store.add_crawl(crawl.row() | _told(record))
            if crawl == self._current:
                self._reported(crawl.id, record.block)

    def _take_warcinfo(self, record: Record) -> None:
        is_own = self._file is not None and record.field("WARC-Filename") == self._file
        first = continued_by(record)
        if is_own and not first:
            self._others.clear()
            self._further.clear()
        crawl = told_by(record)
        if crawl is None:
            self._others[record.id] = described(record).get("isPartOf") or record.id
            return
        known = self._crawl(crawl.warcinfo_id)
        if known is None and self._store.knows_crawl(crawl.id):  # of that id, and yet another: it cannot be both
            self._others[record.id] = record.id
            return
        # Else it came with records from elsewhere, of a crawl whose end may be known.
        if known is None or (is_own and not first):
            self._store.add_crawl(crawl.row())
            self._crawls[crawl.warcinfo_id] = crawl
        if first:
            self._further[record.id] = known or crawl
        if is_own:
            self._current = known or crawl
            self.met.add(self._current.id)


def ended(report: Mapping[str, object]) -> dict[str, object]:
    """What a run's report adds to its row of `crawls`."""
    return {name: report[name] for name in ("finished_at", "outcome", "exit_code", "stats")}


def _told(record: Record) -> dict[str, object]:
    """What a report record says; nothing where it is none of ours, whatever it calls itself."""
    try:
        content = json.loads(record.block)
        found = ended(content)
    except (ValueError, KeyError, TypeError):
        return {}
    shapes = (str, str, int, dict)
    return found if all(isinstance(value, shape) for value, shape in zip(found.values(), shapes, strict=True)) else {}
