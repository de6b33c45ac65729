"""How far a run goes into a list: the rule alone, then runs that follow one another."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.due.lists import Lists, earlier, place, stem
from ciwen_crawler.due.walk import MISSED, Earlier, Item, Page, Walk
from ciwen_crawler.store.agenda import Walked
from fixtures.markup import NODE, Article, channel_pages, list_url
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import Rows, tables
from tests.program import UNPACED
from tests.rebuilt import rebuilt
from tests.zygote import Zygote

PAGES = 8  # of a list, in the tests of the rule
NEWEST = ("2025-06/04", 100)
KNOWN_BEFORE = Earlier(NEWEST, is_whole_due=False)
OLD = Item(("2025-06/03", 99), is_known=True)
SAME = Item(NEWEST, is_known=True)
NEW = Item(("2025-06/05", 101), is_known=False)
LATE = Item(("2025-05/01", 50), is_known=False)  # listed only now
UNREACHED = Item(("2025-06/05", 101), is_known=True)  # by a run that was killed


def page(number: int) -> Page:
    return Page(number, list_url(page=number))


def walked(
    walk: Walk, contents: Callable[[int], Sequence[Item]], failing: Sequence[int] = (), *, near: int = PAGES
) -> list[int]:
    """The pages that a walk asks for where each page's pager names those `near` it."""
    asked = []
    walk.name(page(1))
    while found := walk.next():
        asked.append(found.number)
        assert walk.next() is None, "one page after another"
        if found.number in failing:
            walk.failed(found.number, "status 500")
            continue
        walk.read(found.number, contents(found.number))
        for number in range(max(1, found.number - near), min(PAGES, found.number + near) + 1):
            walk.name(page(number))
    return asked


# --- The rule -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_pages", "pages"),
    [
        ([], 2),  # all is old: one page, and one more
        ([[SAME, OLD]], 3),  # as it is while nothing changes
        ([[NEW, SAME], [OLD]], 3),
        ([[NEW], [NEW], [NEW, SAME]], 5),
        ([[OLD, LATE]], 3),
        ([[UNREACHED]], 3),
        ([[UNREACHED], [UNREACHED, SAME]], 4),
        ([[]], 3),  # a page that names nothing proves nothing
        ([[OLD], [NEW]], 2),  # the margin is one page, whatever it holds
    ],
)
def test_walk_ends_a_page_after_one_on_which_all_is_known_and_before(first_pages: list[list[Item]], pages: int) -> None:
    contents = dict(enumerate(first_pages, 1))
    walk = Walk(KNOWN_BEFORE, longest=100)
    assert walked(walk, lambda number: contents.get(number, [OLD])) == [*range(1, pages + 1)]
    assert (walk.told()["pages"], walk.told()["gap"], walk.told()["ended"]) == (pages, None, True)


@pytest.mark.parametrize(
    ("before", "is_full"),
    [
        (Earlier(), False),
        (Earlier(NEWEST, is_whole_due=True), False),
        (Earlier(None, is_whole_due=False), False),
        (KNOWN_BEFORE, True),
    ],
    ids=["first", "whole one due", "nothing named before", "full"],
)
@pytest.mark.parametrize("near", [1, PAGES])
def test_all_of_a_list_is_walked_where_it_has_to_be(before: Earlier, is_full: bool, near: int) -> None:
    walk = Walk(before, longest=100, is_full=is_full)
    assert walked(walk, lambda _: [OLD], near=near) == [*range(1, PAGES + 1)]
    assert walk.told() == {"pages": PAGES, "whole": True, "ended": True, "newest": [*OLD.place], "gap": None}


def test_pages_that_a_pager_names_near_its_own_alone_are_found() -> None:
    contents = {number: [NEW] for number in range(1, 6)}
    assert walked(Walk(KNOWN_BEFORE, 100), lambda n: contents.get(n, [OLD]), near=1) == [1, 2, 3, 4, 5, 6, 7]


def test_page_that_fails_is_a_gap_and_is_passed() -> None:
    walk = Walk(KNOWN_BEFORE, longest=100)
    contents = {1: [NEW, SAME]}
    assert walked(walk, lambda number: contents.get(number, [OLD]), failing=[2]) == [1, 2, 3, 4]
    told = walk.told()
    assert (told["gap"], told["ended"], told["whole"], told["pages"]) == ("page 2: status 500", False, False, 3)


