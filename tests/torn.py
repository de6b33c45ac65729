"""Torn runs: crawls of a channel that changes, each ended at a moment that chance chose, and the judge of what is left.

torn = Torn(archive, channel, random.Random(seed))
torn.kill(); torn.terminate(); torn.fill(disk)
torn.assert_nothing_is_lost(beside)
"""

import gzip
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from fixtures.markup import Article, channel_pages, picture
from fixtures.page import Page
from fixtures.server import Channel
from fixtures.site import pictures
from tests.database import select, tables
from tests.program import PATIENCE, ciwen, started
from tests.rebuilt import rebuilt

_FIRST, _BEGINNING, _MOST = 43000001, 24, 60  # articles
_SIZE = 20  # of a list page
_ENDS = {"kill": {-signal.SIGKILL, 0}, "terminate": {130, 0, -signal.SIGTERM}, "fill": {6, 0}}
_IDS = {
    "articles": "SELECT id FROM articles",
    "versions": "SELECT article_id || ' ' || content_hash FROM versions",
    "captures": "SELECT id || ' ' || warc_file || ' ' || warc_offset FROM captures",
    "listings": "SELECT capture_id || ' ' || position FROM listings",
}
_READ = "id url state title published_at source author editor body captions image_count".replace(" ", ", ")


def committed(archive: Path) -> set[tuple[str, str]]:
    """What a database holds, by table and key; nothing where there is none yet."""
    found: set[tuple[str, str]] = set()
    with suppress(sqlite3.OperationalError):
        for table, query in _IDS.items():
            found |= {(table, next(iter(row.values()))) for row in select(archive, query)}
    return found


def assert_whole(archive: Path) -> None:
    """Every WARC file is gzip to its last byte, and every record has the block digest that it says."""
    assert not list((archive / "warc").glob("*.open"))
    for path in (archive / "warc").glob("*.warc.gz"):
        gzip.decompress(path.read_bytes())
        with path.open("rb") as file:
            assert all(record.verify_block_digest() for record in FastIterator(file, parse_http=False))
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests=True):
                record.raw_stream.read()
                # Of payloads it has another notion than the standard where they are chunked.
                assert not [each for each in record.digest_checker.problems if "block" in each]


class Changing:
    """A channel whose articles are edited, come, vanish and return, and are listed in another order."""

    def __init__(self, channel: Channel, chance: random.Random) -> None:
        self._channel, self._chance = channel, chance
        self._turn = 0
        self._vanished: dict[str, Page] = {}
        self.articles: list[Article] = []
        self.titles: dict[str, list[str]] = {}  # by URL: those that it had, in their order
        for _ in range(_BEGINNING):
            self._add()
        self._list()

    def change(self) -> None:
        """One change more."""
        self._turn += 1
        kinds = (self._edit, self._come, self._shuffle, self._vanish, self._return)
        (change,) = self._chance.choices(kinds, (6, 2, 1, 1, 1))
        change()

    def settle(self) -> None:
        """Nothing stays away."""
        while self._vanished:
            self._return()

    def _edit(self) -> None:
        number = self._chance.randrange(len(self.articles))
        old = self.articles[number]
        if old.url not in self._vanished:
            new = replace(old, title=f"{old.title.partition('，')[0]}，第{self._turn}次改")
            self.articles[number] = new
            self._serve(new)
            self._list()

    def _come(self) -> None:
        if len(self.articles) < _MOST:
            self._add()
            self._list()

    def _shuffle(self) -> None:
        self._chance.shuffle(self.articles)
        self._list()

    def _vanish(self) -> None:
        url = self._chance.choice(self.articles).url
        if url not in self._vanished and len(self._vanished) < 3:
            self._vanished[url] = self._channel.pages[url]
            del self._channel.pages[url]

    def _return(self) -> None:
        if self._vanished:
            url, page = self._vanished.popitem()
            self._channel.pages[url] = page

    def _add(self) -> None:
        number = _FIRST + len(self.articles)
        article = Article(number, f"第{number}篇", ("窑火未熄。", picture(f"/pic/{number}.jpg", "开窑")))
        self.articles.insert(0, article)
        self._serve(article)
        for url, page in pictures({article.url: article.page()}).items():
            self._channel.pages[url] = page

    def _serve(self, article: Article) -> None:
        self._channel.pages[article.url] = article.page()
        self.titles.setdefault(article.url, []).append(article.title)

    def _list(self) -> None:
        for url, page in channel_pages(self.articles, _SIZE).items():
            served = self._channel.pages.get(url)
            if "content_" not in url and (served is None or served.body != page.encode()):
                self._channel.pages[url] = page


