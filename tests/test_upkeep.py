"""The database is made true to the WARC files again, wherever either of them stopped: restored, cut, killed half way.

Every case is an archive of ten crawls as it was at some record, with a database as it was at another.
"""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.store import upkeep
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.place import Place, first_lacking
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import HTTP_RESPONSE, RESPONSE, build, new_id
from ciwen_crawler.warc.recovery import recover
from fixtures.markup import Article
from tests.database import Rows, tables
from tests.program import ciwen
from tests.records import Found, files_of, found_in
from tests.tenfold import CRAWLS, Tenfold

DATABASE = "ciwen.sqlite"
FEW, MANY = 8, 250  # pairs of places that nobody chose
END = Place("~", 0)  # behind every file


@dataclass
class States:
    """What the archive was at any of its records."""

    archive: Path
    folder: Path
    records: list[Found]
    _databases: dict[Place, Path] = field(default_factory=dict)
    _copies: int = 0

    def warc_until(self, place: Place) -> Path:
        """The archive's WARC files up to a record, alone in a folder: the last is open, as a killed run leaves it."""
        self._copies += 1
        folder = self.folder / str(self._copies)
        (folder / WARC).mkdir(parents=True)
        final = []
        for path in files_of(self.archive):
            if path.name < place.file:
                final.append(path.name)
                shutil.copy(path, folder / WARC)
            elif path.name == place.file and place.offset:
                (folder / WARC / (path.name + ".open")).write_bytes(path.read_bytes()[: place.offset])
        if place == END:
            shutil.copy(self.archive / WARC / "MANIFEST.sha256", folder / WARC)
        else:
            lines = (self.archive / WARC / "MANIFEST.sha256").read_text().splitlines(keepends=True)
            kept = [line for line in lines if line.split()[1] in final]
            (folder / WARC / "MANIFEST.sha256").write_text("".join(kept))
        return folder

    def database_at(self, place: Place) -> Path:
        """The database that has every row of the records up to one; the run that was writing then has not ended."""
        if place not in self._databases:
            folder = self.warc_until(place)
            recover(folder / WARC)
            upkeep.rebuild(folder)
            with closing(sqlite3.connect(folder / DATABASE)) as database, database:
                database.execute(
                    "UPDATE crawls SET outcome = NULL WHERE outcome = 'killed' AND id = (SELECT max(id) FROM crawls)"
                )
            self._databases[place] = folder / DATABASE
        return self._databases[place]

    def archive_of(self, warc: Place, database: Place | None) -> Path:
        """The WARC files as they were at one record beside the database as it was at another, or none."""
        folder = self.warc_until(warc)
        if database:
            shutil.copy(self.database_at(database), folder / DATABASE)
        return folder

    def places(self) -> list[Place]:
        """Where records begin, but for files' beginnings, and the end."""
        return [Place(each.file, each.offset) for each in self.records if each.offset] + [END]

    def begins(self, run: int) -> list[Place]:
        """Where a run began to write, in each of its files."""
        runs: list[list[Place]] = []
        for info in (each for each in self.records if each.type == "warcinfo"):
            if b"ciwen-continues" not in info.block:
                runs.append([])
            runs[-1].append(Place(info.file, info.offset))
        return runs[run]


@pytest.fixture(scope="module")
def states(tenfold: Tenfold, tmp_path_factory: pytest.TempPathFactory) -> States:
    return States(tenfold.archive, tmp_path_factory.mktemp("states"), found_in(tenfold.archive))


def mended(folder: Path) -> None:
    """What a run does before it begins."""
    repaired = [repair.file for repair in recover(folder / WARC)]
    upkeep.up_to_date(folder, repaired).close()


def rows_of(folder: Path) -> dict[str, Rows]:
    """The rows of an archive that was mended, and that they are those that its WARC files give."""
    mended(folder)
    found = tables(folder)
    upkeep.rebuild(folder)
    expected = tables(folder)
    differing = {
        name: [row for row in [*found[name], *rows] if (row in found[name]) != (row in rows)]
        for name, rows in expected.items()
    }
    assert {name: rows for name, rows in differing.items() if rows} == {}
    assert found == expected
    return found


