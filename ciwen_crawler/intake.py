"""Intake: records from elsewhere go into the archive's own WARC files first, and what follows from them after."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import Capture
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.items import Article
from ciwen_crawler.saved import resource
from ciwen_crawler.sources import is_wacz, is_warc
from ciwen_crawler.store.derivation import Derivation
from ciwen_crawler.store.parts import derived_from
from ciwen_crawler.wacz import contents
from ciwen_crawler.warc.capturing import capture_of, captures
from ciwen_crawler.warc.reader import whole_records
from ciwen_crawler.warc.record import REQUEST, WARCINFO, Record, bare_id


class Intake:
    """Takes files into an archive. Captures that it holds already, by record id, are skipped."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._derivation = Derivation(archive.store)
        self._derivation.begin(archive.crawl)
        self._taken: set[str] = set()  # ids of captures that were new
        self._crawls: set[str] = set()  # ids of their warcinfos

    def articles(self, path: Path) -> Iterator[Article | None]:
        """Take a file in, a record at a time: the article whose look it completes is given, not yet stored, or None.

        Raises UnreadableInput where the file is damaged, after what was whole before the damage has been taken.
        """
        if is_wacz(path):
            yield from self._wacz(path)
        elif is_warc(path):
            yield from self._warc(path)
        else:
            record = resource(path, self._archive.ready())
            if self._holds(record.id):
                self._archive.tally.skipped += 1
            else:
                self._taken.add(record.id)
                yield self._take(record, None)

    def _holds(self, record_id: str) -> bool:
        return record_id in self._taken or self._archive.memory.holds(record_id)

    def _wacz(self, path: Path) -> Iterator[Article | None]:
        members, faults = contents(path)
        told = list(faults)
        for member in members:
            try:
                with member.unpacked() as file:
                    yield from self._warc(file)
            except UnreadableInput as error:
                told.append(str(error))
        if told:
            raise UnreadableInput("; ".join(told))

    def _warc(self, path: Path) -> Iterator[Article | None]:
        skipped: set[str] = set()
        early: list[Capture] = []
        infos: dict[str, Record] = {}  # warcinfos of which nothing new has come yet
        held = _Held()
        self._crawls.discard("")  # what names no warcinfo belongs together in one file alone
        try:
            for capture, record in captures(whole_records(path), path.name):
                if record.type == WARCINFO:
                    infos |= {record.id: record} if record.id else {}  # without an id it describes nothing
                elif capture is None:
                    self._hold(record, held, skipped)
                elif self._holds(capture.id):
                    self._archive.tally.skipped += 1
                    skipped.update((capture.id, *(each.id for each in held.exchange_of(record) if each.id)))
                elif capture.fetched_at > clock.now():
                    early.append(capture)
                    skipped.update((capture.id, *(each.id for each in held.exchange_of(record) if each.id)))
                else:
                    self._archive.ready()
                    if record.warcinfo_id in infos:
                        self._copy(infos.pop(record.warcinfo_id))
                    self._taken.add(capture.id)
                    self._crawls.add(record.warcinfo_id)
                    exchange = held.exchange_of(record)
                    for each in exchange:
                        self._copy(each)
                    yield self._take(record, _request_of(record, exchange))
        finally:  # what is whole before a damage too
            for record in held.rest():
                if record.warcinfo_id in self._crawls:
                    self._copy(record)
        if early:
            raise UnreadableInput(f"{path}: {_told(early)}")

    def _hold(self, record: Record, held: "_Held", skipped: set[str]) -> None:
        concurrent = bare_id(record.field("WARC-Concurrent-To"))
        if concurrent in self._taken:
            self._copy(record)
        elif concurrent not in skipped:
            held.add(record)

    def _copy(self, record: Record) -> None:
        span = self._archive.append(record)
        self._derivation.take(derived_from(replace(record, offset=span.offset), None), span.file)

    def _take(self, record: Record, request: Record | None) -> Article | None:
        span = self._archive.append(record)
        self._archive.tally.records += 1
        capture = capture_of(replace(record, offset=span.offset, length=span.length), request, span.file)
        return self._derivation.take(derived_from(record, capture))


def _told(early: Sequence[Capture]) -> str:
    """Captures of moments still to come: taken in, they would keep the archive from every run until then."""
    first = early[0]
    count = "1 record is" if len(early) == 1 else f"{len(early)} records are"
    return (
        f"{count} of moments still to come, such as {first.fetched_at} ({first.url}), and left out: is the clock right?"
    )


def _request_of(record: Record, exchange: Iterable[Record]) -> Record | None:
    """The request that says of which kind a capture is: the one that the capture names, as whoever reads the archive's
    own files goes by it.
    """
    named = bare_id(record.field("WARC-Concurrent-To"))
    return next((each for each in exchange if named and each.type == REQUEST and each.id == named), None)


class _Held:
    """Requests and such, until it shows whether the capture that they belong to is new."""

    def __init__(self) -> None:
        self._records: dict[str | int, Record] = {}  # by id, or by number where one has none
        self._beside: dict[str, list[str | int]] = {}  # WARC-Concurrent-To → the same
        self._numbers = count()

    def add(self, record: Record) -> None:
        """Hold a record."""
        key = record.id or next(self._numbers)
        self._records[key] = record
        self._beside.setdefault(bare_id(record.field("WARC-Concurrent-To")), []).append(key)

    def exchange_of(self, record: Record) -> list[Record]:
        """The held records of a capture's exchange, no longer held."""
        other = bare_id(record.field("WARC-Concurrent-To"))
        keys = [other, *self._beside.pop(record.id, ()), *(self._beside.pop(other, ()) if other else ())]
        return [self._records.pop(key) for key in dict.fromkeys(keys) if key in self._records]

    def rest(self) -> Iterable[Record]:
        """What is still held."""
        return self._records.values()
