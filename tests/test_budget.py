"""What a run may ask for at most: by the server's log, to the request."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.budget import Budget
from ciwen_crawler.errors import UsageError
from fixtures.markup import Article, channel_pages, list_url, picture
from fixtures.server import Channel
from tests.database import select
from tests.program import PACE, PATIENCE, ciwen, ended, scrapy, started

HOST = "http://ci.china.com.cn/"
ARTICLES = [
    Article(43000001 + number, f"第{number}篇", ("窑火未熄。", picture(f"/pic/{number}.jpg"), "看图。"))
    for number in range(6)
]
LIST = list_url()


def stats(archive: Path) -> dict[str, Any]:
    (row,) = select(archive, "SELECT stats FROM crawls ORDER BY id DESC LIMIT 1")
    found: dict[str, Any] = json.loads(row["stats"])
    return found


@pytest.fixture
def channel() -> Any:
    given = channel_pages(ARTICLES)
    style = '<link rel="stylesheet" href="/look.css">'
    given = {url: page.replace("</head>", f"{style}</head>") for url, page in given.items()}
    with Channel(given | {f"{HOST}look.css": "p { margin: 0 }"}) as running:
        for number in range(len(ARTICLES)):
            running.pages[f"{HOST}pic/{number}.jpg"] = b"\xff\xd8 picture"
        yield running


# Quantities


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1.5 h", 5400), ("0.5S", 0.5)]
)
def test_time(text: str, seconds: float) -> None:
    assert Budget.of(max_time=text).seconds == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500_000_000), ("2 gb", 2 * 10**9), ("1KiB", 1024), ("1.5kB", 1500), ("77", 77), (5, 5)]
)
def test_size(text: str | int, size: int) -> None:
    assert Budget.of(max_bytes=text).bytes == size


@pytest.mark.parametrize("name", ["max_requests", "max_time", "max_bytes"])
@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5.2", "30 parsecs", "1e9", "٣", "0s", "0MB", "∞", "m", "nan"])
def test_quantity_that_is_none(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"^{name} must be .*, not {text!r}$"):
        Budget.of(**{name: text})


def test_time_needs_its_unit_and_a_number_of_requests_is_whole() -> None:
    for wrong in ({"max_time": "90"}, {"max_requests": "1.5"}, {"max_requests": "3s"}):
        with pytest.raises(UsageError):
            Budget.of(**wrong)  # type: ignore[arg-type]
    assert not Budget.of(None, "", None).is_limited


@given(st.text())
def test_quantity_may_be_anything(text: str) -> None:
    for name in ("max_requests", "max_time", "max_bytes"):
        try:
            assert Budget.of(**{name: text}).is_limited == (text != "")  # type: ignore[arg-type]
        except UsageError as error:
            assert "\n" not in str(error)


def test_mistyped_budget_is_told_in_a_line(tmp_path: Path) -> None:
    told = ciwen("crawl", "--max-time", "soon", archive=tmp_path / "archive", code=2).err
    assert told == "ciwen: max_time must be a time such as 90s, 30m or 2h, not 'soon'\n"


# Requests


@pytest.mark.parametrize("most", [1, 7])
def test_no_more_requests_than_the_budget_has(channel: Channel, tmp_path: Path, most: int) -> None:
    channel.redirect(ARTICLES[0].url, ARTICLES[1].url)
    channel.answer(LIST, 500, times=1)
    ciwen("crawl", "--max-requests", most, archive=tmp_path, channel=channel)
    assert len(channel.log.settled()) == most
    told = stats(tmp_path)
    assert (told["budget"], told["exchanges"]) == (f"--max-requests {most}", most)
    assert "failures" not in told
    ciwen("verify", archive=tmp_path)


def test_budget_that_suffices_is_not_told_of(channel: Channel, tmp_path: Path) -> None:
    ciwen("crawl", archive=tmp_path / "free", channel=channel)
    needed = len(channel.log.settled())
    channel.log.clear()
    ciwen("crawl", "--max-requests", needed, archive=tmp_path / "bound", channel=channel)
    assert len(channel.log.settled()) == needed
    assert "budget" not in stats(tmp_path / "bound")
    assert stats(tmp_path / "bound")["verdicts"] == {"new": len(ARTICLES)}


def test_articles_and_their_images_come_before_assets_which_the_next_run_asks_for(
    channel: Channel, tmp_path: Path
) -> None:
    needed = 3 + 2 * len(ARTICLES)  # robots.txt, home page, list
    ciwen("crawl", "--max-requests", needed, archive=tmp_path, channel=channel)
    assert len(channel.log.settled()) == needed
    assert not channel.requested(".css")
    assert stats(tmp_path)["budget"] == f"--max-requests {needed}"
    ciwen("crawl", archive=tmp_path, channel=channel)
    assert channel.requested(".css")


def test_budget_is_an_argument_of_the_spider_too(channel: Channel, tmp_path: Path) -> None:
    arguments = ["-a", "max_requests=4", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE]
    scrapy("crawl", "ciwen", *arguments, channel=channel)
    assert len(channel.log.settled()) == 4


# Bytes and time


def test_nothing_begins_once_the_bytes_are_there(channel: Channel, tmp_path: Path) -> None:
    """Asked one by one, the last answer alone goes beyond the budget."""
    pace = (*PACE, "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=1")
    ciwen("crawl", "--max-bytes", "20kB", archive=tmp_path, channel=channel, pace=pace)
    sizes = [len(entry.response) for entry in channel.log.settled()]
    assert sum(sizes[:-1]) < 20_000 <= sum(sizes)
    assert (stats(tmp_path)["budget"], stats(tmp_path)["received"]) == ("--max-bytes 20kB", sum(sizes))


def test_what_is_on_its_way_comes_in_when_the_time_is_up(channel: Channel, tmp_path: Path) -> None:
    last = ARTICLES[0]
    hold = channel.hold(last.url, after=100)
    arguments = ("--start", last.url, "--start", LIST, "--max-time", "1s", "-v")
    pace = (*PACE, "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=1")
    with started("crawl", *arguments, archive=tmp_path, channel=channel, pace=pace) as process:
        hold.arrived(timeout=PATIENCE)
        assert process.stderr
        for line in process.stderr:
            if "Closing spider (budget)" in line:
                break
        hold.release()
        ended(process)
    assert channel.requested(HOST) == [f"{HOST}robots.txt", last.url]
    assert stats(tmp_path)["budget"] == "--max-time 1s"
    assert stats(tmp_path)["verdicts"] == {"new": 1}
