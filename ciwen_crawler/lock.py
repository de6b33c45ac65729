"""The lock of an archive: one writer at a time, and none that is dead."""

import fcntl
import os
from pathlib import Path
from typing import Self

from ciwen_crawler import clock
from ciwen_crawler.errors import ArchiveLocked, CannotWrite

NAME = ".lock"


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
            holder = os.pread(self._file, 200, 0).decode("utf-8", "replace").strip() or "it has just begun"
            os.close(self._file)
            raise ArchiveLocked(f"another run holds {folder} ({holder}): begin again when it has ended") from None
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


def _refused(folder: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"cannot write the archive {folder}: {error.strerror} (--archive names another place)")
