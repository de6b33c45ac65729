"""Runs a spider from the command line: Scrapy's process, our progress, and an exit code that is honest."""

import logging
import sys
from asyncio import Task
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from scrapy import Spider, signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings
from scrapy.utils.asyncio import create_looping_call
from twisted.logger import globalLogBeginner

from ciwen_crawler.archiving import INTERRUPTED, NO_BEGIN, Archiving, Result
from ciwen_crawler.errors import CiwenError, UsageError
from ciwen_crawler.lock import Lock
from ciwen_crawler.log import LogFormat, keep_secrets, print_records
from ciwen_crawler.log import line as log_line
from ciwen_crawler.tally import Tally

_REFRESH = 0.5  # seconds, on a terminal
_REPEAT = 30.0  # seconds, elsewhere


class Run(NamedTuple):
    """A run that has ended."""

    spider: Spider
    archive: Path  # where it went: `-s CIWEN_ARCHIVE=…` wins over everything
    tally: Tally
    result: Result


def run(
    spider: type[Spider],
    archive: Path,
    overrides: Mapping[str, str],
    *,
    lock: Lock | None = None,
    quiet: bool = False,
    verbose: bool = False,
    log_format: LogFormat = LogFormat.TEXT,
    **arguments: Any,
) -> Run:
    """Run a spider to its end.

    `overrides` win over every other setting (`-s`); `lock` is the archive's, where it is held already; `quiet` leaves
    out progress, `verbose` brings Scrapy's log. Raises CiwenError where the run could not begin, KeyboardInterrupt
    where it was interrupted before that.
    """
    settings = Settings()
    settings.setmodule("ciwen_crawler.settings", priority="project")
    is_json = log_format is LogFormat.JSON
    settings.setdict({"CIWEN_ARCHIVE": str(archive), "LOG_ENABLED": verbose and not is_json}, priority="project")
    for name, value in overrides.items():
        if name.startswith("CIWEN_") and name not in settings:
            known = ", ".join(sorted(each for each in settings if each.startswith("CIWEN_")))
            raise UsageError(f"-s {name}: no setting has that name; Ciwen's own are {known}")
        with _blaming({name: value}, whatever=True):
            settings.set(name, value, priority="cmdline")
    keep_secrets()
    with _blaming(overrides):
        if verbose and is_json:
            print_records(settings["LOG_LEVEL"])
        process = AsyncCrawlerProcess(settings)
        # Scrapy hands Twisted's log on to Python's. Until somebody begins it, what is grave goes to the terminal, too.
        globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
        crawler = process.create_crawler(spider)
        crawler.lock = lock  # type: ignore[attr-defined]
        reporter = _Reporter(crawler, is_json=is_json)
        if not quiet:
            crawler.signals.connect(reporter.begin, signals.engine_started)
        task = process.crawl(crawler, **arguments)
        try:
            process.start()
        finally:
            reporter.end()
        result = result_of(crawler, task)
    assert crawler.spider is not None
    folder = Path(crawler.settings["CIWEN_ARCHIVE"])
    return Run(crawler.spider, folder, crawler.archive.tally, result)  # type: ignore[attr-defined]


@contextmanager
def _blaming(overrides: Mapping[str, str], *, whatever: bool = False) -> Iterator[None]:
    """What Scrapy says of a setting that it cannot work with is said of the user's that it names, or of whatever."""
    try:
        yield
    except CiwenError:
        raise
    except Exception as error:
        told = str(error)
        blamed = [
            f"-s {name}={value}"
            for name, value in overrides.items()
            if whatever or name in told or repr(value) in told or repr(value.partition(".")[0]) in told
        ]
        if not blamed:
            raise
        raise UsageError(f"cannot begin with {' '.join(blamed)} ({type(error).__name__}: {error})") from error


def result_of(crawler: Crawler, task: Task[None]) -> Result:
    """How a crawl ended whose process has stopped. Raises what kept it from beginning."""
    error = task.exception() if task.done() else None
    if not hasattr(crawler, "archive"):
        raise error or KeyboardInterrupt
    archiving = crawler.get_extension(Archiving)
    assert archiving is not None
    # Scrapy lets everything go at a second signal, and at one before the first request.
    result = archiving.ended(NO_BEGIN if error else INTERRUPTED)
    if error:
        raise error
    return result


class _Reporter:
    """Progress: a bar on a terminal, a line now and then elsewhere, and for who wants JSON."""

    def __init__(self, crawler: Crawler, *, is_json: bool) -> None:
        self._crawler = crawler
        self._is_json = is_json
        self._console = Console(stderr=True)
        self._progress: Progress | None = None
        self._calls = create_looping_call(self._report)
        crawler.signals.connect(self.end, signals.engine_stopped)

    def begin(self) -> None:
        """Report from now on."""
        if self._console.is_terminal and not self._is_json:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task("")
            self._progress.start()
        self._calls.start(_REFRESH if self._progress else _REPEAT, now=False)

    def end(self) -> None:
        """No more; a terminal is left as it was."""
        if self._calls.running:
            self._calls.stop()
        if self._progress:
            self._progress.stop()

    def _report(self) -> None:
        tally: Tally = self._crawler.archive.tally  # type: ignore[attr-defined]
        line = (
            f"{tally.lists} lists, {tally.stored} of {tally.found or tally.read} articles, {tally.images} images, "
            f"{tally.failed} failed, {tally.received / 1e6:.1f} MB"
        )
        if self._progress:
            done = tally.lists + tally.pages + tally.images + tally.failed
            self._progress.update(self._task, description=line, total=tally.asked or None, completed=done)
            return
        if self._is_json:
            line = log_line(logging.INFO, line, **_counts(tally))
        print(line, file=sys.stderr, flush=True)


def _counts(tally: Tally) -> dict[str, int]:
    """What a line of progress says, by the names of the report."""
    names = ("lists", "found", "read", "stored", "images", "assets", "asked", "failed", "exchanges", "received")
    return {name: getattr(tally, name) for name in names}
