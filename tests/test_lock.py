"""One writer at a time, whoever it is; none that is dead."""

import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ciwen_crawler.errors import ArchiveLocked, CannotWrite
from ciwen_crawler.lock import NAME, Lock
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import counts, select, tables
from tests.program import PACE, ROOT, ciwen, ended, scrapy, started

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