def test_more_that_is_new_than_the_list_shows_is_a_gap() -> None:
    walk = Walk(KNOWN_BEFORE, longest=100)
    assert walked(walk, lambda _: [NEW]) == [*range(1, PAGES + 1)]
    told = walk.told()
    assert (told["gap"], told["ended"], told["whole"]) == (MISSED, True, True)
    # What is lost is lost: the next run is measured by what this one saw.
    following = earlier([Walked(datetime(2025, 6, 5), {"list": told})])["list"]
    assert following == Earlier(NEW.place, is_whole_due=True)


def test_longest_walk_is_a_gap_only_where_it_does_not_reach_what_was_known() -> None:
    reaching, not_reaching = Walk(KNOWN_BEFORE, longest=3), Walk(KNOWN_BEFORE, longest=3)
    contents = {3: [NEW, SAME]}
    assert walked(reaching, lambda number: contents.get(number, [NEW])) == [1, 2, 3]
    assert walked(not_reaching, lambda _: [NEW]) == [1, 2, 3]
    assert (reaching.told()["gap"], not_reaching.told()["gap"]) == (None, MISSED)


def test_one_page_that_shows_what_was_known_is_no_gap() -> None:
    walk = Walk(KNOWN_BEFORE, longest=100)
    walk.name(page(1))
    assert walk.next()
    walk.read(1, [NEW, SAME])
    assert walk.told() == {"pages": 1, "whole": True, "ended": True, "newest": [*NEW.place], "gap": None}


@pytest.mark.parametrize(("why", "gap"), [("ended by --max-articles 3", "ended by --max-articles 3"), (None, None)])
def test_walk_that_a_run_did_not_finish_is_a_gap(why: str | None, gap: str | None) -> None:
    walk = Walk(KNOWN_BEFORE, longest=100)
    walk.name(page(1))
    walk.next()
    walk.read(1, [NEW])
    walk.name(page(2))
    told = walk.told(why)
    assert (told["ended"], told["whole"], told["gap"]) == (False, False, gap or "the run ended before its end")
    walk.next()
    assert walk.told()["gap"], "a page was asked for and did not come"


@given(st.lists(st.lists(st.sampled_from([OLD, SAME, NEW, LATE, UNREACHED]), max_size=3), min_size=PAGES))
def test_nothing_that_stands_before_the_end_of_a_walk_is_left_out(contents: list[list[Item]]) -> None:
    asked = walked(Walk(KNOWN_BEFORE, longest=100), lambda number: contents[number - 1], near=2)
    assert asked == [*range(1, len(asked) + 1)]
    if len(asked) < PAGES:
        assert contents[len(asked) - 2], "the last but one is the overlap"
        assert set(contents[len(asked) - 2]) == {OLD}


# --- Lists, and what earlier runs say of them -----------------------------------------------------------------------


def test_list_is_named_by_host_and_number_else_by_address() -> None:
    assert stem("https://ci.china.com.cn/node_8010001_3.htm") == "ci.china.com.cn 8010001"
    assert stem("http://ci.china.com.cn/gudian/") == "http://ci.china.com.cn/gudian/"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ci.china.com.cn/2025-06/04/content_43135627.html", ("2025-06/04", 43135627)),
        ("http://ci.china.com.cn/txt/2024-03/11/content_42685423_2.htm", ("2024-03/11", 42685423)),
        ("http://ci.china.com.cn/content_7.html", ("", 7)),
        ("http://ci.china.com.cn/", ("", 0)),
    ],
)
def test_place_of_an_article_is_its_day_and_number(url: str, expected: tuple[str, int]) -> None:
    assert place(url) == expected


def test_pager_of_a_list_without_number_tells_it() -> None:
    lists = Lists({}, most=10, longest=100, is_full=False)
    folder = lists.start("http://ci.china.com.cn/gudian/")
    assert folder
    lists.walk(folder.list).read(1, [OLD])
    lists.turn(folder.list, [list_url(page=2), list_url(page=3)])
    assert [(each.list, each.number) for each in lists.next(folder.list)] == [(folder.list, 2)]
    assert not [*lists.name(list_url(), 1)], "that page has been read, under the folder's name"


