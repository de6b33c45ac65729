"""A run of `ciwen` whose memory is watched from without."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.program import PATIENCE

MOST = 300_000_000  # bytes that any crawl may hold
_MOMENT = 0.05  # seconds


@dataclass(frozen=True)
class Weighed:
    """A run that has ended."""

    code: int
    out: str
    err: str
    peak: int  # the most memory that it held, in bytes


def weighed(line: Sequence[object], environment: Mapping[str, str]) -> Weighed:
    """Run a command to its end; one that takes too long is killed."""
    peak, until = 0, time.monotonic() + PATIENCE
    with (
        TemporaryFile("w+", encoding="utf-8") as out,
        TemporaryFile("w+", encoding="utf-8") as err,
        subprocess.Popen(list(map(str, line)), env=dict(environment), stdout=out, stderr=err) as run,
    ):
        while run.poll() is None and time.monotonic() < until:
            peak = max(peak, _peak(run.pid))
            with suppress(subprocess.TimeoutExpired):
                run.wait(_MOMENT)
        run.kill()
        out.seek(0)
        err.seek(0)
        return Weighed(run.wait(), out.read(), err.read(), peak)


def _peak(process: int) -> int:
    """The most memory that it has held itself: what `wait4` tells of a child begins with its parent's."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
