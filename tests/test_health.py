"""Is the result of a crawl a healthy one? The exit code says so, and one line names what is wrong."""

import json
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ciwen_crawler.health import Past, faults
from ciwen_crawler.store import upkeep
from ciwen_crawler.tally import COLUMNS, Tally
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.recovery import recover
from fixtures.markup import Article, channel_pages, list_url
from fixtures.page import Page
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import counts, select, tables
from tests.program import ciwen, started
from tests.program import ended as ended_run

ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000009)]
ROBOTS = f"{HOME}robots.txt"


def outcome(archive: Path) -> tuple[str, int]:
    """How the newest run ended, by its row."""
    row = tables(archive)["crawls"][-1]
    return row["outcome"], row["exit_code"]


# --- The whole of it ------------------------------------------------------------------------------------------------


def test_template_that_loses_a_field(tmp_path: Path) -> None:
    """The pages still say who edited them and when, but no longer where the text is from."""
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=tmp_path, channel=channel)
        for article in ARTICLES:
            channel.pages[article.url] = _sourceless(article)
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=3)
    assert ended.err == "ciwen: source: filled in 0 of 8 articles, before in 100% of them\n"
    assert outcome(tmp_path) == ("unhealthy", 3)
    assert [row["source"] for row in select(tmp_path, "SELECT source FROM latest")] == [None] * 8
    assert counts(tmp_path)["versions"] == 16


def _sourceless(article: Article) -> str:
    page = article.page()
    for mark in ("<p>来源：", '<div id="webdig_source" style="display:none">', "<sourcename>"):
        assert f"{mark}{article.source}" in page, mark
    return page.replace(article.source, "")


def test_far_too_few_articles(tmp_path: Path) -> None:
    with Channel(channel_pages(ARTICLES[:4])) as channel:
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=3)
    assert ended.err == "ciwen: only 4 articles found on the lists, at least 5 expected\n"
    assert outcome(tmp_path) == ("unhealthy", 3)
    assert counts(tmp_path)["articles"] == 4


def test_most_requests_fail(tmp_path: Path) -> None:
    with Channel(channel_pages(ARTICLES)) as channel:
        for article in ARTICLES[:-1]:
            channel.answer(article.url, 403)
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=3)
    assert ended.err.startswith("ciwen: 7 of 10 requests failed (http://ci.china.com.cn/2025-06/04/content_")
    assert ended.err.endswith("status 403)\n")
    assert counts(tmp_path)["articles"] == 1, "what was had stays"


def test_address_that_leads_to_itself_is_soon_given_up(tmp_path: Path) -> None:
    with Channel(channel_pages(ARTICLES)) as channel:
        channel.redirect(ARTICLES[0].url, ARTICLES[0].url)
        ciwen("crawl", archive=tmp_path, channel=channel)
        assert len(channel.requested(ARTICLES[0].url)) == 6
    stats = json.loads(tables(tmp_path)["crawls"][0]["stats"])
    (failure,) = stats["failures"]
    assert (failure["url"], failure["reason"]) == (ARTICLES[0].url, "max redirections reached")
    assert [attempt["status"] for attempt in failure["attempts"]] == [301] * 6
    assert "disallowed" not in stats, "that is said of robots.txt alone"


def test_no_start_page_answers_where_robots_cannot_be_had(tmp_path: Path) -> None:
    with Channel(channel_pages(ARTICLES)) as channel:
        channel.answer(ROBOTS, 503)
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=3)
        assert set(channel.requested()) == {ROBOTS}
    assert ended.err.startswith(f"ciwen: no start page answered ({HOME}: robots.txt of ci.china.com.cn cannot be had")
    assert ended.err.count("\n") == 1
    assert outcome(tmp_path) == ("unhealthy", 3)


def test_no_start_page_answers_where_the_port_is_closed(tmp_path: Path) -> None:
    ended = ciwen("crawl", archive=tmp_path, code=3)
    assert ended.err.startswith("ciwen: no start page answered (")
    assert ended.err.count("\n") == 1
    assert outcome(tmp_path) == ("unhealthy", 3)


