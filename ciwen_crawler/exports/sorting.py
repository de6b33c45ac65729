"""Sorting lines that memory does not hold: sorted runs in temporary files, merged as they are read."""

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

from ciwen_crawler.errors import CannotWrite

_MOST = 16 * 1024 * 1024  # bytes of lines held at once


class Sorter:
    """Takes lines, each ending in a line feed, and gives them back bytewise sorted, once."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._held: list[bytes] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.close()

    def add(self, line: bytes) -> None:
        """Take a line. Raises CannotWrite."""
        self._held.append(line)
        self._size += len(line)
        if self._size >= self._most:
            self._put_down()

    def lines(self) -> Iterator[bytes]:
        """All lines in order."""
        self._held.sort()
        return heapq.merge(*self._runs, self._held) if self._runs else iter(self._held)

    def _put_down(self) -> None:
        self._held.sort()
        try:
            run = tempfile.TemporaryFile()  # noqa: SIM115 - closed with all the others
            self._runs.append(run)
            run.writelines(self._held)
            run.seek(0)
        except OSError as error:
            raise CannotWrite(f"cannot sort in {tempfile.gettempdir()}: {error.strerror}") from error
        self._held, self._size = [], 0
