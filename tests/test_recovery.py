"""A file that a run left open is cut back to its last whole record, and no byte of it is lost."""

import gzip
import os
from itertools import pairwise
from pathlib import Path

import pytest

from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import HTTP_RESPONSE, RESPONSE, Record, build, new_id, warcinfo
from ciwen_crawler.warc.recovery import CUT, Repair, last_whole, recover
from ciwen_crawler.warc.writer import OPEN, WarcWriter

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
