"""An archive proves itself: every damage is found and its file named, and what is whole raises no alarm."""

import io
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ciwen_crawler import archive as archives
from ciwen_crawler import clock, progress
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, REPLAY, begin
from ciwen_crawler.errors import ArchiveLocked, CannotWrite, SchemaMismatch, UsageError
from ciwen_crawler.exchange import BY_DISCONNECT, Exchange
from ciwen_crawler.intake import Intake
from ciwen_crawler.lock import Lock, held_still
from ciwen_crawler.progress import Progress
from ciwen_crawler.store import comparison, upkeep
from ciwen_crawler.verify import verification
from ciwen_crawler.verify.continuity import Continuity
from ciwen_crawler.verify.examination import examine
from ciwen_crawler.verify.examined import Examined, short_id
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.proof import Proof, as_text
from ciwen_crawler.verify.verification import verify
from ciwen_crawler.warc.files import at_rest
from ciwen_crawler.warc.manifest import Manifest
from ciwen_crawler.warc.reader import records as read
from ciwen_crawler.warc.record import Record, new_id
from ciwen_crawler.warc.series import Series
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests import damage
from tests.chronicle import Chronicle, copy
from tests.damage import DAMAGES, DATABASE, Damage, members, warcs
from tests.database import Rows, select, tables
from tests.odd_messages import OddMessages
from tests.program import PATIENCE, ciwen, started
from tests.reader import as_a_reader, write_protected

AGAIN = "`ciwen rebuild` makes it again"
ARTICLES = [Article(43000001 + number, f"第{number}篇") for number in range(6)]


def assert_proven(archive: Path, **options: object) -> Proof:
    """Nothing is found, and everything was looked at."""
    proof = verify(archive, **options)  # type: ignore[arg-type]
    assert proof.findings == (), as_text(proof)
    assert proof.exit_code == 0
    assert proof.notes == ()
    return proof


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of an archive but the one that says who holds it, by its place."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# --- An archive of several files, with runs of every kind in it -----------------------------------------------------


def make_final(archive: Path) -> None:
    """The newest file is not taken up again."""
    Manifest(archive / "warc").add_files(at_rest(archive / "warc"))


def kill(archive: Path, channel: Channel, requests: int) -> None:
    """A crawl that is killed when it has asked for so many pages."""
    channel.log.clear()
    with started("crawl", "--full", archive=archive, channel=channel) as run:
        channel.log.wait_for(requests, PATIENCE)
        run.kill()
        run.wait()


def lived_through(archive: Path) -> None:
    """Three files: crawls with edits between them, of which one was killed, and pages that were saved."""
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", "--full", archive=archive, channel=channel)
        make_final(archive)
        channel.edit(ARTICLES[0].url, "第0篇", "第0篇，改过")
        kill(archive, channel, 4)
        ciwen("crawl", "--full", archive=archive, channel=channel)
        make_final(archive)
        channel.edit(ARTICLES[1].url, "第1篇", "第1篇，改过")
        ciwen("crawl", "--full", archive=archive, channel=channel)
        ciwen("crawl", "--full", archive=archive, channel=channel)
    page = archive.parent / "saved.html"
    page.write_text(Article(43000099, "存下的一页").page(), "utf-8")
    ciwen("replay", page, archive=archive)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("whole") / "archive"
    lived_through(archive)
    return archive


def test_archive_that_is_whole_is_proven(whole: Path) -> None:
    proof = assert_proven(whole)
    found = tables(whole)
    assert proof.counts["files"] == len(warcs(whole)) == 3
    assert proof.counts["bytes"] == sum(path.stat().st_size for path in warcs(whole))
    assert proof.counts["records"] == sum(len(members(path)) for path in warcs(whole))
    assert proof.counts["rows"] == sum(map(len, found.values()))
    assert proof.counts["runs"] == len([row for row in found["crawls"] if row["outcome"] != "killed"])
    assert {row["record_type"] for row in found["captures"]} == {"response", "revisit", "resource"}


