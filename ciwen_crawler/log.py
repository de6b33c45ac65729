"""The log: what is said on standard error while a run goes on, for people or as one JSON object a line for programs.

Every line of either has been freed of what somebody put into a URL to log in.
"""

import logging
import sys
import traceback
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from types import TracebackType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from ciwen_crawler import clock
from ciwen_crawler.message import without_userinfo
from ciwen_crawler.notice import speak_as

FORMAT = "--log-format"
_NAME = "ciwen"
_OBJECTS = ("spider", "crawler")  # that Scrapy hangs on its records
_Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LogFormat(StrEnum):
    """How lines on standard error look."""

    TEXT = "text"
    JSON = "json"


class _Discreet(logging.LogRecord):
    """A record whose message and traceback name no credentials, whoever writes it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        if self.exc_info:
            self.exc_text = _told(self.exc_info)

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return _masked(super().getMessage())


class _Lines(JsonFormatter):
    """`time` (UTC, as the archive writes moments), `level`, `logger`, `message`; of progress its counts, of an
    exception `exc_info`.
    """

    def __init__(self) -> None:
        encoding = getattr(sys.stderr, "encoding", None) or ""
        super().__init__(
            ["time", "levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, *_OBJECTS],
            # Chinese stays legible; what a stream cannot encode it would write in a form that is no JSON.
            json_ensure_ascii=not encoding.lower().startswith("utf"),
        )

    def format(self, record: logging.LogRecord) -> str:
        record.time = clock.now()
        return super().format(record)

    def formatException(self, ei: _Fault) -> str:  # noqa: N802 - logging's name
        return _told(ei)


def line(level: int, text: str, **counts: object) -> str:
    """What we say ourselves, as a JSON object."""
    told = {"name": _NAME, "levelno": level, "levelname": logging.getLevelName(level), "msg": text, **counts}
    return _Lines().format(logging.makeLogRecord(told))


def speak_as_asked(arguments: Sequence[str]) -> None:
    """Tell notices as a command line asks for, which need not be right: what is wrong with it is told so, too."""
    if (FORMAT, LogFormat.JSON) in pairwise(arguments) or f"{FORMAT}={LogFormat.JSON}" in arguments:
        speak_as(lambda text: line(logging.ERROR, text))


def keep_secrets() -> None:
    """From now on no record of any logger names credentials."""
    logging.setLogRecordFactory(_Discreet)


def print_records(level: str | int) -> None:
    """Print the records of all loggers, as JSON objects. ValueError for a level that there is not."""
    handler = logging.StreamHandler()
    handler.setLevel(level)
    handler.setFormatter(_Lines())
    logging.root.addHandler(handler)


def _told(fault: _Fault) -> str:
    return _masked("".join(traceback.format_exception(*fault)).rstrip("\n"))


def _masked(text: str) -> str:
    # What a page wrote into an address may be no text.
    return without_userinfo(text.encode("utf-8", "backslashreplace").decode()) if "@" in text else text
