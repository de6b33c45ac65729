"""One writer at a time, whoever it is; none that is dead."""

import fcntl
import os
import re
import select as select_
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from ciwen_crawler.errors import ArchiveLocked, CannotWrite
from ciwen_crawler.lock import NAME, Lock
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import counts, select, tables
from tests.program import PACE, PATIENCE, ROOT, ciwen, ended, scrapy, started

ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]
HOLDER = re.compile(r"another run holds \S+ \(process (\d+), since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\)")
_HOLD = """
import sys
from pathlib import Path
from ciwen_crawler.lock import Lock
held = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
# Between the opening of the file and its locking another run ends.
_WAIT = """
import fcntl, sys
from pathlib import Path
from ciwen_crawler import lock
flock = fcntl.flock
def later(*arguments):
    fcntl.flock = flock
    print("opened", flush=True)
    sys.stdin.readline()
    flock(*arguments)
fcntl.flock = later
held = lock.Lock(Path(sys.argv[1]))
assert (Path(sys.argv[1]) / ".lock").read_text().startswith("process ")
print("held")
"""


@pytest.fixture(scope="module")
def channel() -> Iterator[Channel]:
    with Channel(channel_pages(ARTICLES)) as running:
        yield running


@pytest.fixture(scope="module")
def archived(channel: Channel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("archived") / "archive"
    ciwen("crawl", archive=archive, channel=channel)
    return archive


# --- The lock itself ------------------------------------------------------------------------------------------------


def test_second_lock_says_who_holds_the_first_and_since_when(tmp_path: Path) -> None:
    held = Lock(tmp_path)
    with pytest.raises(ArchiveLocked, match=HOLDER) as refused:
        Lock(tmp_path)
    found = HOLDER.search(str(refused.value))
    assert found
    assert found[1] == str(os.getpid())
    assert str(tmp_path) in str(refused.value)
    held.release()
    Lock(tmp_path).release()


def test_refused_lock_leaves_the_holder_its_lock(tmp_path: Path) -> None:
    held = Lock(tmp_path)
    for _ in range(2):
        with pytest.raises(ArchiveLocked, match=HOLDER):
            Lock(tmp_path)
    held.release()


def test_holder_that_has_not_said_yet_who_it_is(tmp_path: Path) -> None:
    handle = os.open(tmp_path / NAME, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ArchiveLocked, match="it has just begun"):
        Lock(tmp_path)
    os.close(handle)


def test_file_of_a_dead_process_does_not_block(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("process 1, since 2020-01-01T00:00:00.000000Z\n" * 20, encoding="utf-8")
    held = Lock(tmp_path)
    assert (tmp_path / NAME).read_text(encoding="utf-8").startswith(f"process {os.getpid()}, since ")
    assert "process 1," not in (tmp_path / NAME).read_text(encoding="utf-8")
    held.release()
    assert not (tmp_path / NAME).read_bytes()


def test_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    line = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ArchiveLocked, match=f"process {process.pid}, since"):
            Lock(tmp_path)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    Lock(tmp_path).release()


@pytest.mark.parametrize("place", ["file", "file/archive"])
def test_place_that_can_be_no_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match=f"cannot write the archive {tmp_path / place}: "):
        Lock(tmp_path / place)


def test_lock_that_can_be_no_file(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(CannotWrite, match="Is a directory"):
        Lock(tmp_path)


# --- Runs that meet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["crawl", "replay", "rebuild"])
def test_whatever_writes_is_refused(archived: Path, channel: Channel, command: str) -> None:
    before, asked = tables(archived), len(channel.log)
    arguments = [archived] if command == "replay" else []
    held = Lock(archived)
    refused = ciwen(command, *arguments, archive=archived, channel=channel, code=4)
    held.release()
    assert not refused.out
    assert refused.err.count("\n") == 1
    assert HOLDER.search(refused.err)
    assert len(channel.log) == asked
    assert tables(archived) == before


def test_whatever_reads_is_not(archived: Path, channel: Channel) -> None:
    held = Lock(archived)
    assert not ciwen("status", archive=archived).err
    assert not ciwen("show", "43000001", archive=archived).err
    assert not ciwen("crawl", "--dry-run", archive=archived, channel=channel).err
    held.release()


def test_second_crawl_beside_scrapy_crawl(tmp_path: Path, channel: Channel) -> None:
    with channel.hold(HOME) as home:
        line = [sys.executable, "-m", "scrapy", "crawl", "ciwen", "--nolog", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE]
        environment = os.environ | {"http_proxy": channel.proxy, "no_proxy": ""}
        with subprocess.Popen(line, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as first:
            home.arrived()
            refused = ciwen("crawl", archive=tmp_path, channel=channel, code=4)
            found = HOLDER.search(refused.err)
            assert found
            assert found[1] == str(first.pid)
            assert refused.err.count("\n") == 1
            home.release()
            _, err = first.communicate()
    channel.restore(HOME)
    assert (first.returncode, err) == (0, "")
    assert counts(tmp_path)["articles"] == len(ARTICLES)
    assert counts(tmp_path)["crawls"] == 1


def test_second_scrapy_crawl_beside_a_crawl(tmp_path: Path, channel: Channel) -> None:
    with channel.hold(HOME) as home, started("crawl", archive=tmp_path, channel=channel) as first:
        home.arrived()
        asked = len(channel.log)
        refused = scrapy("crawl", "ciwen", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE, channel=channel, code=4)
        # The last line; what comes before is Scrapy's log.
        found = HOLDER.search(refused.err.splitlines()[-1])
        assert found
        assert found[1] == str(first.pid)
        assert refused.err.count("ciwen: ") == 1
        assert len(channel.log) == asked
        home.release()
        ended(first)
    channel.restore(HOME)
    assert [row["outcome"] for row in select(tmp_path, "SELECT outcome FROM crawls")] == ["done"]


# --- Runs that begin at once ----------------------------------------------------------------------------------------


def raced(archive: Path, channel: Channel, commands: Sequence[str], source: Path) -> None:
    """Let runs begin at once: one gets the archive, and all others are refused while it has it."""
    with channel.hold(HOME) as home, ExitStack() as stack:
        runs = [stack.enter_context(_begun(command, archive, channel, source)) for command in commands]
        refused = _refused_of(runs)
        home.release()
        (winner,) = (run for run in runs if run not in refused)
        out, err = winner.communicate()
        assert winner.returncode == 0, out + err
        for run in refused:
            _, err = run.communicate()
            assert run.returncode == 4, err
            found = HOLDER.search(err)
            assert found, err
            assert int(found[1]) == winner.pid
    channel.restore(HOME)


def _begun(
    command: str, archive: Path, channel: Channel, source: Path
) -> AbstractContextManager[subprocess.Popen[str]]:
    arguments = [source] if command == "replay" else []
    return started(command, *arguments, archive=archive, channel=channel)


def _refused_of(runs: Sequence[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """The runs that end before the others, all but one."""
    ends = {os.pidfd_open(run.pid): run for run in runs}
    found = []
    while len(found) < len(runs) - 1:
        ready, _, _ = select_.select(list(ends), [], [], PATIENCE)
        assert ready, "nobody is refused"
        for end in ready:
            found.append(ends.pop(end))
            os.close(end)
    for end in ends:
        os.close(end)
    return found


@pytest.mark.parametrize("count", [2, 5])
def test_one_of_many_crawls_that_begin_at_once_works(
    tmp_path: Path, archived: Path, channel: Channel, count: int
) -> None:
    archive = tmp_path / "archive"
    raced(archive, channel, ["crawl"] * count, archived)
    assert counts(archive)["crawls"] == 1
    assert counts(archive)["articles"] == len(ARTICLES)


@pytest.mark.torture
def test_ten_races_of_ten_runs_in_a_row(tmp_path: Path, archived: Path, channel: Channel) -> None:
    archive = tmp_path / "archive"
    raced(archive, channel, ["crawl"] * 10, archived)
    for turn in range(9):
        # The one that waits for the channel's answer comes first; those that ask nobody would not meet.
        with channel.hold(HOME) as home, started("crawl", archive=archive, channel=channel) as first:
            home.arrived()
            others = ["crawl", "replay", "rebuild", "verify"] * 2 + ["rebuild"]
            with ExitStack() as stack:
                for run in [stack.enter_context(_begun(each, archive, channel, archived)) for each in others]:
                    found = HOLDER.search(ended(run, 4).err)
                    assert found, turn
                    assert found[1] == str(first.pid), turn
            home.release()
            ended(first)
        channel.restore(HOME)
    assert counts(archive)["crawls"] == 10


def test_run_that_could_not_begin_leaves_no_folder(tmp_path: Path, channel: Channel) -> None:
    archive = tmp_path / "new" / "archive"
    ciwen("crawl", "-s", "CIWEN_NO_SUCH=1", archive=archive, channel=channel, code=2)
    ciwen("replay", tmp_path / "nothing", archive=archive, code=2)
    assert not (tmp_path / "new").exists()


def test_lock_whose_file_is_taken_away_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    """Of two that open it the one gets it, and takes file and folder away as it ends; the other must not hold a lock
    that nobody else can see.
    """
    first = Lock(tmp_path / "archive")
    line = [sys.executable, "-c", _WAIT, str(tmp_path / "archive")]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "opened\n"
        first.release()
        assert not (tmp_path / "archive").exists()
        out, _ = process.communicate("go on\n")
    assert out == "held\n"
