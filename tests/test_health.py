"""Is the result of a crawl a healthy one? The exit code says so, and one line names what is wrong."""

import json
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError
from ciwen_crawler.health.finding import Finding
from ciwen_crawler.health.judgement import judged, unwatched
from ciwen_crawler.health.past import Earlier, Past
from ciwen_crawler.health.sample import FIELDS, QUARANTINED, Sample
from ciwen_crawler.store import upkeep
from ciwen_crawler.tally import Tally
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


def newest_report(archive: Path) -> dict[str, Any]:
    """What the newest run says of itself."""
    report: dict[str, Any] = json.loads(max((archive / "runs").glob("*.json")).read_text())
    return report


# --- The whole of it ------------------------------------------------------------------------------------------------


def test_template_that_loses_a_field(tmp_path: Path) -> None:
    """The pages still say who edited them and when, but no longer where the text is from."""
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=tmp_path, channel=channel)
        for article in ARTICLES:
            channel.pages[article.url] = _sourceless(article)
        ended = ciwen("crawl", archive=tmp_path, channel=channel, code=3)
    line = f"source: filled in 0 of 8 articles, before in 100% of them ({ARTICLES[-1].url})"
    assert ended.err == f"ciwen: {line}\n"
    assert outcome(tmp_path) == ("unhealthy", 3)
    (finding,) = newest_report(tmp_path)["health"]
    assert finding == {
        "monitor": "filled",
        "field": "source",
        "before": 1.0,
        "after": 0.0,
        "examples": [article.url for article in ARTICLES[:-4:-1]],
        "line": line,
    }
    # What is not to be believed makes no version, and says why.
    assert {row["source"] for row in select(tmp_path, "SELECT source FROM latest")} == {ARTICLES[0].source}
    assert {row["reasons"] for row in tables(tmp_path)["quarantine"]} == {json.dumps([line.partition(" (")[0]])}
    assert (counts(tmp_path)["versions"], counts(tmp_path)["quarantine"]) == (8, 8)


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
    assert outcome(tmp_path) == ("killed", None), "its report could not be made"
    assert HOME in {row["url"] for row in tables(tmp_path)["captures"]}


def _mend(archive: Path) -> None:
    """What `ciwen rebuild` does."""
    recover(archive / WARC)
    upkeep.rebuild(archive)


# --- The judgement alone --------------------------------------------------------------------------------------------

NOW = "2025-06-04T08:00:00Z"
_TEXTS = ("title", "source", "author", "editor")


def look(number: int, **changed: Any) -> Sample:
    """One at an article that is new and has every field."""
    usual: dict[str, Any] = {
        "article_id": f"china.com.cn:{number}",
        "capture_id": f"capture-{number:05}",
        "url": f"http://ci.china.com.cn/2025-06/04/content_{number}.html",
        "captured_at": f"2025-06-04T08:00:00.{number:06}Z",
        "verdict": "new",
        "day": "2025-06-04",
        "published_at": "2025-06-04T16:00:00+08:00",
        "precision": "second",
        "rules": dict.fromkeys((*_TEXTS, "published_at", "body", "keywords", "summary", "breadcrumb"), "first"),
        "counts": {
            **dict.fromkeys(_TEXTS, 5),
            "body": 700 + number % 50,
            "paragraphs": 7,
            "keywords": 3,
            "images": 1,
            "captions": 1,
        },
        "names": {"title": f"题{number}", "source": "中国网", "author": "周瓷", "editor": "郭旭"},
        "body_digest": f"digest-{number}",
    }
    return Sample(**usual | changed)


def without(number: int, field: str) -> Sample:
    """The same without a field."""
    full = look(number)
    if field == "published_at":
        return replace(full, published_at=None, precision=None)
    rules, names = ({name: value for name, value in each.items() if name != field} for each in (full.rules, full.names))
    return look(number, rules=rules, names=names, counts={**full.counts, field: 0})


PAST = Past(tuple(look(number) for number in range(100)))


def healthy(run: Sequence[Sample] = ()) -> Tally:
    """What a run over so many articles counts."""
    refused = sum(each.verdict == QUARANTINED for each in run)
    return Tally(
        asked=20, found=10, due=10, read=len(run) or 10, quarantined=refused, starts_asked=1, starts_answered=1
    )


def found(
    run: Sequence[Sample] = (), past: Past = PAST, tally: Tally | None = None, least: int = 5, but: str = ""
) -> list[Finding]:
    """What is wrong with a run."""
    return judged(tally or healthy(run), run, past, clock.read(NOW), least, unwatched(but))


def lines(*given: Any, **named: Any) -> list[str]:
    """The same as it is told, without the examples."""
    return [finding.line.partition(" (http")[0] for finding in found(*given, **named)]


def numbered(count: int, make: Callable[[int], Sample] = look) -> list[Sample]:
    """Looks that come after the past."""
    return [make(number) for number in range(1000, 1000 + count)]


