"""Places in the WARC files: from which one on a database lacks rows."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from ciwen_crawler.crawl import continued_by, told_by
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.files import WARC, newest_own, size_of, warc_files
from ciwen_crawler.warc.reader import own_warcinfos, records
from ciwen_crawler.warc.record import MEMBER_HEADER, WARCINFO, moment
from ciwen_crawler.warc.writer import OPEN

_c = schema.captures.c
_NEXT_FILE = select(func.min(_c.warc_file)).where(_c.warc_file > bindparam("name"))
_LAST_END = (
    select(_c.warc_offset + _c.warc_length)
    .where(_c.warc_file == bindparam("file"), _c.warc_offset < bindparam("before"))
    .order_by(_c.warc_offset.desc())
    .limit(1)
)


class Place(NamedTuple):
    """A byte of a WARC file, where a record begins; places sort in time order."""

    file: str  # its final name
    offset: int


def must_be_there(database: Database, folder: Path) -> None:
    """UnreadableInput where rows follow from a file that is gone: what refers to its records would prove nothing."""
    for name in named(database):
        if not _is_there(folder / WARC / name):
            raise UnreadableInput(
                f"{folder / WARC / name} is gone, and rows follow from it: put it back, or let "
                f"`ciwen rebuild --archive {folder}` make the database of what is left"
            )


def _is_there(path: Path) -> bool:
    """Whether a file is, at rest or while a run writes it; it may be renamed between two of the questions."""
    return path.exists() or path.with_name(path.name + OPEN).exists() or path.exists()


def named(database: Database) -> Iterator[str]:
    """The files that rows follow from. Asked one after the other, as SQLite would walk through every row for them."""
    name = ""
    while name := database.connection.execute(_NEXT_FILE, {"name": name}).scalar() or "":
        yield name


def first_lacking(database: Database, folder: Path, mended: Collection[str]) -> Place | None:
    """The first place from which rows lack, or are of records that are lost; None where there is none.

    Every run begins with a database that has all rows of the runs before it. So what lacks is of the last run that
    wrote, from the warcinfo on that opened it; or more, where the database is an older one put back.
    """
    files = warc_files(folder)
    behind = next((path for path in files if path.name in mended or _is_behind(database, path)), None)
    if behind is None and files and database.has_row(schema.crawls.c.outcome.is_(None)):
        behind = newest_own(files)  # all rows are there, but for looks that the run had begun
    if behind is None:
        return None
    began = opened(files[: files.index(behind) + 1])
    return min(began, _known_to(database, behind.name))


def end_of(database: Database, file: str, before: int = sys.maxsize) -> int:
    """Where the last record ends that a row follows from, of those that begin before a byte."""
    return database.connection.execute(_LAST_END, {"file": file, "before": before}).scalar() or 0


def end_within(database: Database, path: Path, size: int) -> int:
    """The same for a file of that size; UnreadableInput where it ends before, so that rows follow from what is lost."""
    end = end_of(database, path.name)
    if end > size or not size:
        raise UnreadableInput(f"{path}: cut short at byte {size}, its rows go to {end}")
    return end


def _is_behind(database: Database, path: Path) -> bool:
    size = size_of(path)
    end = end_within(database, path, size)
    return end < size and _has_more(database, path, end)


def _has_more(database: Database, path: Path, end: int) -> bool:
    """Whether behind the last row there is a capture, or a run of which there is no row."""
    for capture, record in captures(records(path, end), path.name):
        crawl = told_by(record) if record.type == WARCINFO else None
        if capture is not None or (crawl and not database.has_row(schema.crawls.c.id == crawl.id)):
            return True
    return False


def opened(files: list[Path], at: int | None = None) -> Place:
    """Where the run was opened that wrote at a byte of the last of these files, or last into it: there or before it."""
    sought, end = "", None if at is None else at + len(MEMBER_HEADER)
    for path in reversed(files):
        found = next((each for each in own_warcinfos(path, end) if sought in ("", each.id, continued_by(each))), None)
        end = None
        if found is None:
            return Place(path.name, 0)
        sought = continued_by(found)
        if not sought:
            return Place(path.name, found.offset)
    return Place(files[0].name, 0)


def began_before(folder: Path, place: Place) -> str:
    """When the last run began, or went on in another file, that wrote before a place; '' where none did."""
    for path in reversed(warc_files(folder)):
        if path.name <= place.file:
            end = place.offset if path.name == place.file else None
            for record in own_warcinfos(path, end):
                return moment(record.field("WARC-Date") or "") or ""
    return ""


def _known_to(database: Database, file: str) -> Place:
    """How far the rows of a file go that a run has finished: an older database may have been put back."""
    unfinished = select(schema.crawls.c.id).where(schema.crawls.c.outcome.is_(None))
    first = (
        select(_c.warc_file, _c.warc_offset).where(_c.crawl_id.in_(unfinished)).order_by(_c.warc_file, _c.warc_offset)
    )
    found = database.connection.execute(first.limit(1)).first()
    known_to = Place(file, end_of(database, file))
    if found is None or tuple(found) >= known_to:
        return known_to
    # A response's request stands before it, and says of which kind it is.
    return Place(found.warc_file, end_of(database, found.warc_file, before=found.warc_offset))
