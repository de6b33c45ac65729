"""Reads WARC files, our own and others'. FastWARC finds the records; what it passes over in silence is an error."""

import mmap
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord
from isal import isal_zlib

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.message import DAMAGE
from ciwen_crawler.warc.record import MEMBER_HEADER, REQUEST, RESOURCE, VERSION, WARCINFO, Record
from ciwen_crawler.warc.writer import OPEN, Span

# What reading a record raises where there is none.
NO_RECORD: tuple[type[Exception], ...] = (OSError, ValueError, *DAMAGE)
_GZIP = b"\x1f\x8b"
_BEGINS_LINE = b"WARC/"  # 0.17 and 0.18 are still about
_PIECE = 64 * 1024
# A WARC header holds URLs, and servers send people to very long ones. FastWARC would stop at 32 KB.
_MOST_HEADER = 64 * 1024 * 1024
_MOST_BLOCK = 1024 * 1024 * 1024  # bytes; a record is read as a whole, and nothing of a news channel is as long
# An exchange is never parted: its request says of which kind the response is.
_BEGINS_EXCHANGE = frozenset({REQUEST, WARCINFO, RESOURCE})


def records(path: Path, start: int = 0, end: int | None = None) -> Iterator[Record]:
    """The records whose members begin in [start, end), in the file's order.

    Raises UnreadableInput where the file is cut short, damaged or no WARC file; what was whole before that has been
    given by then.
    """
    position = start
    member = start  # where the last one begins; records that share one are placed at the next
    held: Record | None = None
    fault: Exception | None = None
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        is_gzip = file.read(2) == _GZIP
        file.seek(start)
        try:
            for found in ArchiveIterator(file, parse_http=False, max_header_len=_MOST_HEADER):
                position = found.stream_pos
                # A member's length is known when the next one begins, so each record is held until then.
                if held is not None:
                    yield replace(held, length=position - held.offset)
                    held = None
                if end is not None and position >= end:
                    return
                held = _record(path, found, position)
                member = position if position < size else member
        except (OSError, ValueError) as error:
            fault = error
    stop = position
    if held is not None:
        stop = member_end(path, member) if is_gzip else _plain_end(path, held)
        yield replace(held, length=stop - held.offset)
    if fault is not None:
        raise UnreadableInput(f"{path}: damaged, or no WARC file, at byte {stop} ({fault})") from fault
    if held is None and (start < size or not size):
        raise UnreadableInput(f"{path}: no WARC record at byte {start}")
    if stop < size:
        raise UnreadableInput(f"{path}: cut short or damaged at byte {stop} of {size}")


def whole_records(path: Path) -> Iterator[Record]:
    """Every record that can be read. In files of our make, whose members are found by their header, those behind a
    damage too. Raises UnreadableInput at the end, where there is anything that cannot.
    """
    start, faults = 0, list[UnreadableInput]()
    while True:
        try:
            for record in records(path, start):
                start = record.offset + record.length
                yield record
            break
        except UnreadableInput as fault:
            faults.append(fault)
            begin = _member_behind(path, start)
            if begin is None:
                break
            start = begin
    if faults:
        more = f"; so it is at {len(faults) - 1} places behind that" if faults[1:] else ""
        raise UnreadableInput(f"{faults[0]}{more}") from faults[0]


def _member_behind(path: Path, position: int) -> int | None:
    """Where the next member of a file of ours begins behind a byte."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = data.find(MEMBER_HEADER, position + 1) if data[: len(MEMBER_HEADER)] == MEMBER_HEADER else -1
    except (OSError, ValueError):  # unreadable, or empty
        return None
    return found if found >= 0 else None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error


def _record(path: Path, found: WarcRecord, position: int) -> Record:
    if found.content_length > _MOST_BLOCK:
        raise UnreadableInput(f"{path}: the record at byte {position} is longer than {_MOST_BLOCK} bytes")
    pairs = found.headers.items_bytes()
    fields = tuple((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in pairs)
    record = Record(found.headers.status_line or VERSION, fields, found.reader.read(), position)
    # FastWARC takes a length that is missing or no number for 0.
    size = record.field("Content-Length") or ""
    if not size.isdecimal() or len(record.block) != int(size):
        raise UnreadableInput(f"{path}: cut short or damaged in the record at byte {position}")
    return record


def record_at(folder: Path, span: Span) -> Record:
    """One record of an archive's own file, whether that file is final or still being written."""
    path = _lying(folder, span.file)
    try:
        with path.open("rb") as file:
            file.seek(span.offset)
            data = file.read(span.length)
        return parsed(isal_zlib.decompress(data, wbits=31), span.offset, span.length)
    except NO_RECORD as error:
        raise UnreadableInput(f"{path}: no WARC record at byte {span.offset} ({error})") from error


