"""Running digests: SHA-256 of bytes as they are read, taken by a thread beside the one that reads."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

# So much is hashed at once: a thread that asks for Python's lock too often keeps the reader from it.
_ENOUGH = 512 * 1024


class RunningDigest:
    """SHA-256 of all that was added so far."""

    def __init__(self, beside: ThreadPoolExecutor) -> None:
        self._beside = beside
        self._hash = hashlib.sha256()
        self._held: list[bytes | memoryview] = []
        self._size = 0
        self._last: Future[None] | None = None

    def add(self, data: bytes | memoryview) -> None:
        """These bytes too."""
        self._held.append(data)
        self._size += len(data)
        if self._size >= _ENOUGH:
            self._flush()

    def hexdigest(self) -> str:
        """Of all that was added."""
        self._flush()
        if self._last:
            self._last.result()
        return self._hash.hexdigest()

    def _flush(self) -> None:
        if self._last:
            self._last.result()  # no more than two lots are in memory
        held, self._held, self._size = self._held, [], 0
        self._last = self._beside.submit(lambda: self._hash.update(b"".join(held)))


class Digested:
    """A file whose bytes are told of, and hashed if need be, as they are read; at most `left` where that is told."""

    def __init__(
        self, file: BinaryIO, digest: RunningDigest | None, advance: Callable[[int], None], left: int | None = None
    ) -> None:
        self._file = file
        self._digest = digest
        self._advance = advance
        self._left = left

    def read(self, size: int) -> bytes:
        """The next bytes."""
        piece = self._file.read(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(piece)
        if self._digest:
            self._digest.add(piece)
        self._advance(len(piece))
        return piece