def test_so_many_lists_are_walked() -> None:
    lists = Lists({}, most=2, longest=100, is_full=False)
    found = [asked.list for node in (1, 2, 3) for asked in lists.name(list_url(node), 1)]
    assert found == ["ci.china.com.cn 1", "ci.china.com.cn 2"]


def told(newest: Any = NEWEST, gap: str | None = None, *, whole: Any = False, ended: Any = True) -> dict[str, Any]:
    return {"pages": 3, "whole": whole, "ended": ended, "newest": newest and [*newest], "gap": gap}


@pytest.mark.parametrize(
    ("walks", "expected"),  # the newest first
    [
        ([told(), told(whole=True)], Earlier(NEWEST, is_whole_due=False)),
        ([told(), told()], Earlier(NEWEST, is_whole_due=True)),
        ([told(("2025-06/05", 7), "page 2: status 500", ended=False), told(whole=True)], Earlier(NEWEST)),
        ([told(), told(gap="page 2: status 500", ended=False), told(whole=True)], Earlier(NEWEST, is_whole_due=False)),
        ([told(None, whole=True)], Earlier(None, is_whole_due=False)),
        ([{}], Earlier(None)),
        ([{"newest": ["a", "b"], "whole": 1, "ended": "yes"}], Earlier(None)),
    ],
)
def test_what_earlier_runs_tell_of_a_list(walks: list[dict[str, Any]], expected: Earlier) -> None:
    runs = [Walked(datetime(2025, 6, 5), {"list": each, "other": None}) for each in walks]
    assert earlier(runs) == {"list": expected}


# --- Runs that follow one another -----------------------------------------------------------------------------------

SIZE = 5  # articles a page
LIST = f"ci.china.com.cn {NODE}"


def articles(first: int, last: int) -> list[Article]:
    """Articles as a list shows them: each was published ten minutes after the one before it, the 48th at 18 o'clock."""
    found = []
    for number in range(last, first - 1, -1):
        published = datetime(2025, 6, 9, 18) + timedelta(minutes=10 * (number - 48))
        found.append(
            Article(43000000 + number, f"第{number}篇", day=f"{published:%Y-%m-%d}", time=f"{published:%H:%M:%S}")
        )
    return found


@dataclass
class Life:
    """One archive, and a channel whose list grows at its head."""

    channel: Channel
    archive: Path
    zygote: Zygote
    asked: dict[str, list[str]] = field(default_factory=dict)  # run → URLs
    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # run → what its report says of the list

    def show(self, last: int, first: int = 1) -> None:
        """The channel has these articles, all in its list."""
        for url in self.channel.requested("content_"):
            self.channel.pages.pop(url, None)
        for url, page in channel_pages(articles(first, last), SIZE).items():
            self.channel.pages[url] = page

    def run(self, name: str, at: str, *options: object) -> None:
        """A crawl at a moment."""
        self.channel.log.clear()
        pace = (*UNPACED, "-s", "CIWEN_UNWATCHED=published_at")  # the news comes in bursts
        self.zygote.ciwen("crawl", *options, archive=self.archive, channel=self.channel, pace=pace, at=at)
        self.asked[name] = [entry.url for entry in self.channel.log.settled()]
        report = max((self.archive / "runs").iterdir(), key=lambda path: path.name)
        self.told[name] = json.loads(report.read_text("utf-8"))["stats"]["walks"][LIST]

    def pages(self, run: str) -> list[int]:
        """The list's pages that a run asked for."""
        numbers = {list_url(page=number): number for number in range(1, 30)}
        return [numbers[url] for url in self.asked[run] if url in numbers]

    def articles(self, run: str) -> list[str]:
        """The articles that a run asked for."""
        return [url for url in self.asked[run] if "content_" in url]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    with Channel(channel_pages(articles(1, 30), SIZE)) as channel, Zygote() as zygote:
        found = Life(channel, folder / "archive", zygote)
        found.run("first", "2025-06-09T07:00:00Z")
        found.run("unchanged", "2025-06-09T08:00:00Z")
        found.show(44)
        with channel.hold(list_url(page=2)) as held:
            how = {"archive": found.archive, "channel": channel, "pace": UNPACED, "at": "2025-06-09T09:30:00Z"}
            with zygote.started("crawl", **how) as running:  # type: ignore[arg-type]
                held.arrived()
                running.kill()
        channel.restore(list_url(page=2))
        found.run("after a kill", "2025-06-09T10:00:00Z")
        channel.answer(list_url(page=2), 500)
        found.run("broken", "2025-06-09T10:10:00Z")
        channel.restore(list_url(page=2))
        found.run("after a gap", "2025-06-09T10:20:00Z")
        found.run("full", "2025-06-09T10:30:00Z", "--full")
        found.run("of one article", "2025-06-09T12:30:00Z", "--max-articles", 1)
        found.show(90, first=61)
        found.run("missed", "2025-06-09T18:00:00Z")
        found.run("after what was missed", "2025-06-09T18:10:00Z")
        found.run("quiet again", "2025-06-16T00:00:00Z")  # less than nine tenths of a week
        found.run("a week later", "2025-06-16T02:00:00Z")
    return found


