"""The WARC files of an archive as a series: each run goes on where the one before it ended, wherever it was killed."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.warc.files import at_rest, file_name, next_name, own_name, warc_files
from ciwen_crawler.warc.manifest import MANIFEST, Manifest
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import RESOURCE, WARCINFO, Record, build, described, warcinfo
from ciwen_crawler.warc.recovery import recover
from ciwen_crawler.warc.series import Opening, Series, Written
from ciwen_crawler.warc.writer import OPEN

DATE = "2025-06-04T08:35:12.123456Z"
MOMENT = datetime(2025, 6, 4, 8, 35, 12, 123456, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, SECOND, THIRD = (file_name(MOMENT, serial) for serial in (1, 2, 3))
FOREIGN = "a-library.warc.gz"


def page(number: int) -> Record:
    """A record of about 700 bytes."""
    return build(RESOURCE, str(number), DATE, hashlib.shake_256(str(number).encode()).digest(400), "text/html")


def opening_of(run: str) -> Callable[[Opening], Record]:
    """Warcinfo records that tell what they were told."""

    def made(opening: Opening) -> Record:
        told = {"run": run, "first": str(opening.is_first)}
        if opening.previous:
            told |= dict(zip(("previous", "digest"), opening.previous, strict=True))
        return warcinfo(f"{run} {opening.file}", DATE, opening.file, told)

    return made


def series(folder: Path, moment: datetime = MOMENT, run: str = "run", **limits: int) -> Series:
    """A run's hold on a folder."""
    return Series(folder, moment, opening_of(run), **limits)


def lived_through(folder: Path, moment: datetime = MOMENT, pages: range = range(1), **limits: int) -> list[Written]:
    """A whole run of so many pages; what it wrote."""
    run = series(folder, moment, f"run of {pages}", **limits)
    for number in pages:
        run.ready()
        run.append(page(number))
    run.close()
    return run.written()


def names(folder: Path) -> list[str]:
    """The files of a folder, the manifest left out."""
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def ids(folder: Path) -> list[str]:
    """The pages in a folder's files, in their order."""
    return [record.id for path in at_rest(folder) for record in records(path) if record.type == RESOURCE]


