"""`ciwen export cdxj`: the index is the one that cdxj-indexer makes of the same files, line for line."""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from surt import surt as their_surt

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.errors import CannotWrite, UnreadableInput, UsageError
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.exports import cdxj
from ciwen_crawler.exports.output import Written
from ciwen_crawler.exports.sorting import Sorter
from ciwen_crawler.exports.surt import surt
from ciwen_crawler.period import Period
from ciwen_crawler.store import queries
from ciwen_crawler.warc.record import new_id
from tests.database import select
from tests.program import ciwen
from tests.records import files_of
from tests.tenfold import Tenfold

ODD = [
    "http://odd.example/新闻/陶瓷 a.html?词=白瓷&a=1",
    "http://中国.cn/",
    "http://www.odd.example:8080/A/../B//C/?z=1&a=&a&Z",
    "http://WWW2.Odd.example:80/%7Euser/%E4%B8%AD/%2541?",
    "https://odd.example:443/x.html?jsessionid=0123456789abcdef0123456789ABCDEF&q=%E7%93%B7",
    "http://odd.example/" + "long/" * 2000 + "?" + "q=1&" * 500,
    "http://127.0.0.1:9/",
    "http://[::1]:9/",
    "http://odd.example:web/",
    'http://odd.example/"quoted"\\{x}|^`',
    "http://odd.example",
]


def indexed(archive: Path, period: Period | None = None) -> list[str]:
    """The lines of an archive's index."""
    with tempfile.TemporaryDirectory() as folder, closing(queries.opened(archive)) as database:
        target = Path(folder) / "index.cdxj"
        written = cdxj.write(database, archive, str(target), period or Period())
        data = target.read_bytes()
    lines = data.decode("ascii").splitlines(keepends=True)
    assert written == Written(len(lines), len(data))
    return lines


