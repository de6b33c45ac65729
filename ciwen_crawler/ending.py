"""Ending: what SIGINT and SIGTERM do to the program, from its first moment to its last.

While `orderly` work is done the first of them raises KeyboardInterrupt there, so that what was begun is put right. At
any other time, and at the second signal, the program ends at once: there is nothing to put right, or the next run does.
Scrapy answers signals itself while it crawls.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from ciwen_crawler import notice

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 130
TOLD = "interrupted: what was committed stays, the next run mends the rest"
# An exception in the middle of an import may come up in a callback that swallows it and prints a traceback.
_IMPORTING = "<frozen importlib._bootstrap>"


def answer_signals() -> None:
    """From now on signals end the program as told above."""
    for number in SIGNALS:
        signal.signal(number, _end)


def ignore_signals() -> None:
    """All is done and the exit code stands: Python's own end would take the answers away, and a signal the code."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def orderly(work: Callable[[], int]) -> int:
    """The exit code of work that a signal interrupts by KeyboardInterrupt."""
    try:
        return work()
    except KeyboardInterrupt:
        _tell()
        return EXIT_CODE


def _end(_: int, frame: FrameType | None) -> None:
    for number in SIGNALS:
        signal.signal(number, _at_once)
    is_orderly = False
    while frame:
        if frame.f_code.co_filename == _IMPORTING:
            _at_once()
        is_orderly = is_orderly or frame.f_code is orderly.__code__
        frame = frame.f_back
    if not is_orderly:
        _at_once()
    raise KeyboardInterrupt


def _at_once(*_: object) -> None:
    _tell()
    os._exit(EXIT_CODE)


def _tell() -> None:
    with suppress(OSError):  # nobody may listen any more
        os.write(2, f"{notice.line(TOLD)}\n".encode())
