"""Keeps the database true to the WARC files: made again whole, or brought up to date after a run that was killed."""

import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from ciwen_crawler.crawl import SOFTWARE
from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import NAME, Database, must_be_file, remove, replace
from ciwen_crawler.store.derivation import derive
from ciwen_crawler.store.place import Place, began_before, first_lacking, must_be_there
from ciwen_crawler.store.pruning import prune, prune_runs
from ciwen_crawler.store.reports import Reports
from ciwen_crawler.store.store import Store
from ciwen_crawler.warc.files import WARC, size_of, warc_files

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
                reported = Reports(folder).restore
                derive(Store(database, folder / WARC), warc_files(folder), jobs, reported=reported)
            sign(database)
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
        advice = f"move it out of {folder / WARC}, `ciwen rebuild`, and `ciwen replay` takes in what of it is whole"
        raise UnreadableInput(f"{error}: {advice}") from error


def rederive(
    database: Database,
    folder: Path,
    place: Place,
    jobs: int = 1,
    **told: Any,
) -> None:
    """Make all rows again that follow from the records at a place or behind it; `told` as of `derive`."""
    files = [path for path in warc_files(folder) if path.name >= place.file]
    if any(_is_ahead(database, path) for path in files):
        # Killed before its end, this must be seen: what is pruned would not come again.
        sign(database, "")
    store = Store(database, folder / WARC)
    for article_id in prune(database, place):
        store.articles.reconsider(article_id)
    met = derive(store, files, jobs, place.offset if files and files[0].name == place.file else 0, **told)
    prune_runs(database, met, began_before(folder, place))


def _is_ahead(database: Database, path: Path) -> bool:
    """Whether there are rows of records that a disk lost although it had called them written."""
    c = schema.captures.c
    return database.has_row(c.warc_file == path.name, c.warc_offset + c.warc_length > size_of(path))


def up_to_date(folder: Path, mended: Collection[str] = ()) -> Database:
    """The archive's database, opened, with every row that its WARC files have, and no other. The lock must be held.

    Made anew where there is none, and where other code read its pages: contents compare only under one reader.
    `mended` are the files of which a killed run left an end that was no record. Raises UnreadableInput where a file is
    gone or cut short that rows follow from.
    """
    path = folder / NAME
    remove(folder / (NAME + _NEW))
    Reports(folder).clear()
    if not path.exists():
        # A WAL without its database would bring old rows into the new one.
        rebuild(folder, jobs=os.cpu_count() or 1)
        return Database(path)
    database = Database(path)
    if _value(database, "extractor") != extractor_digest():
        database.close()
        rebuild(folder, jobs=os.cpu_count() or 1)
        return Database(path)
    must_be_there(database, folder)
    with _advising(folder):
        place = first_lacking(database, folder, mended)
        if place:
            rederive(database, folder, place, reported=Reports(folder).restore)
    sign(database)
    return database


def sign(database: Database, extractor: str | None = None, software: str = SOFTWARE) -> None:
    """Note whose reading the rows are."""
    extractor = extractor_digest() if extractor is None else extractor
    rows = [{"key": "extractor", "value": extractor}, {"key": "software", "value": software}]
    statement = insert(schema.meta)
    with database.transaction() as connection:
        connection.execute(statement.on_conflict_do_update(set_={"value": statement.excluded.value}), rows)


def _value(database: Database, key: str) -> str | None:
    meta = schema.meta.c
    return database.connection.execute(select(meta.value).where(meta.key == key)).scalar()
