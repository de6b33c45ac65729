"""Parts of WARC files, read side by side: all that costs time in a derivation but for the database.

Kept apart from it, so that the processes that read import neither SQLAlchemy nor anything else that writes.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.store.readings import Reading, read
from ciwen_crawler.store.workers import Workers
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.files import size_of
from ciwen_crawler.warc.reader import parts, records
from ciwen_crawler.warc.record import METADATA, REVISIT, ROLE_DECISION, ROLE_REPORT, WARCINFO, Record
from ciwen_crawler.warc.revisit import followed, original_at_hand

_TELLING = (ROLE_REPORT, ROLE_DECISION)
# What one process reads at once: small enough that all finish together, and that what it says fits in memory.
_PART = 1024 * 1024


class Derived(NamedTuple):
    """A record, as far as rows follow from it."""

    warcinfo_id: str
    reading: Reading | None
    # A warcinfo, a run's report, a monitor's decision, or an article's revisit whose original is not at hand.
    record: Record | None


def derived_from(record: Record, capture: Capture | None, warc: Path | None = None) -> Derived:
    """What rows follow from one record, with the originals that lie where it says in the folder `warc`."""
    if capture is not None and record.type == REVISIT:
        reading = read(capture)
        if reading.capture.kind != ARTICLE:
            return Derived(record.warcinfo_id, reading, None)
        original = original_at_hand(warc, record) if warc else None
        content = followed(capture, original) if original else None
        return Derived(record.warcinfo_id, read(capture, content), None if content else record)
    if capture is not None:
        return Derived(record.warcinfo_id, read(capture), None)
    if record.type == WARCINFO or (record.type == METADATA and record.field("Ciwen-Role") in _TELLING):
        return Derived(record.warcinfo_id, None, record)
    return Derived(record.warcinfo_id, None, None)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file, from one exchange to another."""

    path: Path
    start: int
    end: int

    def read(self) -> list[Derived]:
        """What its records say."""
        found = captures(records(self.path, self.start, self.end), self.path.name)
        derived = (derived_from(record, capture, self.path.parent) for capture, record in found)
        return [each for each in derived if each.reading or each.record]


def read_parts(files: Iterable[Path], jobs: int, start: int = 0) -> Generator[tuple[Part, list[Derived]], None, None]:
    """What the records of files say, part after part in their order, read ahead by `jobs` processes.

    `start` is where in the first file to begin, in bytes.
    Raises UnreadableInput where a file is damaged, WorkerLost where one of the processes is killed.
    """
    found = list(_parts(files, start))
    if min(jobs, len(found)) <= 1:
        yield from ((part, part.read()) for part in found)
        return
    workers = Workers(min(jobs, len(found)), Part.read)
    try:
        yield from zip(found, workers.map(found), strict=True)
    finally:
        workers.end()


def _parts(files: Iterable[Path], begin: int) -> Iterator[Part]:
    for path in files:
        count = max(1, (size_of(path) - begin) // _PART)
        yield from (Part(path, start, end) for start, end in parts(path, count, begin))
        begin = 0
