"""Workers: processes that read beside the one that writes, and end with it however it ends."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from ciwen_crawler.errors import WorkerLost

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 3  # tasks that a worker has before their results are taken
_GONE = (EOFError, OSError)  # what a connection raises whose other end is

# An executor of the standard library leaves its processes behind when it is killed, and hangs when they are.


class Workers(Generic[T, R]):
    """So many processes that call one function of a module."""

    def __init__(self, count: int, function: Callable[[T], R]) -> None:
        # Spawned, not forked: a fork would share the parent's open database.
        context = get_context("spawn")
        self._processes = []
        self._connections: list[Connection[Any, Any]] = []
        # Starting this, which the first process would do, undoes what is blocked.
        resource_tracker.ensure_running()
        # Ctrl-C reaches every process of a terminal, and what ends a service every one of it: the parent alone is to
        # answer.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, function), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
                self._connections.append(ours)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def map(self, tasks: Iterable[T]) -> Iterator[R]:
        """What the function makes of each task, in the order of the tasks; a few are worked on ahead.

        Raises what it raises, and WorkerLost where a process is killed.
        """
        asked: deque[Connection[Any, Any]] = deque()
        for task, connection in zip(tasks, cycle(self._connections), strict=False):
            if len(asked) == _AHEAD * len(self._connections):
                yield _result(asked.popleft())
            try:
                connection.send(task)
            except OSError as gone:
                raise _lost() from gone
            asked.append(connection)
        yield from map(_result, asked)

    def end(self) -> None:
        """Let them go, whatever they are at."""
        for process, connection in zip(self._processes, self._connections, strict=True):
            process.kill()
            process.join()
            connection.close()


def _result(connection: "Connection[Any, Any]") -> Any:
    try:
        result, error = connection.recv()
    except _GONE as gone:
        raise _lost() from gone
    if error:
        raise error
    return result


def _lost() -> WorkerLost:
    return WorkerLost("a process that read records was killed: `--jobs 1` needs the least memory")


def _work(connection: "Connection[Any, Any]", function: Callable[[T], R]) -> None:
    # A result is sent while the next is made: the parent fetches it when its turn has come.
    with ThreadPoolExecutor(1) as sender:
        sent: Future[None] | None = None
        try:
            while True:
                task = connection.recv()
                answer: tuple[R | None, Exception | None]
                try:
                    answer = function(task), None
                except Exception as error:  # noqa: BLE001 - the parent raises it
                    answer = None, error
                if sent:
                    sent.result()
                sent = sender.submit(connection.send, answer)
        except _GONE:
            return
