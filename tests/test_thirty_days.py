"""A channel that lives for thirty days, and an archive that follows it: what stood at a look is held, and no more."""

import random
import signal
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ciwen_crawler.store import queries
from ciwen_crawler.store.history import history
from fixtures.log import Entry
from fixtures.markup import channel_pages
from fixtures.server import Channel
from tests.database import select, tables
from tests.living import Living
from tests.piece import HERE, SITE
from tests.program import UNPACED, ciwen
from tests.rebuilt import rebuilt
from tests.witness import WEEK, Asked, Witness
from tests.zygote import Running, Zygote

BEGINNING = datetime(2025, 6, 10, tzinfo=UTC)
ARTICLES = 60
KINDS = 14  # of what happens
LONG = [pytest.param((seed, 30, 200), id=f"seed {seed}", marks=pytest.mark.torture) for seed in (1, 2, 3)]
SHORT = pytest.param((43135627, 4, 40), id="four days")


@dataclass
class Life:
    """The archive, and what was wrong on the way."""

    archive: Path
    channel: Channel
    zygote: Zygote
    living: Living
    witness: Witness
    runs: int = 0
    killed: int = 0
    faults: list[str] = field(default_factory=list)
    unsure: tuple[list[Entry], datetime, datetime] | None = None  # of a run that was killed

    def crawl(self, now: datetime, failing: list[int]) -> None:
        """One run; `failing` are the articles that the server cannot give while it goes on."""
        for number in failing:
            self.channel.answer(self.living.pieces[number].url, 500)
        self.channel.log.clear()
        wall = datetime.now(UTC)
        with self._started(now) as running:
            ended = running.wait()
        if ended.code not in ((0, 3) if failing else (0,)) or ended.err:
            self._blame("its end", [ended.code, ended.err])
        self._learn_what_was_kept()
        self._judge(self.witness.asked(self.runs, self.channel.log.settled(), now, wall), now)
        for number in failing:
            self.channel.restore(self.living.pieces[number].url)
            self.living.serve(self.living.pieces[number])
        self.runs += 1

    def crawl_and_die(self, now: datetime, requests: int) -> None:
        """A run that is killed as soon as it has asked for so much."""
        self.channel.log.clear()
        wall = datetime.now(UTC)
        with self._started(now) as running:
            self.channel.log.wait_for(requests)
            running.kill()
            if running.wait().code == -signal.SIGKILL:
                self.killed += 1
        self.unsure = (self.channel.log.settled(), now, wall)

    def _started(self, now: datetime) -> AbstractContextManager[Running]:
        at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        return self.zygote.started("crawl", archive=self.archive, channel=self.channel, at=at, pace=UNPACED)

    def _learn_what_was_kept(self) -> None:
        """Of a run that was killed some was kept: all that follows from that, and nothing of the rest."""
        if self.unsure is None:
            return
        entries, now, wall = self.unsure
        self.unsure = None
        of_it = f"{now:%Y%m%d%H%M}%"
        rows = select(self.archive, "SELECT url FROM captures WHERE crawl_id LIKE ?", of_it)
        kept = {row["url"] for row in rows}
        asked = self.witness.asked(self.runs, [entry for entry in entries if entry.url in kept], now, wall)
        asked.failures.clear()  # it left no report
        self.witness.take(asked, now, is_over=False)
        self.runs += 1

    def _judge(self, asked: Asked, now: datetime) -> None:
        witness = self.witness
        tried = asked.looks.keys() | asked.failures
        named = [piece for page in asked.pages for piece in page]
        never_had = [piece.number for piece in named if piece.status == HERE and not witness.seen(piece.number)]
        self._blame("pages of the list that it had to read", witness.walk()[len(asked.pages) :])
        self._blame("listed, never had and not asked for", set(never_had) - tried)
        self._blame("due and not looked at", witness.due(now) - tried)
        self._blame("looked at too soon", witness.resting(now) & tried)
        self._blame("images not asked for", set(witness.owed(asked, now)) - asked.shots.keys())
        witness.take(asked, now)
        self._blame("no whole walk for a week", [] if witness.whole_at and now - witness.whole_at < WEEK else [now])
        states = {row["id"]: row["state"] for row in select(self.archive, "SELECT id, state FROM articles")}
        wanted = {
            self.living.pieces[number].id: "gone" if witness.is_gone(number) else "live" for number in witness.held()
        }
        self._blame("articles and their states", states.items() ^ wanted.items())

    def _blame(self, what: str, whom: Iterable[object]) -> None:
        self.faults += [f"run {self.runs}: {what}: {each}" for each in whom]