def test_oversized_page_is_counted_and_no_failure(tmp_path: Path) -> None:
    """One page is longer than what is fetched, another longer than what is read once it is unpacked."""
    endless, packed = ARTICLES[0].url, ARTICLES[1].url
    sent = Page(_lengthened(ARTICLES[0], 33), headers=(("Content-Encoding", "identity"),))
    with Channel({**channel_pages(ARTICLES), endless: sent, packed: _lengthened(ARTICLES[1], 5)}) as channel:
        ended = ciwen("crawl", archive=tmp_path, channel=channel)
        (gzipped,) = channel.log.of(packed)
        assert b"Content-Encoding: gzip" in gzipped.response and len(gzipped.response) < 100_000
    assert "2 too large" in ended.out
    stats = json.loads(tables(tmp_path)["crawls"][0]["stats"])
    assert (stats["oversized"], stats.get("failed", 0)) == (2, 0)
    assert counts(tmp_path)["articles"] == len(ARTICLES) - 2
    assert {row["url"] for row in tables(tmp_path)["captures"]} >= {endless, packed}, "what came of them is kept"


def _lengthened(article: Article, megabytes: int) -> bytes:
    paragraph = "<p>窑</p>"
    filler = paragraph * (megabytes * 1024 * 1024 // len(paragraph.encode()))
    return article.page().replace("<!--enpcontent-->", f"<!--enpcontent-->{filler}").encode()


def test_replay_is_never_unhealthy(tmp_path: Path) -> None:
    """Of a crawl's articles all name a source; of the pages that somebody has saved none does, and most are empty."""
    archive, saved = tmp_path / "archive", tmp_path / "saved"
    saved.mkdir()
    for number, article in enumerate(ARTICLES):
        hollow = replace(article, paragraphs=("窑火。",) if number < 3 else ())
        (saved / f"{number}.html").write_text(_sourceless(hollow), "utf-8")
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=archive, channel=channel)
    ended = ciwen("replay", saved, archive=archive)
    assert outcome(archive) == ("done", 0)
    assert (ended.err, counts(archive)["quarantine"]) == ("", len(ARTICLES) - 3)


# --- How a run ends -------------------------------------------------------------------------------------------------


def test_report_that_cannot_be_written(tmp_path: Path) -> None:
    """Nothing calls a run done whose report nobody can read."""
    (tmp_path / "runs").touch()
    with Channel(channel_pages(ARTICLES)) as channel:
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=6)
    assert ended.err.startswith(f"ciwen: cannot write {tmp_path / 'runs'}")
    assert ended.err.count("\n") == 1
    (run,) = tables(tmp_path)["crawls"]
    assert (run["outcome"], run["exit_code"], run["finished_at"]) == (None, None, None)
    _mend(tmp_path)
    assert outcome(tmp_path) == ("killed", None)
    assert counts(tmp_path)["articles"] == len(ARTICLES), "what was fetched is kept"


def test_interrupt_that_meets_a_fault_is_an_interrupt(tmp_path: Path) -> None:
    """A table is gone when the run comes to write its end."""
    with (
        Channel(channel_pages(ARTICLES)) as channel,
        channel.hold(list_url()) as held,
        started("crawl", archive=tmp_path, channel=channel) as run,
    ):
        held.arrived()
        with closing(sqlite3.connect(tmp_path / "ciwen.sqlite")) as connection, connection:
            connection.execute("DROP TABLE crawls")
        run.send_signal(signal.SIGINT)
        held.release()
        interrupted = ended_run(run, 130)
    assert "no such table: crawls" in interrupted.err
    _mend(tmp_path)
    assert outcome(tmp_path) == ("interrupted", 130)
    assert HOME in {row["url"] for row in tables(tmp_path)["captures"]}


def _mend(archive: Path) -> None:
    """What `ciwen rebuild` does."""
    recover(archive / WARC)
    upkeep.rebuild(archive)


# --- The judgement alone --------------------------------------------------------------------------------------------

NOTHING_YET = Past(0, {})
FULL = dict.fromkeys((*COLUMNS, "images"), 100)


def healthy() -> Tally:
    """A run over ten articles that have every field."""
    tally = Tally(starts_asked=1, starts_answered=1, asked=20, found=10, due=10, read=10)
    tally.filled.update(dict.fromkeys((*COLUMNS, "images"), 10))
    return tally


def test_healthy() -> None:
    assert faults(healthy(), Past(100, FULL), 5) == []
    assert faults(healthy(), NOTHING_YET, 5) == []


