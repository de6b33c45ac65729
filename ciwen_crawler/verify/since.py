"""From which place on an archive holds what was fetched since a moment: where the run begins that fetched it."""

import mmap
from pathlib import Path

from isal import isal_zlib
from sqlalchemy import select

from ciwen_crawler import clock
from ciwen_crawler.crawl import continued_by
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.place import Place
from ciwen_crawler.verify.heads import fields_of
from ciwen_crawler.warc.files import WARC, own_name, warc_files
from ciwen_crawler.warc.reader import NO_RECORD, member_end, record_at
from ciwen_crawler.warc.record import MEMBER_HEADER, WARCINFO
from ciwen_crawler.warc.writer import Span

_PEEK = 2048  # bytes of a member; the head of a warcinfo of ours is shorter


def place_since(database: Database, folder: Path, since: str) -> Place | None:
    """The first place that holds a capture fetched at that moment or later, or a file begun then; None without any.

    Moved back to the warcinfo that opened the run which wrote there, in whatever file: a part of a run proves nothing.
    """
    c = schema.captures.c
    query = select(c.warc_file, c.warc_offset).where(c.fetched_at >= since).order_by(c.warc_file, c.warc_offset)
    row = database.connection.execute(query.limit(1)).first()
    names = [path.name for path in warc_files(folder)]
    begun = [Place(name, 0) for name in names if (own := own_name(name)) and clock.written(own.moment) >= since]
    found = [Place(*row)] if row and row.warc_file in names else []
    first = min([*found, *begun[:1]], default=None)
    return _opened(folder, names[: names.index(first.file) + 1], first.offset) if first else None


def _opened(folder: Path, names: list[str], offset: int) -> Place:
    """Where the run was opened that wrote at a byte of the last of these files."""
    sought = ""
    for name in reversed(names):
        path = folder / WARC / name
        begins = _warcinfo_before(path, path.stat().st_size if sought else offset)
        if begins is None:
            return Place(name, 0)
        warcinfo = record_at(folder / WARC, Span(name, begins, member_end(path, begins) - begins))
        if sought and sought not in (warcinfo.id, continued_by(warcinfo)):
            return Place(name, begins)
        sought = continued_by(warcinfo)
        if not sought:
            return Place(name, begins)
    return Place(names[0], 0)


def _warcinfo_before(path: Path, offset: int) -> int | None:
    """Where the last warcinfo begins, at a byte or before it, that a run wrote into this very file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = offset + len(MEMBER_HEADER)
        while (position := data.rfind(MEMBER_HEADER, 0, position)) >= 0:
            if _is_own_warcinfo(data[position : position + _PEEK], path.name):
                return position
            position += len(MEMBER_HEADER) - 1
    return None


def _is_own_warcinfo(begin: bytes, name: str) -> bool:
    try:
        _, fields, _ = fields_of(isal_zlib.decompressobj(wbits=31).decompress(begin))
    except NO_RECORD:
        return False
    return fields.get("warc-type") == WARCINFO and fields.get("warc-filename") == name