def test_ten_crawls_are_proven(states: States) -> None:
    ciwen("verify", archive=states.archive)


# Restored, cut and both, anywhere


def pairs(states: States, count: int) -> Iterator[tuple[Place, Place | None]]:
    """(where the WARC files end, where the database does): it is behind, or ahead in one run's file, or not there."""
    chance = random.Random(43135627)
    places = states.places()
    runs = [place for run in range(CRAWLS) for place in states.begins(run)]
    for _ in range(count):
        warc = chance.choice(places)
        begun = [place for place in runs if place < warc][-1]
        after = next((place for place in runs if place > begun), END)
        known = [place for place in places if place <= warc or (place.file == warc.file and place <= after)]
        yield warc, chance.choice([*chance.choices(known, k=5), None])


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.torture)])
def test_any_database_beside_any_files(states: States, count: int) -> None:
    for warc, database in pairs(states, count):
        folder = states.archive_of(warc, database)
        print(f"files up to {warc}, a database up to {database}")
        rows_of(folder)
        shutil.rmtree(folder)


def test_database_of_any_run_before(states: States) -> None:
    """A copy that was restored, of the end of a run and of its middle."""
    whole = tables(states.archive)
    for run in 1, 6, CRAWLS - 1:
        for place in states.begins(run)[0], a_few_behind(states, states.begins(run)[0]):
            assert rows_of(states.archive_of(END, place)) == whole


def a_few_behind(states: States, place: Place, count: int = 9) -> Place:
    """The place of a record that comes some records later."""
    places = [Place(each.file, each.offset) for each in states.records]
    return next(each for each in places[places.index(place) + count :] if each.offset)


def test_rotated_run_that_was_killed_in_a_later_file(states: States) -> None:
    """It was opened in one file and goes on in another; the database knows it from either, or not at all."""
    first, second, third, *_ = states.begins(0)
    for cut in a_few_behind(states, second), a_few_behind(states, third), a_few_behind(states, third, 2):
        for known in a_few_behind(states, first), a_few_behind(states, second, 3), None:
            (crawl,) = rows_of(states.archive_of(cut, known))["crawls"]
            assert crawl["outcome"] == "killed"


