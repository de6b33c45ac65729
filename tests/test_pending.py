"""What could not be had, and what no list names any more: when it is asked for again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler import clock
from ciwen_crawler.due.pending import Pending
from fixtures.markup import Article, channel_pages, home_page, list_page, list_url, picture
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import select, tables
from tests.program import UNPACED
from tests.rebuilt import rebuilt
from tests.zygote import Zygote

NOW = datetime(2025, 6, 10, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "http://ci.china.com.cn/2025-06/04/content_43000001.html"
ID = "china.com.cn:43000001"


# --- The intervals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "wait"),
    [(1, 0 * HOUR), (2, HOUR), (3, 3 * HOUR), (4, 7 * HOUR), (10, 511 * HOUR), (11, 30 * DAY), (10**9, 30 * DAY)],
)
def test_the_more_often_it_was_tried_the_longer_it_rests(tries: int, wait: timedelta) -> None:
    pending = Pending({URL: [tries, clock.written(NOW)]})
    second = timedelta(seconds=1)
    assert not pending.rests(ID, NOW + wait * 0.9)
    assert not wait or pending.rests(ID, NOW + wait * 0.9 - second)


def test_what_is_pending_is_carried_from_report_to_report() -> None:
    other, third = URL.replace("001.", "002."), URL.replace("001.", "003.")
    pending = Pending({URL: [3, clock.written(NOW)], other: [1, clock.written(NOW)]})
    pending.failed("china.com.cn:43000002", other, NOW + HOUR)
    pending.failed("china.com.cn:43000003", third, NOW + HOUR)
    told = {URL: [3, clock.written(NOW)], other: [2, clock.written(NOW + HOUR)], third: [1, clock.written(NOW + HOUR)]}
    assert pending.told() == (told, 0)
    assert Pending(told).told() == (told, 0)
    pending.had("china.com.cn:43000002")
    assert [*pending.told()[0]] == [URL, third]


def test_those_that_wait_the_longest_are_told_of_and_the_rest_counted() -> None:
    many = {URL.replace("43000001", str(43000000 + number)): [1, clock.written(NOW)] for number in range(5000)}
    pending = Pending(many)
    pending.failed("china.com.cn:1", URL.replace("43000001", "1"), NOW)
    assert pending.told() == (many, 1)


@given(
    st.dictionaries(
        st.text(), st.none() | st.integers() | st.text() | st.lists(st.none() | st.integers() | st.text() | st.floats())
    )
)
def test_whatever_stands_in_a_report_is_read_or_left_out(told: dict[str, Any]) -> None:
    kept, untold = Pending(told).told()
    assert untold == 0
    assert kept.keys() <= told.keys()


# --- Runs that follow one another -----------------------------------------------------------------------------------


def fresh(number: int, **more: Any) -> Article:
    """An article of the day before the first run."""
    return Article(43000000 + number, f"第{number}篇", day="2025-06-09", time="08:00:00", **more)


STEADY = [fresh(number) for number in range(1, 7)]
DROPPED = fresh(11)  # from the list, and no longer there soon after
BROKEN = fresh(12)  # answered 500 from the beginning, and named once
FLAWED = fresh(13)  # known, and answered 500 later
MOVED = fresh(14)  # named under another address
MOVED_TO = Article(MOVED.number, MOVED.title, MOVED.paragraphs, "2025-06-10", "08:00:00")
PICTURED = fresh(15, paragraphs=("看图。", picture("/pic/2025-06/04/a.jpg", "窑口")))
PICTURE = "http://ci.china.com.cn/pic/2025-06/04/a.jpg"
NAMES = {each.url: f"STEADY {number}" for number, each in enumerate(STEADY)}
NAMES |= {each.url: name for name, each in vars().copy().items() if isinstance(each, Article)} | {PICTURE: "PICTURE"}


@dataclass
class Story:
    """One archive, and a channel whose list forgets."""

    channel: Channel
    archive: Path
    zygote: Zygote
    asked: dict[str, list[str]] = field(default_factory=dict)  # run → the names above, of those that are asked for
    stats: dict[str, dict[str, Any]] = field(default_factory=dict)
    would_fetch: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the names above

    def name(self, *articles: Article) -> None:
        """The list names these beside the steady ones."""
        self.channel.pages[list_url()] = list_page(each.link for each in [*articles, *STEADY])

    def run(self, name: str, after: timedelta, *options: object) -> None:
        """A crawl so long after the first."""
        self.channel.log.clear()
        at = clock.written(NOW + after)
        self.zygote.ciwen("crawl", *options, archive=self.archive, channel=self.channel, pace=PACE, at=at)
        urls = [entry.url for entry in self.channel.log.settled()]
        self.asked[name] = list(dict.fromkeys(NAMES[url] for url in urls if url in NAMES))
        report = max((self.archive / "runs").iterdir(), key=lambda path: path.name)
        self.stats[name] = json.loads(report.read_text("utf-8"))["stats"]

    def rehearse(self, after: timedelta) -> None:
        """A dry run."""
        how: dict[str, Any] = {"archive": self.archive, "channel": self.channel, "pace": PACE}
        run = self.zygote.ciwen("crawl", "--dry-run", "--json", at=clock.written(NOW + after), **how)
        self.would_fetch = {NAMES[each["url"]]: each for each in json.loads(run.out)}


# Nobody would mend this channel within a minute; its few articles come in one burst.
PACE = (*UNPACED, "-s", "RETRY_TIMES=0", "-s", "CIWEN_UNWATCHED=published_at")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    all_ = [*STEADY, DROPPED, BROKEN, FLAWED, MOVED, PICTURED]
    pages = channel_pages(all_) | {HOME: home_page([(list_url(), "瓷闻天下")]), MOVED_TO.url: MOVED_TO.page()}
    with Channel({**pages, PICTURE: b"\xff\xd8\xff\xe0"}) as channel, Zygote() as zygote:
        found = Story(channel, tmp_path_factory.mktemp("story") / "archive", zygote)
        channel.answer(BROKEN.url, 500)
        found.run("first", 0 * HOUR)
        found.name()
        found.run("one list", timedelta(minutes=5), "--start", list_url())
        found.run("at once", timedelta(minutes=10))
        found.run("too soon", timedelta(minutes=20))
        channel.answer(FLAWED.url, 500)
        channel.answer(DROPPED.url, 404)
        channel.redirect(MOVED.url, MOVED_TO.url)
        found.name(MOVED_TO)
        found.rehearse(25 * HOUR)
        found.run("a day later", 25 * HOUR)
        channel.restore(BROKEN.url)
        channel.restore(FLAWED.url)
        found.run("two days later", 50 * HOUR)
        found.run("after an absence", 61 * HOUR + timedelta(minutes=5))
        found.run("gone", 98 * HOUR)
        del channel.pages[PICTURE]
        found.run("a week later", 8 * DAY)
        yield found


def test_what_a_list_named_once_is_tried_again_wherever_the_list_has_gone(story: Story) -> None:
    runs = ("first", "at once", "too soon", "a day later", "two days later")
    assert [("BROKEN" in story.asked[run]) for run in runs] == [True, True, False, True, True]
    assert story.stats["first"]["pending"] == {BROKEN.url: [1, story.stats["first"]["pending"][BROKEN.url][1]]}
    tries = [story.stats[run]["pending"][BROKEN.url][0] for run in runs[:4]]
    assert tries == [1, 2, 2, 3]
    assert BROKEN.url not in story.stats["two days later"].get("pending", {}), "it was had"
    assert "BROKEN" in {NAMES[row["url"]] for row in tables(story.archive)["articles"] if row["url"] in NAMES}


def test_run_that_is_given_a_page_keeps_to_what_lies_under_it(story: Story) -> None:
    assert story.asked["one list"] == []
    assert story.stats["one list"]["pending"] == story.stats["first"]["pending"], "for the next one"


def test_dry_run_tells_of_what_no_list_names(story: Story) -> None:
    told = {name: (each["known"], each["due"]) for name, each in story.would_fetch.items()}
    listed = dict.fromkeys(["MOVED_TO", *(NAMES[each.url] for each in STEADY)], (True, True))
    assert told == listed | {"BROKEN": (False, True)} | dict.fromkeys(("DROPPED", "FLAWED", "PICTURED"), (True, True))


def test_known_article_whose_look_failed_is_pending_too(story: Story) -> None:
    assert story.stats["a day later"]["pending"][FLAWED.url][0] == 1
    assert "FLAWED" in story.asked["two days later"]
    assert FLAWED.url not in story.stats["two days later"].get("pending", {})


def test_articles_that_no_list_names_are_looked_at_when_they_are_due(story: Story) -> None:
    assert story.asked["too soon"] == []
    assert {"DROPPED", "FLAWED", "PICTURED"} <= set(story.asked["a day later"])
    assert story.stats["a day later"]["off_list"] == 4, "and the one that is pending"


def test_moved_article_is_asked_for_where_the_list_says_and_keeps_its_identity(story: Story) -> None:
    assert "MOVED_TO" in story.asked["a day later"]
    assert "MOVED" not in story.asked["a day later"]
    query = "SELECT url, versions FROM articles WHERE id = 'china.com.cn:43000014'"
    (row,) = select(story.archive, query)
    assert row["url"] == MOVED_TO.url


def test_article_that_was_not_found_is_looked_for_after_36_hours_until_it_is_gone(story: Story) -> None:
    runs = ("a day later", "two days later", "after an absence", "gone", "a week later")
    assert [("DROPPED" in story.asked[run]) for run in runs] == [True, False, True, True, True]
    assert [story.stats[run].get("absent", 0) for run in runs] == [1, 0, 1, 1, 1]
    assert not any(DROPPED.url in str(story.stats[run].get("failures")) for run in runs)
    # The last look is one that the table asks for: gone for good or not, that is seen twice a year in the end.
    (row,) = [row for row in tables(story.archive)["articles"] if row["url"] == DROPPED.url]
    assert row["state"] == "gone"


def test_images_are_asked_for_again_with_a_look_once_a_week(story: Story) -> None:
    runs = ("first", "a day later", "gone", "a week later")
    assert [("PICTURE" in story.asked[run]) for run in runs] == [True, False, False, True]
    query = "SELECT status FROM captures WHERE url LIKE '%/a.jpg' ORDER BY fetched_at"
    assert [row["status"] for row in select(story.archive, query)] == [200, 404]


def test_rebuilt_is_crawled(story: Story, tmp_path: Path) -> None:
    rows = tables(story.archive)
    assert rebuilt(story.archive, tmp_path / "rebuilt") == rows
