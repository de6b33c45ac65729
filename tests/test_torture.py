"""Long proofs, run by `make torture`: runs that are killed again and again, at moments that nobody chose."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Self

import pytest

from fixtures.markup import Article, channel_pages, picture
from fixtures.server import Channel
from fixtures.site import pictures
from tests.database import tables
from tests.program import ciwen, started
from tests.torn import Torn, assert_whole, committed

FEWER_KILLS = 20  # of replays and of rebuilds
ARTICLES = [Article(number, f"第{number}篇", (picture(f"/pic/{number}.jpg"),)) for number in range(43000001, 43000121)]


@pytest.fixture
def channel() -> Iterator[Channel]:
    pages = channel_pages(ARTICLES)
    with Channel(pages | pictures(pages)) as running:
        yield running


def is_killed(run: subprocess.Popen[str], seconds: float) -> bool:
    """Whether a run had to be killed after so long; it may have ended before."""
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return True
    assert run.returncode == 0, run.communicate()
    return False


def seconds_of(command: str, *arguments: object, archive: Path) -> float:
    """How long a run takes that nobody kills, on this machine."""
    began = time.monotonic()
    ciwen(command, *arguments, archive=archive)
    return time.monotonic() - began


SEEDS = [int(seed) for seed in os.environ.get("CIWEN_SEEDS", "43135627").split()]
RUNS = {"kill": 250, "terminate": 50}
RUNS_ON_A_DISK = {"kill": 50, "fill": 50}
MOUNTS = os.geteuid() == 0 and shutil.which("mount") is not None


class Disk:
    """A small disk of its own, mounted while the context lasts, and a file on it that takes the room away."""

    SIZE = 128 * 1024 * 1024

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        self._folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "ciwen", self._folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", self._folder], check=True)

    def leave(self, room: int) -> None:
        """Leave so many bytes."""
        state = os.statvfs(self._folder)
        with self._ballast.open("ab") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), file.tell(), max(state.f_bavail * state.f_frsize - room, 1))

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


def torn(torn: Torn, runs: Mapping[str, int], seed: int, disk: Disk | None = None) -> Iterator[str]:
    """Let so many runs of each kind end as they do, in any order; tells of each."""
    deeds = [deed for deed, count in runs.items() for _ in range(count)]
    random.Random(seed).shuffle(deeds)
    for number, deed in enumerate(deeds, 1):
        if deed == "fill":
            assert disk
            torn.fill(disk.leave)
            disk.empty()
        else:
            {"kill": torn.kill, "terminate": torn.terminate}[deed]()
        yield f"{number} of {len(deeds)} runs: {dict(sorted(torn.ends.items()))}"


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    if not MOUNTS:
        pytest.skip("a disk that is full wants root, to mount one")
    with Disk(folder) as disk:
        yield disk


def test_some_kills_and_signals_and_full_disks_cost_nothing(tmp_path: Path) -> None:
    runs = {"kill": 6, "terminate": 2} | ({"fill": 2} if MOUNTS else {})
    with Disk(tmp_path / "disk") if MOUNTS else nullcontext() as disk, Channel({}) as channel:
        found = Torn(tmp_path / "disk" / "archive", channel, 4)
        for _ in torn(found, runs, 4, disk):
            pass
        found.assert_nothing_is_lost(tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_was_committed_is_lost_whenever_crawls_are_ended(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with Channel({}) as channel:
        found = Torn(tmp_path / "archive", channel, seed)
        tell(torn(found, RUNS, seed), capsys)
        with capsys.disabled():
            print(f"\n{found.seconds_to_begin():.2f} s from a run's start to its first request after all that")
        found.assert_nothing_is_lost(tmp_path)
        with capsys.disabled():
            print(f"{found.seconds_to_begin():.2f} s once it is mended")


@pytest.mark.torture
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_was_committed_is_lost_whenever_a_disk_is_full(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk") as disk, Channel({}) as channel:
        found = Torn(tmp_path / "disk" / "archive", channel, seed)
        tell(torn(found, RUNS_ON_A_DISK, seed, disk), capsys)
        found.assert_nothing_is_lost(tmp_path)


def tell(progress: Iterable[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Print one line in ten, whatever pytest captures."""
    for number, line in enumerate(progress):
        if number % 10 == 9:
            with capsys.disabled():
                print(f"\n{line}", end="", flush=True)


@pytest.mark.torture
def test_replay_that_is_killed_is_taken_up_by_the_next(tmp_path: Path, channel: Channel) -> None:
    chance = random.Random(43135627)
    source, archive = tmp_path / "source", tmp_path / "archive"
    ciwen("crawl", archive=source, channel=channel)
    longest = seconds_of("replay", source, archive=archive)
    kills = 0
    while kills < FEWER_KILLS:
        if chance.random() < 0.3:
            shutil.rmtree(archive, ignore_errors=True)
        before = committed(archive)
        with started("replay", source, archive=archive) as run:
            kills += is_killed(run, chance.uniform(0.2, 1) * longest)
        assert before <= committed(archive)
    ciwen("replay", source, archive=archive)
    found, wanted = tables(archive), tables(source)
    for table in ("articles", "versions", "images", "version_captures", "listings", "quarantine"):
        assert found[table] == wanted[table], table
    assert {row["id"] for row in found["captures"]} == {row["id"] for row in wanted["captures"]}
    assert_whole(archive)
    ciwen("rebuild", archive=archive)
    assert tables(archive) == found


@pytest.mark.torture
def test_rebuild_that_is_killed_leaves_the_old_database_or_none(tmp_path: Path, channel: Channel) -> None:
    chance = random.Random(43135627)
    ciwen("crawl", archive=tmp_path, channel=channel)
    wanted = tables(tmp_path)
    longest = seconds_of("rebuild", archive=tmp_path)
    kills = 0
    while kills < FEWER_KILLS:
        with started("rebuild", "--jobs", chance.choice((1, 2)), archive=tmp_path) as run:
            kills += is_killed(run, chance.uniform(0.2, 1) * longest)
        if (tmp_path / "ciwen.sqlite").exists():
            assert tables(tmp_path) == wanted
    ciwen("rebuild", archive=tmp_path)
    assert tables(tmp_path) == wanted
    assert_whole(tmp_path)