def infos(path: Path) -> list[dict[str, str]]:
    """What the warcinfo records of a file tell."""
    return [described(record) for record in records(path) if record.type == WARCINFO]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def assert_sound(folder: Path) -> None:
    """All at rest and whole, each file but the newest with its line, each of ours naming the one before it."""
    files = at_rest(folder)
    assert [path.name for path in files] == [name for name in names(folder) if not name.endswith((".cut", ".new"))]
    digests = Manifest(folder).digests
    assert {path.name for path in files[:-1]} <= digests.keys() <= {path.name for path in files}
    if digests:
        done = subprocess.run(["sha256sum", "-c", "--strict", MANIFEST], cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr
    for before, path in pairwise(files):
        assert infos(path)[0]["previous"] == before.name
        assert infos(path)[0]["digest"] == sha256(before.read_bytes())


# Which file


def test_runs_go_on_in_one_file(tmp_path: Path) -> None:
    for hour in range(5):
        lived_through(tmp_path, MOMENT + hour * HOUR, range(hour, hour + 1))
    assert names(tmp_path) == [FIRST]
    assert ids(tmp_path) == list("01234")
    assert [info["first"] for info in infos(tmp_path / FIRST)] == ["True"] * 5
    assert not any("previous" in info for info in infos(tmp_path / FIRST))
    assert_sound(tmp_path)


def test_a_file_that_is_taken_up_is_open(tmp_path: Path) -> None:
    (before,) = lived_through(tmp_path)
    run = series(tmp_path, MOMENT + HOUR)
    assert names(tmp_path) == [FIRST + OPEN]
    assert (run.name, run.ready()) == (FIRST, run.warcinfo_id)
    span = run.append(page(1))
    (written,) = run.written()
    assert written.offset == before.length < span.offset
    assert span.offset + span.length == written.offset + written.length


@pytest.mark.parametrize(
    ("moment", "limits", "file"),
    [
        pytest.param(MOMENT, {}, FIRST, id="the same moment"),
        pytest.param(MOMENT + 30 * DAY - HOUR, {}, FIRST, id="young enough"),
        pytest.param(MOMENT + 30 * DAY, {}, file_name(MOMENT + 30 * DAY, 1), id="too old"),
        pytest.param(MOMENT + 2 * DAY, {"days": 2}, file_name(MOMENT + 2 * DAY, 1), id="too old for a limit"),
        pytest.param(MOMENT + HOUR, {"most": 600}, file_name(MOMENT + HOUR, 1), id="full"),
        pytest.param(MOMENT, {"most": 600}, SECOND, id="full, at the same moment"),
        pytest.param(MOMENT - 400 * DAY, {}, FIRST, id="from the future"),
        pytest.param(MOMENT - 400 * DAY, {"most": 600}, SECOND, id="from the future and full"),
    ],
)
def test_the_newest_file_is_taken_up_while_it_is_young_and_not_full(
    tmp_path: Path, moment: datetime, limits: dict[str, int], file: str
) -> None:
    lived_through(tmp_path)
    written = lived_through(tmp_path, moment, range(1, 2), **limits)
    assert [each.file for each in written] == [file]
    assert names(tmp_path) == sorted({FIRST, file})
    assert ids(tmp_path) == ["0", "1"]
    assert_sound(tmp_path)


def with_a_line(path: Path) -> None:
    Manifest(path.parent).add_files([path])


def with_a_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def linked(path: Path) -> None:
    (path.parent.parent / "snapshot").hardlink_to(path)


def pointed_at(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    "state",
    [with_a_line, with_a_tail, cut_short, flipped, emptied, linked, pointed_at],
    ids=lambda state: state.__name__,
)
def test_what_is_final_damaged_or_not_ours_alone_is_left_as_it_is(
    tmp_path: Path, state: Callable[[Path], None]
) -> None:
    folder = tmp_path / "warc"
    lived_through(folder)
    state(folder / FIRST)
    before = (folder / FIRST).read_bytes()
    (written,) = lived_through(folder, MOMENT + HOUR, range(1, 2))
    assert (folder / FIRST).read_bytes() == before
    assert written.file == file_name(MOMENT + HOUR, 1)
    assert infos(folder / written.file)[0]["digest"] == Manifest(folder).digests[FIRST] == sha256(before)


def test_files_of_another_make_are_final(tmp_path: Path) -> None:
    data = page(0).member()
    for name in (FOREIGN, "z.warc.gz"):
        (tmp_path / name).write_bytes(data)
    moments = (MOMENT, MOMENT + HOUR, MOMENT + 40 * DAY)  # the second run takes up what the first one wrote
    for moment in moments:
        lived_through(tmp_path, moment)
    ours = [FIRST, file_name(moments[-1], 1)]
    assert names(tmp_path) == [FOREIGN, *ours, "z.warc.gz"]
    assert Manifest(tmp_path).digests.keys() == {FOREIGN, FIRST, "z.warc.gz"}
    assert [infos(tmp_path / name)[0]["previous"] for name in ours] == [FOREIGN, FIRST]


def test_an_archive_without_a_manifest_gets_its_lines_when_a_file_is_begun(tmp_path: Path) -> None:
    for serial in (1, 2, 3):
        (tmp_path / file_name(MOMENT, serial)).write_bytes(page(serial).member())
    (tmp_path / FOREIGN).write_bytes(page(0).member())
    lived_through(tmp_path, MOMENT + HOUR)
    assert not (tmp_path / MANIFEST).exists()
    lived_through(tmp_path, MOMENT + 40 * DAY)
    assert list(Manifest(tmp_path).digests) == [FOREIGN, FIRST, SECOND, THIRD]
    assert infos(tmp_path / file_name(MOMENT + 40 * DAY, 1))[0]["previous"] == THIRD


def test_a_file_that_a_run_wrote_from_its_beginning_is_not_read_again_for_its_line(tmp_path: Path) -> None:
    run = series(tmp_path, most=1)
    written = (tmp_path / f"{FIRST}.open").read_bytes()
    (tmp_path / f"{FIRST}.open").write_bytes(b"what is read from here on is another's")
    run.ready()
    run.close()
    assert Manifest(tmp_path).digests == {FIRST: sha256(written)}


def test_a_file_that_was_moved_away_keeps_its_name_and_its_place_in_the_chain(tmp_path: Path) -> None:
    lived_through(tmp_path)
    with_a_line(tmp_path / FIRST)
    digest = sha256((tmp_path / FIRST).read_bytes())
    (tmp_path / FIRST).unlink()
    (written,) = lived_through(tmp_path)
    assert written.file == SECOND
    (info,) = infos(tmp_path / SECOND)
    assert (info["previous"], info["digest"]) == (FIRST, digest)


# Rotation


def test_full_files_make_room_within_a_run(tmp_path: Path) -> None:
    run = series(tmp_path, most=3000)
    infos_named = []
    for number in range(20):
        infos_named.append(run.ready())
        assert run.append(page(number)).file == run.name
        assert infos_named[-1] == run.warcinfo_id == f"run {run.name}"
    run.close()
    files = at_rest(tmp_path)
    assert [path.name for path in files] == [file_name(MOMENT, serial) for serial in range(1, len(files) + 1)]
    assert len(files) > 3
    assert all(3000 <= path.stat().st_size < 4000 for path in files[:-1])
    assert [[info["first"] for info in infos(path)] for path in files] == [["True"], *[["False"]] * (len(files) - 1)]
    assert ids(tmp_path) == [str(number) for number in range(20)]
    assert_sound(tmp_path)


def test_an_exchange_is_not_parted(tmp_path: Path) -> None:
    run = series(tmp_path, most=1)
    run.ready()
    for number in range(5):
        assert run.append(page(number)).file == run.name == SECOND


def test_what_a_run_wrote(tmp_path: Path) -> None:
    (before,) = lived_through(tmp_path, pages=range(3))
    written = lived_through(tmp_path, MOMENT + HOUR, range(3, 14), most=4000)
    assert [each.file for each in written] == names(tmp_path)
    assert len(written) == 3
    for each in written:
        data = (tmp_path / each.file).read_bytes()
        assert each.offset == (before.length if each.file == before.file else 0)
        assert each.offset + each.length == len(data)
        assert each.sha256 == sha256(data[each.offset :])
        assert each.records == sum(record.offset >= each.offset for record in records(tmp_path / each.file))


def test_what_a_run_wrote_so_far_leaves_out_what_the_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = series(tmp_path)
    run.append(page(1))
    before = run.written()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full_after_half(os.write))
        with pytest.raises(CannotWrite, match="No space left on device"):
            run.append(page(2))
    assert run.written() == before
    run.append(page(3))
    run.close()
    assert ids(tmp_path) == ["1", "3"]
    assert run.written()[0].sha256 == sha256((tmp_path / FIRST).read_bytes())


