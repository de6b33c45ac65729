"""The holder of an archive: which process writes it now, learned without touching its lock.

Who took the lock to look whether it is free would, in that moment, be the other run because of which a crawl ends.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.lock import NAME

_LOCKS = Path("/proc/locks")  # Linux alone has it (proc_locks(5))
_TOLD = re.compile(r"process (\d+), since (\S+)")


class Holder(NamedTuple):
    """A process that holds the lock."""

    process: int
    since: str


def holder(folder: Path) -> Holder | None:
    """Who writes an archive; None where nobody does, or where nobody may know."""
    path = folder / NAME
    try:
        # A lock that was let go is empty; one whose process died still tells of it.
        told = _TOLD.match(path.read_text(encoding="utf-8", errors="replace"))
        inode = path.stat().st_ino
    except OSError:
        return None
    if told is None:
        return None
    found = Holder(int(told[1]), told[2])
    return found if _holds(found.process, inode) else None


def _holds(process: int, inode: int) -> bool:
    """Whether the system knows that the process has the file locked; that it lives, where the system tells no more."""
    try:
        locks = _LOCKS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return _lives(process)
    # Of the device it tells what `stat` may call otherwise, on btrfs and in containers.
    return re.search(rf"FLOCK +ADVISORY +WRITE {process} \S+:{inode} ", locks) is not None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
