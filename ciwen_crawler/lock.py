"""The lock of an archive: one writer at a time, and none that is dead."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from ciwen_crawler import clock
from ciwen_crawler.errors import ArchiveLocked, CannotWrite, UnreadableInput

NAME = ".lock"
_MAY_NOT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Lock:
    """Held from its making until `release`, or until its process ends in whatever way.

    A folder that was made for it goes again with it where nothing else has come in: a run that could not begin leaves
    none behind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        while self._file is None:
            self._made = _to_be_made(folder)
            self._file = _locked_file(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the archive go; nothing where that is done."""
        if self._file is None:
            return
        os.ftruncate(self._file, 0)
        if self._made and [each.name for each in self._folder.iterdir()] == [NAME]:
            (self._folder / NAME).unlink()
            with suppress(OSError):  # another run has come
                for each in self._made:
                    each.rmdir()
        os.close(self._file)
        self._file = None


def _to_be_made(folder: Path) -> list[Path]:
    """The folder and those above it that are not there yet, the innermost first."""
    return [each for each in (folder, *folder.parents) if not os.path.lexists(each)]


def _locked_file(folder: Path) -> int | None:
    """The lock file, locked; None where its holder took it away in that moment."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(folder / NAME, file):
            os.close(file)
            return None
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()}, since {clock.now()}\n".encode(), 0)
    except BlockingIOError:
        locked = _locked(folder, file)
        os.close(file)
        raise locked from None
    except OSError as error:
        os.close(file)
        raise _refused(folder, error) from error
    return file


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


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