def judged(archive: Path) -> list[str]:
    """The lines that cdxj-indexer makes."""
    program = str(Path(sys.executable).with_name("cdxj-indexer"))
    command = [program, "--sort", "--records", "response,revisit,resource", *map(str, files_of(archive))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines(keepends=True)


def answer(status: bytes, *headers: bytes, body: bytes = b"body") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", body])


def kept(archive: Archive, url: str, response: bytes) -> None:
    request = b"GET / HTTP/1.1\r\nHost: odd.example\r\n\r\n"
    archive.keep(Exchange(url=url, sent_at=clock.now(), request=request, response=response))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Odd addresses, odd answers, and a saved page."""
    folder = tmp_path_factory.mktemp("odd")
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    for number, url in enumerate(ODD):
        kept(archive, url, answer(b"200 OK", b"Content-Type: text/html; charset=gbk", body=b"%d" % number))
    kept(archive, "http://odd.example/no-type", answer(b"404 Not Found"))
    kept(
        archive, "http://odd.example/moved", answer(b"301 Moved", b"Location: /", b"Content-Type: text/html", body=b"")
    )
    kept(archive, "http://odd.example/twice", answer(b"200 OK", b"Content-Type: image/png", body=b"picture"))
    kept(archive, "http://odd.example/twice", answer(b"200 OK", b"Content-Type: image/png", body=b"picture"))
    archive.finish("done", 0, {})
    page = tmp_path_factory.mktemp("saved") / "一页 1.html"
    page.write_text("<html><title>页</title></html>", encoding="utf-8")
    ciwen("replay", page, archive=folder)
    return folder


@pytest.fixture(params=["ten", "odd"])
def archive(request: pytest.FixtureRequest) -> Path:
    """Ten crawls of a channel that changes, and odd addresses."""
    if request.param == "odd":
        return request.getfixturevalue("odd")  # type: ignore[no-any-return]
    tenfold: Tenfold = request.getfixturevalue("tenfold")
    return tenfold.archive


def test_the_index_is_the_one_that_cdxj_indexer_makes(archive: Path) -> None:
    lines = indexed(archive)
    assert lines == judged(archive)
    assert len(lines) == select(archive, "SELECT count(*) AS n FROM captures")[0]["n"]


def test_the_archives_that_are_judged_hold_what_is_hard(odd: Path, tenfold: Tenfold) -> None:
    types = {(row["record_type"], row["status"]) for row in select(tenfold.archive, "SELECT * FROM captures")}
    assert types >= {("response", 200), ("response", 301), ("revisit", 200), ("revisit", 304), ("response", 404)}
    rows = select(odd, "SELECT * FROM captures")
    assert {"response", "revisit", "resource"} == {row["record_type"] for row in rows}
    assert set(ODD) <= {row["url"] for row in rows}
    assert None in {row["mime"] for row in rows}


def test_the_index_is_sorted_bytewise(archive: Path) -> None:
    keys = [line.partition(" {")[0].encode() for line in indexed(archive)]
    assert keys == sorted(keys)
    assert all(key.count(b" ") == 1 for key in keys)


def test_an_index_of_a_period_holds_its_captures_and_the_originals_of_its_revisits(tenfold: Tenfold) -> None:
    crawls = select(tenfold.archive, "SELECT * FROM crawls ORDER BY started_at")
    period = Period(crawls[6]["started_at"], crawls[7]["finished_at"])
    rows = {row["id"]: row for row in select(tenfold.archive, "SELECT * FROM captures")}
    within = {row["id"] for row in rows.values() if row["crawl_id"] in (crawls[6]["id"], crawls[7]["id"])}
    originals = {rows[each]["refers_to"] for each in within} - {None}
    assert originals - within
    found = {(line["filename"], int(line["offset"])) for line in map(told, indexed(tenfold.archive, period))}
    assert found == {(rows[each]["warc_file"], rows[each]["warc_offset"]) for each in within | originals}


def told(line: str) -> dict[str, str]:
    """What a line says of its capture."""
    fields: dict[str, str] = json.loads(line.split(" ", 2)[2])
    return fields


def test_a_day_in_which_nothing_was_captured(tenfold: Tenfold) -> None:
    assert indexed(tenfold.archive, Period(None, "2001-01-01T23:59:59.999999Z")) == []


def test_without_a_database(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    with pytest.raises(UsageError, match="holds no database: `ciwen rebuild"):
        queries.opened(tmp_path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda path: path.unlink(),
            r"\.warc\.gz is gone, and rows follow from it: put it back, or let `ciwen rebuild",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-2000]),
            r"\.warc\.gz: cut short at byte \d+, its rows go to",
        ),
    ],
    ids=["gone", "cut"],
)
def test_a_file_that_rows_follow_from_is_gone_or_cut(
    tmp_path: Path, damage: Callable[[Path], object], says: str
) -> None:
    archive = Archive(tmp_path, begin(CRAWL, None, new_id()), {})
    kept(archive, "http://odd.example/", answer(b"200 OK", body=bytes(3000)))
    archive.finish("done", 0, {})
    damage(files_of(tmp_path)[0])
    with pytest.raises(UnreadableInput, match=says):
        indexed(tmp_path)


# Keys

PIECES = [
    *(
        "http://",
        "https://",
        "HTTP://",
        "ftp:",
        "dns:",
        "file:///",
        "//",
        "www.",
        "www2.",
        "ci.china.com.cn",
        "中国.cn",
    ),
    *(
        "[::1]",
        ":80",
        ":443",
        ":8080",
        ":x",
        ":",
        "/",
        "/../",
        "/./",
        "//",
        "?",
        "&",
        "=",
        "#",
        "a",
        "B",
        "%41",
        "%2541",
    ),
    *("%", "陶瓷", " ", "\t", "\n", "@", "user:p@", "jsessionid=", "phpsessid=", "sid=", "cfid=1&cftoken=2", ";", "."),
    *("0123456789abcdefABCDEF0123456789", "/(a(abcdefghijklmnopqrstuvwx))/", "/(abcdefghijklmnopqrstuvwx)/", "x.aspx"),
    *("..", "1.2.3.4", "300", "010.1", "\x00", "\x7f", "é", "|", "{", "^"),
]
# No figures of their own: theirs would ask the network for hosts that look like addresses and are none.
LETTERS = st.text(st.characters(exclude_categories=("Cs", "Nd")), max_size=4)


@given(st.lists(st.sampled_from(PIECES) | LETTERS, max_size=9).map("".join))
def test_keys_are_those_of_the_package_surt(url: str) -> None:
    try:
        theirs = their_surt(url)
    except (ValueError, AttributeError):  # what cannot be taken apart
        theirs = None
    except socket.gaierror:
        assume(False)
    ours = surt(url)
    assert theirs is None or ours == theirs
    assert ours.isascii()
    assert not set(ours) & set(" \t\r\n")


def test_a_host_that_looks_like_an_address_is_nobody_to_ask_for() -> None:
    assert surt("http://999.1.1.1/") == "1,1,1,999)/"


# Sorting


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files would lie, which is not there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    yield tmp_path / "nowhere"


@given(st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"") + b"\n")), st.integers(1, 60))
def test_lines_come_back_sorted_however_few_are_held(lines: list[bytes], most: int) -> None:
    with Sorter(most) as sorter:
        for line in lines:
            sorter.add(line)
        assert list(sorter.lines()) == sorted(lines)


def test_what_cannot_be_put_down_is_told(elsewhere: Path) -> None:
    with Sorter(1) as sorter, pytest.raises(CannotWrite, match=f"cannot sort in {elsewhere}: No such file"):
        sorter.add(b"line\n")
