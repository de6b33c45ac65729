"""Verification: proves an archive. Every record by its digests, every row by its record, every file by what others say.

Nothing is written into the archive but the name of the process that holds its lock.
"""

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import func, select

from ciwen_crawler.crawl import SOFTWARE
from ciwen_crawler.errors import CannotWrite, SchemaMismatch, UsageError
from ciwen_crawler.lock import Lock
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.progress import Advance, Progress
from ciwen_crawler.proof import Proof
from ciwen_crawler.since import place_since
from ciwen_crawler.store import schema
from ciwen_crawler.store.comparison import Comparison
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.derivation import derive
from ciwen_crawler.store.place import Place
from ciwen_crawler.store.queries import must_hold_warcs
from ciwen_crawler.store.reports import RUNS
from ciwen_crawler.store.store import Store
from ciwen_crawler.store.upkeep import rederive
from ciwen_crawler.store.workers import Workers
from ciwen_crawler.warc.continuity import Continuity, spans
from ciwen_crawler.warc.examined import Examined
from ciwen_crawler.warc.files import WARC, warc_files
from ciwen_crawler.warc.finding import Finding
from ciwen_crawler.warc.verify import examine
from ciwen_crawler.warc.writer import OPEN

_SOFTWARE = re.compile(r"Ciwen/\d+\.\d+\.\d+(?:(?:a|b|rc|\.dev|\.post)\d+)?", re.ASCII)


