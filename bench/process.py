"""One measured run of a command, in a process of its own.

A process counts the memory of the one it was forked from as its own peak, so the fork is made by a bare interpreter
that has loaded nothing: this file, run as a program. Its 10 MB are the least that can be measured.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# Proxies of the machine's own; and what keeps Python from keeping bytecode, so that each start would compile anew.
_LEFT_OUT = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy", "pythondontwritebytecode"})


@dataclass(frozen=True, slots=True)
class Run:
    """What a command cost, its children included; peak_mb is of the largest of its processes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str  # its standard output


class Failed(Exception):
    """A command that was to be measured did not do its work."""


def measure(command: list[str], folder: Path, **variables: str) -> Run:
    """Run a command to its end; Failed, with the end of what it said, where it exits with another code than 0."""
    folder.mkdir(parents=True, exist_ok=True)
    os.sync()  # what an earlier run left to be written is not paid for by this one
    said, results = folder / "stderr.txt", folder / "run.json"
    environment = {name: value for name, value in os.environ.items() if name.lower() not in _LEFT_OUT} | variables
    with said.open("wb") as errors:
        launcher = [sys.executable, "-I", "-S", __file__, str(results), *command]
        done = subprocess.run(launcher, env=environment, stdout=subprocess.PIPE, stderr=errors)
    if done.returncode:
        last = said.read_text(errors="replace")[-2000:]
        raise Failed(f"exit {done.returncode}: {' '.join(command)}\n{last}")
    return Run(**json.loads(results.read_text()), output=done.stdout.decode())


def _launch(results: str, command: list[str]) -> int:
    start = time.perf_counter()
    code = subprocess.call(command)
    seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
    }
    Path(results).write_text(json.dumps(figures))
    return code


if __name__ == "__main__":
    sys.exit(_launch(sys.argv[1], sys.argv[2:]))
