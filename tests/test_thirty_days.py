"""A channel that lives for thirty days, and an archive that follows it: what stood at a look is held, and no more."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.markup import channel_pages
from fixtures.server import Channel
from tests.database import select, tables
from tests.living import Living
from tests.program import UNPACED, ciwen
from tests.rebuilt import rebuilt
from tests.witness import CLOSE, Witness
from tests.zygote import Zygote

BEGINNING = datetime(2025, 6, 10, tzinfo=UTC)
ARTICLES = 60
KINDS = 14  # of what happens
SLACK = 0.9  # of a rest, after which a look may come
LONG = [pytest.param((seed, 30, 200), id=f"seed {seed}", marks=pytest.mark.torture) for seed in (1, 2, 3)]
SHORT = pytest.param((43135627, 4, 40), id="four days")


@dataclass
class Life:
    """The archive at the end, and what was wrong on the way."""

    archive: Path
    witness: Witness
    living: Living
    faults: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


@pytest.fixture(scope="module", params=[SHORT, *LONG])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    seed, days, events = request.param
    chance = random.Random(seed)
    happen = sorted(BEGINNING + timedelta(days=days * chance.random()) for _ in range(events))
    with Channel(channel_pages([])) as channel, Zygote() as zygote:
        living = Living(channel, seed, ARTICLES, BEGINNING)
        found = Life(tmp_path_factory.mktemp("life") / "archive", Witness(living), living)
        now, run = BEGINNING, 0
        while now < BEGINNING + timedelta(days=days):
            while happen and happen[0] <= now:
                living.live(happen.pop(0))
            failing = chance.random() < 0.1
            _crawl(found, channel, zygote, run, now, chance.sample(sorted(living.pieces), 5) if failing else [])
            now += timedelta(minutes=chance.choice((60, 180, 240, 360)))
            run += 1
        yield found


def _crawl(life: Life, channel: Channel, zygote: Zygote, run: int, now: datetime, failing: list[int]) -> None:
    """One run; `failing` are the articles that the server cannot give while it goes on."""
    living, witness = life.living, life.witness
    for number in failing:
        channel.answer(living.pieces[number].url, 500)
    missing, resting, due = witness.missing(), [], []
    for number in witness.held() - witness.failed:
        since = now - witness.looks[number][-1].at
        (due if since >= witness.rest(number) + CLOSE else resting).append(number)
        if since >= SLACK * witness.rest(number) - CLOSE:
            resting = [each for each in resting if each != number]
    channel.log.clear()
    wall = datetime.now(UTC)
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    with zygote.started("crawl", archive=life.archive, channel=channel, at=at, pace=UNPACED) as running:
        ended = running.wait()
    life.codes.append(ended.code)
    if ended.code not in (0, 3) or "Traceback" in ended.err:
        life.faults.append(f"run {run}: exit {ended.code}, {ended.err}")
    asked = witness.asked(run, channel.log.settled(), now, wall)
    witness.take(asked)
    tried = asked.looks.keys() | asked.failures
    told = {
        "listed and not asked for": [number for number in missing if number not in tried],
        "due and not looked at": [number for number in due if number not in tried],
        "looked at too soon": [number for number in resting if number in tried],
    }
    life.faults += [f"run {run}: {what}: {numbers}" for what, numbers in told.items() if numbers]
    for number in failing:
        piece = living.pieces[number]
        channel.restore(piece.url)
        living._serve(piece)


def test_each_run_asks_for_what_is_new_and_what_is_due_and_nothing_else(life: Life) -> None:
    assert life.faults == []


def test_articles_are_those_that_were_seen(life: Life) -> None:
    ids = {row["id"] for row in tables(life.archive)["articles"]}
    assert ids == {life.living.pieces[number].id for number in life.witness.held()}


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


def test_what_was_absent_three_times_over_three_days_is_gone_and_what_is_back_is_live(life: Life) -> None:
    states = {row["id"]: row["state"] for row in tables(life.archive)["articles"]}
    wanted = {
        life.living.pieces[number].id: "gone" if life.witness.is_gone(number) else "live"
        for number in life.witness.held()
    }
    assert states == wanted


def test_images_were_seen_as_they_were(life: Life) -> None:
    rows = select(life.archive, "SELECT url, status FROM captures WHERE kind = 'image' ORDER BY fetched_at")
    found: dict[str, list[object]] = {}
    for row in rows:
        found.setdefault(str(row["url"]).removeprefix("http://ci.china.com.cn"), []).append(row["status"])
    assert found == {path: [shot.status for shot in shots] for path, shots in life.witness.shots.items()}


def test_life_is_a_full_one(life: Life) -> None:
    happened = life.living.happened
    assert len(happened) == KINDS if sum(happened.values()) >= 200 else len(happened) > KINDS / 2
    assert sum(map(len, map(life.witness.versions, life.witness.held()))) > len(life.witness.held()), "none was edited"


def test_it_is_proved_and_the_same_when_derived_again(life: Life, tmp_path: Path) -> None:
    ciwen("verify", archive=life.archive)
    assert rebuilt(life.archive, tmp_path / "again") == tables(life.archive)