def record_from(folder: Path, file: str, offset: int) -> Record:
    """The record whose member begins at a byte of an archive's own file."""
    path = _lying(folder, file)
    try:
        end = member_end(path, offset)
    except OSError as error:
        raise UnreadableInput(f"{path}: no WARC record at byte {offset} ({error})") from error
    return record_at(folder, Span(file, offset, end - offset))


def _lying(folder: Path, file: str) -> Path:
    path = folder / file
    return path if path.exists() else path.with_name(file + OPEN)


def parsed(data: bytes, offset: int = 0, length: int = 0) -> Record:
    """A record out of its bytes, ValueError where they are none."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not data.startswith(_BEGINS_LINE) or not blank:
        raise ValueError("no WARC record")
    version, *lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = tuple((name, value.strip(" \t")) for name, _, value in pairs)
    size = int(Record(version, fields, b"").field("Content-Length") or "")
    if len(rest) < size:
        raise ValueError("shorter than its Content-Length")
    return Record(version, fields, rest[:size], offset, length)


def member_end(path: Path, start: int) -> int:
    """Where the gzip member that begins at a byte ends; UnreadableInput where it is cut or damaged."""
    decoder = isal_zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        file.seek(start)
        try:
            while piece := file.read(_PIECE):
                decoder.decompress(piece)
                if decoder.eof:
                    return file.tell() - len(decoder.unused_data)
        except DAMAGE as error:
            raise UnreadableInput(f"{path}: damaged at byte {start} ({error})") from error
    raise UnreadableInput(f"{path}: cut short in the record at byte {start}")


def _plain_end(path: Path, last: Record) -> int:
    """Where an uncompressed record ends, with the two line ends that follow it (fewer where they were cut off)."""
    with path.open("rb") as file:
        file.seek(last.offset)
        while file.readline().strip():
            pass
        return min(file.tell() + len(last.block) + len(b"\r\n\r\n"), path.stat().st_size)


def parts(path: Path, count: int, start: int = 0) -> list[tuple[int, int]]:
    """Byte ranges of about equal size from `start` on, each beginning with an exchange, that `records` can read side by
    side.

    Members are found by their constant header, which stands nowhere else in files of ours; one of another make is one
    part.
    """
    size = path.stat().st_size
    bounds = [start]
    if start < size:
        with _opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for number in range(1, count):
                found = _exchange_after(data, max(start + (size - start) * number // count, bounds[-1] + 1))
                if found is None:
                    break
                bounds.append(found)
    return list(zip(bounds, [*bounds[1:], size], strict=True))


def records_backwards(path: Path, end: int | None = None) -> Iterator[Record]:
    """The records of a file of ours that begin before a byte, the last first: only as much is read as is asked for."""
    size = path.stat().st_size
    if not size:
        return
    with _opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = size if end is None else min(end, size)
        while (position := data.rfind(MEMBER_HEADER, 0, position)) >= 0:
            record = _member_at(data, position)
            if record is not None:
                yield record


def own_warcinfos(path: Path, end: int | None = None) -> Iterator[Record]:
    """The warcinfos that runs wrote into this very file, before a byte, the last first: one taken in names its own."""
    name = path.name.removesuffix(OPEN)
    for record in records_backwards(path, end):
        if record.type == WARCINFO and record.field("WARC-Filename") == name:
            yield record


def _exchange_after(data: mmap.mmap, position: int) -> int | None:
    while (position := data.find(MEMBER_HEADER, position)) >= 0:
        record = _member_at(data, position)
        if record is not None and record.type in _BEGINS_EXCHANGE:
            return position
        position += 1 if record is None else record.length
    return None


def _member_at(data: mmap.mmap, position: int) -> Record | None:
    decoder = isal_zlib.decompressobj(wbits=31)
    pieces = []
    start = position
    try:
        while not decoder.eof and position < len(data):
            pieces.append(decoder.decompress(data[position : position + _PIECE]))
            position += _PIECE
            if not pieces[0].startswith(_BEGINS_LINE[: len(pieces[0])]):
                return None
        length = min(position, len(data)) - len(decoder.unused_data) - start
        return parsed(b"".join(pieces), start, length) if decoder.eof else None
    except NO_RECORD:
        return None