def test_database_that_is_ahead_of_what_the_disk_kept(states: States) -> None:
    """Rows of records that are lost go, those of earlier runs too, and what followed from both is told anew."""
    inside = of_last_run(states)
    for cut in inside[0], inside[len(inside) // 2], inside[-1]:
        rows = rows_of(states.archive_of(cut, END))
        ends = {row["warc_file"]: row["warc_offset"] + row["warc_length"] for row in rows["captures"]}
        assert ends.get(cut.file, 0) <= cut.offset


def of_last_run(states: States) -> list[Place]:
    """Places of the last run in the last file, behind its warcinfo there."""
    last = states.begins(CRAWLS - 1)[-1]
    return [place for place in states.places() if place.file == last.file and place > last]


def test_run_of_which_the_disk_kept_nothing_was_never_there(states: States) -> None:
    """As long as an earlier run's records are in that file; else the file is gone, which is told."""
    begun = next(place for run in range(1, CRAWLS) for place in states.begins(run)[:1] if place.offset > 5000)
    before = [place for place in states.places() if place < begun][-3]
    assert before.file == begun.file
    rows_of(states.archive_of(before, a_few_behind(states, begun)))


def test_nothing_is_derived_where_nothing_lacks(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = states.archive_of(END, END)
    before = tables(folder)
    monkeypatch.setattr(upkeep, "derive", lambda *_: pytest.fail("derived"))
    with closing(upkeep.up_to_date(folder)) as database:
        assert first_lacking(database, folder, ()) is None
    assert tables(folder) == before


def test_no_more_is_derived_than_what_lacks(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the warcinfo on that opened the run which was killed; the report before it may be read once more."""
    opened = states.begins(CRAWLS - 2)
    asked: list[Place] = []
    rederive = upkeep.rederive
    monkeypatch.setattr(upkeep, "rederive", lambda *given, **told: (asked.append(given[2]), rederive(*given, **told)))
    # Its report, which may stand in another of its files, is what it was killed at.
    cut = max(place for place in states.places() if place < states.begins(CRAWLS - 1)[0])
    mended(states.archive_of(cut, cut))
    (place,) = asked
    between = [each.type for each in states.records if place <= (each.file, each.offset) < opened[0]]
    assert place <= opened[0]
    assert between in ([], ["metadata"])


# Killed while it mends


@pytest.mark.torture
@pytest.mark.parametrize("known", [END, None], ids=["ahead", "behind"])
def test_repair_that_is_killed_is_made_again(states: States, known: Place | None) -> None:
    """Before its first commit, and between two others."""
    cut = of_last_run(states)[-3]
    known = known or a_few_behind(states, states.begins(CRAWLS - 1)[0], 2)
    flushes = deaths = 0
    while killed(folder := states.archive_of(cut, known), flushes):
        rows_of(folder)
        flushes = flushes * 4 or 1
        deaths += 1
    assert deaths >= 2


def killed(folder: Path, flushes: int) -> bool:
    """Whether a process that mends an archive died at a commit, after so many of them."""
    child = os.fork()
    if child == 0:
        left = flushes
        flush = Batch.flush

        def dying(batch: Batch) -> None:
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            flush(batch)

        Batch.flush = dying  # type: ignore[method-assign]
        result = 1
        try:
            mended(folder)
            result = 0
        finally:
            os._exit(result)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


# Files that lack, and files that were not there


def test_file_that_is_gone_is_named_with_the_way_out(states: States) -> None:
    folder = states.archive_of(END, END)
    before = (folder / DATABASE).read_bytes()
    gone = files_of(folder)[3]
    gone.unlink()
    with pytest.raises(UnreadableInput, match=rf"{gone.name} is gone, .*put it back.*ciwen rebuild") as told:
        mended(folder)
    assert "\n" not in str(told.value)
    assert (folder / DATABASE).read_bytes() == before


def test_report_that_was_drafted_by_a_run_that_was_killed_is_taken_away(states: States) -> None:
    folder = states.archive_of(END, END)
    draft = folder / "runs" / "20250604083512123-1a2b3c.json.new"
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(b"{}")
    mended(folder)
    assert not draft.exists()


def test_file_at_rest_that_is_shorter_than_its_rows_is_named(states: States) -> None:
    folder = states.archive_of(END, END)
    path = files_of(folder)[-1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableInput, match=rf"{path.name}.*cut short"):
        mended(folder)


@pytest.mark.parametrize("name", ["a-library.warc.gz", "zone.warc.gz"], ids=["before ours", "behind ours"])
def test_file_that_somebody_put_there_is_read(states: States, crawled_elsewhere: Path, name: str) -> None:
    folder = states.archive_of(END, END)
    before = tables(folder)
    shutil.copy(crawled_elsewhere, folder / WARC / name)
    rows = rows_of(folder)
    ids = [{row["id"] for row in found["captures"]} for found in (before, rows)]
    assert ids[0] < ids[1]
    assert {row["warc_file"] for row in rows["captures"] if row["id"] not in ids[0]} == {name}


@pytest.fixture
def crawled_elsewhere(tmp_path: Path) -> Path:
    """A WARC file with one page, of another program."""
    page = Article(43999999, "别处所存").page().encode()
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
    more = {"WARC-Target-URI": Article(43999999, "别处所存").url}
    record = build(RESPONSE, new_id(), "2025-06-04T08:35:12Z", block, HTTP_RESPONSE, more)
    path = tmp_path / "elsewhere.warc.gz"
    path.write_bytes(record.member())
    return path
