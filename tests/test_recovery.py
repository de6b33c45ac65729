"""A file that a run left open is cut back to its last whole record, and no byte of it is lost."""

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from warcio.archiveiterator import ArchiveIterator

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.store.upkeep import up_to_date
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import HTTP_RESPONSE, RESPONSE, Record, build, new_id, warcinfo
from ciwen_crawler.warc.recovery import CUT, Repair, last_whole, recover
from ciwen_crawler.warc.writer import OPEN, WarcWriter
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import PACE, ciwen
from tests.rebuilt import rebuilt
from tests.records import found_in_file

DATE = "2025-06-04T08:35:12.123456Z"
NAME = "ciwen-20250604083512123-00001-host.warc.gz"
OTHER = "ciwen-20250604083512124-00001-host.warc.gz"


def response(block: bytes) -> Record:
    """A response with that block."""
    return build(RESPONSE, new_id(), DATE, block, HTTP_RESPONSE, {"WARC-Target-URI": "http://ci.china.com.cn/"})


RUN = [
    warcinfo(new_id(), DATE, NAME, {"software": "Ciwen"}),
    response(b"HTTP/1.1 200 OK\r\n\r\n" + "瓷".encode() * 500),
    response(b"HTTP/1.1 200 OK\r\n\r\n" + os.urandom(40)),
    response(b""),
]
MEMBERS = [record.member() for record in RUN]
DATA = b"".join(MEMBERS)
# Where records end.
ENDS = [sum(map(len, MEMBERS[:count])) for count in range(len(MEMBERS) + 1)]


def left_open(folder: Path, data: bytes, name: str = NAME) -> Path:
    """A file as a killed run leaves it."""
    path = folder / (name + OPEN)
    path.write_bytes(data)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("start", "end"), list(pairwise(ENDS[1:])), ids=["first", "second", "third"])
def test_a_file_that_ends_anywhere_in_the_last_three_records(tmp_path: Path, start: int, end: int) -> None:
    for length in range(start, end):
        folder = tmp_path / str(length)
        folder.mkdir()
        left_open(folder, DATA[:length])
        assert recover(folder) == [Repair(NAME, start, length - start)]
        cut = {NAME + CUT: DATA[start:length]} if length > start else {}
        assert contents(folder) == {NAME: DATA[:start]} | cut


def test_a_file_that_is_whole(tmp_path: Path) -> None:
    left_open(tmp_path, DATA)
    assert recover(tmp_path) == [Repair(NAME, len(DATA), 0)]
    assert contents(tmp_path) == {NAME: DATA}


def test_what_is_recovered_reads_to_its_end(tmp_path: Path) -> None:
    left_open(tmp_path, DATA[:-1])
    recover(tmp_path)
    assert [record.id for record in records(tmp_path / NAME)] == [record.id for record in RUN[:-1]]


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(bytes(5000), id="zeros"),
        pytest.param(b"\x1f\x8b", id="gzip's first bytes"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(gzip.compress(b"no record"), id="another member"),
        pytest.param(gzip.compress(b""), id="an empty member"),
        pytest.param(gzip.compress(b"WARC/1.1\r\nContent-Length: 9\r\n\r\nshort"), id="a record that is short"),
        pytest.param(bytes(100) + MEMBERS[1], id="a hole before a record"),
        pytest.param(MEMBERS[1][:-1] + bytes([MEMBERS[1][-1] ^ 1]) + MEMBERS[2], id="a damaged record before another"),
    ],
)
def test_what_follows_the_last_whole_record_is_kept_beside(tmp_path: Path, tail: bytes) -> None:
    left_open(tmp_path, DATA + tail)
    assert recover(tmp_path) == [Repair(NAME, len(DATA), len(tail))]
    assert contents(tmp_path) == {NAME: DATA, NAME + CUT: tail}


@pytest.mark.parametrize("data", [b"", DATA[: ENDS[1] - 1], b"garbage", bytes(4096)])
def test_a_file_without_a_whole_record_is_none(tmp_path: Path, data: bytes) -> None:
    left_open(tmp_path, data)
    assert recover(tmp_path) == [Repair(NAME, 0, len(data))]
    assert contents(tmp_path) == ({NAME + CUT: data} if data else {})


