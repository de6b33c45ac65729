"""`ciwen` as somebody sees it who sits before a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_CIWEN = Path(sys.executable).with_name("ciwen")


def on_terminal(command: str, *arguments: object, archive: Path, env: Mapping[str, str] | None = None) -> str:
    """What `ciwen COMMAND ARGUMENT…` writes to one of 120 columns, which shows colours; it exits with 0."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "120"} | dict(env or {})
    line = [_CIWEN, command, *map(str, arguments), "--archive", archive]
    with subprocess.Popen(line, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0, shown
    return shown.decode().replace("\r\n", "\n")


def read_all(terminal: int) -> bytes:
    """What is written to a terminal until nobody has its other end any more."""
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # how Linux says so
        pass
    os.close(terminal)
    return shown