def full_after_half(write: Callable[[int, memoryview], int]) -> Callable[[int, memoryview], int]:
    """A disk with room for half of what is written at once."""
    calls: Iterator[bool] = iter([True, False])

    def half(file: int, data: memoryview) -> int:
        if next(calls):
            return write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    return half


def test_a_rotation_that_the_disk_refuses_can_be_made_later(tmp_path: Path) -> None:
    run = series(tmp_path, most=1)
    (tmp_path / (MANIFEST + ".new")).mkdir()
    for _ in range(2):
        with pytest.raises(CannotWrite, match=f"cannot write .*{MANIFEST}"):
            run.ready()
        with pytest.raises(CannotWrite):  # the full file is final, and its number may be another file's by now
            run.append(page(0))
        run.sync()
        assert len(run.written()) == 1
    (tmp_path / (MANIFEST + ".new")).rmdir()
    run.ready()
    run.append(page(0))
    run.close()
    assert names(tmp_path) == [each.file for each in run.written()] == [FIRST, SECOND]
    assert_sound(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "warc").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"cannot write .*/warc/.*File exists"):
        series(tmp_path / "warc")


def test_a_file_that_is_open_is_not_written_over(tmp_path: Path) -> None:
    lived_through(tmp_path)
    (tmp_path / (FIRST + OPEN)).write_bytes(b"of another run")
    with pytest.raises(CannotWrite, match="is there already"):
        series(tmp_path)
    assert (tmp_path / (FIRST + OPEN)).read_bytes() == b"of another run"