def test_a_second_recovery_finds_nothing_to_do(tmp_path: Path) -> None:
    left_open(tmp_path, DATA[:-1])
    recover(tmp_path)
    after = contents(tmp_path)
    assert recover(tmp_path) == []
    assert contents(tmp_path) == after


def test_a_recovery_that_was_killed_is_made_again(tmp_path: Path) -> None:
    """It may die when the cut bytes are beside and the file is not cut yet."""
    left_open(tmp_path, DATA[:-1])
    (tmp_path / (NAME + CUT)).write_bytes(DATA[ENDS[-2] : -1])
    assert recover(tmp_path) == [Repair(NAME, ENDS[-2], len(MEMBERS[-1]) - 1)]
    assert contents(tmp_path) == {NAME: DATA[: ENDS[-2]], NAME + CUT: DATA[ENDS[-2] : -1] * 2}


def test_every_open_file_and_no_other(tmp_path: Path) -> None:
    left_open(tmp_path, DATA[:-1])
    left_open(tmp_path, DATA, OTHER)
    others = {"a.warc.gz": DATA[:-1], "MANIFEST.sha256": b"x", "b.warc.gz.cut": b"y"}
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
    assert [repair.file for repair in recover(tmp_path)] == [NAME, OTHER]
    assert contents(tmp_path) == others | {NAME: DATA[: ENDS[-2]], NAME + CUT: DATA[ENDS[-2] : -1], OTHER: DATA}


def test_damage_in_what_earlier_runs_wrote_cuts_nothing_off(tmp_path: Path) -> None:
    """It is for `verify` to tell of; what the killed run wrote is behind it."""
    data = bytearray(DATA + DATA)
    data[ENDS[1] + 30] ^= 1
    path = left_open(tmp_path, bytes(data) + b"\x1f\x8b")
    (repair,) = recover(tmp_path)
    assert (repair.kept, repair.cut) == (len(data), 2)
    assert path.with_name(NAME).read_bytes() == bytes(data)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / (NAME + OPEN)).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableInput, match=NAME):
        recover(tmp_path)


def test_no_folder_is_nothing_to_repair(tmp_path: Path) -> None:
    assert recover(tmp_path / "warc") == []


def test_a_final_file_is_never_replaced(tmp_path: Path) -> None:
    left_open(tmp_path, DATA[:-1])
    (tmp_path / NAME).write_bytes(DATA)
    before = contents(tmp_path)
    with pytest.raises(CannotWrite, match="is there already"):
        recover(tmp_path)
    assert contents(tmp_path) == before


def test_a_writer_that_was_killed(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, NAME)
    for record in RUN:
        writer.append(record)
    assert recover(tmp_path) == [Repair(NAME, len(DATA), 0)]
    assert contents(tmp_path) == {NAME: DATA}


def test_records_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    large = [response(os.urandom(300_000)) for _ in range(3)]
    data = b"".join(record.member() for record in large)
    path = left_open(tmp_path, data)
    assert last_whole(path) == len(data)
    path.write_bytes(data[:-1])
    assert last_whole(path) == len(data) - len(large[-1].member())


# An archive whose last run was killed at any byte of its last three records

NUMBERS = range(43000001, 43000007)
FEWEST = 3000
EVERY = 97  # of the cuts; a quick test looks at one of so many
ONE_BY_ONE = ("-s", "CONCURRENT_REQUESTS=1")
CRAWLED = 30  # cuts that are followed by a crawl and a verification
TEXT = "窑火已熄，来年再开。"


