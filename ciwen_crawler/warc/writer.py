"""Writes one WARC file: `*.open` while it grows, its final name once it is closed."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.warc.record import Record

OPEN = ".open"
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class Span(NamedTuple):
    """Where a record's gzip member lies."""

    file: str  # the final name
    offset: int  # bytes
    length: int  # bytes


def file_name(moment: datetime, serial: int, host: str | None = None) -> str:
    """`ciwen-20250604083512123-00001-HOST.warc.gz`: names sort in time order (WARC/1.1 annex C)."""
    stamp = moment.strftime("%Y%m%d%H%M%S") + f"{moment.microsecond // 1000:03d}"
    name = "".join(c if c in _NAME_CHARACTERS else "-" for c in host or socket.gethostname().partition(".")[0])
    return f"ciwen-{stamp}-{serial:05d}-{name or 'localhost'}.warc.gz"


class WarcWriter:
    """The one writer of a file. A record is in the file when `append` returns, and durable after `sync`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / (name + OPEN)
        self.size = 0
        self._dirty = self._is_lost = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Appending, so that after bytes were taken back the next ones do not leave a hole.
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            sync_folder(folder)
        except OSError as error:
            raise self._refused(error) from error

    def append(self, record: Record) -> Span:
        """Add a record. Where the disk refuses, what was written of it is taken back and CannotWrite raised."""
        data = record.member()
        span = Span(self.name, self.size, len(data))
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with self._told():
                os.ftruncate(self._file, self.size)
            raise self._refused(error) from error
        self.size += len(data)
        self._dirty = True
        return span

    def sync(self) -> None:
        """Make all that was appended durable. Once it has failed it fails for good.

        The system forgets what it could not write, and would call the next attempt a success.
        """
        if self._is_lost:
            raise CannotWrite(f"cannot write {self.path}: what was written before may be lost")
        if self._dirty:
            self._is_lost = True
            with self._told():
                os.fsync(self._file)
            self._is_lost = self._dirty = False

    def close(self) -> None:
        """Make the file durable and give it its final name."""
        self.sync()
        os.close(self._file)
        with self._told():
            self.path.rename(self.path.with_name(self.name))
            sync_folder(self.path.parent)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the system refuses is told as CannotWrite."""
        try:
            yield
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> CannotWrite:
        return CannotWrite(f"cannot write {self.path}: {error.strerror}")


def sync_folder(folder: Path) -> None:
    """A new or changed name is durable only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
