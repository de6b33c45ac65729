"""Whether an article is still there: what runs of several days made of it, and the same when it is derived again."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import Rows, tables
from tests.program import ciwen
from tests.rebuilt import rebuilt

NAMES = "steady missing removed homed homed_elsewhere forbidden failing busy twice_only returning moved".split()
ARTICLES = {name: Article(number, f"第{number}篇") for number, name in enumerate(NAMES, 43000001)}
OTHERS = [Article(number, f"第{number}篇") for number in range(43000101, 43000121)]  # so that most requests succeed
# After the first run something happens to each; the fourth look is the first that is three days behind the second.
RUNS = (
    "2025-06-05T00:00:00Z",
    "2025-06-06T00:00:00Z",
    "2025-06-07T12:00:00Z",
    "2025-06-08T23:00:00Z",
    "2025-06-09T00:10:00Z",
    "2025-06-12T00:00:00Z",
    "2025-06-13T00:00:00Z",
)
MOVED = ARTICLES["moved"].url.replace("2025-06/04", "news/2025-06/04")


@dataclass
class Days:
    """The articles after each run."""

    archive: Path
    after: list[Rows] = field(default_factory=list)

    def rows(self, name: str) -> Rows:
        """An article's row after each run."""
        identity = f"china.com.cn:{ARTICLES[name].number}"
        return [row for rows in self.after for row in rows if row["id"] == identity]

    def states(self, name: str) -> list[object]:
        """What the archive held of its being there."""
        return [row["state"] for row in self.rows(name)]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    found = Days(tmp_path_factory.mktemp("standing") / "archive")
    with Channel(channel_pages([*ARTICLES.values(), *OTHERS], size=40)) as channel:
        for run, moment in enumerate(RUNS):
            _change(channel, run)
            ciwen("crawl", archive=found.archive, channel=channel, at=moment)
            found.after.append(tables(found.archive)["articles"])
    return found


def _change(channel: Channel, run: int) -> None:
    """What happened before a run."""
    if run == 1:
        for name, status in {"removed": 410, "forbidden": 403, "failing": 500, "busy": 503, "returning": 404}.items():
            channel.answer(ARTICLES[name].url, status)
        del channel.pages[ARTICLES["missing"].url]
        channel.redirect(ARTICLES["homed"].url, HOME)
        channel.redirect(ARTICLES["homed_elsewhere"].url, "http://www.china.com.cn/index.htm")
        channel.pages[MOVED] = ARTICLES["moved"].page().replace(ARTICLES["moved"].url, MOVED)
        del channel.pages[ARTICLES["moved"].url]
        for address in [each for each in channel.pages if "node_" in each]:
            channel.edit(address, ARTICLES["moved"].url, MOVED)
    if run == 5:
        channel.restore(ARTICLES["returning"].url)
        channel.answer(ARTICLES["twice_only"].url, 404)
    if run == 6:
        channel.answer(ARTICLES["returning"].url, 404)


@pytest.mark.parametrize("name", ["missing", "removed", "homed", "homed_elsewhere"])
def test_third_look_over_three_days_that_finds_it_absent_tells_that_it_is_gone(days: Days, name: str) -> None:
    states = ["live", "live", "live", "live", "gone", "gone", "gone"]
    assert days.states(name) == states, "the third look was an hour short of three days"


@pytest.mark.parametrize("name", ["steady", "forbidden", "failing", "busy"])
def test_server_that_fails_tells_nothing(days: Days, name: str) -> None:
    assert days.states(name) == ["live"] * len(RUNS)


def test_two_looks_are_too_few(days: Days) -> None:
    assert days.states("twice_only")[-2:] == ["live", "live"]


def test_article_that_comes_back_is_what_it_was_and_is_counted_anew(days: Days) -> None:
    assert days.states("returning") == ["live", "live", "live", "live", "gone", "live", "live"]
    last = days.rows("returning")[-1]
    assert (last["versions"], str(last["last_captured_at"])[:10], str(last["looked_at"])[:10]) == (
        1,
        "2025-06-12",
        "2025-06-13",
    )


def test_article_under_another_address_is_the_same(days: Days) -> None:
    assert days.states("moved") == ["live"] * len(RUNS)
    assert [row["url"] for row in days.rows("moved")] == [ARTICLES["moved"].url] + [MOVED] * (len(RUNS) - 1)
    assert days.rows("moved")[-1]["versions"] == 1


def test_what_is_gone_keeps_its_versions(days: Days) -> None:
    last = days.rows("missing")[-1]
    assert (last["versions"], last["last_captured_at"]) == (1, days.rows("missing")[0]["last_captured_at"])


def test_the_same_is_derived_again(days: Days, tmp_path: Path) -> None:
    assert rebuilt(days.archive, tmp_path / "again")["articles"] == days.after[-1]
