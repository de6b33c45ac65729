"""Derives rows from WARC files: a whole database again, or what one lacks after a run that was killed.

Records are read, by several processes where there are several, and taken in the order in which they were written; so
what a run stored and what is derived from its records is the same.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.capture import Capture
from ciwen_crawler.crawl import Crawl, told_by
from ciwen_crawler.items import Article
from ciwen_crawler.store.readings import Reading, read
from ciwen_crawler.store.store import Store
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.reader import parts as ranges
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import METADATA, ROLE_REPORT, WARCINFO, Record, described

# A part is what one process reads at once: small enough that two finish together, and that its readings fit in memory.
_PART = 4 * 1024 * 1024
_AHEAD = 2  # parts a process that wait to be taken


class Derived(NamedTuple):
    """A record, as far as rows follow from it."""

    warcinfo_id: str
    reading: Reading | None
    record: Record | None  # a warcinfo, or a run's report


def derive(store: Store, files: Iterable[Path], jobs: int = 1) -> None:
    """Take every record of the files; rows that are there already stay as they are. All is committed at the end.

    Raises UnreadableInput where a file is damaged.
    """
    derivation = Derivation(store)
    parts = list(_parts(files))
    with _workers(min(jobs, len(parts))) as pool:
        for path, part in _read(parts, pool, jobs):
            derivation.enter(path)
            for derived in part:
                article = derivation.take(derived)
                if article:
                    store.decide(article)
    store.settle()
    store.close_crawls()


class Derivation:
    """Takes what records say, in their order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._crawls: dict[str, Crawl] = {}  # by warcinfo id
        self._others: dict[str, str] = {}  # warcinfo id → crawl id, of other programs' warcinfos
        self._current: Crawl | None = None  # the run that wrote the file
        self._file: str | None = None

    def enter(self, path: Path) -> None:
        """The records that come are of this file."""
        if path.name != self._file:
            self._file, self._current = path.name, None

    def begin(self, crawl: Crawl) -> None:
        """The records that come are written by this run."""
        self._current = self._crawls[crawl.warcinfo_id] = crawl

    def take(self, derived: Derived) -> Article | None:
        """One record; an article whose look it completes is given, not yet stored."""
        if derived.record is not None:
            self._take_crawl(derived.record)
        if derived.reading is None:
            return None
        reading = derived.reading
        return self._store.add(replace(reading, capture=self._placed(reading.capture, derived.warcinfo_id)))

    def _placed(self, capture: Capture, warcinfo_id: str) -> Capture:
        """The capture with the crawl that it was made in; a record of no known one is of the run that took it in."""
        crawl = self._crawls.get(warcinfo_id)
        if crawl is None and warcinfo_id not in self._others:
            crawl = self._current
        if crawl is None:
            return replace(capture, crawl_id=self._others.get(warcinfo_id, warcinfo_id))
        return replace(capture, crawl_id=crawl.id, channel=crawl.channel)

    def _take_crawl(self, record: Record) -> None:
        if record.type == WARCINFO:
            crawl = told_by(record)
            if crawl is None:
                self._others[record.id] = described(record).get("isPartOf") or record.id
                return
            self._crawls[crawl.warcinfo_id] = crawl
            if record.field("WARC-Filename") == self._file:  # else it came with records from elsewhere
                self._current = crawl
            self._store.add_crawl(crawl.row())
        else:
            crawl = self._crawls.get(record.warcinfo_id)
            if crawl:
                self._store.looks.forget(crawl.id)
                self._store.add_crawl(crawl.row() | ended(json.loads(record.block)))


def ended(report: Mapping[str, object]) -> dict[str, object]:
    """What a run's report adds to its row of `crawls`."""
    return {name: report[name] for name in ("finished_at", "outcome", "exit_code", "stats")}


def derived_from(record: Record, capture: Capture | None) -> Derived:
    """What rows follow from one record."""
    if capture is not None:
        return Derived(record.warcinfo_id, read(capture), None)
    if record.type == WARCINFO or (record.type == METADATA and record.field("Ciwen-Role") == ROLE_REPORT):
        return Derived(record.warcinfo_id, None, record)
    return Derived(record.warcinfo_id, None, None)


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    start: int
    end: int

    def read(self) -> list[Derived]:
        """What its records say."""
        found = captures(records(self.path, self.start, self.end), self.path.name)
        derived = (derived_from(record, capture) for capture, record in found)
        return [each for each in derived if each.reading or each.record]


def _parts(files: Iterable[Path]) -> Iterator[_Part]:
    for path in files:
        count = max(1, path.stat().st_size // _PART)
        yield from (_Part(path, start, end) for start, end in ranges(path, count))


def _workers(jobs: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    # Spawned, not forked: a fork would share the parent's open database.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else nullcontext()


def _read(parts: Iterable[_Part], pool: ProcessPoolExecutor | None, jobs: int) -> Iterator[tuple[Path, list[Derived]]]:
    """What the parts say, in their order; read ahead by the pool where there is one."""
    if pool is None:
        yield from ((part.path, part.read()) for part in parts)
        return
    ahead: deque[tuple[Path, Future[list[Derived]]]] = deque()
    for part in parts:
        ahead.append((part.path, pool.submit(part.read)))
        if len(ahead) > jobs * _AHEAD:
            path, future = ahead.popleft()
            yield path, future.result()
    yield from ((path, future.result()) for path, future in ahead)
