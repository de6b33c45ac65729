"""Put on a run's path by PYTHONPATH: what the run costs is written at its end into the file that CIWEN_COST names.

SQLite's steps, in thousands, are what its work for every query comes to; unlike seconds they are the same on a machine
that has others to serve. `peak` is of the process alone, in KB.
"""

import atexit
import json
import os
import re
import sqlite3.dbapi2
from pathlib import Path
from typing import Any

_connect = sqlite3.dbapi2.connect
_steps = 0


def _count() -> None:
    global _steps
    _steps += 1


def _connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
    connection = _connect(*arguments, **named)
    connection.set_progress_handler(_count, 1000)
    return connection


def _tell() -> None:
    peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    cost = {"steps": _steps, "peak": int(peak[1]) if peak else None}
    Path(os.environ["CIWEN_COST"]).write_text(json.dumps(cost), encoding="ascii")


sqlite3.dbapi2.connect = _connected  # type: ignore[assignment]
atexit.register(_tell)