def test_healthy() -> None:
    assert found(numbered(10)) == []
    assert found(numbered(10), Past()) == []


@pytest.mark.parametrize("field", FIELDS)
def test_each_lost_field_is_named_by_its_column(field: str) -> None:
    assert lines(numbered(10, lambda number: without(number, field))) == [
        f"{field}: filled in 0 of 10 articles, before in 100% of them"
    ]


@pytest.mark.parametrize("field", FIELDS)
def test_loss_that_is_accepted_is_not_told(field: str) -> None:
    assert found(numbered(10, lambda number: without(number, field)), but=f"keywords {field}") == []


def test_field_that_nobody_knows_cannot_be_left_unwatched() -> None:
    with pytest.raises(UsageError, match="no field is called autor; there are title, "):
        unwatched("autor")


def test_field_that_was_always_rare_is_not_missed() -> None:
    rare = Past(tuple(without(number, "author") if number % 5 else look(number) for number in range(100)))
    assert found(numbered(30, lambda number: without(number, "author")), rare) == []


def test_few_articles_say_nothing_of_a_field() -> None:
    assert found(numbered(2, lambda number: without(number, "source"))) == []


def test_so_much_later_says_the_same_where_each_run_brings_one() -> None:
    """The tenth of ten runs is told as one run with ten is; one that brings a sound article says nothing."""
    course, past = numbered(10, lambda number: without(number, "source")), PAST
    told = []
    for each in course:
        told.append(lines([each], past))
        past = Past((*past.looks, each))
    assert told[0] == [] and told[-1] == ["source: filled in 0 of 10 articles, before in 100% of them"]
    assert found([look(2000)], past) == []


def test_what_was_decided_against_is_not_what_is_usual() -> None:
    gone = numbered(200, lambda number: without(number, "source"))
    past = Past((*PAST.looks, *gone), frozenset(each.capture_id for each in gone))
    run = [without(number, "source") for number in range(3000, 3010)]
    assert lines(run, past) == ["source: filled in 0 of 40 articles, before in 100% of them"]


def test_ten_galleries_in_a_row_are_no_loss_of_text() -> None:
    def gallery(number: int) -> Sample:
        counts = {**dict.fromkeys(_TEXTS, 5), "keywords": 3, "images": 9, "captions": 8}
        return look(number, counts=counts, body_digest=None)

    assert found(numbered(10, gallery)) == []


def test_what_the_lists_show_of_years_ago_is_not_held_against_todays_template() -> None:
    run = numbered(40, lambda number: without(number, "keywords"))
    assert found([replace(each, day="2016-03-01", published_at="2016-03-01T08:00:00+08:00") for each in run]) == []


def test_known_article_is_held_against_itself() -> None:
    """What it never had it has not lost, and by what rule it was read it is still read."""

    def old(number: int) -> Sample:
        return replace(without(number, "editor"), known=True, verdict="changed", rules={"title": "old"})

    assert found(numbered(10, old)) == []
    assert lines(numbered(10, lambda number: replace(old(number), lost=("editor",)))) == [
        "editor: filled in 0 of 10 articles, before in 100% of them"
    ]


def test_page_without_body_is_told_at_the_first() -> None:
    run = [look(1000), look(1001, verdict=QUARANTINED, reasons=("body: absent",))]
    assert lines(run) == ["body: absent in 1 article"]
    assert found(run, Past()) == [], "of a channel that is new nothing is known"


def test_known_article_of_which_half_is_gone_is_told_at_the_first_and_stays() -> None:
    cut = look(1000, verdict="changed", known=True, counts={"body": 200}, halved_from=700)
    (finding,) = found([cut])
    assert finding.line == f"body: 200 characters left of 700 ({cut.url})"
    assert finding.captures == ()


def test_three_known_articles_of_which_half_is_gone_are_no_edits() -> None:
    cut = [
        replace(each, verdict="changed", known=True, counts={**each.counts, "body": 200}, halved_from=700)
        for each in numbered(3)
    ]
    (finding,) = found(cut)
    assert (finding.monitor, finding.field, len(finding.captures)) == ("length", "body", 3)


def test_other_page_in_a_known_articles_place_is_decided_against_at_once() -> None:
    other = look(1000, verdict="changed", known=True, halved_from=700, error_page=True)
    (finding,) = found([other])
    assert (finding.field, finding.captures) == ("body", (other.capture_id,))


def test_sign_that_damages_nothing_decides_nothing() -> None:
    turned = numbered(10, lambda number: look(number, rules={**look(number).rules, "source": "second"}))
    (finding,) = found(turned)
    said = "by first in 0 of 10 articles, before in 100% of them, now by second"
    assert (finding.monitor, finding.reason, finding.captures) == ("rule", f"source: {said}", ())