@pytest.fixture(scope="module", params=[SHORT, *LONG])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    seed, days, events = request.param
    chance = random.Random(seed)
    happen = sorted(BEGINNING + timedelta(days=days * chance.random()) for _ in range(events))
    with Channel(channel_pages([])) as channel, Zygote() as zygote:
        living = Living(channel, seed, ARTICLES, BEGINNING)
        archive = tmp_path_factory.mktemp("life") / "archive"
        found = Life(archive, channel, zygote, living, Witness(living))
        now = BEGINNING
        while now < BEGINNING + timedelta(days=days):
            while happen and happen[0] <= now:
                living.live(happen.pop(0))
            what = chance.random()
            if what < 0.06:
                # Four are asked for by every run: robots.txt, the home page, two pages of the list.
                found.crawl_and_die(now, chance.randrange(1, 4 + len(found.witness.due(now))))
                now += timedelta(minutes=20)
            found.crawl(now, chance.sample(sorted(living.pieces), 5) if what > 0.9 else [])
            now += timedelta(minutes=chance.choice((60, 180, 240, 360)), seconds=chance.randrange(60))
        yield found


def test_each_run_asks_for_what_is_new_and_what_is_due_and_tells_what_is_gone(life: Life) -> None:
    """What stands on a page that a run has to read is asked for in the first run after it was listed, so that none is
    missed that was listed at two: a run reads the list up to a page that names nothing new and nothing as new as the
    last run's newest, and one page more. What is listed further down, where only old articles stand, is asked for by
    the whole walk of the week.
    """
    assert life.faults == []


def test_articles_are_those_that_were_seen_and_stay_the_same_wherever_they_move(life: Life) -> None:
    found = {row["id"]: row["url"] for row in select(life.archive, "SELECT id, url FROM articles")}
    held = {life.living.pieces[number].id: life.witness.seen(number)[-1].url for number in life.witness.held()}
    assert found == held


def test_every_edit_that_stood_at_a_look_is_a_version_and_nothing_else_is(life: Life) -> None:
    rows = select(life.archive, "SELECT article_id, title, body, published_at, minor FROM versions ORDER BY 1, number")
    found: dict[object, list[object]] = {}
    for row in rows:
        body = "".join(str(row["body"]).split())
        found.setdefault(row["article_id"], []).append((row["title"], body, row["published_at"], row["minor"]))
    wanted = {
        life.living.pieces[number].id: [
            (look.said.title, look.said.text, look.said.published_at, int(is_minor))
            for look, is_minor in life.witness.versions(number)
        ]
        for number in life.witness.held()
    }
    assert {key: value for key, value in found.items() if wanted.get(str(key)) != value} == {}
    assert found.keys() == wanted.keys()


def test_images_that_vanished_or_changed_are_told(life: Life) -> None:
    with closing(queries.opened(life.archive)) as database:
        for number in life.witness.held():
            said = life.witness.versions(number)[-1][0].said
            told = {each["url"]: each for each in history(database, str(number))["images"]}
            for path, _ in said.pictures:
                found = told.get(SITE + path, {"vanished_at": None, "changed": []})
                what = bool(found["vanished_at"]), len(found["changed"])
                assert what == (life.witness.is_lost(path), life.witness.redrawn(path)), path


def test_life_is_a_full_one(life: Life) -> None:
    happened = life.living.happened
    assert len(happened) == KINDS if sum(happened.values()) >= 200 else len(happened) > KINDS / 2
    assert sum(map(len, map(life.witness.versions, life.witness.held()))) > len(life.witness.held()), "none was edited"
    assert life.killed


def test_it_is_proved_and_the_same_when_derived_again(life: Life, tmp_path: Path) -> None:
    ciwen("verify", archive=life.archive)
    assert rebuilt(life.archive, tmp_path / "again") == tables(life.archive)
