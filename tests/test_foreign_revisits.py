"""Revisits as other programs write them are sightings of what they refer to, in whatever order it comes."""

import io
import itertools
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import REPLAY, begin
from ciwen_crawler.intake import Intake
from ciwen_crawler.store import upkeep
from ciwen_crawler.verify.verification import verify
from ciwen_crawler.warc.record import new_id
from fixtures.markup import Article
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import ciwen
from tests.records import IDENTICAL, NOT_MODIFIED, sha1

ARTICLE = Article(43000001, "开窑记", ("窑火未熄。",))
PAGE = ARTICLE.page().encode()
DIGEST = sha1(PAGE)
OTHER = Article(43000002, "封窑记", ("窑火已熄。",))
FIRST, SECOND, THIRD, FOURTH = (f"2025-06-0{day}T08:35:12Z" for day in (4, 5, 6, 7))
_HEAD = b"HTTP/1.1 %b\r\nContent-Type: text/html\r\n"
OK, UNCHANGED = _HEAD % b"200 OK" + b"\r\n", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'


def record(kind: str, number: int, date: str, block: bytes, url: str = ARTICLE.url, **more: str | None) -> bytes:
    """A record as it lies in a plain file; a field that is None is left out, names have `_` for `-`."""
    fields: dict[str, str | None] = {
        "WARC-Type": kind,
        "WARC-Record-ID": urn(number),
        "WARC-Target-URI": url,
        "WARC-Date": date,
        "WARC-Payload-Digest": DIGEST,
        "Content-Type": "application/http;msgtype=response",
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()} | {"Content-Length": str(len(block))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def urn(number: int) -> str:
    return f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"


ORIGINAL = record("response", 1, FIRST, OK + PAGE)
OF_THE_FIRST = {"WARC_Refers_To_Target_URI": ARTICLE.url, "WARC_Refers_To_Date": FIRST}
IDENTICALLY, UNMODIFIED = {"WARC_Profile": IDENTICAL}, {"WARC_Profile": NOT_MODIFIED}
_HERITRIX = {"WARC_Refers_To_Filename": "WEB-2025-00001.warc.gz", "WARC_Refers_To_File_Offset": "421"}

# How programs say what a revisit refers to, each of the article's one original.
WAYS: Mapping[str, bytes] = {
    "wget": record("revisit", 2, SECOND, OK, **IDENTICALLY, **OF_THE_FIRST, WARC_Refers_To=urn(1)),
    "heritrix": record(
        "revisit", 2, SECOND, OK, **IDENTICALLY, **OF_THE_FIRST, **_HERITRIX, WARC_Refers_To=urn(1), WARC_Truncated=None
    ),
    "heritrix, not modified": record(
        "revisit", 2, SECOND, UNCHANGED, **UNMODIFIED, **OF_THE_FIRST, **_HERITRIX, WARC_Payload_Digest=None
    ),
    "pywb": record("revisit", 2, SECOND, OK, **IDENTICALLY, **OF_THE_FIRST),
    "without a block": record("revisit", 2, SECOND, b"", **IDENTICALLY, **OF_THE_FIRST, WARC_Refers_To=urn(1)),
    "not modified, by id": record("revisit", 2, SECOND, UNCHANGED, **UNMODIFIED, WARC_Refers_To=urn(1)),
    "not modified, without a digest": record(
        "revisit", 2, SECOND, UNCHANGED, **UNMODIFIED, **OF_THE_FIRST, WARC_Payload_Digest=None
    ),
    "by its payload alone": record("revisit", 2, SECOND, OK, **IDENTICALLY),
    "of an id that nobody has": record("revisit", 2, SECOND, OK, **IDENTICALLY, **OF_THE_FIRST, WARC_Refers_To=urn(9)),
    "of a URL in brackets": record(
        "revisit", 2, SECOND, OK, f"<{ARTICLE.url}>", **IDENTICALLY, WARC_Refers_To_Target_URI=f"<{ARTICLE.url}>",
        WARC_Refers_To_Date=FIRST,
    ),
    "of no number of a place": record(
        "revisit", 2, SECOND, OK, **IDENTICALLY, **OF_THE_FIRST, WARC_Refers_To=urn(1),
        WARC_Refers_To_Filename="x" * 300, WARC_Refers_To_File_Offset="9" * 5000,
    ),
}  # fmt: skip


def intake(archive: Path, *files: Path) -> None:
    """What `ciwen replay` does, but for the process: pages go where its pipelines send them."""
    run = Archive(archive, begin(REPLAY, None, new_id()), {})
    try:
        taking = Intake(run)
        for article in itertools.chain.from_iterable(map(taking.articles, files)):
            if article:
                run.store.decide(article)
        run.finish("done", 0, {})
    except BaseException:
        run.abandon()
        raise


def replayed(folder: Path, *runs: Sequence[Sequence[bytes]]) -> dict[str, Rows]:
    """The tables after runs, each of files, each of records; the same after a rebuild."""
    archive = folder / "archive"
    for number, files in enumerate(runs):
        paths = [folder / f"{number}-{count}.warc" for count, _ in enumerate(files)]
        for path, records in zip(paths, files, strict=True):
            path.write_bytes(b"".join(records))
        intake(archive, *paths)
    found = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == found
    return found


def sightings(found: dict[str, Rows]) -> list[tuple[str, str, str, int]]:
    """What stands in `articles` of the sightings, with the number of versions."""
    columns = ("url", "first_captured_at", "last_captured_at", "versions")
    return [tuple(row[name] for name in columns) for row in found["articles"]]  # type: ignore[misc]


def at(date: str) -> str:
    return date.replace("Z", ".000000Z")


SEEN_TWICE = [(ARTICLE.url, at(FIRST), at(SECOND), 1)]

# In which files and runs an original (o) and its revisit (r) come.
ARRIVALS: Mapping[str, Callable[[bytes, bytes], list[list[list[bytes]]]]] = {
    "in one file": lambda o, r: [[[o, r]]],
    "in one file, the revisit first": lambda o, r: [[[r, o]]],
    "in two files": lambda o, r: [[[o], [r]]],
    "in two files, the revisit first": lambda o, r: [[[r], [o]]],
    "in two replays": lambda o, r: [[[o]], [[r]]],
    "in two replays, the revisit first": lambda o, r: [[[r]], [[o]]],
}


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("way", WAYS)
def test_revisit_is_a_sighting_and_no_version(tmp_path: Path, way: str, arrival: str) -> None:
    found = replayed(tmp_path, *ARRIVALS[arrival](ORIGINAL, WAYS[way]))
    assert sightings(found) == SEEN_TWICE
    (version,) = found["versions"]
    assert (version["title"], version["captured_at"]) == (ARTICLE.title, at(FIRST))
    (first, second) = sorted(found["captures"], key=lambda row: row["fetched_at"])
    assert (first["record_type"], second["record_type"]) == ("response", "revisit")
    assert second["article_id"] == first["article_id"]
    assert second["charset"] is None
    assert verify(tmp_path / "archive").findings == ()


@pytest.mark.parametrize("way", WAYS)
def test_revisit_alone_is_a_capture_and_no_sighting(tmp_path: Path, way: str) -> None:
    found = replayed(tmp_path, [[WAYS[way]]])
    assert (found["articles"], len(found["captures"])) == ([], 1)


# --- Originals that are none ----------------------------------------------------------------------------------------

BY_ID = WAYS["wget"]


@pytest.mark.parametrize(
    "original",
    [
        record("response", 1, FIRST, OK + PAGE[:400], WARC_Truncated="length"),
        record("response", 1, FIRST, _HEAD % b"404 Not Found" + b"\r\n" + PAGE),
        record("response", 1, FIRST, b"no HTTP"),
        record("revisit", 1, FIRST, OK, **IDENTICALLY, WARC_Refers_To=urn(1)),
        record("revisit", 1, FIRST, OK, **IDENTICALLY, WARC_Refers_To=urn(2)),
    ],
    ids=["truncated", "another status", "no HTTP", "itself a revisit of itself", "a circle"],
)
@pytest.mark.parametrize("arrival", ARRIVALS)
def test_original_that_cannot_be_read(tmp_path: Path, original: bytes, arrival: str) -> None:
    found = replayed(tmp_path, *ARRIVALS[arrival](original, BY_ID))
    assert found["articles"] == []


def test_surer_original_comes_later(tmp_path: Path) -> None:
    """By URL and moment there is one already when the one comes that the revisit names."""
    other = record("response", 3, FIRST, OK + OTHER.page().encode(), WARC_Payload_Digest=sha1(OTHER.page().encode()))
    found = replayed(tmp_path, [[other, BY_ID]], [[ORIGINAL]])
    assert found["articles"][0]["last_captured_at"] == at(SECOND)
    assert [row["title"] for row in found["versions"]][-1] == ARTICLE.title


def test_nothing_refers_to_what_is_later(tmp_path: Path) -> None:
    later = record("response", 3, THIRD, OK + PAGE)
    found = replayed(tmp_path, [[WAYS["by its payload alone"]]], [[later]])
    assert sightings(found) == [(ARTICLE.url, at(THIRD), at(THIRD), 1)]


def test_revisit_of_another_address(tmp_path: Path) -> None:
    """The payload came from an address that no article has; the sighting is of the one that was asked for."""
    original = record("response", 1, FIRST, OK + PAGE, "http://ci.china.com.cn/preview?id=1")
    for number, arrival in enumerate(ARRIVALS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = replayed(folder, *arrival(original, BY_ID))
        assert (ARTICLE.url, at(SECOND), at(SECOND), 1) in sightings(found)


# --- Revisits of revisits -------------------------------------------------------------------------------------------

NAMED = [
    record("revisit", 2, SECOND, OK, **IDENTICALLY, WARC_Refers_To=urn(1), WARC_Payload_Digest=None),
    record("revisit", 3, THIRD, UNCHANGED, **UNMODIFIED, WARC_Refers_To=urn(2), WARC_Payload_Digest=None),
    record("revisit", 4, FOURTH, UNCHANGED, **UNMODIFIED, WARC_Refers_To=urn(3), WARC_Payload_Digest=None),
]


def _unnamed(number: int, date: str, before: str) -> bytes:
    of = {"WARC_Refers_To_Target_URI": ARTICLE.url, "WARC_Refers_To_Date": before, "WARC_Payload_Digest": None}
    return record("revisit", number, date, UNCHANGED, **UNMODIFIED, **of)


UNNAMED = [_unnamed(2, SECOND, FIRST), _unnamed(3, THIRD, SECOND), _unnamed(4, FOURTH, THIRD)]


@pytest.mark.parametrize("chain", [NAMED, UNNAMED], ids=["by id", "by URL and moment"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
@pytest.mark.parametrize("together", [True, False], ids=["in one replay", "in four"])
def test_chain(tmp_path: Path, chain: list[bytes], order: tuple[int, ...], together: bool) -> None:
    parts = [[ORIGINAL, *chain][number] for number in order]
    runs = [[[part] for part in parts]] if together else [[[part]] for part in parts]
    assert sightings(replayed(tmp_path, *runs)) == [(ARTICLE.url, at(FIRST), at(FOURTH), 1)]


def test_endless_chain_ends(tmp_path: Path) -> None:
    dates = {number: f"2025-06-05T08:00:{number:02d}Z" for number in range(1, 60)}
    chain = [
        record("revisit", number, date, UNCHANGED, **UNMODIFIED, WARC_Refers_To=urn(number - 1 or 59))
        for number, date in dates.items()
    ]
    found = replayed(tmp_path, [chain])
    assert (found["articles"], len(found["captures"])) == ([], 59)


# --- Any of these, in any order -------------------------------------------------------------------------------------

_DATES = [FIRST, SECOND, THIRD, FOURTH]
_BODIES = [PAGE, OTHER.page().encode().replace(b"43000002", b"43000001")]


@st.composite
def heaps(draw: st.DrawFn) -> list[list[list[bytes]]]:
    """Runs of files of records, which refer to one another as they like."""
    records = []
    for number in range(1, draw(st.integers(2, 7)) + 1):
        date, body = draw(st.sampled_from(_DATES)), draw(st.sampled_from(_BODIES))
        if draw(st.booleans()):
            records.append(record("response", number, date, OK + body, WARC_Payload_Digest=sha1(body)))
            continue
        of: dict[str, str | None] = {
            "WARC_Refers_To": draw(st.sampled_from([None, *map(urn, range(1, 9))])),
            "WARC_Refers_To_Date": draw(st.sampled_from([None, *_DATES])),
            "WARC_Refers_To_Target_URI": ARTICLE.url,
            "WARC_Payload_Digest": draw(st.sampled_from([None, *map(sha1, _BODIES)])),
        }
        block = draw(st.sampled_from([OK, UNCHANGED, b""]))
        records.append(record("revisit", number, date, block, **of))
    records = draw(st.permutations(records))
    cuts = sorted(draw(st.lists(st.integers(1, len(records)), max_size=2)))
    return [[records[begin:end]] for begin, end in itertools.pairwise([0, *cuts, len(records)]) if begin < end]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(heaps())
def test_a_rebuild_gives_the_same_rows_whatever_refers_to_what(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[list[bytes]]]
) -> None:
    replayed(tmp_path_factory.mktemp("any"), *runs)


# --- What programs write --------------------------------------------------------------------------------------------


def test_what_warcio_writes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True)
    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    fields = {"WARC-Date": FIRST}
    original = writer.create_warc_record(
        ARTICLE.url, "response", io.BytesIO(PAGE), len(PAGE), warc_headers_dict=fields, http_headers=head
    )
    writer.write_record(original)
    digest = original.rec_headers.get_header("WARC-Payload-Digest")
    for date, headers in ((SECOND, head), (THIRD, None)):
        dated = {"WARC-Date": date}
        revisit = writer.create_revisit_record(ARTICLE.url, digest, ARTICLE.url, FIRST, headers, dated)
        writer.write_record(revisit)
    path = tmp_path / "warcio.warc.gz"
    path.write_bytes(buffer.getvalue())
    archive = tmp_path / "archive"
    ciwen("replay", path, archive=archive)
    assert sightings(tables(archive)) == [(ARTICLE.url, at(FIRST), at(THIRD), 1)]


@pytest.mark.skipif(not shutil.which("wget"), reason="wget is not installed")
def test_what_wget_writes(tmp_path: Path) -> None:
    """The second run has the first one's index, and refers to its records."""
    with Channel({ARTICLE.url: ARTICLE.page()}) as channel:
        command = ["wget", "-nv", "-P", tmp_path / "files", "-e", "robots=off", "--warc-cdx"]
        environment = {"http_proxy": channel.proxy, "no_proxy": ""}
        for name, more in (("first", []), ("second", [f"--warc-dedup={tmp_path / 'first.cdx'}"])):
            line = [*command, "--warc-file", tmp_path / name, *more, ARTICLE.url]
            subprocess.run(line, env=environment, capture_output=True, check=True)
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "second.warc.gz", archive=archive)
    pages = [row for row in tables(archive)["captures"] if row["url"] == ARTICLE.url]
    assert [row["record_type"] for row in pages] == ["revisit"]
    ciwen("replay", tmp_path / "first.warc.gz", archive=archive)
    found = tables(archive)
    first, second = sorted(row["fetched_at"] for row in found["captures"] if row["url"] == ARTICLE.url)
    assert sightings(found) == [(ARTICLE.url, first, second, 1)]
    upkeep.rebuild(archive)
    assert tables(archive) == found
