"""Excerpt: some captures out of a WARC file, with all that belongs to their exchanges, every member byte for byte."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ciwen_crawler.exports.selection import CaptureRow
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import METADATA, REQUEST, WARCINFO, Record, bare_id

# Records of an exchange lie side by side, in ours before its response and in some others' behind it.
_MOST_WAITING = 256


class Taken(NamedTuple):
    """A member of the excerpt, and the row of the capture that it holds; None for what only belongs to one."""

    member: bytes
    row: CaptureRow | None


class Excerpt:
    """Takes captures out of one file; what has been given of its warcinfos is known to itself alone."""

    def __init__(self, path: Path, file: BinaryIO, end: int) -> None:
        self._path = path
        self._file = file
        self._end = end
        self._warcinfos: dict[str, Record] = {}  # not given yet
        self._waiting: dict[str, Record] = {}  # what may belong to a response that comes
        self._given: dict[str, None] = {}  # the last ids of exchanges that were given

    def members(self, rows: Iterator[CaptureRow]) -> Iterator[Taken]:
        """The captures of these rows, which are in the order of the file. Raises UnreadableInput."""
        row = next(rows, None)
        left = _MOST_WAITING  # records in which something may still belong to the last capture
        for record in records(self._path, 0, self._end):
            if record.type == WARCINFO:
                self._warcinfos[record.id] = record
            elif row is not None and record.offset == row.warc_offset:
                yield from self._exchange(record, row)
                row = next(rows, None)
            elif _concurrent(record) in self._given:
                yield Taken(self._member(record), None)
            elif record.type in (REQUEST, METADATA):
                _remember(self._waiting, record.id, record)
            left -= row is None
            # Behind the end another record may be half written.
            if not left or record.offset + record.length >= self._end:
                return

    def _exchange(self, record: Record, row: CaptureRow) -> Iterator[Taken]:
        if warcinfo := self._warcinfos.pop(record.warcinfo_id, None):
            yield Taken(self._member(warcinfo), None)
        names = {record.id, _concurrent(record)}
        for each in list(self._waiting.values()):
            if each.id in names or _concurrent(each) in names:
                names.add(each.id)
                yield Taken(self._member(self._waiting.pop(each.id)), None)
        for name in names - {""}:
            _remember(self._given, name, None)
        yield Taken(self._member(record), row)

    def _member(self, record: Record) -> bytes:
        return os.pread(self._file.fileno(), record.length, record.offset)


def _concurrent(record: Record) -> str:
    return bare_id(record.field("WARC-Concurrent-To"))


def _remember(known: dict[str, Any], name: str, value: object) -> None:
    known[name] = value
    if len(known) > _MOST_WAITING:
        del known[next(iter(known))]
