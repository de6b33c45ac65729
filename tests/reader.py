"""Who may only read: an archive protected from writing, and `ciwen` as run by somebody without the powers of root."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures.server import Channel
from tests.program import Ended

CIWEN = Path(sys.executable).with_name("ciwen")


@contextmanager
def write_protected(place: Path, mode: int = 0o555) -> Iterator[None]:
    """A folder and all that is in it, for the time of the block."""
    everything = [place, *place.rglob("*")]
    modes = [path.stat().st_mode for path in everything]
    for path in reversed(everything):
        path.chmod(mode)
    try:
        yield
    finally:
        for path, before in zip(everything, modes, strict=True):
            path.chmod(before)


def as_a_reader(
    *arguments: object, channel: Channel | None = None, env: dict[str, str] | None = None, code: int = 0
) -> Ended:
    """Run `ciwen ARGUMENT…` to its end, bound by permissions even where the tests are run by root."""
    environment = os.environ | {"http_proxy": channel.proxy if channel else "", "no_proxy": ""} | (env or {})
    line = [str(CIWEN), *map(str, arguments)]
    done = subprocess.run(
        line, preexec_fn=_bound_by_permissions, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def _bound_by_permissions() -> None:
    """Take from root what lets it pass over them: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (capabilities(7))."""
    if os.geteuid() == 0:
        drop = 24  # PR_CAPBSET_DROP
        assert [ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0) for capability in (1, 2)] == [0, 0]
