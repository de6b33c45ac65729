"""How fast the channel is crawled, assets aside, against bare Scrapy and others on the same pages."""

import shutil
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from bench import WORK
from bench.channel import Channel, write_channel
from bench.environments import python_of
from bench.process import Failed, Run, measure
from bench.rounds import Contestant, measure_all, spread, table
from bench.server import Server

ARTICLES = 2000
# The pace that a small public site is owed is not what is measured here.
PACE_OFF = ("DOWNLOAD_DELAY=0", "AUTOTHROTTLE_ENABLED=0", "CONCURRENT_REQUESTS_PER_DOMAIN=16")
BARE, BARE_OURS, CIWEN = "bare Scrapy, its defaults", "bare Scrapy, our settings", "ciwen crawl"


def compare(articles: int, rounds: int) -> str:
    """The table of all contestants."""
    channel = write_channel(WORK / "channel", articles)
    with Server(channel.folder, WORK / "nginx") as server:
        measured = measure_all(_contestants(Course(server, channel)), rounds)
    bare = [one for name in (BARE, BARE_OURS) for one in measured if one.name == name]
    return f"{len(channel.pages)} pages, {rounds} rounds\n\n{table(measured, bare)}"


def sizes(counts: list[int], rounds: int) -> str:
    """What `ciwen crawl` needs on channels of several sizes: memory that grows with them shows here."""
    lines = ["| pages | pages/s | peak MB |", "| --- | --- | --- |"]
    for count in counts:
        channel = write_channel(WORK / "channel", count)
        with Server(channel.folder, WORK / "nginx") as server:
            (one,) = measure_all([_ciwen(Course(server, channel))], rounds)
        peaks = spread(run.peak_mb for run in one.runs)
        lines.append(f"| {one.pages} | {spread(one.speeds)} | {peaks} |")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Course:
    """The pages to fetch, and the judge of whether they were."""

    server: Server
    channel: Channel

    def run(self, name: str, command: list[str], folder: Path, kept: "Callable[[Path], int] | None") -> Run:
        """One run in an emptied folder; Failed unless the server gave, and `kept` finds, every page."""
        shutil.rmtree(folder, ignore_errors=True)
        mark = self.server.mark()
        run = measure(command, folder, http_proxy=self.server.proxy)
        missing = set(self.channel.pages) - set(self.server.fetched(mark))
        if missing:
            raise Failed(f"{name} left {len(missing)} of {len(self.channel.pages)} pages, such as {min(missing)}")
        if kept and (found := kept(folder)) < len(self.channel.pages):
            raise Failed(f"{name} kept {found} of {len(self.channel.pages)} pages")
        return run

    def contestant(
        self, name: str, command: list[str], folder: Path, kept: Callable[[Path], int] | None = None
    ) -> Contestant:
        """A contestant on this course."""
        return Contestant(name, len(self.channel.pages), lambda: self.run(name, command, folder, kept))


def _contestants(course: Course) -> list[Contestant]:
    urls = WORK / "urls.txt"
    urls.write_text("\n".join(course.channel.pages))
    bare = [sys.executable, "-m", "bench.bare", str(urls)]
    contestants = [
        course.contestant(BARE, bare, WORK / "bare"),
        course.contestant(BARE_OURS, [*bare, "--ours", *options(PACE_OFF)], WORK / "bare"),
        _ciwen(course),
    ]
    wget = shutil.which("wget")
    if wget:
        folder = WORK / "wget"
        command = [wget, "--no-config", "-q", "-i", str(urls), "-O", "/dev/null", f"--warc-file={folder / 'wget'}"]
        contestants.append(course.contestant("wget --warc-file", command, folder, _responses_of_wget))
    webarchive = python_of("webarchive")
    if webarchive:
        folder = WORK / "webarchive"
        command = [str(webarchive), "-m", "bench.bare", str(urls), "--wacz", f"{folder}/"]
        contestants.append(course.contestant("scrapy-webarchive", command, folder, _responses_of_wacz))
    return contestants


def options(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("-s", setting)]


def ciwen_crawl(archive: Path) -> list[str]:
    """The command that archives the channel at full speed: its pages, which are what the others fetch. The assets that
    they name are on hosts that the server does not play.
    """
    return [ciwen_program(), "crawl", "--quiet", "--no-assets", "--archive", str(archive), *options(PACE_OFF)]


def _ciwen(course: Course) -> Contestant:
    folder = WORK / "ciwen"
    return course.contestant(CIWEN, ciwen_crawl(folder / "archive"), folder, lambda _: pages_in(folder / "archive"))


def ciwen_program() -> str:
    return str(Path(sys.executable).with_name("ciwen"))


def pages_in(archive: Path) -> int:
    """List pages captured, and articles whose rows are there."""
    with closing(sqlite3.connect(archive / "ciwen.sqlite")) as database:
        (count,) = database.execute(
            "SELECT (SELECT count(*) FROM latest WHERE body <> '')"
            " + (SELECT count(DISTINCT url) FROM captures WHERE kind = 'list' AND status = 200)"
        ).fetchone()
    return int(count)


def _responses_of_wget(folder: Path) -> int:
    return _responses((folder / "wget.warc.gz").read_bytes())


def _responses_of_wacz(folder: Path) -> int:
    (wacz,) = folder.glob("*.wacz")
    with zipfile.ZipFile(wacz) as held:
        return sum(_responses(held.read(name)) for name in held.namelist() if name.startswith("archive/"))


def _responses(warc: bytes) -> int:
    """Whole answers among the records of a WARC file."""
    records = ArchiveIterator(BytesIO(warc), record_types=WarcRecordType.response, parse_http=True)
    return sum(record.http_headers.status_code == 200 for record in records)