# Kills


class KilledError(BaseException):
    """Nothing that follows is done."""


class Kill:
    """A run dies at its nth step on the disk: before it, or amid what it writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
        self.left = step
        for name in ("open", "write", "fsync", "rename", "replace", "ftruncate"):
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, call: Callable[..., int]) -> Callable[..., int]:
        def counted(*arguments: object) -> int:
            self.left -= 1
            if self.left <= 0:
                if name == "write" and self.left == 0:
                    file, data = arguments
                    assert isinstance(data, memoryview)
                    call(file, data[: len(data) // 2])
                raise KilledError
            return call(*arguments)

        return counted


def old_archive(folder: Path) -> None:
    """Files of another make and of a program that knew no manifest; the newest is to be taken up."""
    folder.mkdir()
    (folder / FOREIGN).write_bytes(page(1000).member())
    for serial in (1, 2):
        (folder / file_name(MOMENT - DAY, serial)).write_bytes(
            b"".join(record.member() for record in (warcinfo("x", DATE, FIRST, {"run": "old"}), page(1000 + serial)))
        )


def full_archive(folder: Path) -> None:
    """An archive whose newest file is full."""
    lived_through(folder, MOMENT - DAY, range(1000, 1006), most=2000)
    while Manifest(folder).digests.keys() == set(names(folder)) or at_rest(folder)[-1].stat().st_size < 2000:
        lived_through(folder, MOMENT - DAY, range(2000, 2001), most=2000)


def no_archive(folder: Path) -> None:
    """Nothing yet."""


def steps(start: Callable[[Path], None], folder: Path) -> int:
    """How many steps on the disk a run takes that begins there."""
    start(folder)
    with pytest.MonkeyPatch.context() as patched:
        kill = Kill(patched, 10_000)
        lived_through(folder, MOMENT, range(6), most=2000)
    return 10_000 - kill.left


@pytest.mark.parametrize("start", [no_archive, old_archive, full_archive], ids=lambda start: start.__name__)
def test_a_run_that_is_killed_anywhere_is_gone_on_from(tmp_path: Path, start: Callable[[Path], None]) -> None:
    count = steps(start, tmp_path / "whole")
    assert count > 20
    for step in range(1, count + 1):
        folder = tmp_path / str(step)
        start(folder)
        before = ids(folder)
        written: list[str] = []
        with pytest.MonkeyPatch.context() as patched, pytest.raises(KilledError):
            Kill(patched, step)
            run = series(folder, most=2000)
            for number in range(6):
                run.ready()
                run.append(page(number))
                written.append(str(number))
            run.close()
        recover(folder)
        assert ids(folder) == before + written
        lived_through(folder, MOMENT + HOUR, range(6, 9), most=2000)
        assert ids(folder) == before + written + ["6", "7", "8"]
        if start is not old_archive:
            assert_sound(folder)
        else:  # its files do not name those before them
            assert Manifest(folder).digests.keys() >= {path.name for path in at_rest(folder)[:-1]}


@pytest.mark.parametrize("start", [no_archive, full_archive], ids=lambda start: start.__name__)
def test_a_run_that_cannot_tell_of_itself_leaves_nothing(tmp_path: Path, start: Callable[[Path], None]) -> None:
    folder = tmp_path / "warc"
    start(folder)
    before = names(folder) if folder.exists() else []

    def broken(_: Opening) -> Record:
        raise ValueError("put in by a test")

    with pytest.raises(ValueError, match="put in by a test"):
        Series(folder, MOMENT, broken, most=2000)
    recover(folder)
    assert names(folder) == before
    lived_through(folder, MOMENT, most=2000)
    assert_sound(folder)


# Names


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(MOMENTS, st.integers(0, 99_999), st.text(max_size=10))
@settings(max_examples=200, deadline=None)
def test_a_name_tells_what_it_was_made_of(moment: datetime, serial: int, host: str) -> None:
    name = file_name(moment, serial, host)
    found = own_name(name)
    assert found
    assert moment - found.moment < timedelta(milliseconds=1)
    assert found.serial == serial
    assert file_name(*found) == name


@given(
    st.text()
    | st.from_regex(r"ciwen-[0-9]{17}-[0-9]{5}-[a-z-]+\.warc\.gz", fullmatch=True)
    | st.from_regex(r"ciwen-\d{16,18}-\d{4,6}-.?\.warc\.gz", fullmatch=True)
)
@settings(max_examples=300, deadline=None)
def test_a_name_that_says_something_is_one_that_we_give(name: str) -> None:
    found = own_name(name)
    assert found is None or (found.moment.year < 1000 or file_name(*found) == name)


@pytest.mark.parametrize(
    "name",
    [
        "ciwen-20251304083512123-00001-host.warc.gz",  # no such month
        "ciwen-2025060408351212-00001-host.warc.gz",
        "ciwen-20250604083512123-1-host.warc.gz",
        "ciwen-20250604083512123-00001-.warc.gz",
        "ciwen-20250604083512123-00001-a.b.warc.gz",
        "ciwen-20250604083512123-00001-host.warc.gz.open",
        "ciwen-20250604083512123-00001-host.warc.gz\n",
        "rec-20250604083512123-00001-host.warc.gz",
    ],
)
def test_a_name_that_is_not_ours(name: str) -> None:
    assert own_name(name) is None


@given(
    st.lists(st.tuples(MOMENTS, st.integers(1, 99_999), st.sampled_from(["", OPEN, ".cut"])), max_size=4),
    MOMENTS,
)
@settings(max_examples=100, deadline=None)
def test_a_new_name_is_behind_all_there_are(
    tmp_path_factory: pytest.TempPathFactory, there: list[tuple[datetime, int, str]], moment: datetime
) -> None:
    folder = tmp_path_factory.mktemp("warc")
    made = [file_name(at, serial, "zz") for at, serial, _ in there]
    for name, (_, _, suffix) in zip(made, there, strict=True):
        (folder / (name + suffix)).touch()
    elsewhere = file_name(moment, 99_999, "zz")
    name = next_name(folder, moment, frozenset({elsewhere}))
    assert name > max([elsewhere, *made])
    assert own_name(name)


@pytest.mark.parametrize("clock", [MOMENT, MOMENT + timedelta(microseconds=500), MOMENT - DAY])
def test_a_clock_that_stands_or_goes_back(tmp_path: Path, clock: datetime) -> None:
    (tmp_path / FIRST).touch()
    assert next_name(tmp_path, clock) == SECOND
    (tmp_path / file_name(MOMENT, 99_999)).touch()
    assert next_name(tmp_path, clock) == file_name(MOMENT + timedelta(milliseconds=1), 1)


def test_the_last_name_of_all(tmp_path: Path) -> None:
    last = "ciwen-99991231235959999-99999-x.warc.gz"
    (tmp_path / last).touch()
    with pytest.raises(CannotWrite, match=f"{last}: no name sorts behind that, rename it"):
        next_name(tmp_path, MOMENT)


def test_files_at_rest_in_time_order(tmp_path: Path) -> None:
    folder = tmp_path / "warc"
    folder.mkdir()
    for name in (SECOND, FIRST, THIRD + OPEN, FIRST + ".cut", MANIFEST, FOREIGN):
        (folder / name).touch()
    assert [path.name for path in warc_files(tmp_path)] == [FOREIGN, FIRST, SECOND]
    assert at_rest(folder) == warc_files(tmp_path)
    assert at_rest(tmp_path / "nowhere") == []


def test_no_warcinfo_tells_of_a_digest_that_is_wrong(tmp_path: Path) -> None:
    """What it says stays for good; the manifest can be put right."""
    lived_through(tmp_path)
    Manifest(tmp_path).add({FIRST: "0" * 64})
    with pytest.raises(UnreadableInput, match=r"its SHA-256 is not the one in MANIFEST\.sha256"):
        series(tmp_path, MOMENT + DAY)
    assert names(tmp_path) == [FIRST]
