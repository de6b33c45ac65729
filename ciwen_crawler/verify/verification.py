"""Verification: proves an archive. Every record by its digests, every row by its record, every file by what others say.

Nothing is written into the archive but the name of the process that holds its lock.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.lock import held_still
from ciwen_crawler.progress import Advance, Progress
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.place import Place
from ciwen_crawler.store.workers import Workers
from ciwen_crawler.verify.continuity import Continuity
from ciwen_crawler.verify.examination import UNREADABLE, examine
from ciwen_crawler.verify.examined import Examined
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.foreign import examine_foreign
from ciwen_crawler.verify.proof import Proof
from ciwen_crawler.verify.reports import differing_reports
from ciwen_crawler.verify.rows import Rows
from ciwen_crawler.verify.since import place_since
from ciwen_crawler.warc.files import WARC, exists, must_hold_warcs, own_name, size_of, warc_files
from ciwen_crawler.warc.manifest import MANIFEST, Manifest
from ciwen_crawler.warc.recovery import last_whole
from ciwen_crawler.warc.writer import OPEN

_UNREADABLE = (
    "records cannot be read: put their file back from a copy of the archive, or move it out of warc/, "
    "`ciwen rebuild`, and `ciwen replay` takes in what of it is whole"
)
LITTLE = 32_000_000  # bytes that one process reads before others have begun


def verify(folder: Path, since: str | None = None, jobs: int = 1, progress: Progress | None = None) -> Proof:
    """Prove an archive, all of it or what was fetched since a moment (`2025-06-04T08:35:12.123456Z`).

    Records are read, and rows derived, by `jobs` processes. Raises UsageError where there is no archive, or other code
    derived its rows; SchemaMismatch, ArchiveLocked, UnreadableInput, WorkerLost.
    """
    if not exists(folder / NAME):
        must_hold_warcs(folder)
    _may_be_read(folder / WARC)
    with held_still(folder), TemporaryDirectory(prefix="ciwen-verify-") as temporary:
        return _Verification(folder, Path(temporary), jobs, progress or Progress(quiet=True)).proof(since)


def _may_be_read(warc: Path) -> None:
    """A folder that nobody may look into would be taken for one that has lost all its files."""
    try:
        next(warc.iterdir(), None)
    except PermissionError as error:
        raise UnreadableInput(f"cannot read {warc}: {error.strerror}") from error
    except OSError:
        return  # lost, as its files are


class _Task(NamedTuple):
    path: Path
    start: int
    end: int | None  # where a run that was killed left less than a record
    is_final: bool


class _Verification:
    def __init__(self, folder: Path, temporary: Path, jobs: int, progress: Progress) -> None:
        self._folder, self._warc = folder, folder / WARC
        self._progress = progress
        self._findings: list[Finding] = []
        self._notes: list[str] = []
        self._links: set[str] = set()  # names of those that lead nowhere
        self._files = self._lying()
        self._jobs = jobs if sum(map(size_of, self._files.values())) > LITTLE else 1
        self._rows = Rows(folder, temporary, self._jobs, progress)

    def _lying(self) -> dict[str, Path]:
        """The files that can be examined, by their final names, in their order."""
        found: dict[str, Path] = {}
        for path in warc_files(self._folder):
            try:
                size_of(path)
                found[path.name] = path
            except UnreadableInput as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    raise
                self._links.add(path.name)
                what = "a link that leads nowhere: put back what it led to"
                self._findings.append(Finding(f"{WARC}/{path.name}", None, what))
        self._left_open = sorted(self._warc.glob("*" + OPEN))
        for path in self._left_open:
            final = path.name.removesuffix(OPEN)
            what = "left by a run that was killed: the next crawl mends it"
            if final in found:
                what = f"{final} is there too, and no run mends it: move the one of them out of {WARC}/ that has less"
            elif own_name(final):
                found[final] = path
            self._findings.append(Finding(f"{WARC}/{path.name}", None, what))
        return dict(sorted(found.items()))

    def proof(self, since: str | None) -> Proof:
        """All that there is to say."""
        began = time.monotonic()
        if self._rows.held is None:
            since = None  # what was fetched since then nothing tells
        place = self._place(since)
        names = [name for name in self._files if not since or (place and name >= place.file)]
        examined = self._examined(names, place.offset if place else 0)
        for each in examined:
            self._findings += each.findings
            if own_name(each.name) is None:
                what = "holds no run of ours: its records are judged by what they say"
                self._notes.append(f"{WARC}/{each.name} {what}")
        continuity = Continuity(self._warc, examined)
        self._findings += continuity.findings()
        self._findings += differing_reports(self._folder, examined, continuity, is_all=since is None)
        if continuity.odd:
            self._notes.append(
                f"{continuity.odd} digests of records from elsewhere did not agree when they were taken in"
            )
        self._compare_rows(place, examined, continuity, is_asked=bool(names) or not since)
        counts = {
            "files": len(examined),
            "bytes": sum(each.size - each.start for each in examined),
            "records": sum(each.records for each in examined),
            "runs": sum(len(each.reports) for each in examined),
            "rows": self._rows.compared,
        }
        findings = sorted(map(self._with_url, [*self._findings, *self._rows.findings]), key=_order)
        seconds = time.monotonic() - began
        is_empty = since is not None and not names
        return Proof(self._folder, tuple(findings), tuple(self._notes), counts, seconds, since, is_empty)

    def _place(self, since: str | None) -> Place | None:
        if since is None or self._rows.held is None:
            return None
        with closing(Database(self._rows.held, read_only=True)) as database:
            return place_since(database, self._folder, since)

    def _with_url(self, finding: Finding) -> Finding:
        """Of a member that cannot be read, what the database knows to lie there."""
        if finding.offset is None or not finding.what.startswith(UNREADABLE):
            return finding
        name = finding.file.removeprefix(f"{WARC}/").removesuffix(OPEN)
        url = self._rows.url_at(name, finding.offset)
        return finding._replace(what=f"{finding.what}; by the database it holds {url}") if url else finding

    # Records

    def _examined(self, names: Sequence[str], start: int) -> list[Examined]:
        newest = max(filter(own_name, self._files), default=None)
        final = {} if (self._warc / MANIFEST).is_dir() else Manifest(self._warc).digests
        tasks = []
        for number, name in enumerate(names):
            path = self._files[name]
            end = last_whole(path) if path in self._left_open else None
            if end != 0:  # a run that was killed may not have come to its first record
                begin = 0 if number else start
                tasks.append(_Task(path, begin, end, name != newest or name in final))
        total = sum(size_of(path) for path, *_ in tasks) - (start if tasks else 0)
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

    # Rows

    def _compare_rows(
        self, place: Place | None, examined: Iterable[Examined], continuity: Continuity, *, is_asked: bool
    ) -> None:
        lost = set(continuity.lost)
        for name, finding in self._rows.lacking():
            if name not in continuity.lost and name not in self._links:
                self._findings.append(finding)
            # A name that no run gives may be that of a row which is damaged.
            if name not in continuity.there and own_name(name):
                lost.add(name)
        if not is_asked or self._rows.held is None:
            return
        reason = self._incomparable(examined, lost, continuity)
        if reason:
            self._notes.append(f"rows not compared: {reason}")
        else:
            self._rows.compare(place)

    def _incomparable(self, examined: Iterable[Examined], lost: set[str], continuity: Continuity) -> str | None:
        """Why rows cannot be derived, or would all differ."""
        if self._left_open:
            return "a run was killed, and the next crawl derives what lacks"
        if lost or self._links:
            return "WARC files are missing"
        if continuity.copies:
            return "a WARC file is there twice"
        return None if all(each.is_readable for each in examined) else _UNREADABLE


def _order(finding: Finding) -> tuple[bool, str, int]:
    """The WARC files first, as all else follows from them."""
    return not finding.file.startswith(f"{WARC}/"), finding.file, finding.offset or 0


def _examined(task: _Task, advance: Advance = lambda _: None) -> Examined:
    if own_name(task.path.name.removesuffix(OPEN)) is None:
        return examine_foreign(task.path, task.start, advance)
    return examine(task.path, task.start, task.end, is_final=task.is_final, advance=advance)
