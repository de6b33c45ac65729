"""Parts of WARC files, read side by side: all that costs time in a derivation but for the database.

Kept apart from it, so that the processes that read import neither SQLAlchemy nor anything else that writes.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.capture import Capture
from ciwen_crawler.store.readings import Reading, read
from ciwen_crawler.store.workers import Workers
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.reader import parts, records
from ciwen_crawler.warc.record import METADATA, ROLE_REPORT, WARCINFO, Record

# What one process reads at once: small enough that all finish together, and that what it says fits in memory.
_PART = 1024 * 1024


class Derived(NamedTuple):
    """A record, as far as rows follow from it."""

    warcinfo_id: str
    reading: Reading | None
    record: Record | None  # a warcinfo, or a run's report


def derived_from(record: Record, capture: Capture | None) -> Derived:
    """What rows follow from one record."""
    if capture is not None:
        return Derived(record.warcinfo_id, read(capture), None)
    if record.type == WARCINFO or (record.type == METADATA and record.field("Ciwen-Role") == ROLE_REPORT):
        return Derived(record.warcinfo_id, None, record)
    return Derived(record.warcinfo_id, None, None)


def read_parts(files: Iterable[Path], jobs: int) -> Generator[tuple[Path, list[Derived]], None, None]:
    """What the records of files say, part after part in their order, read ahead by `jobs` processes.

    Raises UnreadableInput where a file is damaged, WorkerLost where one of the processes is killed.
    """
    found = list(_parts(files))
    if min(jobs, len(found)) <= 1:
        yield from ((part.path, part.read()) for part in found)
        return
    workers = Workers(min(jobs, len(found)), _Part.read)
    try:
        yield from zip((part.path for part in found), workers.map(found), strict=True)
    finally:
        workers.end()


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
        yield from (_Part(path, start, end) for start, end in parts(path, count))