class Torn:
    """An archive, what was ever committed to it, and how its runs ended."""

    def __init__(self, archive: Path, channel: Channel, seed: int) -> None:
        self.archive = archive
        self.ends: Counter[str] = Counter()  # deed and exit code → runs
        self._channel = channel
        self._chance = random.Random(seed)
        self._changing = Changing(channel, self._chance)
        self._seen: set[tuple[str, str]] = set()
        began = time.monotonic()
        ciwen("crawl", archive=archive, channel=channel)
        self._longest = time.monotonic() - began
        self._requests = len(channel.log)

    def kill(self) -> None:
        """A run that gets SIGKILL at some moment, of its start and behind its end too."""
        with self._run("kill") as run:
            self._await_moment(run)
            run.kill()

    def terminate(self) -> None:
        """A run that gets SIGTERM, every third one twice."""
        with self._run("terminate") as run:
            self._await_moment(run)
            run.terminate()
            if self._chance.random() < 0.3:
                with suppress(subprocess.TimeoutExpired):
                    run.wait(self._chance.uniform(0, 0.1))
                run.terminate()

    def fill(self, ballast: Callable[[int], None]) -> None:
        """A run on a disk that has no room for it, or none any more in its middle; `ballast` leaves so much room."""
        room = int(10 ** self._chance.uniform(0, 5.5))
        is_full_at_once = self._chance.random() < 0.5
        if is_full_at_once:
            ballast(room)
        with self._run("fill") as run:
            if not is_full_at_once:
                self._await_moment(run)
                ballast(room)

    @contextmanager
    def _run(self, deed: str) -> Iterator["subprocess.Popen[str]"]:
        for _ in range(self._chance.randrange(3)):
            self._changing.change()
        self._channel.log.clear()
        with started("crawl", archive=self.archive, channel=self._channel) as run:
            yield run
            _, err = run.communicate(timeout=PATIENCE)
        assert run.returncode in _ENDS[deed], f"{deed}: exit {run.returncode}\n{err}"
        assert "Traceback" not in err, err
        self.ends[f"{deed}: exit {run.returncode}"] += 1
        self._seen |= committed(self.archive)

    def _await_moment(self, run: "subprocess.Popen[str]") -> None:
        """Some moment of a run: by the clock from its start on, or by what it asked for, with changes on the way."""
        if self._chance.random() < 0.4:
            _wait(run, self._chance.uniform(0, 1.15 * self._longest))
            return
        wanted = self._chance.randint(1, self._requests)
        changes = self._chance.random() < 0.3
        while run.poll() is None and len(self._channel.log) < wanted:
            with suppress(TimeoutError):
                self._channel.log.wait_for(wanted, 0.05)
            if changes and len(self._channel.log) > wanted / 2:
                self._changing.change()
                changes = False
        # Behind the last answer the run puts everything in order, which takes a while too.
        _wait(run, self._chance.uniform(0, 0.3))

    def assert_nothing_is_lost(self, beside: Path) -> None:
        """One undisturbed run, and all is there: what was ever committed, and what the channel has."""
        self._changing.settle()
        ciwen("crawl", archive=self.archive, channel=self._channel)
        assert self._seen <= committed(self.archive)
        assert_whole(self.archive)
        left = [path.name for path in self.archive.rglob("*") if path.suffix in (".new", ".open")]
        assert not left, "what killed runs leave must not pile up"
        ciwen("verify", archive=self.archive)
        found = tables(self.archive)
        assert rebuilt(self.archive, beside / "rebuilt") == found
        ciwen("crawl", archive=beside / "undisturbed", channel=self._channel)
        query = f"SELECT {_READ} FROM latest ORDER BY id"
        assert select(self.archive, query) == select(beside / "undisturbed", query)
        self._assert_versions()

    def _assert_versions(self) -> None:
        """Each version's title is one that the article had, in the order in which it had them."""
        query = "SELECT title FROM versions v JOIN articles a ON a.id = v.article_id WHERE a.url = ? ORDER BY number"
        for url, titles in self._changing.titles.items():
            had = iter(titles)
            for row in select(self.archive, query, url):
                assert row["title"] in had, (url, row["title"], titles)

    def seconds_to_begin(self) -> float:
        """How long a run takes from its start to its first request."""
        self._channel.log.clear()
        began = time.monotonic()
        with started("crawl", archive=self.archive, channel=self._channel) as run:
            self._channel.log.wait_for(1, PATIENCE)
            seconds = time.monotonic() - began
            run.wait(PATIENCE)
        return seconds


def _wait(run: "subprocess.Popen[str]", seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        run.wait(seconds)
