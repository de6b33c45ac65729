"""Repairs what a run left that did not end: an unclean `*.open` file is cut back to its last whole record."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from isal import isal_zlib

from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.warc.files import size_of
from ciwen_crawler.warc.reader import NO_RECORD, own_warcinfos, parsed
from ciwen_crawler.warc.writer import OPEN, sync

CUT = ".cut"
_PIECE = 256 * 1024


class Repair(NamedTuple):
    """What was done to one file."""

    file: str  # the final name
    kept: int  # bytes
    cut: int  # bytes, kept beside it in `*.cut`


def recover(folder: Path) -> list[Repair]:
    """Cut back, keep the cut bytes beside, rename: every `*.open` file of a folder. The archive's lock must be held."""
    return [_recover(path) for path in sorted(folder.glob("*" + OPEN))]


def _recover(path: Path) -> Repair:
    final = path.with_name(path.name.removesuffix(OPEN))
    if final.exists():
        raise CannotWrite(f"cannot repair {path}: {final} is there already, and neither may be lost")
    size = size_of(path)
    whole = last_whole(path)
    try:
        if whole < size:
            _keep_apart(path, whole, final.with_name(final.name + CUT))
        if whole:
            # Rows will be derived from what the killed run may not have made durable.
            sync(path)
            path.rename(final)
        else:
            path.unlink()
        sync(path.parent)
    except OSError as error:
        raise CannotWrite(f"cannot repair {path}: {error.strerror}") from error
    return Repair(final.name, whole, size - whole)


def last_whole(path: Path) -> int:
    """How many bytes of a file are whole records, from where the run began that was killed.

    What lies before that was whole when the run took the file up: damage to it since is for `verify` to tell of, and
    nothing behind it is to be cut off for that.
    """
    opened = next(own_warcinfos(path), None)
    end = begin = opened.offset if opened else 0
    for end in _ends(path, begin):  # noqa: B007 - the last one is what is asked for
        pass
    return end


def _ends(path: Path, start: int) -> Iterator[int]:
    with path.open("rb") as file:
        file.seek(start)
        rest = b""
        while True:
            decoder = isal_zlib.decompressobj(wbits=31)
            pieces, position = [], start + len(rest)
            try:
                while not decoder.eof:
                    piece = rest or file.read(_PIECE)
                    position += 0 if rest else len(piece)
                    rest = b""
                    if not piece:
                        return
                    pieces.append(decoder.decompress(piece))
                parsed(b"".join(pieces))
            except NO_RECORD:
                return
            rest = decoder.unused_data
            start = position - len(rest)
            yield start


def _keep_apart(path: Path, whole: int, beside: Path) -> None:
    """The cut bytes are durable beside the file before they leave it."""
    with path.open("r+b") as file:
        file.seek(whole)
        with beside.open("ab") as apart:
            while piece := file.read(_PIECE):
                apart.write(piece)
            apart.flush()
            os.fsync(apart.fileno())
        sync(path.parent)
        file.truncate(whole)
        os.fsync(file.fileno())
