"""Parts of WARC files, read side by side: all that costs time in a derivation but for the database.

Kept apart from it, so that the processes that read import neither SQLAlchemy nor anything else that writes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.capture import Capture
from ciwen_crawler.store.readings import Reading, read
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.reader import parts, records
from ciwen_crawler.warc.record import METADATA, ROLE_REPORT, WARCINFO, Record

# What one process reads at once: small enough that all finish together, and that what it says fits in memory.
_PART = 1024 * 1024
_AHEAD = 3  # parts a process that wait to be taken


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


def read_parts(files: Iterable[Path], jobs: int) -> Iterator[tuple[Path, list[Derived]]]:
    """What the records of files say, part after part in their order, read ahead by `jobs` processes."""
    found = list(_parts(files))
    if min(jobs, len(found)) <= 1:
        yield from ((part.path, part.read()) for part in found)
        return
    # Spawned, not forked: a fork would share the parent's open database.
    with ProcessPoolExecutor(min(jobs, len(found)), mp_context=get_context("spawn")) as pool:
        ahead: deque[tuple[Path, Future[list[Derived]]]] = deque()
        for part in found:
            ahead.append((part.path, pool.submit(part.read)))
            if len(ahead) > jobs * _AHEAD:
                path, future = ahead.popleft()
                yield path, future.result()
        yield from ((path, future.result()) for path, future in ahead)


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