def test_first_run_walks_all_of_a_list(life: Life) -> None:
    assert life.pages("first") == [1, 2, 3, 4, 5, 6]
    newest = articles(30, 30)[0]
    assert life.told["first"] == {
        "pages": 6,
        "whole": True,
        "ended": True,
        "newest": [f"{newest.day[:7]}/{newest.day[8:]}", newest.number],
        "gap": None,
    }


def test_unchanged_channel_costs_its_start_page_and_the_pages_that_the_rule_needs(life: Life) -> None:
    # Those that were less than three hours old when they were seen, on the first pages up to the fourth.
    due = [each.url for each in articles(13, 30)]
    assert sorted(life.asked["unchanged"]) == sorted(
        [f"{HOME}robots.txt", HOME, *(list_url(page=number) for number in (1, 2, 3)), *due]
    )
    assert life.told["unchanged"] == life.told["first"] | {"pages": 3, "whole": False}


def test_what_a_killed_run_did_not_reach_is_found_by_the_next(life: Life) -> None:
    # Page 1 was known from then on, and the killed run had read no other.
    assert life.pages("after a kill") == [1, 2, 3, 4, 5]
    assert {each.url for each in articles(31, 39)} < set(life.articles("after a kill"))
    rows = tables(life.archive)["articles"]
    assert {row["url"] for row in rows} == {each.url for each in [*articles(1, 44), *articles(61, 90)]}


def test_page_that_fails_makes_the_next_run_walk_all(life: Life) -> None:
    assert life.told["broken"]["gap"] == "page 2: status 500"
    assert life.pages("after a gap") == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (life.told["after a gap"]["whole"], life.told["after a gap"]["gap"]) == (True, None)


def test_full_walks_all_and_looks_at_all(life: Life) -> None:
    assert life.pages("full") == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert set(life.articles("full")) == {each.url for each in articles(1, 44)}


def test_run_that_a_budget_ends_says_so_of_its_lists(life: Life) -> None:
    assert (life.pages("of one article"), len(life.articles("of one article"))) == ([1], 1)
    assert life.told["of one article"]["gap"] == "ended by --max-articles 1"


def test_more_new_articles_than_the_list_shows_are_told_of_once(life: Life) -> None:
    assert life.told["missed"]["gap"] == MISSED
    for run in ("missed", "after what was missed"):
        assert life.pages(run) == [1, 2, 3, 4, 5, 6]
    assert life.told["after what was missed"]["gap"] is None


def test_all_of_a_list_is_walked_once_a_week(life: Life) -> None:
    assert life.pages("a week later") == [1, 2, 3, 4, 5, 6]
    assert life.pages("quiet again") == [1, 2, 3]


def test_rebuilt_is_crawled(life: Life, tmp_path: Path) -> None:
    rows: dict[str, Rows] = tables(life.archive)
    assert rebuilt(life.archive, tmp_path / "rebuilt") == rows
