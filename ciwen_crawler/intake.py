"""Intake: records from elsewhere go into the archive's own WARC files first, and what follows from them after."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ciwen_crawler.archive import Archive
from ciwen_crawler.items import Article
from ciwen_crawler.saved import resource
from ciwen_crawler.sources import is_warc
from ciwen_crawler.store.derivation import Derivation
from ciwen_crawler.store.parts import derived_from
from ciwen_crawler.warc.capturing import capture_of, captures
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import REQUEST, WARCINFO, Record, bare_id


class Intake:
    """Takes files into an archive. Captures that it holds already, by record id, are skipped."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._derivation = Derivation(archive.store)
        self._derivation.begin(archive.crawl)
        self._taken: set[str] = set()  # ids of captures that were new, and of their warcinfos

    def articles(self, path: Path) -> Iterator[Article | None]:
        """Take a file in, a record at a time: the article whose look it completes is given, not yet stored, or None.

        Raises UnreadableInput where the file is damaged, after what was whole before the damage has been taken.
        """
        if is_warc(path):
            yield from self._warc(path)
        else:
            record = resource(path, self._archive.crawl.warcinfo_id)
            if self._holds(record.id):
                self._archive.tally.skipped += 1
            else:
                self._taken.add(record.id)
                yield self._take(record, None)

    def _holds(self, record_id: str) -> bool:
        return record_id in self._taken or self._archive.holds(record_id)

    def _warc(self, path: Path) -> Iterator[Article | None]:
        skipped: set[str] = set()
        infos: dict[str, Record] = {}  # warcinfos of which nothing new has come yet
        held: dict[str, Record] = {}  # requests and such, until it shows whether what they belong to is new
        for capture, record in captures(records(path), path.name):
            if record.type == WARCINFO:
                infos[record.id] = record
            elif capture is None:
                self._hold(record, held, skipped)
            elif self._holds(capture.id):
                self._archive.tally.skipped += 1
                skipped.update((capture.id, *(_concurrent(held, record))))
                yield None
            else:
                if record.warcinfo_id in infos:
                    self._copy(infos.pop(record.warcinfo_id))
                self._taken.update((capture.id, record.warcinfo_id))
                request = None
                for each in _concurrent(held, record).values():
                    request = each if each.type == REQUEST else request
                    self._copy(each)
                yield self._take(record, request)
        for record in held.values():
            if record.warcinfo_id in self._taken:
                self._copy(record)

    def _hold(self, record: Record, held: dict[str, Record], skipped: set[str]) -> None:
        concurrent = bare_id(record.field("WARC-Concurrent-To"))
        if concurrent in self._taken:
            self._copy(record)
        elif concurrent not in skipped:
            held[record.id] = record

    def _copy(self, record: Record) -> None:
        self._archive.append(record)
        self._derivation.take(derived_from(record, None))

    def _take(self, record: Record, request: Record | None) -> Article | None:
        span = self._archive.append(record)
        self._archive.tally.records += 1
        capture = capture_of(replace(record, offset=span.offset, length=span.length), request, span.file)
        return self._derivation.take(derived_from(record, capture))


def _concurrent(held: dict[str, Record], record: Record) -> dict[str, Record]:
    """The held records of a capture's exchange, no longer held."""
    ids = {record.id, bare_id(record.field("WARC-Concurrent-To"))}
    found = {
        key: each for key, each in held.items() if {key, bare_id(each.field("WARC-Concurrent-To"))}.intersection(ids)
    }
    for key in found:
        del held[key]
    return found
