"""Files in a ZIP file, read as far as they go: what is damaged too, and what lies in one that was cut short on its way.

The directory of a ZIP file stands at its end. Where that is lost, its files are found by the header that stands before
each (APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.9).
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

# What reading a ZIP file raises that is damaged, encrypted, or packed in a way that nobody here knows.
DAMAGE = (BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, struct.error, zlib.error)

_HEADER, _DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
_FIELDS = struct.Struct("<4s5H3I2H")
_IS_ENCRYPTED, _SIZE_FOLLOWS = 0x01, 0x08
_LARGE, _ZIP64 = 0xFFFFFFFF, 0x0001
_PIECE = 1024 * 1024


class Packed(NamedTuple):
    """A file in a ZIP file."""

    path: Path
    name: str
    method: int
    is_encrypted: bool
    header: int  # where it begins, in bytes
    size: int  # packed, in bytes
    crc: int | None = None  # CRC-32 of its content, where it is known

    def pieces(self) -> Iterator[bytes]:
        """Its content, as much of it as there is; one of DAMAGE is raised after that, where it is not as it was."""
        crc = 0
        with self.path.open("rb") as file:
            self._enter(file)
            for piece in self._unpacked(file):
                crc = zlib.crc32(piece, crc)
                yield piece
        if self.crc not in (None, crc):
            raise BadZipFile("its checksum is another")

    def _enter(self, file: BinaryIO) -> None:
        """Go to where its data begin."""
        if self.is_encrypted or self.method not in (ZIP_STORED, ZIP_DEFLATED):
            raise NotImplementedError("encrypted" if self.is_encrypted else f"packed by method {self.method}")
        file.seek(self.header)
        header = file.read(_FIELDS.size)
        if not header.startswith(_HEADER):
            raise BadZipFile("its header is gone")
        *_, name_length, extra_length = _FIELDS.unpack(header)
        file.seek(name_length + extra_length, 1)

    def _unpacked(self, file: BinaryIO) -> Iterator[bytes]:
        left, inflate = self.size, zlib.decompressobj(-zlib.MAX_WBITS)
        while left > 0 and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            if self.method == ZIP_STORED:
                yield piece
                continue
            while piece and not inflate.eof:
                yield inflate.decompress(piece, _PIECE)
                piece = inflate.unconsumed_tail
        yield inflate.flush()


def listed(path: Path) -> list[Packed]:
    """The files in a ZIP file. Raises one of DAMAGE where its directory cannot be read."""
    with ZipFile(path) as file:
        return [
            Packed(
                path,
                each.filename,
                each.compress_type,
                bool(each.flag_bits & _IS_ENCRYPTED),
                each.header_offset,
                each.compress_size,
                each.CRC,
            )
            for each in file.infolist()
        ]


def scanned(path: Path) -> list[Packed]:
    """The files that can be found without the directory, in their order. None where it is no ZIP file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return list(_headers(path, data))
    except (OSError, ValueError):  # an empty file cannot be mapped
        return []


def _headers(path: Path, data: mmap.mmap) -> Iterator[Packed]:
    position = 0
    while (position := data.find(_HEADER, position)) >= 0 and position + _FIELDS.size <= len(data):
        *_, flags, method, _, _, _, size, _, name_length, extra_length = _FIELDS.unpack_from(data, position)
        begin = position + _FIELDS.size
        start = begin + name_length + extra_length
        name, extra = data[begin : begin + name_length], data[begin + name_length : start]
        size = _large_size(extra) if size == _LARGE else size
        end = _described_end(data, start) if flags & _SIZE_FOLLOWS else start + size
        yield Packed(path, name.decode("utf-8", "replace"), method, bool(flags & _IS_ENCRYPTED), position, end - start)
        position = max(start, min(end, len(data)))  # within it, WARC files may hold ZIP files


def _large_size(extra: bytes) -> int:
    """Of a file beyond 4 GB (section 4.5.3)."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64 and length >= 16:
            return int.from_bytes(extra[12:20], "little")
        extra = extra[4 + length :]
    return _LARGE


def _described_end(data: mmap.mmap, start: int) -> int:
    """Where a file ends whose size was not known when it began: what stands behind it says so."""
    position = start
    while (position := data.find(_DESCRIPTOR, position)) >= 0:
        sizes = (data[position + 8 : position + 12], data[position + 8 : position + 16])
        if position - start in (int.from_bytes(each, "little") for each in sizes):
            return position
        position += 1
    return len(data)