@pytest.mark.parametrize("column", [*COLUMNS, "images"])
def test_each_lost_field_is_named_by_its_column(column: str) -> None:
    tally = healthy()
    tally.filled[column] = 1
    (fault,) = faults(tally, Past(100, FULL), 5)
    assert fault == f"{column}: filled in 1 of 10 articles, before in 100% of them"


def test_field_that_was_always_rare_is_not_missed() -> None:
    tally = healthy()
    tally.filled["author"] = 0
    assert faults(tally, Past(100, FULL | {"author": 40}), 5) == []


def test_few_articles_say_nothing_of_a_field() -> None:
    tally = healthy()
    tally.read, tally.filled["source"] = 2, 0
    assert faults(tally, Past(100, FULL), 5) == []


def test_budget_excuses_few_articles() -> None:
    tally = healthy()
    tally.found, tally.budget = 1, "--max-articles 1"
    assert faults(tally, NOTHING_YET, 5) == []


def test_half_of_the_requests_may_fail() -> None:
    tally = healthy()
    tally.failed = 10
    assert faults(tally, NOTHING_YET, 5) == []
    tally.failed = 11
    assert len(faults(tally, NOTHING_YET, 5)) == 1


def test_most_articles_in_quarantine() -> None:
    tally = healthy()
    for number in range(6):
        tally.quarantine(f"http://ci.china.com.cn/{number}", ("body: absent", "published_at: absent"))
    assert faults(tally, NOTHING_YET, 5) == ["6 of 10 articles quarantined for body, published_at"]


def test_hour_in_which_no_article_is_due_is_healthy() -> None:
    tally = Tally(starts_asked=1, starts_answered=1, asked=3, failed=1, found=10, resting=10)
    assert faults(tally, Past(100, FULL), 5) == []


def test_articles_that_were_due_and_could_not_be_had() -> None:
    tally = Tally(starts_asked=1, starts_answered=1, asked=5, found=10, due=2, resting=8)
    tally.failure("http://ci.china.com.cn/1", "status 500")
    tally.failure("http://ci.china.com.cn/2", "status 500")
    assert faults(tally, Past(100, FULL), 5) == [
        "none of 2 articles could be archived (http://ci.china.com.cn/1: status 500)"
    ]


def test_assets_make_no_run_unhealthy_and_are_no_example_of_why_one_is() -> None:
    tally = healthy()
    for number in range(100):
        tally.asset_failure(f"http://images.china.cn/{number}.css", "status 404")
    assert faults(tally, Past(100, FULL), 5) == []
    tally.failed = 11
    assert faults(tally, Past(100, FULL), 5) == ["11 of 20 requests failed"]


def test_failures_tell_of_their_attempts_and_of_no_credentials() -> None:
    tally = Tally()
    attempts = [{"at": "2025-06-04T08:35:12.123456Z", "error": "http://me:secret@ci.china.com.cn/ refused"}]
    tally.failure("http://me:secret@ci.china.com.cn/1", "refused", attempts)
    tally.asset_failure("http://images.china.cn/a.css", "status 404")
    (first,), (second,) = tally.failures, tally.asset_failures
    assert [attempt["at"] for attempt in first["attempts"]] == ["2025-06-04T08:35:12.123456Z"]
    assert "secret" not in str(first)
    assert second == {"url": "http://images.china.cn/a.css", "reason": "status 404"}
    assert (tally.failed, tally.assets_failed) == (1, 1)


def test_so_many_failures_are_told_and_the_others_are_counted() -> None:
    """Those of assets take no place from those of pages."""
    tally = Tally()
    for number in range(11_000):
        tally.asset_failure(f"http://images.china.cn/{number}.css", "status 404")
    for number in range(1200):
        tally.failure(f"http://ci.china.com.cn/{number}", "status 500")
    tally.refusal("http://ci.china.com.cn/private", "robots.txt of ci.china.com.cn disallows it")
    for number in range(1002):
        tally.quarantine(f"http://ci.china.com.cn/{number}", ("title: missing",))
    told = tally.as_dict()
    assert [len(told[name]) for name in ("failures", "asset_failures", "quarantines")] == [1000, 10_000, 1000]
    untold = [told[name] for name in ("failures_untold", "asset_failures_untold", "quarantines_untold")]
    assert untold == [201, 1000, 2]
    assert (told["failed"], told["assets_failed"], told["quarantined"]) == (1200, 11_000, 1002)
