"""Verification: proves an archive. Every record by its digests, every row by its record, every file by what others say.

Nothing is written into the archive but the name of the process that holds its lock.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ciwen_crawler.lock import held_still
from ciwen_crawler.progress import Advance, Progress
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.queries import must_hold_warcs
from ciwen_crawler.store.workers import Workers
from ciwen_crawler.verify.continuity import Continuity
from ciwen_crawler.verify.examination import examine
from ciwen_crawler.verify.examined import Examined
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.foreign import examine_foreign
from ciwen_crawler.verify.proof import Proof
from ciwen_crawler.verify.reports import differing_reports
from ciwen_crawler.verify.rows import Rows
from ciwen_crawler.verify.since import place_since
from ciwen_crawler.warc.files import WARC, newest_own, own_name, warc_files
from ciwen_crawler.warc.writer import OPEN


def verify(folder: Path, since: str | None = None, jobs: int = 1, progress: Progress | None = None) -> Proof:
    """Prove an archive, all of it or what was fetched since a moment (`2025-06-04T08:35:12.123456Z`).

    Records are read, and rows derived, by `jobs` processes. Raises UsageError where there is no archive, or other code
    derived its rows; SchemaMismatch, ArchiveLocked, UnreadableInput, WorkerLost.
    """
    if not (folder / NAME).exists():
        must_hold_warcs(folder)
    with held_still(folder), TemporaryDirectory(prefix="ciwen-verify-") as temporary:
        return _Verification(folder, Path(temporary), jobs, progress or Progress(quiet=True)).proof(since)


class _Task(NamedTuple):
    path: Path
    start: int
    is_final: bool


class _Verification:
    def __init__(self, folder: Path, temporary: Path, jobs: int, progress: Progress) -> None:
        self._folder = folder
        self._jobs, self._progress = jobs, progress
        self._rows = Rows(folder, temporary, jobs, progress)
        self._findings: list[Finding] = []
        self._notes: list[str] = []

    def proof(self, since: str | None) -> Proof:
        """All that there is to say."""
        began = time.monotonic()
        files, place = warc_files(self._folder), None
        if since and self._rows.held:
            with closing(Database(self._rows.held, read_only=True)) as database:
                place = place_since(database, self._folder, since)
            files = [path for path in files if place and path.name >= place.file]
        examined = self._examined(files, place.offset if place else 0)
        self._findings += self._left_open()
        for each in examined:
            self._findings += each.findings
            if own_name(each.name) is None:
                what = "holds no run of ours: its records are judged by what they say"
                self._notes.append(f"{WARC}/{each.name} {what}")
        continuity = Continuity(self._folder / WARC, examined)
        self._findings += continuity.findings()
        self._findings += differing_reports(self._folder, examined, is_all=since is None)
        if continuity.odd:
            self._notes.append(
                f"{continuity.odd} digests of records from elsewhere did not agree when they were taken in"
            )
        if files or not since:
            reason = self._rows.compare(place, continuity.lost, self._unreadable(examined, bool(continuity.lost)))
            self._notes += [f"rows not compared: {reason}"] if reason else []
        counts = {
            "files": len(examined),
            "bytes": sum(each.size - each.start for each in examined),
            "records": sum(each.records for each in examined),
            "runs": sum(len(each.reports) for each in examined),
            "rows": self._rows.compared,
        }
        findings = sorted([*self._findings, *self._rows.findings], key=lambda each: (each.file, each.offset or 0))
        return Proof(self._folder, tuple(findings), tuple(self._notes), counts, time.monotonic() - began)

    # Records

    def _examined(self, files: Sequence[Path], start: int) -> list[Examined]:
        newest = newest_own(warc_files(self._folder))
        tasks = [_Task(path, start if path is files[0] else 0, path != newest) for path in files]
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

    def _unreadable(self, examined: Iterable[Examined], is_lost: bool) -> str | None:
        """Why rows cannot be derived."""
        if any((self._folder / WARC).glob("*" + OPEN)):
            return "a run was killed, and the next crawl derives what lacks"
        if is_lost:
            return "WARC files are missing"
        return None if all(each.is_readable for each in examined) else "records cannot be read"


def _examined(task: _Task, advance: Advance = lambda _: None) -> Examined:
    if own_name(task.path.name) is None:
        return examine_foreign(task.path, task.start, advance)
    return examine(task.path, task.start, is_final=task.is_final, advance=advance)
