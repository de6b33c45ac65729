"""Progress of what takes long: a bar over bytes on a terminal, a line now and then elsewhere, nothing for the quiet."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

REPEAT = 30.0  # seconds between two lines

Advance = Callable[[int], None]


class Progress:
    """Where it is told: on standard error, so that what a command prints can be piped on."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """A part of the work, of so many bytes where that is known; tell what it gives of those that are done."""
        if self._quiet:
            yield lambda _: None
        elif self._console.is_terminal:
            count = [DownloadColumn(), TaskProgressColumn()] if total else []
            columns = (TextColumn("{task.description}"), BarColumn(), *count, TimeElapsedColumn())
            with Bars(*columns, console=self._console, transient=True) as bars:
                task = bars.add_task(name, total=total)
                yield lambda count: bars.advance(task, count)
        else:
            yield _Lines(name, total).advance


class _Lines:
    """A line now and then."""

    def __init__(self, name: str, total: int | None) -> None:
        self._name, self._total = name, total
        self._done = 0
        self._told = time.monotonic()

    def advance(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        now = time.monotonic()
        if now - self._told >= REPEAT:
            self._told = now
            of_all = f" of {self._total / 1e6:.0f} MB" if self._total else " MB"
            print(f"{self._name}: {self._done / 1e6:.0f}{of_all}", file=sys.stderr, flush=True)
