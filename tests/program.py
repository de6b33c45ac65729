"""The console scripts as a user runs them: processes of their own, whose network is the channel on loopback or none."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.server import Channel

ROOT = Path(__file__).resolve().parent.parent
# Loopback needs no pauses, and what a test has changed is looked at however soon.
UNPACED = ("-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=8")
PACE = (*UNPACED, "-s", "CIWEN_LOOK_AGAIN=always")
_NOBODY = "http://127.0.0.1:9"  # the discard port, where nothing listens: a request that should not be made fails
_OURS = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ciwen_archive", "no_color", "columns")
PATIENCE = 120  # seconds that no run needs
_NOTHING, _PIPE = subprocess.DEVNULL, subprocess.PIPE


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    code: int
    out: str
    err: str


def ciwen(
    command: str,
    *arguments: object,
    archive: Path | None = None,
    channel: Channel | None = None,
    code: int = 0,
    pace: Sequence[str] = PACE,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    at: str | None = None,
    names: str | None = None,
) -> Ended:
    """Run `ciwen COMMAND ARGUMENT…` to its end, and see that it exits with `code` and without a traceback.

    `archive` stands for `--archive DIR`; without `channel` no request reaches anybody; `pace` is for `crawl` alone;
    `at` is the moment that its clock is set to, `names` where a name leads (NAME=ADDRESS).
    """
    with started(
        command, *arguments, archive=archive, channel=channel, pace=pace, cwd=cwd, env=env, at=at, names=names
    ) as process:
        return ended(process, code)


@contextmanager
def started(
    command: str,
    *arguments: object,
    archive: Path | None = None,
    channel: Channel | None = None,
    pace: Sequence[str] = PACE,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    at: str | None = None,
    names: str | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """The same run while it goes on; killed at the end of the block if it still does."""
    program = [sys.executable, "-m", "tests.at", at] if at else [_script("ciwen")]
    program = [sys.executable, "-m", "tests.names", names] if names else program
    line = [*program, *arguments_of(command, *arguments, archive=archive, pace=pace)]
    with _process(line, channel, ROOT if at or names else cwd, env) as process:
        yield process


def arguments_of(command: str, *arguments: object, archive: Path | None, pace: Sequence[str]) -> list[str]:
    """What such a run is told on its command line."""
    line = [command, *map(str, arguments)]
    line += ["--archive", str(archive)] if archive else []
    return line + list(pace if command == "crawl" else [])


def environment_of(channel: Channel | None) -> dict[str, str]:
    """What it finds in its environment."""
    proxy = channel.proxy if channel else _NOBODY
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in _OURS}
    return inherited | {"http_proxy": proxy, "https_proxy": proxy, "NO_COLOR": "1"}


def scrapy(
    *arguments: object, channel: Channel | None = None, code: int = 0, env: Mapping[str, str] | None = None
) -> Ended:
    """Run `scrapy ARGUMENT…` in the project's folder to its end."""
    with _process([_script("scrapy"), *map(str, arguments)], channel, ROOT, env) as process:
        return ended(process, code)


def ended(process: subprocess.Popen[str], code: int = 0) -> Ended:
    """What a run leaves behind, once it has come to its end."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, f"exit {process.returncode}, not {code}\n{out}\n{err}"
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


@contextmanager
def _process(
    line: Sequence[str], channel: Channel | None, cwd: Path | None, env: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[str]]:
    environment = environment_of(channel) | dict(env or {})
    process = subprocess.Popen(line, cwd=cwd, env=environment, stdin=_NOTHING, stdout=_PIPE, stderr=_PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
