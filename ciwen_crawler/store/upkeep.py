"""Keeps the database true to the WARC files: made again whole, or brought up to date after a run that was killed."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

from ciwen_crawler.crawl import SOFTWARE, told_by
from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import NAME, Database, must_be_file, remove, replace
from ciwen_crawler.store.derivation import derive
from ciwen_crawler.store.store import Store
from ciwen_crawler.warc.capturing import captures
from ciwen_crawler.warc.files import WARC, warc_files
from ciwen_crawler.warc.reader import records

_NEW = ".new"


def rebuild(folder: Path, jobs: int = 1) -> None:
    """Make the database again from `warc/` alone and put it in the place of the old one. The lock must be held.

    Raises UnreadableInput where a WARC file is damaged; the old database stays then.
    """
    path = folder / NAME
    beside = folder / (NAME + _NEW)
    must_be_file(path)
    try:
        remove(beside)
        _build(beside, folder, jobs)
        replace(path, beside)
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from error


def _build(path: Path, folder: Path, jobs: int) -> None:
    try:
        with closing(Database(path)) as database:
            database.begin_building()
            with _advising(folder):
                derive(Store(database, folder / WARC), warc_files(folder), jobs)
            _sign(database)
    except BaseException:
        # On a disk that is full, half a database is what the next run lacks the space of.
        remove(path)
        raise


@contextmanager
def _advising(folder: Path) -> Iterator[None]:
    """An archive's own file that cannot be read keeps it from every further run; there is a way out."""
    try:
        yield
    except UnreadableInput as error:
        advice = f"move it out of {folder / WARC}, and `ciwen replay` takes what is whole before the damage"
        raise UnreadableInput(f"{error}: {advice}") from error


def up_to_date(folder: Path) -> Database:
    """The archive's database, opened, with every row that its WARC files have. The lock must be held.

    Made anew where there is none, and where other code read its pages: contents compare only under one reader.
    """
    path = folder / NAME
    remove(folder / (NAME + _NEW))
    if not path.exists():
        # A WAL without its database would bring old rows into the new one.
        rebuild(folder, jobs=os.cpu_count() or 1)
        return Database(path)
    database = Database(path)
    if _value(database, "extractor") != extractor_digest():
        database.close()
        rebuild(folder, jobs=os.cpu_count() or 1)
        return Database(path)
    with _advising(folder):
        lacking = list(_lacking(database, folder))
        if lacking:
            derive(Store(database, folder / WARC), lacking)
    _sign(database)
    return database


def _lacking(database: Database, folder: Path) -> Iterator[Path]:
    """The files with records that rows do not follow from yet: behind their last row, or of a run that was killed."""
    c, crawls = schema.captures.c, schema.crawls.c
    connection = database.connection
    query = select(c.warc_file, func.max(c.warc_offset + c.warc_length)).group_by(c.warc_file)
    ends: dict[str, int] = dict(connection.execute(query).all())
    unfinished = select(crawls.id).where(crawls.outcome.is_(None))
    touched = set(connection.execute(select(c.warc_file).where(c.crawl_id.in_(unfinished)).distinct()).scalars())
    known = set(connection.execute(select(crawls.id).where(crawls.outcome.is_not(None))).scalars())
    for path in warc_files(folder):
        if path.name in touched or _has_more(path, ends.get(path.name, 0), known):
            yield path


def _has_more(path: Path, end: int, known: set[str]) -> bool:
    size = path.stat().st_size
    if end > size or not size:
        raise UnreadableInput(f"{path}: cut short at byte {size}, its rows go to {end}")
    if end == size:
        return False
    for capture, record in captures(records(path, end), path.name):
        crawl = told_by(record) if record.type == "warcinfo" else None
        if capture is not None or (crawl is not None and crawl.id not in known):
            return True
    return False


def _sign(database: Database) -> None:
    """Note whose reading the rows are."""
    rows = [{"key": "extractor", "value": extractor_digest()}, {"key": "software", "value": SOFTWARE}]
    statement = insert(schema.meta)
    with database.transaction() as connection:
        connection.execute(statement.on_conflict_do_update(set_={"value": statement.excluded.value}), rows)


def _value(database: Database, key: str) -> str | None:
    meta = schema.meta.c
    return database.connection.execute(select(meta.value).where(meta.key == key)).scalar()
