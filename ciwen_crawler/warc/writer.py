"""Writes one WARC file: `*.open` while it grows, its final name once it is closed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.warc.record import Record

OPEN = ".open"
_CLOSED = -1  # no file has this number; one that was given back soon belongs to another file


class Span(NamedTuple):
    """Where a record's gzip member lies."""

    file: str  # the final name
    offset: int  # bytes
    length: int  # bytes


class WarcWriter:
    """The one writer of a file, a new one or (`again`) one at rest. A record is in the file when `append` returns, and
    durable after `sync`.
    """

    def __init__(self, folder: Path, name: str, *, again: bool = False) -> None:
        self.name = name
        self.path = folder / (name + OPEN)
        self._is_lost = False
        # What was there may come from a run that was killed before it made that durable.
        self._dirty = again
        try:
            self._file = self._taken_up() if again else self._begun()
            self.start = self.size = os.fstat(self._file).st_size  # bytes
            sync(folder)
        except OSError as error:
            raise self._refused(error) from error
        self.records = 0  # appended by this writer
        self.sha256 = hashlib.sha256()  # of what this writer appended

    def _begun(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Appending, so that after bytes were taken back the next ones do not leave a hole.
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def _taken_up(self) -> int:
        if self.path.exists():
            raise CannotWrite(f"cannot write {self.path}: it is there already")
        final = self.path.with_name(self.name)
        # Before the new name, so that a file that must not be written keeps the one it has.
        file = os.open(final, os.O_WRONLY | os.O_APPEND)
        final.rename(self.path)
        return file

    def append(self, record: Record) -> Span:
        """Add a record. Where the disk refuses, what was written of it is taken back and CannotWrite raised."""
        self._must_not_be_lost()
        if self._file == _CLOSED:
            raise CannotWrite(f"cannot write {self.path}: it is closed")
        data = record.member()
        span = Span(self.name, self.size, len(data))
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            self._take_back()
            raise self._refused(error) from error
        self.size += len(data)
        self.records += 1
        self.sha256.update(data)
        self._dirty = True
        return span

    def _take_back(self) -> None:
        """Half a record must not be followed by others: recovery would cut them off with it."""
        self._is_lost = True
        with self._told():
            os.ftruncate(self._file, self.size)
        self._is_lost = False

    def sync(self) -> None:
        """Make all that was appended durable. Once it has failed it fails for good.

        The system forgets what it could not write, and would call the next attempt a success.
        """
        self._must_not_be_lost()
        if self._dirty:
            self._is_lost = True
            with self._told():
                os.fsync(self._file)
            self._is_lost = self._dirty = False

    def close(self) -> None:
        """Make the file durable and give it its final name; nothing if that is done."""
        if self._file == _CLOSED:
            return
        self.sync()
        with self._told():
            self.path.rename(self.path.with_name(self.name))
            sync(self.path.parent)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file as it is; the next run repairs it."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _must_not_be_lost(self) -> None:
        if self._is_lost:
            raise CannotWrite(f"cannot write {self.path}: what was written before may be lost")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the system refuses is told as CannotWrite."""
        try:
            yield
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> CannotWrite:
        return CannotWrite(f"cannot write {self.path}: {error.strerror}")


def sync(path: Path) -> None:
    """Make a file durable, or a folder: a new or changed name is so only once its folder is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