@dataclass(frozen=True)
class Killed:
    """An archive of two runs in one file; what it was between them, and at each point of the second one."""

    archive: Path
    between: Path  # the database after the first run
    channel: Channel
    ends: list[int]  # where the last four records end

    @property
    def file(self) -> Path:
        """Its WARC file."""
        return next((self.archive / "warc").glob("*.warc.gz"))

    @property
    def cuts(self) -> range:
        """Every length that the file may have been cut to."""
        return range(self.ends[0], self.ends[-1])

    def cut_at(self, length: int, folder: Path) -> Path:
        """The archive, killed when its file had that length; it knows of the second run nothing, or all of it."""
        (folder / "warc").mkdir(parents=True)
        left_open(folder / "warc", self.file.read_bytes()[:length], self.file.name)
        shutil.copy(self.between if length % 2 else self.archive / "ciwen.sqlite", folder / "ciwen.sqlite")
        (folder / "runs").mkdir()
        first, second = sorted((self.archive / "runs").iterdir())
        shutil.copy(first, folder / "runs")
        shutil.copy(second, folder / "runs" / (second.name + ".new"))
        return folder

    def whole(self, length: int) -> int:
        """Where the last record ends that is whole in a file of that length."""
        return max(end for end in self.ends if end <= length)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    folder = tmp_path_factory.mktemp("killed")
    articles = [Article(number, f"第{number}篇") for number in NUMBERS]
    with Channel(channel_pages(articles)) as channel:
        ciwen("crawl", archive=folder / "archive", channel=channel)
        shutil.copy(folder / "archive" / "ciwen.sqlite", folder / "between.sqlite")
        # The last to be asked for.
        channel.edit(articles[-1].url, "窑火未熄", TEXT)
        ciwen("crawl", archive=folder / "archive", channel=channel, pace=(*PACE, *ONE_BY_ONE))
        path = next((folder / "archive" / "warc").glob("*.warc.gz"))
        found = list(found_in_file(path))
        assert [record.type for record in found[-3:]] == ["request", "response", "metadata"]
        ends = [record.offset for record in found[-3:]] + [path.stat().st_size]
        yield Killed(folder / "archive", folder / "between.sqlite", channel, ends)


def test_records_are_long_enough_for_thousands_of_cuts(killed: Killed) -> None:
    assert len(killed.cuts) >= FEWEST


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is such: what is made durable thousands of times is durable at once there."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.torture)])
def test_after_every_cut_records_are_read_and_rows_are_theirs(killed: Killed, quick: Path, every: int) -> None:
    data = killed.file.read_bytes()
    expected: dict[int, dict[str, Rows]] = {}
    for length in killed.cuts[::every]:
        folder = killed.cut_at(length, quick / str(length))
        whole, name = killed.whole(length), killed.file.name
        assert recover(folder / "warc") == [Repair(name, whole, length - whole)]
        cut = {name + CUT: data[whole:length]} if whole < length else {}
        assert contents(folder / "warc") == {name: data[:whole]} | cut
        assert read_by_warcio(folder / "warc" / name) == records_until(killed.file, whole)
        up_to_date(folder, [name]).close()
        found = tables(folder)
        if whole not in expected:
            expected[whole] = rebuilt(folder, quick / "rebuilt" / str(whole))
        assert found == expected[whole], f"cut at {length}"
        shutil.rmtree(folder)
    assert len(expected) == 3


def records_until(path: Path, end: int) -> list[str]:
    """The ids of the records that end before a byte."""
    return [record.id or "" for record in found_in_file(path) if record.offset < end]


def read_by_warcio(path: Path) -> list[str]:
    """The ids of the records that warcio reads, with their blocks."""
    found = []
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests=True):
            record.raw_stream.read()
            # Of payloads it has another notion than the standard where they are chunked.
            assert not [each for each in record.digest_checker.problems if "block" in each]
            found.append(record.rec_headers.get_header("WARC-Record-ID"))
    return found


@pytest.mark.parametrize("count", [2, pytest.param(CRAWLED, marks=pytest.mark.torture)])
def test_after_a_cut_the_next_crawl_goes_on_and_the_archive_is_proven(
    killed: Killed, tmp_path: Path, count: int
) -> None:
    for length in sorted(random.Random(count).sample(killed.cuts, count)):
        folder = killed.cut_at(length, tmp_path / str(length))
        said = ciwen("crawl", archive=folder, channel=killed.channel)
        assert "mended" in said.out
        ciwen("verify", "--jobs", 1, archive=folder)
        found = tables(folder)
        assert [row["outcome"] for row in found["crawls"]] == ["done", "killed", "done"]
        assert {row["versions"] for row in found["articles"]} == {1, 2}
        assert found == rebuilt(folder, tmp_path / "rebuilt" / str(length))
