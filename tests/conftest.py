"""What many tests stand on: the channel on loopback. Command lines are run by `tests.program`, databases read by
`tests.database`.
"""

import fcntl
import os
import pickle
from collections.abc import Iterator

import pytest

from fixtures.server import Channel
from tests import tenfold as tenfold_
from tests.chronicle import Chronicle, lived_through


@pytest.fixture
def channel() -> Iterator[Channel]:
    """The bundled channel on loopback, for one test to do with as it likes."""
    with Channel() as running:
        yield running


@pytest.fixture(scope="module")
def shared_channel() -> Iterator[Channel]:
    """The bundled channel on loopback, for tests that change nothing of it."""
    with Channel() as running:
        yield running


@pytest.fixture(scope="session")
def chronicle(tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    """An archive after five crawls of a channel that changes; `tests.chronicle.copy` gives one to write to."""
    return lived_through(tmp_path_factory.mktemp("chronicle"))


@pytest.fixture(scope="session")
def tenfold(tmp_path_factory: pytest.TempPathFactory) -> tenfold_.Tenfold:
    """An archive after ten crawls and a killed one, over several WARC files; not to be written to."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return tenfold_.lived_through(tmp_path_factory.mktemp("tenfold"))
    # Made by whichever process of the run is the first to want it.
    folder = tmp_path_factory.getbasetemp().parent / "tenfold"
    folder.mkdir(exist_ok=True)
    made = folder / "made.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(tenfold_.lived_through(folder)))
        found: tenfold_.Tenfold = pickle.loads(made.read_bytes())
    return found