def test_nothing_is_written_into_an_archive(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    before = contents(archive)
    verify(archive)
    assert contents(archive) == before


@pytest.mark.parametrize("jobs", [2, 3])
def test_more_processes_say_the_same(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    monkeypatch.setattr(verification, "LITTLE", 0)
    assert assert_proven(whole, jobs=jobs).counts == assert_proven(whole).counts
    archive = copy(whole, tmp_path)
    for number, path in enumerate(warcs(archive)):
        data = bytearray(path.read_bytes())
        data[len(data) // (number + 2)] ^= 1
        path.write_bytes(data)
    assert verify(archive, jobs=jobs).findings == verify(archive).findings != ()


# --- What is damaged is found ---------------------------------------------------------------------------------------


def found(archive: Path) -> set[str] | None:
    """The files that are named; None where the database is refused as another's."""
    try:
        return {finding.file for finding in verify(archive).findings}
    except (UsageError, SchemaMismatch):
        return None


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_found(whole: Path, tmp_path: Path, damage: Damage, seed: int) -> None:
    archive = copy(whole, tmp_path)
    file = damage(archive, random.Random(f"{damage.__name__} {seed}"))
    assert file in (found(archive) or ())


@pytest.mark.torture
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_no_damage_escapes(whole: Path, tmp_path: Path, damage: Damage) -> None:
    for seed in range(1000, 1050):
        archive = copy(whole, tmp_path / str(seed))
        file = damage(archive, random.Random(f"{damage.__name__} {seed}"))
        assert file in (found(archive) or ()), seed
        shutil.rmtree(archive)


@pytest.mark.torture
def test_every_bit_of_the_last_records_counts(whole: Path, tmp_path: Path) -> None:
    """Those of a report too, which no run has a digest of."""
    archive = copy(whole, tmp_path)
    *others, path = warcs(archive)
    examined = [examine(each) for each in others]
    data = path.read_bytes()
    for place in range(len(data) - sum(map(len, members(path)[-2:])), len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            assert any(findings_among(archive, [*examined, examine(path, is_final=False)])), (place, bit)


def findings_of_records(archive: Path) -> Iterator[Finding]:
    """What is found without a look at the rows."""
    yield from findings_among(archive, [examine(path) for path in warcs(archive)])


def findings_among(archive: Path, examined: list[Examined]) -> Iterator[Finding]:
    for each in examined:
        yield from each.findings
    yield from Continuity(archive / "warc", examined).findings()


@pytest.mark.parametrize(("key", "told"), [("extractor", "derived by other code"), ("schema_version", "schema 3x")])
def test_rows_that_other_code_derived_are_no_damage(whole: Path, tmp_path: Path, key: str, told: str) -> None:
    archive = copy(whole, tmp_path)
    change(archive, "UPDATE meta SET value = value || 'x' WHERE key = ?", key)
    with pytest.raises((UsageError, SchemaMismatch), match=told) as refused:
        verify(archive)
    assert refused.value.exit_code == 2
    assert "ciwen rebuild" in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET value = value || 'x' WHERE key = 'software'",
        "DELETE FROM meta WHERE key = 'software'",
        "INSERT INTO meta VALUES ('mine', 'x')",
        "DROP VIEW latest",
        "DROP INDEX ix_captures_url",
        "DROP TABLE quarantine",
        "ALTER TABLE images DROP COLUMN alt",
        "UPDATE captures SET status = 418 WHERE rowid = (SELECT min(rowid) FROM captures)",
        "UPDATE captures SET url = CAST(x'ff' AS TEXT) WHERE rowid = (SELECT min(rowid) FROM captures)",
        "UPDATE versions SET evidence = 'no JSON' WHERE rowid = 1",
        "DELETE FROM listings",
    ],
)
def test_database_that_is_not_what_the_records_give(whole: Path, tmp_path: Path, statement: str) -> None:
    archive = copy(whole, tmp_path)
    change(archive, statement)
    assert found(archive) == {DATABASE}


def change(archive: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(archive / DATABASE)) as connection, connection:
        connection.execute(statement, values)


def test_finding_tells_the_row_and_where_its_record_is(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    row = select(archive, "SELECT * FROM captures ORDER BY id LIMIT 1")[0]
    change(archive, "UPDATE captures SET status = 418, mime = 'x' WHERE id = ?", row["id"])
    (finding,) = verify(archive).findings
    place = f"(warc/{row['warc_file']} at byte {row['warc_offset']})"
    assert finding == (DATABASE, None, f"captures {row['id']}: status, mime not as the records say {place}: {AGAIN}")


def test_finding_tells_the_place_of_a_record(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[1]
    first, second, *_ = members(path)
    data = bytearray(path.read_bytes())
    data[len(first) + len(second) // 2] ^= 1
    path.write_bytes(data)
    places = {(finding.file, finding.offset) for finding in verify(archive).findings}
    assert (f"warc/{path.name}", len(first)) in places


def test_rows_are_not_compared_where_records_cannot_be_read(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[0]
    path.write_bytes(path.read_bytes()[:-1])
    proof = verify(archive)
    assert DATABASE not in {finding.file for finding in proof.findings}
    assert proof.counts["rows"] == 0
    (note,) = proof.notes
    assert note.startswith("rows not compared: records cannot be read: put their file back ")


def test_so_many_differences_that_not_all_are_told(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MOST", 5)
    archive = copy(whole, tmp_path)
    change(archive, "UPDATE captures SET status = 404")
    told = [finding.what for finding in verify(archive).findings]
    assert len(told) == 6
    assert told[-1] == f"captures: 5 differences are told, and there may be more: {AGAIN}"


# --- What is whole raises no alarm ----------------------------------------------------------------------------------


def test_chronicle(chronicle: Chronicle) -> None:
    assert_proven(chronicle.archive)


def test_rebuilt(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    upkeep.rebuild(archive)
    assert_proven(archive)


def take_in(folder: Path, *paths: Path) -> None:
    """A replay without its process."""
    archive = Archive(folder, begin(REPLAY, None, new_id()), {})
    intake = Intake(archive)
    for path in paths:
        for article in filter(None, intake.articles(path)):
            archive.store.decide(article)
    archive.finish("done", 0, archive.tally.as_dict())


def test_archive_taken_in_by_another(whole: Path, chronicle: Chronicle, tmp_path: Path) -> None:
    """Its warcinfos, reports and revisits tell of files that are not here."""
    archive = tmp_path / "archive"
    take_in(archive, *warcs(whole), *warcs(chronicle.archive))
    take_in(archive, *warcs(whole))
    assert_proven(archive)


def test_archive_that_took_in_its_own_lost_file(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    lost = warcs(archive)[-1].rename(tmp_path / warcs(archive)[-1].name)
    upkeep.rebuild(archive)
    for run in (archive / "runs").iterdir():
        if lost.name in run.read_text():
            run.unlink()
    take_in(archive, lost)
    assert_proven(archive)


def kept(folder: Path, seed: int, most: int) -> Path:
    """Odd exchanges in files of a few records each, written by one run."""
    odd = OddMessages(seed)
    exchanges = [
        Exchange(
            url=f"http://odd.example/{number}",
            sent_at=clock.now(),
            request=b"GET /%d HTTP/1.1\r\nHost: odd.example\r\n\r\n" % number,
            response=raw,
            interim=(b"HTTP/1.1 100 Continue\r\n\r\n",) if number % 3 == 0 else (),
            truncated=BY_DISCONNECT if number % 7 == 0 and raw else None,
        )
        for number, raw in enumerate(
            [odd.message().raw for _ in range(30)] + [b"", b"no HTTP", b"HTTP/1.1 204 \r\n\r\n"]
        )
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "Series", partial(Series, most=most))
        archive = Archive(folder, begin(CRAWL, "瓷闻天下", new_id()), {"robots": "obey"})
        for exchange in exchanges * 2:
            archive.keep(replace(exchange, sent_at=clock.now()))
        archive.finish("done", 0, archive.tally.as_dict())
    return folder


@pytest.mark.parametrize("most", [5000, 20_000, 10**9])
def test_odd_exchanges_in_files_that_one_run_filled(tmp_path: Path, most: int) -> None:
    archive = kept(tmp_path, 1, most)
    assert (len(warcs(archive)) > 2) == (most < 10**9)
    assert_proven(archive)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bodies that nobody can squeeze, longer than what is unpacked at once by a little or by much."""
    folder = tmp_path_factory.mktemp("long")
    chance = random.Random(5)
    archive = Archive(folder, begin(CRAWL, "瓷闻天下", new_id()), {"robots": "obey"})
    for size in (*range(64_500, 65_100, 23), 65_536 * 2, 400_000):
        body = chance.randbytes(size)
        plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, body[::-1])
        for raw in (plain, chunked, b"HTTP/1.1 200 " + body[::2] * 2, body):
            archive.keep(Exchange("http://odd.example/", clock.now(), b"GET / HTTP/1.1\r\n\r\n", raw))
    archive.finish("done", 0, archive.tally.as_dict())
    return folder


def test_long_records(long: Path, tmp_path: Path) -> None:
    assert_proven(long)
    take_in(tmp_path / "other", *warcs(long))
    assert_proven(tmp_path / "other")


@pytest.mark.parametrize(
    "hurt", [damage.altered_block_digest, damage.altered_payload_digest, damage.stray_bytes, damage.shortened_file]
)
def test_damage_to_long_records(long: Path, tmp_path: Path, hurt: Damage) -> None:
    for seed in range(5):
        archive = copy(long, tmp_path / str(seed))
        file = hurt(archive, random.Random(seed))
        assert file in (found(archive) or ())


def test_long_record_with_a_digest_that_is_not_its_own(long: Path, tmp_path: Path) -> None:
    archive = copy(long, tmp_path)
    damage.altered_payload_digest(archive, random.Random(1))
    (told,) = [finding.what for finding in findings_of_records(archive) if "payload digest" in finding.what]
    assert told.endswith("does not agree with its payload")


def test_damage_to_files_that_one_run_filled(tmp_path: Path) -> None:
    archive = kept(tmp_path / "odd", 2, 5000)
    for number, path in enumerate(warcs(archive)):
        damaged = copy(archive, tmp_path / str(number))
        record = members(path)
        (damaged / "warc" / path.name).write_bytes(b"".join(record[:1] + record[2:]))
        assert f"warc/{path.name}" in (found(damaged) or ())


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_records_of_another_program(tmp_path: Path, version: str) -> None:
    """As warcio writes them, chunked bodies in their digests and each response before its request."""
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(theirs(version))
    archive = tmp_path / "archive"
    take_in(archive, path)
    assert_proven(archive)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(20))
def test_life_that_was_lived_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    """Any mixture of what may happen to an archive, ended by a crawl that mends what a kill left."""
    chance, archive = random.Random(seed), tmp_path / "archive"
    saved, foreign = tmp_path / "saved.html", tmp_path / "theirs.warc.gz"
    foreign.write_bytes(theirs(chance.choice(["1.0", "1.1"])))
    with Channel(channel_pages(ARTICLES)) as channel:

        def crawl() -> None:
            ciwen(
                "crawl",
                *chance.choice([(), ("--full",), ("--no-images", "--no-assets")]),
                archive=archive,
                channel=channel,
            )

        def save(number: int) -> None:
            saved.write_text(Article(43000100 + number, f"存下的第{number}页").page(), "utf-8")
            ciwen("replay", saved, archive=archive)

        for number in range(6):
            article = chance.choice(ARTICLES)
            page = channel.pages[article.url]
            channel.pages[article.url] = replace(page, body=page.body + b"<!-- %d -->" % number)
            chance.choice(
                [
                    crawl,
                    lambda: kill(archive, channel, chance.randrange(2, 8)),
                    lambda: make_final(archive),
                    lambda number=number: save(number),
                    lambda: ciwen("replay", foreign, archive=archive),
                    lambda: (archive / DATABASE).unlink(missing_ok=True),
                ]
            )()
        crawl()
    assert_proven(archive, jobs=chance.choice([1, 2]))
    since = chance.choice(crawls(archive))["started_at"]
    assert_proven(archive, since=since)


def theirs(version: str, **more: str) -> bytes:
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version=version)
    writer.write_record(writer.create_warcinfo_record("theirs.warc.gz", {"software": "warcio"}))
    for number, article in enumerate(ARTICLES):
        body = article.page().encode()
        headers = [("Content-Type", "text/html")]
        if number % 2:
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
        answer = writer.create_warc_record(
            article.url, "response", payload=io.BytesIO(body), http_headers=head, warc_headers_dict=dict(more)
        )
        line = StatusAndHeaders(f"GET {article.url} HTTP/1.1", [("Host", "ci.china.com.cn")], is_http_request=True)
        writer.write_request_response_pair(writer.create_warc_record(article.url, "request", http_headers=line), answer)
    return buffer.getvalue()


def test_digests_that_came_wrong_are_noted_and_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(theirs("1.0"))
    wrong = [with_wrong_digests(record).member() for record in read(path)]
    path.write_bytes(b"".join(wrong))
    archive = tmp_path / "archive"
    take_in(archive, path)
    proof = verify(archive)
    assert proof.findings == ()
    assert proof.notes == ("12 digests of records from elsewhere did not agree when they were taken in",)


@pytest.mark.parametrize("name", ["heritrix-1.warc.gz", "a-library.warc.gz"])
def test_file_of_another_make_is_judged_by_what_it_says(whole: Path, tmp_path: Path, name: str) -> None:
    archive = copy(whole, tmp_path)
    (archive / "warc" / name).write_bytes(theirs("1.0"))
    upkeep.rebuild(archive)
    proof = verify(archive, jobs=2)
    assert proof.findings == (), as_text(proof)
    assert proof.notes == (f"warc/{name} holds no run of ours: its records are judged by what they say",)
    assert proof.counts["bytes"] == sum(path.stat().st_size for path in warcs(archive))
    newest = warcs(whole)[-1].name
    take_in(archive, warcs(whole)[0])
    assert verify(archive).findings == ()
    assert newest == max(path.name for path in warcs(archive) if path.name != name)


def test_damage_to_a_file_of_another_make(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = archive / "warc" / "heritrix-1.warc.gz"
    for place in (-1, len(theirs("1.0")) // 2):
        data = bytearray(theirs("1.0"))
        data[place] ^= 1
        path.write_bytes(data)
        assert f"warc/{path.name}" in {each.file for each in verify(archive).findings}
    path.write_bytes(b"".join(with_wrong_digests(each).member() for each in records_of(theirs("1.0"), tmp_path)))
    wrong = [each for each in verify(archive).findings if each.file == f"warc/{path.name}"]
    assert len(wrong) == 12
    Manifest(archive / "warc").add_files([path])
    assert not [each for each in verify(archive).findings if each.file == f"warc/{path.name}"]


def records_of(data: bytes, folder: Path) -> list[Record]:
    path = folder / "told.warc.gz"
    path.write_bytes(data)
    return list(read(path))


def test_record_that_another_file_has_too(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path, other = warcs(archive)[:2]
    with other.open("ab") as file:
        file.write(next(each for each in members(path) if b"WARC-Type: response" in damage.unpacked(each)))
    place = (f"warc/{other.name}", warcs(whole)[1].stat().st_size, "a record whose id another one before it has")
    assert place in findings_of_records(archive)


def with_wrong_digests(record: Record) -> Record:
    if record.type != "response":
        return record
    digest = "sha1:" + "A" * 32
    fields = tuple((name, digest if name.endswith("-Digest") else value) for name, value in record.fields)
    return replace(record, fields=fields)


def test_run_that_was_killed_is_for_the_next_crawl_to_mend(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=archive, channel=channel)
        assert_proven(archive)
        kill(archive, channel, 3)
        (left,) = (archive / "warc").glob("*.open")
        before = contents(archive)
        proof = verify(archive)
        assert (f"warc/{left.name}", None, "left by a run that was killed: the next crawl mends it") in proof.findings
        assert {finding.file for finding in proof.findings} == {f"warc/{left.name}"}, as_text(proof)
        assert len(proof.findings) == 1
        assert contents(archive) == before
        ciwen("crawl", archive=archive, channel=channel)
    assert_proven(archive)


# --- What was left open, is lost or may not be read -----------------------------------------------------------------


def left_open(whole: Path, folder: Path, torn: bytes) -> tuple[Path, Path]:
    """The newest file as a run leaves it that is killed when it has taken it up."""
    archive = copy(whole, folder)
    newest = warcs(archive)[-1]
    left = newest.rename(newest.with_name(newest.name + ".open"))
    with left.open("ab") as file:
        file.write(torn)
    return archive, left


@pytest.mark.parametrize("torn", [b"", b"\x1f\x8b\x08\0\0\0\0\0\0", bytes(4096)])
@pytest.mark.parametrize("since", [None, "2020-01-01T00:00:00.000000Z"])
def test_file_that_a_killed_run_took_up_is_examined(
    whole: Path, tmp_path: Path, torn: bytes, since: str | None
) -> None:
    archive, left = left_open(whole, tmp_path, torn)
    proof = verify(archive, since)
    told = (f"warc/{left.name}", None, "left by a run that was killed: the next crawl mends it")
    assert proof.findings == (told,), as_text(proof)
    whole_counts = verify(whole).counts
    assert proof.counts == {**whole_counts, "rows": 0}


def test_damage_to_a_file_that_a_killed_run_took_up(whole: Path, tmp_path: Path) -> None:
    archive, left = left_open(whole, tmp_path, b"")
    data = bytearray(left.read_bytes())
    first, second, *_ = members(left)
    data[len(first) + len(second) // 2] ^= 1
    left.write_bytes(data)
    assert len(first) in {each.offset for each in verify(archive).findings if each.file == f"warc/{left.name}"}


def test_file_left_open_beside_its_final_name(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[-1]
    shutil.copyfile(path, path.with_name(path.name + ".open"))
    (finding,) = verify(archive).findings
    assert finding.file == f"warc/{path.name}.open"
    assert f"{path.name} is there too" in finding.what
    assert "next crawl" not in finding.what


@pytest.mark.parametrize("which", [slice(None), slice(-1, None), slice(0, 1)])
def test_lost_files_are_found_whatever_the_period(whole: Path, tmp_path: Path, which: slice) -> None:
    archive = copy(whole, tmp_path)
    lost = warcs(archive)[which]
    for path in lost:
        path.unlink()
    for since in (None, crawls(archive)[-1]["started_at"], "2999-01-01T00:00:00.000000Z"):
        findings = verify(archive, since).findings
        assert {f"warc/{path.name}" for path in lost} <= {each.file for each in findings}
        assert DATABASE not in {each.file for each in findings}
        assert len({each.file for each in findings if each.what.startswith("missing")}) == len(lost)


def test_what_hangs_on_lost_files_is_not_told_one_by_one(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    for path in warcs(archive):
        path.unlink()
    proof = verify(archive)
    assert proof.notes == ("rows not compared: WARC files are missing",)
    assert all(each.what.startswith("missing") for each in proof.findings), as_text(proof)
    assert len(proof.findings) == 3


def test_link_that_leads_nowhere(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[1]
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    assert (f"warc/{path.name}", None) in {each[:2] for each in verify(archive).findings}
    assert f"cannot read {path}" in ciwen("rebuild", archive=archive, code=2).err
    ciwen("status", archive=archive, code=2)


@pytest.mark.parametrize("place", ["", "warc", "warc/MANIFEST.sha256", "newest"])
def test_what_may_not_be_read_is_no_damage(whole: Path, tmp_path: Path, place: str) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[-1] if place == "newest" else archive / place
    mode = path.stat().st_mode
    path.chmod(0o600 if path.is_dir() else 0)
    try:
        told = as_a_reader("verify", "--archive", archive, code=2).err
    finally:
        path.chmod(mode)
    assert told.startswith("ciwen: cannot read ") or "cannot read " in told
    assert len(told.splitlines()) <= 2


def test_manifest_speaks_of_the_newest_file_too(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    manifest = Manifest(archive / "warc")
    newest = warcs(archive)[-1]
    manifest.add({newest.name: "0" * 64})
    assert f"warc/{newest.name}" in (found(archive) or ())


def test_folder_in_the_place_of_the_manifest(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    path = archive / "warc" / "MANIFEST.sha256"
    path.unlink()
    path.mkdir()
    (finding,) = verify(archive).findings
    assert finding.file == "warc/MANIFEST.sha256"
    assert "move it away" in finding.what


def test_ids_of_other_forms_are_told_apart() -> None:
    uuid = new_id()
    forms = ["", "a", "b", "<urn:a>", "<urn:b>", f"<urn:uuid:{uuid}>", f"<urn:xxxx:{uuid}>", f"<x-y-uuid:{uuid}>"]
    assert len({short_id(each) for each in forms}) == len(forms)
    assert {len(short_id(each)) for each in forms} == {16}


@pytest.mark.parametrize("name", ["a-copy.warc.gz", "z-copy.warc.gz", "ciwen-29990101000000000-00001-x.warc.gz"])
def test_copy_of_a_file_is_told_in_one_finding(whole: Path, tmp_path: Path, name: str) -> None:
    archive = copy(whole, tmp_path)
    path = warcs(archive)[-1]
    shutil.copyfile(path, path.with_name(name))
    same = [each for each in verify(archive).findings if "the same records as" in each.what]
    assert same == [(f"warc/{name}", None, f"the same records as {path.name}: a copy of it, move it out of warc/")]
    assert {each.file for each in verify(archive).findings} == {f"warc/{name}"}
    assert len(verify(archive).findings) <= 2


def test_damage_is_told_with_the_url_that_lies_there(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    row = select(archive, "SELECT * FROM captures WHERE record_type = 'response' ORDER BY id LIMIT 1")[0]
    path = archive / "warc" / row["warc_file"]
    data = bytearray(path.read_bytes())
    data[row["warc_offset"] + row["warc_length"] - 6] ^= 1
    path.write_bytes(data)
    told = f"gzip member damaged: its checksum is not that of its data; by the database it holds {row['url']}"
    findings = verify(archive).findings
    assert (f"warc/{path.name}", row["warc_offset"], told) in findings
    assert findings[0].file.startswith("warc/")


def test_report_that_is_gone_is_written_again_as_is_said(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    one, other, *_ = sorted((archive / "runs").iterdir())
    one.unlink()
    other.write_text("{}")
    findings = verify(archive).findings
    assert [each.file for each in findings] == [f"runs/{one.name}", f"runs/{other.name}"]
    assert all("`ciwen rebuild` writes" in each.what for each in findings)
    other.unlink()
    upkeep.rebuild(archive)
    assert_proven(archive)


def test_verdict_tells_the_period(whole: Path) -> None:
    since = crawls(whole)[0]["started_at"]
    assert f"proven since {since}: nothing is damaged" in as_text(verify(whole, since))
    late = verify(whole, "2999-01-01T00:00:00.000000Z")
    assert "nothing was fetched since 2999-01-01T00:00:00.000000Z: nothing proven" in as_text(late)
    assert late.facts["since"] == "2999-01-01T00:00:00.000000Z"
    assert verify(whole).facts["since"] is None
    assert "in 1 WARC file," in as_text(verify(whole, crawls(whole)[-1]["started_at"]))


# --- A part of it, and in what state --------------------------------------------------------------------------------


def crawls(archive: Path) -> Rows:
    """The runs that fetched anything."""
    return [row for row in tables(archive)["crawls"] if row["mode"] == "crawl"]


def test_since_proves_from_the_run_on_that_fetched_then(whole: Path) -> None:
    everything = assert_proven(whole)
    counts = [assert_proven(whole, since=each["started_at"]).counts["records"] for each in crawls(whole)]
    assert counts == sorted(counts, reverse=True)
    assert 0 < counts[-1] < counts[0] == everything.counts["records"]
    assert assert_proven(whole, since="2999-01-01T00:00:00.000000Z").counts["records"] == 0


@pytest.mark.parametrize("number", [0, 2])
def test_since_finds_what_is_behind_it_alone(whole: Path, tmp_path: Path, number: int) -> None:
    archive = copy(whole, tmp_path)
    since = crawls(archive)[-1]["started_at"]
    path = warcs(archive)[number]
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert (found_since(archive, since) == set()) == (number == 0)
    assert found(archive)


def found_since(archive: Path, since: str) -> set[str]:
    return {finding.file for finding in verify(archive, since).findings}


def test_since_compares_rows(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    crawl = crawls(archive)[-1]
    change(archive, "UPDATE captures SET mime = 'x' WHERE crawl_id = ?", crawl["id"])
    assert found_since(archive, crawl["started_at"]) == {DATABASE}


def test_nothing_to_prove(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no archive"):
        verify(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_while_a_run_writes(whole: Path) -> None:
    with Lock(whole), pytest.raises(ArchiveLocked):
        verify(whole)


def test_while_a_run_writes_that_the_reader_may_only_look_at(whole: Path, tmp_path: Path) -> None:
    archive = copy(whole, tmp_path)
    with Lock(archive), write_protected(archive):
        told = as_a_reader("verify", "--archive", archive, code=4).err
    assert f"another run holds {archive} (process {os.getpid()}, since " in told


@pytest.mark.parametrize("is_locked_at_times", [True, False])
def test_archive_that_may_only_be_read(whole: Path, tmp_path: Path, is_locked_at_times: bool) -> None:
    archive = copy(whole, tmp_path)
    if not is_locked_at_times:
        (archive / ".lock").unlink()
    with write_protected(archive):
        assert "proven, nothing is damaged" in as_a_reader("verify", "--archive", archive).out


def test_lock_that_cannot_be_taken_for_another_reason_than_permission(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(CannotWrite), held_still(tmp_path):
        raise AssertionError


# --- The command ----------------------------------------------------------------------------------------------------


def test_command_that_finds_nothing(whole: Path) -> None:
    ended = ciwen("verify", archive=whole)
    assert "proven, nothing is damaged" in ended.out
    assert ciwen("verify", "--quiet", "--jobs", 2, archive=whole).out == ""


@pytest.fixture(scope="module")
def damaged(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = copy(whole, tmp_path_factory.mktemp("damaged"))
    path = warcs(archive)[0]
    data = bytearray(path.read_bytes())
    data[len(members(path)[0]) + 4] ^= 1
    path.write_bytes(data)
    return archive


def test_command_that_finds_damage(whole: Path, damaged: Path) -> None:
    path = warcs(whole)[0]
    place = f"warc/{path.name} at byte {len(members(path)[0])}"
    told = f"{place}: gzip header altered: not the constant one that every member of ours has"
    for option in ("--jobs=2", "--quiet"):
        ended = ciwen("verify", option, archive=damaged, code=5)
        assert told in ended.out.splitlines()
        assert "damaged, " in ended.out


def test_command_for_programs(whole: Path, damaged: Path) -> None:
    path = warcs(whole)[0]
    facts = json.loads(ciwen("verify", "--json", archive=damaged, code=5).out)
    assert facts["damaged"] is True
    assert {"file", "offset", "what"} == set(facts["findings"][0])
    assert {each["file"] for each in facts["findings"]} == {f"warc/{path.name}"}
    assert len(members(path)[0]) in {each["offset"] for each in facts["findings"]}
    assert facts["files"] == 3


def test_command_since(damaged: Path) -> None:
    ciwen("verify", "--since", "2999-01-01", archive=damaged)
    ciwen("verify", "--since", "2020-01-01", archive=damaged, code=5)
    assert "yesterday" in ciwen("verify", "--since", "yesterday", archive=damaged, code=2).err


def test_command_without_an_archive(tmp_path: Path) -> None:
    assert "holds no archive" in ciwen("verify", archive=tmp_path / "none", code=2).err
    assert not (tmp_path / "none").exists()


def test_progress_elsewhere_than_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REPEAT", 0)
    with Progress().stage("records", 3_000_000) as advance:
        advance(1_000_000)
        advance(2_000_000)
    with Progress(quiet=True).stage("records", 3_000_000) as advance:
        advance(3_000_000)
    assert capsys.readouterr() == ("", "records: 1 of 3 MB\nrecords: 3 of 3 MB\n")
