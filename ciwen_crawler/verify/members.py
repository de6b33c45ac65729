"""Members: a file of ours cut at the constant header that every gzip member begins with, no byte left out."""

from collections.abc import Iterator
from typing import Protocol

from ciwen_crawler.warc.record import MEMBER_HEADER

_PIECE = 128 * 1024  # what a processor's cache holds


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def regions(file: _Readable, start: int = 0) -> Iterator[tuple[int, memoryview]]:
    """(offset, bytes) from one member header to the next, to the file's end; it is to be read from byte `start` on.

    The header stands nowhere else in a member, so a region that is not one member exactly holds damage. Read in pieces,
    not mapped: a disk that fails raises OSError here, where a map would end the process.
    """
    offset, held = start, b""
    while piece := file.read(max(_PIECE, len(held))):
        searched = len(held)
        held += piece
        view = memoryview(held)
        begin, look = 0, max(1, searched - len(MEMBER_HEADER) + 1)
        while (end := held.find(MEMBER_HEADER, look)) >= 0:
            yield offset + begin, view[begin:end]
            begin, look = end, end + 1
        offset, held = offset + begin, held[begin:]
    if held:
        yield offset, memoryview(held)
