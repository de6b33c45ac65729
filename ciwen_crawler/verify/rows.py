"""Rows: those that an archive's database holds, beside those that its records give."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import func, select

from ciwen_crawler.crawl import SOFTWARE
from ciwen_crawler.errors import SchemaMismatch, UsageError
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.progress import Progress
from ciwen_crawler.store import schema
from ciwen_crawler.store.comparison import Comparison
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.derivation import derive
from ciwen_crawler.store.place import Place, end_of, named
from ciwen_crawler.store.store import Store
from ciwen_crawler.store.upkeep import rederive, sign
from ciwen_crawler.verify.continuity import BACK
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.warc.files import WARC, exists, size_of, warc_files
from ciwen_crawler.warc.writer import OPEN

_SOFTWARE = re.compile(r"Ciwen/\d+\.\d+\.\d+(?:(?:a|b|rc|\.dev|\.post)\d+)?", re.ASCII)

_AGAIN = "`ciwen rebuild` makes it again"


class Rows:
    """The rows of one archive. What is copied or derived goes into a folder that is given for it."""

    def __init__(self, folder: Path, temporary: Path, jobs: int, progress: Progress) -> None:
        self._folder, self._temporary = folder, temporary
        self._jobs, self._progress = jobs, progress
        self.findings: list[Finding] = []
        self.compared = 0
        self.held = self._database()  # what can be read of the database; None where nothing can

    def _database(self) -> Path | None:
        """The database, or a copy of it that can be read beside its WAL."""
        path = self._folder / NAME
        if not exists(path):
            self._damaged(f"missing: `ciwen rebuild --archive {self._folder}` makes it from {WARC}/")
            return None
        wal = path.with_name(NAME + "-wal")
        if wal.exists():  # reading it there would write there
            for each in (path, wal):
                shutil.copyfile(each, self._temporary / each.name)
            path = self._temporary / NAME
        try:
            with closing(Database(path, read_only=True)) as database:
                m = schema.meta.c
                extractor = database.connection.execute(select(m.value).where(m.key == "extractor")).scalar()
        except SchemaMismatch as error:
            if not isinstance(error.__cause__, sqlite3.Error):
                raise
            self._damaged(f"damaged ({error.__cause__}): {_AGAIN}")
            return None
        if extractor != extractor_digest():
            raise UsageError(
                f"{self._folder / NAME} was derived by other code: `ciwen rebuild --archive {self._folder}` first"
            )
        return path

    def _damaged(self, what: str) -> None:
        self.findings.append(Finding(NAME, None, what))

    def lacking(self) -> list[tuple[str, Finding]]:
        """The files that rows name and that are not there, or end before the last of them, by their names."""
        if self.held is None:
            return []
        try:
            return list(self._lacking(self.held))
        except (sqlite3.DatabaseError, SchemaMismatch) as error:
            self._damaged(f"damaged: {error}")
            self.held = None
            return []

    def url_at(self, file: str, offset: int) -> str | None:
        """Of the capture that the database knows there."""
        if self.held is None:
            return None
        c = schema.captures.c
        query = select(c.url).where(c.warc_file == file, c.warc_offset == offset)
        try:
            with closing(Database(self.held, read_only=True)) as database:
                return database.connection.execute(query).scalar()
        except (sqlite3.DatabaseError, SchemaMismatch):
            return None  # told of where its rows are compared

    def compare(self, place: Place | None) -> None:
        """Find each row that is not as the records say, of those that follow from a place on, of all without one."""
        if self.held is None:
            return
        try:
            with Comparison(self.held, self._derived(self.held, place)) as comparison:
                self.findings += (Finding(NAME, None, f"{what}: {_AGAIN}") for what in comparison.differences())
                self.compared = comparison.rows
        except (sqlite3.DatabaseError, SchemaMismatch) as error:
            self._damaged(f"damaged: {error}")

    def _lacking(self, held: Path) -> Iterator[tuple[str, Finding]]:
        sizes = {path.name: size_of(path) for path in warc_files(self._folder) if path.exists()}
        open_ = {path.name.removesuffix(OPEN) for path in (self._folder / WARC).glob("*" + OPEN)}
        with closing(Database(held, read_only=True)) as database:
            # File by file: to group all rows takes a second for each million.
            for name in named(database):
                end = end_of(database, name)
                if name not in open_ and end > sizes.get(name, -1):
                    how = "cut short" if name in sizes else "missing"
                    what = f"{how}: {_count(database, name)} captures in it have rows, which go to byte {end}; {BACK}"
                    yield name, Finding(f"{WARC}/{name}", sizes.get(name), what)

    def _derived(self, held: Path, place: Place | None) -> Path:
        path = self._temporary / "derived.sqlite"
        files = warc_files(self._folder)
        behind = [path for path in files if place is None or path.name >= place.file]
        total = sum(map(size_of, behind)) - (place.offset if place else 0)
        if place:
            shutil.copyfile(held, path)
        with self._progress.stage("rows", total) as advance, closing(Database(path)) as database:
            database.begin_building()
            if place:
                rederive(database, self._folder, place, self._jobs, advance=advance)
            else:
                derive(Store(database, self._folder / WARC), files, self._jobs, advance=advance)
            m = schema.meta
            database.connection.execute(m.delete().where(m.c.key != "schema_version"))
            sign(database, software=_software_of(held))
        return path


def _count(database: Database, file: str) -> int:
    query = select(func.count()).select_from(schema.captures).where(schema.captures.c.warc_file == file)
    return database.connection.execute(query).scalar_one()


def _software_of(held: Path) -> str:
    """What `meta` names, where it names any version of the software: all of them derive the same by the same code."""
    with closing(sqlite3.connect(f"{held.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = 'software'").fetchone()
    return row[0] if row and isinstance(row[0], str) and _SOFTWARE.fullmatch(row[0]) else SOFTWARE
