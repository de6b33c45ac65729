"""Which articles are looked at again: the table alone, and runs that follow one another."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ciwen_crawler import clock, settings
from ciwen_crawler.due.articles import Schedule, schedule
from ciwen_crawler.errors import UsageError
from ciwen_crawler.store.agenda import Sighting
from fixtures.markup import Article, channel_pages, list_url, picture
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import select, tables
from tests.program import UNPACED, ciwen

PUBLISHED = datetime(2025, 6, 4, 8, 35, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEFAULT = schedule(settings.CIWEN_LOOK_AGAIN)


def due(age: timedelta, passed: timedelta, table: Schedule = DEFAULT) -> bool:
    """Whether an article of an age at its last look is due so long after it."""
    looked_at = PUBLISHED + age
    return table.is_due(looked_at, PUBLISHED, looked_at + passed)


# --- The table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (-HOUR, HOUR),  # the page's clock is ahead of ours
        (0 * HOUR, HOUR),
        (3 * HOUR, HOUR),
        (3 * HOUR + timedelta(seconds=1), DAY),
        (7 * DAY, DAY),
        (8 * DAY, 7 * DAY),
        (30 * DAY, 7 * DAY),
        (31 * DAY, 182 * DAY),
        (4000 * DAY, 182 * DAY),
    ],
)
def test_the_older_an_article_the_longer_it_rests(age: timedelta, every: timedelta) -> None:
    assert not due(age, 0 * HOUR)
    assert not due(age, every * 0.89)
    assert due(age, every * 0.9), "cron begins its runs by the hour and reaches an article when it does"
    assert due(age, every * 10)


def test_hourly_runs_of_a_month_look_at_an_article_so_often() -> None:
    looks, now = [PUBLISHED + timedelta(minutes=40)], PUBLISHED + timedelta(minutes=40)
    while now < PUBLISHED + 30 * DAY:
        now += timedelta(minutes=59)
        if DEFAULT.is_due(looks[-1], PUBLISHED, now):
            looks.append(now)
    ages = [look - PUBLISHED for look in looks]
    assert sum(age <= 4 * HOUR for age in ages) == 4
    assert 7 <= sum(4 * HOUR < age <= 7 * DAY for age in ages) <= 8
    assert 3 <= sum(age > 7 * DAY for age in ages) <= 4


@given(age=st.timedeltas(timedelta(0), 10000 * DAY), passed=st.timedeltas(timedelta(0), 10000 * DAY))
def test_always_is_always(age: timedelta, passed: timedelta) -> None:
    assert due(age, passed, schedule(" always "))


@pytest.mark.parametrize(("text", "every"), [("1h", HOUR), (" 182d ", 182 * DAY), ("9999d", 9999 * DAY)])
def test_one_span_holds_for_all_ages(text: str, every: timedelta) -> None:
    for age in (0 * DAY, 400 * DAY):
        assert (due(age, every * 0.8, schedule(text)), due(age, every, schedule(text))) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "sometimes", "3h 1h", "3h 1h,", ",182d", "3h 1h 182d", "0h", "1m", "1.5h", "-1d", "3h1h, 1d"),
        *("3h 1h, 182d 1d, ", "٣h", "3H 1H, 182D", "99999d", "always, 1d", "3h 1h; 182d"),
    ],
)
def test_malformed_table_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^CIWEN_LOOK_AGAIN is '.*': it must be like '3h 1h, 7d 1d, 182d'"):
        schedule(text)


@pytest.mark.parametrize("text", ["7d 1d, 3h 1h, 182d", "7d 1d, 7d 2d, 182d", "24h 1h, 1d 2h, 30d"])
def test_ages_that_do_not_rise_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"its ages must rise$"):
        schedule(text)


@given(st.text())
@example("3h 1h, 7d 1d, 182d")
def test_any_text_is_a_table_or_is_refused_in_a_line(text: str) -> None:
    try:
        table = schedule(text)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert table.is_due(PUBLISHED, PUBLISHED, PUBLISHED + 100_000 * DAY)


TABLES = ["3h 1h, 7d 1d, 30d 7d, 182d", "3h 2d, 7d 1h, 9d", "1h 30d, 2h 1h, 5d 60d, 3h", "7d", "always"]


@given(
    st.sampled_from(TABLES),
    st.timedeltas(-2 * HOUR, 400 * DAY),
    st.timedeltas(timedelta(0), 400 * DAY),
)
def test_whatever_is_due_lies_in_a_band(text: str, age: timedelta, passed: timedelta) -> None:
    table, looked_at = schedule(text), PUBLISHED + age
    now = looked_at + passed
    moments = clock.written(looked_at), clock.written(PUBLISHED)
    found = [
        band
        for band in table.bands(now)
        if moments[0] <= band.looked_until
        and (band.dated_since is None or moments[1] >= band.dated_since)
        and (band.age is None or age <= band.age)
    ]
    assert found or not table.is_due(looked_at, PUBLISHED, now)


@pytest.mark.parametrize("text", TABLES[:-1])
def test_article_that_was_not_found_is_looked_for_by_no_table(text: str) -> None:
    absent = Sighting(clock.written(PUBLISHED + 400 * DAY), clock.written(PUBLISHED), is_absent=True)
    after = PUBLISHED + 400 * DAY + 36 * HOUR
    assert schedule(text).wants(absent, after)
    assert not schedule(text).wants(absent, after - timedelta(seconds=1))


# --- Runs that follow one another -----------------------------------------------------------------------------------

NAMES = ("fresh", "rested", "old", "early", "unseen")
BEIJING = timezone(8 * HOUR)


@dataclass
class Aged:
    """A channel whose articles were seen at moments of our choice, and one that never was."""

    archive: Path
    channel: Channel
    articles: dict[str, Article]

    def asked(self, *arguments: object) -> set[str]:
        """The articles that a run with the default table asks for."""
        self.channel.log.clear()
        ciwen("crawl", *arguments, archive=self.archive, channel=self.channel, pace=UNPACED)
        urls = {article.url: name for name, article in self.articles.items()}
        return {urls[url] for url in self.channel.requested("content_")}


@pytest.fixture
def aged(tmp_path: Path) -> Iterator[Aged]:
    now = datetime.now(UTC)
    # How long ago it was published, and how long ago somebody saved it.
    moments = {
        "fresh": (5 * DAY, 20 * HOUR),  # daily, and seen today
        "rested": (5 * DAY, 23 * HOUR),  # daily, and an hour short of a day is a day
        "old": (400 * DAY, 100 * DAY),  # twice a year
        "early": (30 * HOUR, 29 * HOUR),  # an hour old when it was seen
        "unseen": (400 * DAY, None),
    }
    saved = tmp_path / "saved"
    saved.mkdir()
    articles = {}
    for number, (name, (published, seen)) in enumerate(moments.items(), 43000001):
        day, time = f"{(now - published).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}".split()
        article = articles[name] = Article(number, f"第{number}篇", (picture(f"/pic/{name}.jpg"), "一。"), day, time)
        if seen is not None:
            moment = f"{now - seen:%Y-%m-%dT%H:%M:%SZ}"
            (saved / f"{name}.html").write_text(article.page(), "utf-8")
            (saved / f"{name}.json").write_text(json.dumps({"url": article.url, "fetched_at": moment}), "utf-8")
    ciwen("replay", saved, archive=tmp_path / "archive")
    pictures = {f"http://ci.china.com.cn/pic/{name}.jpg": b"\xff\xd8" + name.encode() for name in NAMES}
    with Channel({**channel_pages(list(articles.values())), **pictures}) as channel:
        yield Aged(tmp_path / "archive", channel, articles)


def test_articles_are_asked_for_when_they_are_due(aged: Aged) -> None:
    assert aged.asked() == {"rested", "early", "unseen"}
    (stats,) = [json.loads(row["stats"]) for row in tables(aged.archive)["crawls"] if row["mode"] == "crawl"]
    assert (stats["found"], stats["due"], stats["resting"]) == (5, 3, 2)
    assert aged.asked() == set(), "all were seen by now"


def test_full_looks_at_every_article(aged: Aged) -> None:
    assert aged.asked("--full") == set(NAMES)


def test_article_that_is_a_start_page_is_always_due(aged: Aged) -> None:
    assert aged.asked("--start", aged.articles["old"].url, "--start", list_url()) == {
        "old",
        "rested",
        "early",
        "unseen",
    }


def test_budget_is_of_articles_asked_for(aged: Aged) -> None:
    assert aged.asked("--max-articles", 2) == {"rested", "early"}


def test_table_is_a_setting(aged: Aged) -> None:
    assert aged.asked("-s", "CIWEN_LOOK_AGAIN=50d") == {"old", "unseen"}
    refused = ciwen("crawl", "-s", "CIWEN_LOOK_AGAIN=often", archive=aged.archive, pace=UNPACED, code=2)
    assert refused.err.startswith("ciwen: CIWEN_LOOK_AGAIN is 'often': it must be like")
    assert refused.err.count("\n") == 1


def test_dry_run_tells_what_is_due(aged: Aged) -> None:
    run = ciwen("crawl", "--dry-run", archive=aged.archive, channel=aged.channel, pace=UNPACED)
    words = dict(zip(NAMES, ("rests", "known", "rests", "known", "new"), strict=True))
    lines = [f"{words[name]:<5}  {article.url}  {article.title}" for name, article in aged.articles.items()]
    assert run.out.splitlines() == lines
    run = ciwen("crawl", "--dry-run", "--json", archive=aged.archive, channel=aged.channel, pace=UNPACED)
    assert [(each["known"], each["due"]) for each in json.loads(run.out)] == [
        (True, False),
        (True, True),
        (True, False),
        (True, True),
        (False, True),
    ]


def test_run_in_which_nothing_is_due_is_healthy_and_says_so(aged: Aged) -> None:
    aged.asked("--full")
    aged.channel.log.clear()
    run = ciwen("crawl", archive=aged.archive, channel=aged.channel, pace=UNPACED)
    assert "articles  0 new, 0 changed, 0 unchanged, 5 not due\n" in run.out
    assert "traffic   3 requests, 3 of them answered with what is held already, " in run.out
    assert aged.channel.requested() == [f"{HOME}robots.txt", HOME, list_url()]


def test_pictures_are_asked_for_again_with_the_article_that_changed_alone(aged: Aged) -> None:
    aged.asked("--full")
    changed = replace(aged.articles["old"], title="改过的一篇")
    aged.channel.pages[changed.url] = changed.page()
    aged.asked("--full")
    assert aged.channel.requested("/pic/") == ["http://ci.china.com.cn/pic/old.jpg"]
    query = "SELECT status, record_type FROM captures WHERE url LIKE '%/pic/old.jpg' ORDER BY fetched_at"
    assert [(row["status"], row["record_type"]) for row in select(aged.archive, query)] == [
        (200, "response"),
        (304, "revisit"),
    ]
