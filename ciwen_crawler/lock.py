"""The lock of an archive: one writer at a time, and none that is dead."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ciwen_crawler import clock
from ciwen_crawler.errors import ArchiveLocked, CannotWrite, UnreadableInput

NAME = ".lock"
_MAY_NOT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Lock:
    """Held from its making until `release`, or until its process ends in whatever way."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _refused(folder, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"process {os.getpid()}, since {clock.now()}\n".encode(), 0)
        except BlockingIOError:
            locked = _locked(folder, self._file)
            os.close(self._file)
            raise locked from None
        except OSError as error:
            os.close(self._file)
            raise _refused(folder, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the archive go."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Keep an archive from changing while it is read, by whoever may read it.

    Who may not write there shares the lock with others like that; an archive without a lock file, on a disk that nobody
    can write, needs none. Raises ArchiveLocked where a run writes.
    """
    try:
        lock = Lock(folder)
    except CannotWrite as refused:
        if not isinstance(refused.__cause__, OSError) or refused.__cause__.errno not in _MAY_NOT:
            raise
    else:
        with lock:
            yield
        return
    file = _shared(folder)
    try:
        yield
    finally:
        if file is not None:
            os.close(file)


def _shared(folder: Path) -> int | None:
    path = folder / NAME
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}, which tells whether a run is writing: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        locked = _locked(folder, file)
        os.close(file)
        raise locked from None
    return file


def _locked(folder: Path, file: int) -> ArchiveLocked:
    holder = os.pread(file, 200, 0).decode("utf-8", "replace").strip() or "it has just begun"
    return ArchiveLocked(f"another run holds {folder} ({holder}): begin again when it has ended")


def _refused(folder: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"cannot write the archive {folder}: {error.strerror} (--archive names another place)")
