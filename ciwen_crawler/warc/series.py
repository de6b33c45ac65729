"""The WARC files that a run writes: the newest one taken up again, else a new one, and the next when that is full.

At any moment each file but the newest is final, with its line in the manifest:

1. a file that is full is closed, under its final name;
2. the files without a line get one;
3. the next file is begun, `*.open`, and
4. opens with a warcinfo that names the one before it.

A run that is killed between two of these leaves what the next one goes on from: behind 1 a file that is full, or old,
and so not taken up; behind 2 one that its line keeps from being taken up; behind 3 one that recovery removes, having no
whole record. A file that is taken up has no line, and is renamed by recovery where its run is killed.
"""

import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.warc.files import at_rest, newest_own, next_name, own_name, size_of
from ciwen_crawler.warc.manifest import Manifest, digest_of
from ciwen_crawler.warc.reader import records_backwards
from ciwen_crawler.warc.record import Record
from ciwen_crawler.warc.writer import Span, WarcWriter

MOST = 10**9  # bytes; a file of this size is full
DAYS = 30  # a file of this age is not taken up


class Opening(NamedTuple):
    """What the warcinfo that opens a run in a file must say."""

    file: str  # the final name
    previous: tuple[str, str] | None  # of a new file: name and SHA-256 (hex) of the one before it, if there is one
    is_first: bool  # False where the run has begun in another file


class Written(NamedTuple):
    """What a run wrote into a file."""

    file: str  # the final name
    offset: int  # bytes
    length: int  # bytes
    records: int
    sha256: str  # of those bytes, in hex


class Series:
    """The files of one run in an archive's `warc` folder. The archive's lock must be held, and recovery have run.

    `moment` is when the run began, by which its files are named; `opening` makes the warcinfo that it writes first into
    each. Whatever writes raises CannotWrite; making one also UnreadableInput, where a file cannot be read for its line.
    """

    def __init__(
        self,
        folder: Path,
        moment: datetime,
        opening: Callable[[Opening], Record],
        *,
        most: int = MOST,
        days: int = DAYS,
    ) -> None:
        self._folder = folder
        self._moment = moment
        self._opening = opening
        self._most = most
        self._manifest = Manifest(folder)
        self._full: list[WarcWriter] = []
        newest = newest_own(at_rest(folder))
        if newest and self._may_go_on(newest, timedelta(days=days)):
            self._open(WarcWriter(folder, newest.name, again=True), None)
        else:
            self._begin()

    def _may_go_on(self, path: Path, most_age: timedelta) -> bool:
        """Whether a file can be taken up: of our making, not final, neither full nor old, and whole at its end.

        A name from the future is no hindrance: a new one would have to sort behind it, and be from there too.
        """
        name = own_name(path.name)
        return (
            name is not None
            and path.name not in self._manifest.digests
            and self._moment - name.moment < most_age
            and _is_alone(path)
            and size_of(path) < self._most
            and ends_whole(path)
        )

    def _begin(self) -> None:
        known = frozenset(self._manifest.digests)
        # To read a GB again would keep the crawl waiting for seconds.
        hashed = {each.name: each.sha256.hexdigest() for each in self._full if each.start == 0}
        self._manifest.add_files(at_rest(self._folder), hashed)
        name = next_name(self._folder, self._moment, frozenset(self._manifest.digests))
        before = max((each for each in self._manifest.digests if each < name), default=None)
        if before in known:
            self._must_agree(before)
        self._open(WarcWriter(self._folder, name), (before, self._manifest.digests[before]) if before else None)

    def _must_agree(self, name: str) -> None:
        """What a warcinfo says of the file before it stays for good, so no line is believed that may be wrong."""
        path = self._folder / name
        if path.exists() and digest_of(path) != self._manifest.digests[name]:
            raise UnreadableInput(
                f"{path}: its SHA-256 is not the one in {self._manifest.path.name}: put the file or the line right"
            )

    def _open(self, writer: WarcWriter, previous: tuple[str, str] | None) -> None:
        try:
            warcinfo = self._opening(Opening(writer.name, previous, not self._full))
            writer.append(warcinfo)
        except BaseException:
            writer.abandon()
            raise
        self._writer = writer
        self._warcinfo_id = warcinfo.id

    @property
    def name(self) -> str:
        """The final name of the file that is being written."""
        return self._writer.name

    @property
    def warcinfo_id(self) -> str:
        """The id of the warcinfo that this run wrote first into that file."""
        return self._warcinfo_id

    def ready(self) -> str:
        """The id of the warcinfo that the next records are to name; where the file is full, the next is begun first.

        To be called between exchanges, which are never parted. Where it raises it may be called again.
        """
        if self._writer.size >= self._most:
            self._writer.close()
            if self._writer not in self._full:
                self._full.append(self._writer)
            self._begin()
        return self._warcinfo_id

    def append(self, record: Record) -> Span:
        """Add a record; see WarcWriter."""
        return self._writer.append(record)

    def sync(self) -> None:
        """Make all that was appended durable; see WarcWriter."""
        self._writer.sync()

    def written(self) -> list[Written]:
        """What the run wrote so far, file by file."""
        writers = [*self._full, *([] if self._writer in self._full else [self._writer])]
        return [
            Written(each.name, each.start, each.size - each.start, each.records, each.sha256.hexdigest())
            for each in writers
        ]

    def close(self) -> None:
        """Make all durable, and give the file its final name."""
        self._writer.close()


def ends_whole(path: Path) -> bool:
    """Whether the last member of a file of ours holds a whole record and ends where the file does.

    What lies before it is not read: that takes long in a large file, and `verify` is for it.
    """
    last = next(records_backwards(path), None)
    return last is not None and last.offset + last.length == size_of(path)


def _is_alone(path: Path) -> bool:
    """Whether a file is there to be written, under this name alone: a snapshot made of links would change with it."""
    state = path.lstat()
    return stat.S_ISREG(state.st_mode) and state.st_nlink == 1 and os.access(path, os.W_OK)
