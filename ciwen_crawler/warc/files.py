"""An archive's WARC files: how they lie in its folder, and how ours are named."""

import re
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.errors import CannotWrite, UnreadableInput, UsageError

WARC = "warc"
_ENDING = ".warc.gz"
_OWN = re.compile(r"ciwen-(\d{8})(\d{6})(\d{3})-(\d{5})-([A-Za-z0-9_-]+)\.warc\.gz", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LAST_SERIAL = 99_999
_MILLISECOND = timedelta(milliseconds=1)


class OwnName(NamedTuple):
    """What the name of a file of ours says; the greater is the later."""

    moment: datetime  # UTC, to the millisecond
    serial: int
    host: str


def must_hold_warcs(folder: Path) -> None:
    """UsageError where a folder has no `warc/` to derive anything from."""
    if not exists(folder / WARC) or not (folder / WARC).is_dir():
        raise UsageError(f"{folder} holds no archive: there is no {folder / WARC}")


def exists(path: Path) -> bool:
    """Whether a file or a folder is there; UsageError where nobody may know."""
    try:
        return path.exists()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def warc_files(folder: Path) -> list[Path]:
    """An archive's files that are at rest, in time order."""
    return at_rest(folder / WARC)


def at_rest(warc: Path) -> list[Path]:
    """The files of a folder that are at rest, in the order of their names, which is that of time."""
    return sorted(warc.glob("*" + _ENDING))


def newest_own(paths: Iterable[Path]) -> Path | None:
    """The newest file of ours, the one that may still grow; a name of another make sorts as it happens to."""
    return max((path for path in paths if own_name(path.name)), key=lambda path: path.name, default=None)


def size_of(path: Path) -> int:
    """How long a file is, in bytes. Raises UnreadableInput, which a link that leads nowhere does too."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error


def file_name(moment: datetime, serial: int, host: str | None = None) -> str:
    """`ciwen-20250604083512123-00001-HOST.warc.gz`: names sort in time order (WARC/1.1 annex C)."""
    stamp = moment.strftime("%Y%m%d%H%M%S") + f"{moment.microsecond // 1000:03d}"
    name = _NOT_IN_NAMES.sub("-", host or socket.gethostname().partition(".")[0])
    return f"ciwen-{stamp}-{serial:05d}-{name or 'localhost'}{_ENDING}"


def own_name(name: str) -> OwnName | None:
    """What a name says; None for one that is not ours."""
    found = _OWN.fullmatch(name)
    if found is None:
        return None
    day, time, millisecond, serial, host = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}.{millisecond}").replace(tzinfo=UTC)
    except ValueError:
        return None
    return OwnName(moment, int(serial), host)


def next_name(warc: Path, moment: datetime, known: frozenset[str] = frozenset()) -> str:
    """The name of a file begun at a moment: behind every name of ours, whatever the clock says.

    Those of files that are open, cut off or elsewhere by now (`known`) count too: a name is never given twice.
    """
    there = {path.name.partition(_ENDING)[0] + _ENDING for path in warc.glob("ciwen-*")}
    newest = max(filter(None, map(own_name, there | known)), default=None)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if newest is None or newest.moment < moment:
        return file_name(moment, 1)
    if newest.serial < _LAST_SERIAL:
        return file_name(newest.moment, newest.serial + 1)
    try:
        return file_name(newest.moment + _MILLISECOND, 1)
    except OverflowError as error:
        raise CannotWrite(f"{warc / file_name(*newest)}: no name sorts behind that, rename it") from error