def verify(folder: Path, since: str | None = None, jobs: int = 1, progress: Progress | None = None) -> Proof:
    """Prove an archive, all of it or what was fetched since a moment (`2025-06-04T08:35:12.123456Z`).

    Records are read, and rows derived, by `jobs` processes. Raises UsageError where there is no archive, or other code
    derived its rows; SchemaMismatch, ArchiveLocked, UnreadableInput, WorkerLost.
    """
    if not (folder / NAME).exists():
        must_hold_warcs(folder)
    with _held(folder), TemporaryDirectory(prefix="ciwen-verify-") as temporary:
        return _Verification(folder, Path(temporary), jobs, progress or Progress(quiet=True)).proof(since)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The lock; an archive that nobody can write needs none."""
    try:
        lock = Lock(folder)
    except CannotWrite:
        yield
        return
    with lock:
        yield


class _Task(NamedTuple):
    path: Path
    start: int
    is_final: bool


class _Verification:
    def __init__(self, folder: Path, temporary: Path, jobs: int, progress: Progress) -> None:
        self._folder, self._temporary = folder, temporary
        self._jobs, self._progress = jobs, progress
        self._findings: list[Finding] = []
        self._notes: list[str] = []
        self._rows = 0

    def proof(self, since: str | None) -> Proof:
        """All that there is to say."""
        began = time.monotonic()
        held = self._database()
        files, place = warc_files(self._folder), None
        if since and held:
            with closing(Database(held, read_only=True)) as database:
                place = place_since(database, self._folder, since)
            files = [path for path in files if place and path.name >= place.file]
        examined = self._examined(files, place.offset if place else 0)
        self._findings += self._left_open()
        for each in examined:
            self._findings += each.findings
        continuity = Continuity(self._folder / WARC, examined)
        self._findings += continuity.findings()
        self._findings += _runs(self._folder, examined, is_all=since is None)
        if continuity.odd:
            self._notes.append(
                f"{continuity.odd} digests of records from elsewhere did not agree when they were taken in"
            )
        if held and (files or not since):
            self._compare(held, place, examined, continuity.lost)
        counts = {
            "files": len(examined),
            "bytes": sum(each.size - each.start for each in examined),
            "records": sum(each.records for each in examined),
            "runs": sum(len(each.reports) for each in examined),
            "rows": self._rows,
        }
        findings = sorted(self._findings, key=lambda each: (each.file, each.offset or 0))
        return Proof(self._folder, tuple(findings), tuple(self._notes), counts, time.monotonic() - began)

    # Records

    def _examined(self, files: Sequence[Path], start: int) -> list[Examined]:
        tasks = [_Task(path, start if path is files[0] else 0, path is not files[-1]) for path in files]
        total = sum(path.stat().st_size for path in files) - start
        jobs = min(self._jobs, len(tasks))
        with self._progress.stage("records", total) as advance:
            if jobs <= 1:
                return [_examined(task, advance) for task in tasks]
            workers = Workers(jobs, _examined)
            try:
                found = []
                for each in workers.map(tasks):
                    found.append(each)
                    advance(each.size - each.start)
                return found
            finally:
                workers.end()

    def _left_open(self) -> list[Finding]:
        what = "left by a run that was killed: the next crawl mends it"
        return [Finding(f"{WARC}/{path.name}", None, what) for path in sorted((self._folder / WARC).glob("*" + OPEN))]

    # Rows

    def _database(self) -> Path | None:
        """The database, or a copy of it that can be read beside its WAL; None where there is none that can be read."""
        path = self._folder / NAME
        if not path.exists():
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
            self._damaged(f"damaged: {error.__cause__}")
            return None
        if extractor != extractor_digest():
            raise UsageError(
                f"{self._folder / NAME} was derived by other code: `ciwen rebuild --archive {self._folder}` first"
            )
        return path

    def _damaged(self, what: str) -> None:
        self._findings.append(Finding(NAME, None, what))

    def _compare(self, held: Path, place: Place | None, examined: Iterable[Examined], lost: set[str]) -> None:
        try:
            self._findings += (each for each in self._lacking(held) if Path(each.file).name not in lost)
            reason = self._unreadable(examined, bool(lost))
            if reason:
                self._notes.append(f"rows not compared: {reason}")
                return
            derived = self._derived(held, place)
            with Comparison(held, derived) as comparison:
                self._findings += (Finding(NAME, None, what) for what in comparison.differences())
                self._rows = comparison.rows
        except (sqlite3.DatabaseError, SchemaMismatch) as error:
            self._damaged(f"damaged: {error}")

    def _unreadable(self, examined: Iterable[Examined], is_lost: bool) -> str | None:
        """Why rows cannot be derived."""
        if any((self._folder / WARC).glob("*" + OPEN)):
            return "a run was killed, and the next crawl derives what lacks"
        if is_lost:
            return "WARC files are missing"
        return None if all(each.is_readable for each in examined) else "records cannot be read"

    def _lacking(self, held: Path) -> list[Finding]:
        """The files that rows name and that are not there, or end before the last of them."""
        c = schema.captures.c
        query = select(c.warc_file, func.max(c.warc_offset + c.warc_length), func.count()).group_by(c.warc_file)
        with closing(Database(held, read_only=True)) as database:
            ends = database.connection.execute(query.order_by(c.warc_file)).all()
        sizes = {path.name: path.stat().st_size for path in warc_files(self._folder)}
        open_ = {path.name.removesuffix(OPEN) for path in (self._folder / WARC).glob("*" + OPEN)}
        return [
            Finding(
                f"{WARC}/{name}",
                sizes.get(name),
                f"{'cut short' if name in sizes else 'missing'}: "
                f"{count} captures in it have rows, which go to byte {end}",
            )
            for name, end, count in ends
            if name not in open_ and end > sizes.get(name, -1)
        ]

    def _derived(self, held: Path, place: Place | None) -> Path:
        path = self._temporary / "derived.sqlite"
        files = warc_files(self._folder)
        behind = [path for path in files if place is None or path.name >= place.file]
        total = sum(path.stat().st_size for path in behind) - (place.offset if place else 0)
        with self._progress.stage("rows", total) as advance:
            if place is None:
                with closing(Database(path)) as database:
                    database.begin_building()
                    derive(Store(database, self._folder / WARC), files, self._jobs, advance=advance)
            else:
                shutil.copyfile(held, path)
                with closing(Database(path)) as database:
                    database.begin_building()
                    rederive(database, self._folder, place, self._jobs, advance=advance)
        _sign(path, held)
        return path


def _examined(task: _Task, advance: Advance = lambda _: None) -> Examined:
    return examine(task.path, task.start, is_final=task.is_final, advance=advance)


def _sign(derived: Path, held: Path) -> None:
    """The rows of `meta` as they should be: made by any version of the software, read by this code."""
    with closing(sqlite3.connect(f"{held.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = 'software'").fetchone()
    software = row[0] if row and isinstance(row[0], str) and _SOFTWARE.fullmatch(row[0]) else SOFTWARE
    rows = [("schema_version", schema.SCHEMA_VERSION), ("extractor", extractor_digest()), ("software", software)]
    with closing(sqlite3.connect(derived)) as connection, connection:
        connection.execute("DELETE FROM meta")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)


def _runs(folder: Path, examined: Iterable[Examined], *, is_all: bool) -> Iterator[Finding]:
    """The reports in `runs/`, each a copy of the one in the WARC files."""
    known = set()
    for each in examined:
        for report in each.reports:
            name = f"{RUNS}/{report.content.get('id')}.json"
            known.add(name)
            where = f"the report in {each.name} at byte {report.offset}"
            # A run that was killed at its very end leaves it under its first name.
            found = next((path for path in (folder / name, folder / f"{name}.new") if path.exists()), None)
            if found is None:
                yield Finding(name, None, f"missing: a copy of {where}")
            elif _read(found) != report.content:
                yield Finding(name, None, f"not the same as {where}")
    if is_all:
        for path in sorted((folder / RUNS).glob("*.json")):
            if f"{RUNS}/{path.name}" not in known:
                yield _without_record(path)


def _without_record(path: Path) -> Finding:
    """A report that is in no WARC file; where it should be, it says itself."""
    content = _read(path)
    told = spans(content.get("warc")) if isinstance(content, dict) else []
    if told:
        last = told[-1]
        what = f"the report of the run that wrote before it is missing here: {RUNS}/{path.name} is a copy of it"
        return Finding(f"{WARC}/{last.file}", last.offset + last.length, what)
    return Finding(f"{RUNS}/{path.name}", None, "no record gives this report")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
