"""The pace at which hosts are asked: the rules by a clock that is set, their keeping by what went over the wire."""

import json
import math
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler import clock
from ciwen_crawler.pace import Pace, retry_after
from fixtures.markup import Article
from fixtures.page import Page
from fixtures.server import Channel
from tests.database import select
from tests.program import PACE, ciwen, ended, started

SLOW, QUICK, BUSY = "slow.example.cn", "quick.example.cn", "busy.example.cn"
NOW = datetime(2025, 6, 4, 8, 0, tzinfo=UTC)


class Clock:
    """Seconds, as a test has them go by."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def at() -> Clock:
    return Clock()


def made(at: Clock, delay: float = 1.0, at_once: int = 8, **limits: float) -> Pace:
    return Pace(delay, at_once, clock=at, **limits)


def asked(pace: Pace, at: Clock, host: str = SLOW, answer: Callable[[], object] | None = None) -> float:
    """Ask as soon as may be; the seconds that this had to wait."""
    waited = pace.wait(host)
    at.seconds += waited
    pace.begin(host)
    pace.end(host)
    if answer:
        answer()
    return waited


# --- The rules ------------------------------------------------------------------------------------------------------


def test_requests_begin_the_delay_apart(at: Clock) -> None:
    pace = made(at, 1.0)
    assert pace.wait(SLOW) == 0
    pace.begin(SLOW)
    at.seconds += 0.25
    pace.end(SLOW)
    assert pace.wait(SLOW) == 0.75
    at.seconds += 0.75
    assert pace.wait(SLOW) == 0


def test_one_at_a_time_where_there_is_a_delay_however_many_may_be_without(at: Clock) -> None:
    pace = made(at, 1.0)
    pace.begin(SLOW)
    at.seconds += 60
    assert pace.wait(SLOW) == math.inf
    pace.end(SLOW)
    assert pace.wait(SLOW) == 0


def test_without_a_delay_as_many_at_once_as_may_be(at: Clock) -> None:
    pace = made(at, 0.0, 2)
    pace.begin(SLOW)
    assert pace.wait(SLOW) == 0
    pace.begin(SLOW)
    assert pace.wait(SLOW) == math.inf
    pace.end(SLOW)
    assert pace.wait(SLOW) == 0


def test_delay_counts_from_where_the_request_was_sent(at: Clock) -> None:
    """The first has a connection to make, the next finds it open."""
    pace = made(at, 1.0)
    pace.begin(SLOW)
    at.seconds += 0.5
    pace.end(SLOW, lag=0.25)
    assert pace.wait(SLOW) == 0.75


def test_hosts_wait_for_themselves_alone(at: Clock) -> None:
    pace = made(at)
    asked(pace, at)
    assert (pace.wait(SLOW), pace.wait(QUICK)) == (1, 0)


@pytest.mark.parametrize(("crawl_delay", "delay"), [(0.5, 1.0), (2.5, 2.5)])
def test_greater_of_crawl_delay_and_delay_holds(at: Clock, crawl_delay: float, delay: float) -> None:
    pace = made(at)
    asked(pace, at)  # robots.txt
    assert pace.crawl_delay(SLOW, crawl_delay) is None
    assert pace.wait(SLOW) == delay
    asked(pace, at)
    assert pace.wait(SLOW) == delay


def test_throttle_goes_up_and_never_below_the_delays(at: Clock) -> None:
    pace = made(at)
    pace.throttle(SLOW, 7.0)
    assert pace.delay(SLOW) == 7
    pace.throttle(SLOW, 0.1)
    assert pace.delay(SLOW) == 1
    pace.crawl_delay(SLOW, 3.0)
    assert pace.delay(SLOW) == 3


def test_crawl_delay_beyond_the_limit_gives_the_host_up(at: Clock) -> None:
    pace = made(at, longest_delay=60)
    assert pace.crawl_delay(SLOW, 60.0) is None
    why = pace.crawl_delay(SLOW, 3600.0)
    assert why == (
        f"{SLOW} is given up for this run: its robots.txt asks for 3600 s between requests, above the limit of 60"
    )
    assert (pace.given_up(SLOW), pace.wait(SLOW)) == (why, 0)
    assert pace.given_up(QUICK) is None


def test_refusals_double_the_delay(at: Clock) -> None:
    pace = made(at)
    waits = [asked(pace, at, answer=lambda: pace.refused(SLOW, 503, None)) for _ in range(4)]
    assert waits == [0, 2, 4, 8]


def test_doublings_are_taken_back_by_ten_answers_each(at: Clock) -> None:
    pace = made(at)
    for _ in range(2):
        asked(pace, at, answer=lambda: pace.refused(SLOW, 429, None))
    waits = [asked(pace, at, answer=lambda: pace.welcomed(SLOW)) for _ in range(22)]
    assert waits == [4] * 11 + [2] * 10 + [1]


def test_retry_after_is_kept_beside_the_delay(at: Clock) -> None:
    pace = made(at)
    asked(pace, at, answer=lambda: pace.refused(SLOW, 429, 30))
    assert pace.wait(SLOW) == 30
    asked(pace, at, answer=lambda: pace.refused(SLOW, 429, 1))
    assert pace.wait(SLOW) == 4, "the delay, doubled twice, is the longer pause"


def test_five_refusals_in_a_row_give_the_host_up(at: Clock) -> None:
    pace = made(at)
    for answers in range(1, 5):
        assert pace.refused(SLOW, 429, None) is None, answers
    pace.welcomed(SLOW)
    for answers in range(1, 5):
        assert pace.refused(SLOW, 503, None) is None, answers
    why = pace.refused(SLOW, 503, None)
    assert why == f"{SLOW} is given up for this run: it answered 503 as the last of 5 refusals in a row"


def test_retry_after_beyond_the_limit_gives_the_host_up(at: Clock) -> None:
    pace = made(at, longest_pause=300)
    assert pace.refused(SLOW, 503, 300) is None
    assert pace.refused(SLOW, 503, 301) == (
        f"{SLOW} is given up for this run: it answered 503 and asks for a pause of 301 s, above the limit of 300"
    )


@given(st.lists(st.sampled_from(["429", "welcome", "throttle", "crawl delay"]), max_size=40), st.floats(0.1, 30))
def test_whatever_happens_requests_begin_the_delay_apart(events: list[str], delay: float) -> None:
    at = Clock()
    pace = made(at, delay)
    begun = []
    for event in events:
        at.seconds += pace.wait(SLOW)
        if pace.given_up(SLOW):
            break
        pace.begin(SLOW)
        begun.append(at.seconds)
        pace.end(SLOW)
        if event == "429":
            pace.refused(SLOW, 429, None)
        else:
            pace.welcomed(SLOW)
        if event == "throttle":
            pace.throttle(SLOW, 0.01)
        if event == "crawl delay":
            pace.crawl_delay(SLOW, 0.02)
    assert all(later - sooner >= delay - 1e-9 for sooner, later in pairwise(begun))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Wed, 04 Jun 2025 08:02:00 GMT", 120),
        ("Wed, 04 Jun 2025 16:02:00 +0800", 120),
        ("Wed, 04 Jun 2025 07:00:00 GMT", 0),
        ("9" * 400, math.inf),
        ("9" * 5000, math.inf),
        ("Wed, 99 Jun 2025 08:00:00 GMT", None),
        *((text, None) for text in (None, "", "soon", "-5", "1.5", "1e3", "٣", "2025-06-04")),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@given(st.text())
def test_retry_after_may_be_anything(text: str) -> None:
    seconds = retry_after(text, NOW)
    assert seconds is None or seconds >= 0


# --- Over the wire --------------------------------------------------------------------------------------------------


def articles(host: str, count: int, first: int = 43000001) -> list[Article]:
    return [Article(first + number, f"{host}第{number}篇", host=host) for number in range(count)]


def pages(*hosts: list[Article]) -> dict[str, Page | bytes | str]:
    return {article.url: article.page() for articles in hosts for article in articles}


def starts(*hosts: list[Article]) -> list[str]:
    return [argument for articles in hosts for article in articles for argument in ("--start", article.url)]


def sent(archive: Path, host: str) -> list[datetime]:
    rows = select(archive, "SELECT fetched_at FROM captures WHERE url LIKE ? ORDER BY 1", f"http://{host}/%")
    return [clock.read(row["fetched_at"]) for row in rows]


def least(moments: list[datetime]) -> float:
    return min((later - sooner).total_seconds() for sooner, later in pairwise(moments))


def stats(archive: Path) -> dict[str, Any]:
    (row,) = select(archive, "SELECT stats FROM crawls ORDER BY id DESC LIMIT 1")
    found: dict[str, Any] = json.loads(row["stats"])
    return found


def reasons(archive: Path) -> dict[str, str]:
    return {each["url"]: each["reason"] for each in stats(archive).get("failures", ())}


def test_requests_go_over_the_wire_the_delay_apart_and_one_by_one(tmp_path: Path) -> None:
    """robots.txt, its absence, redirects and retries included; however many may be under way at once."""
    given = articles(SLOW, 5)
    pace = (*PACE, "-s", "DOWNLOAD_DELAY=0.15", "-s", "AUTOTHROTTLE_ENABLED=True", "-s", "AUTOTHROTTLE_START_DELAY=0")
    with Channel(pages(given)) as channel:
        channel.answer(given[0].url, 500, times=1)
        channel.redirect(given[1].url, given[2].url)
        ciwen("crawl", *starts(given), archive=tmp_path, channel=channel, pace=pace)
        log = channel.log.settled()
    moments = sent(tmp_path, SLOW)
    assert len(moments) == len(log) == 8
    assert least(moments) >= 0.149, "WARC dates are cut to the microsecond"
    assert all(sooner.ended and sooner.ended <= later.started for sooner, later in pairwise(log))


def test_crawl_delay_is_kept_and_holds_up_nobody_else(tmp_path: Path) -> None:
    """Not even who would interrupt: what waits for its turn is not asked for any more."""
    slow, quick = articles(SLOW, 20), articles(QUICK, 12, 44000001)
    with Channel(pages(slow, quick) | {f"http://{SLOW}/robots.txt": "User-agent: *\nCrawl-delay: 50\n"}) as channel:
        with started("crawl", *starts(slow, quick), archive=tmp_path, channel=channel) as process:
            channel.log.wait_for(lambda log: sum(entry.url.startswith(f"http://{QUICK}/2") for entry in log) == 12)
            process.send_signal(signal.SIGTERM)
            ended(process, 130)
        assert channel.requested(SLOW) == [f"http://{SLOW}/robots.txt"]


def test_host_whose_crawl_delay_is_too_long_is_left_alone_and_told_of(tmp_path: Path) -> None:
    slow, quick = articles(SLOW, 2), articles(QUICK, 3, 44000001)
    with Channel(pages(slow, quick) | {f"http://{SLOW}/robots.txt": "User-agent: *\nCrawl-delay: 3600\n"}) as channel:
        ciwen("crawl", *starts(slow, quick), archive=tmp_path, channel=channel)
        assert channel.requested(SLOW) == [f"http://{SLOW}/robots.txt"]
        assert len(channel.requested(f"{QUICK}/2")) == 3
    why = "its robots.txt asks for 3600 s between requests, above the limit of 60"
    assert stats(tmp_path)["given_up"] == {SLOW: f"{SLOW} is given up for this run: {why}"}
    assert set(reasons(tmp_path).values()) == {f"{SLOW} is given up for this run: {why}"}


def test_host_that_refuses_on_and_on_is_given_up_and_its_requests_are_counted_once(tmp_path: Path) -> None:
    slow, quick = articles(SLOW, 9), articles(QUICK, 12, 44000001)
    with Channel(pages(slow, quick)) as channel:
        for each in slow:
            channel.answer(each.url, 503)
        pace = (*PACE, "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=1")
        ciwen("crawl", *starts(slow, quick), archive=tmp_path, channel=channel, pace=pace)
        assert len(channel.requested(f"{SLOW}/2")) == 5
        assert len(channel.requested(f"{QUICK}/2")) == 12
    told = stats(tmp_path)
    assert told["slowed"] == {SLOW: 5}
    assert told["failed"] == 9
    assert set(reasons(tmp_path).values()) == {told["given_up"][SLOW]}
    assert len(select(tmp_path, "SELECT id FROM captures WHERE status = 503")) == 5


def test_pause_that_is_wanted_is_made_before_the_next_request(tmp_path: Path) -> None:
    """That for a robots.txt, too, which others of its host wait for, but no longer than a minute."""
    slow, quick, busy = articles(SLOW, 2), articles(QUICK, 2, 44000001), articles(BUSY, 1, 45000001)
    with Channel(
        pages(slow, quick, busy) | {f"http://{QUICK}/robots.txt": "User-agent: *\nDisallow: /no/\n"}
    ) as channel:
        channel.answer(f"http://{SLOW}/robots.txt", 503, headers=[("Retry-After", "200")])
        channel.answer(f"http://{QUICK}/robots.txt", 503, headers=[("Retry-After", "1")], times=1)
        channel.answer(busy[0].url, 429, headers=[("Retry-After", "1")], times=1)
        ciwen("crawl", *starts(slow, quick, busy), archive=tmp_path, channel=channel)
        assert channel.requested(SLOW) == [f"http://{SLOW}/robots.txt"]
        assert channel.requested(QUICK)[:2] == [f"http://{QUICK}/robots.txt"] * 2
    assert list(stats(tmp_path)["given_up"]) == [SLOW]
    assert stats(tmp_path)["slowed"] == {SLOW: 1, QUICK: 1, BUSY: 1}
    assert stats(tmp_path)["verdicts"] == {"new": 3}
    assert least(sent(tmp_path, QUICK)[:2]) >= 0.999
    assert least(sent(tmp_path, BUSY)[-2:]) >= 0.999


def test_host_that_asks_for_too_long_a_pause_is_given_up_at_once(tmp_path: Path) -> None:
    slow, quick = articles(SLOW, 2), articles(QUICK, 3, 44000001)
    with Channel(pages(slow, quick)) as channel:
        for each in slow:
            channel.answer(each.url, 503, headers=[("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT")])
        pace = (*PACE, "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=1")
        ciwen("crawl", *starts(slow, quick), archive=tmp_path, channel=channel, pace=pace)
        assert len(channel.requested(f"{SLOW}/2")) == 1
    assert "above the limit of 300" in stats(tmp_path)["given_up"][SLOW]


def test_redirect_keeps_the_pace_of_the_host_that_it_leads_to(tmp_path: Path) -> None:
    slow, quick = articles(SLOW, 2), articles(QUICK, 2, 44000001)
    with Channel(pages(slow, quick) | {f"http://{SLOW}/robots.txt": "User-agent: *\nCrawl-delay: 0.2\n"}) as channel:
        for source, target in zip(quick, slow, strict=True):
            channel.redirect(source.url, target.url)
        ciwen("crawl", *starts(quick, slow), archive=tmp_path, channel=channel)
        assert len(channel.requested(f"{SLOW}/2")) == 4
    assert least(sent(tmp_path, SLOW)) >= 0.199