# --- The run as a whole ---------------------------------------------------------------------------------------------


def test_budget_excuses_few_articles() -> None:
    assert lines(tally=replace(healthy(), found=1)) == ["only 1 articles found on the lists, at least 5 expected"]
    assert found(tally=replace(healthy(), found=1, budget="--max-articles 1")) == []


def test_half_of_the_requests_may_fail() -> None:
    assert found(tally=replace(healthy(), failed=10)) == []
    assert len(found(tally=replace(healthy(), failed=11))) == 1


def test_more_requests_fail_than_ever() -> None:
    good = Earlier(NOW, asked=20, failed=1, lists=2, listed=40)
    assert lines(past=Past(runs=(good,) * 30), tally=replace(healthy(), failed=8)) == [
        "8 of 20 requests failed, before 5% of them"
    ]
    worse = replace(good, failed=9)
    assert found(past=Past(runs=(*(good,) * 29, worse)), tally=replace(healthy(), failed=8)) == []


def test_lists_that_hold_far_fewer_articles_than_ever() -> None:
    runs = tuple(Earlier(NOW, 20, 0, lists=3, listed=listed) for listed in (60, 45, 51, 60, 60))
    assert lines(past=Past(runs=runs), tally=replace(healthy(), lists=3, listed=21)) == [
        "7.0 articles on a list page, before 20.0"
    ]
    assert found(past=Past(runs=runs), tally=replace(healthy(), lists=3, listed=24)) == []
    assert found(past=Past(runs=runs[:4]), tally=replace(healthy(), lists=3, listed=0)) == []


def test_most_articles_in_quarantine() -> None:
    refused = ("title: absent", "published_at: absent")
    run = [
        look(1000 + place, verdict=QUARANTINED if place < 6 else "new", reasons=refused[:place]) for place in range(10)
    ]
    run = [replace(each, reasons=refused if each.verdict == QUARANTINED else ()) for each in run]
    assert lines(run, Past()) == ["6 of 10 articles quarantined for published_at, title"]


def test_what_was_in_quarantine_before_is_no_news() -> None:
    """A run has no sample of it."""
    assert found([], tally=replace(healthy(), read=1, quarantined=1)) == []


def test_hour_in_which_no_article_is_due_is_healthy() -> None:
    tally = Tally(starts_asked=1, starts_answered=1, asked=3, failed=1, found=10, resting=10)
    assert found(tally=tally) == []


def test_articles_that_were_due_and_could_not_be_had() -> None:
    tally = Tally(starts_asked=1, starts_answered=1, asked=5, found=10, due=2, resting=8)
    tally.failure("http://ci.china.com.cn/1", "status 500")
    tally.failure("http://ci.china.com.cn/2", "status 500")
    (finding,) = found(tally=tally)
    assert finding.line == "none of 2 articles could be archived (http://ci.china.com.cn/1: status 500)"


def test_site_that_is_down_is_all_that_is_told() -> None:
    tally = Tally(starts_asked=1, asked=1, failed=1)
    assert lines(tally=tally) == ["no start page answered"]


# The pauses of a channel: days between articles, and when the run before ended.
DAILY = tuple(f"2025-05-{day:02}T08:00:00.000000Z" for day in range(20, 0, -1))


def paused(until: str, before: str) -> list[str]:
    past = Past(runs=(Earlier(before, 1, 0, 1, 1),), dated=DAILY)
    return [each.line for each in judged(healthy(), (), past, clock.read(until))]


def test_newest_article_is_old_by_the_archives_own_pace() -> None:
    line = "published_at: none newer for 3 days, before 24 hours at most"
    assert paused("2025-05-23T07:00:00Z", "2025-05-23T06:00:00Z") == []
    assert paused("2025-05-23T08:00:00Z", "2025-05-23T07:00:00Z") == [line]
    assert paused("2025-05-23T09:00:00Z", "2025-05-23T08:00:00Z") == [], "told once"
    assert len(paused("2025-05-26T08:00:00Z", "2025-05-26T07:00:00Z")) == 1, "and when it has doubled"
    assert len(paused("2025-05-26T08:00:00Z", "2025-05-21T07:00:00Z")) == 1, "whenever the last run was"


def test_pace_of_a_few_articles_says_nothing() -> None:
    past = Past(runs=(Earlier("2025-05-20T09:00:00Z", 1, 0, 1, 1),), dated=DAILY[:10])
    assert judged(healthy(), (), past, clock.read("2025-07-01T00:00:00Z")) == []


def test_assets_make_no_run_unhealthy_and_are_no_example_of_why_one_is() -> None:
    tally = healthy()
    for number in range(100):
        tally.asset_failure(f"http://images.china.cn/{number}.css", "status 404")
    assert found(tally=tally) == []
    tally.failed = 11
    assert lines(tally=tally) == ["11 of 20 requests failed"]


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
