"""Conditional requests: what the server is asked, what becomes of its answer, and what rows follow."""

import dataclasses
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.markup import channel_pages
from fixtures.page import Page
from fixtures.server import Channel
from fixtures.site import HOME
from tests.crawls import NUMBERS, Crawls, article, conditions, crawled, identity, url
from tests.database import select
from tests.program import PACE, ciwen, scrapy
from tests.records import NOT_MODIFIED, Found

NAMES = (
    "steady edited stubborn retried unasked surprised turning turned foreign long doubled weak vague parted barred"
).split()
FIVE = NAMES[:5]
PARTS = 3
ROBOTS = "http://ci.china.com.cn/robots.txt"
LONG = '"' + "x" * 5000 + '"'
LATER = "Thu, 05 Jun 2025 00:00:00 GMT"


def tagged(name: str, *headers: tuple[str, str], **more: object) -> Page:
    """An article's page with headers of its own."""
    return dataclasses.replace(Page(article(name).page().encode()), headers=headers, **more)  # type: ignore[arg-type]


def part(number: int) -> str:
    """A page of the article over several."""
    links = "".join(f'<li><a href="{url("parted", each)}">{each}</a></li>' for each in range(1, PARTS + 1))
    pager = f"<ul pages='{PARTS}' current='{number}' class='pages'>{links}</ul>"
    return dataclasses.replace(article("parted"), paragraphs=(f"之{number}，初稿。", pager)).page()


def pages() -> dict[str, Page | bytes | str]:
    """The channel in the beginning."""
    found: dict[str, Page | bytes | str] = dict(channel_pages([article(name) for name in NAMES], size=10))
    found[ROBOTS] = f"User-agent: *\nDisallow: /2025-06/04/content_{NUMBERS['barred']}"
    found |= {url("parted", number): part(number) for number in range(1, PARTS + 1)}
    found[url("surprised")] = tagged("surprised", modified=None)
    found[url("foreign")] = tagged("foreign", ("ETag", '"\xb4\xc9"'), modified=None)
    found[url("long")] = tagged("long", ("ETag", LONG), modified=None)
    found[url("doubled")] = tagged("doubled", ("ETag", '"one"'), ("ETag", '"two"'), modified=None)
    found[url("weak")] = tagged("weak", ("ETag", 'W/"weak, very"'), modified=None)
    found[url("vague")] = tagged("vague", ("Last-Modified", "yesterday at noon"), modified=None)
    return found


def never_matching(channel: Channel, name: str) -> None:
    """A server that sends the page whatever it is asked."""
    page = tagged(name, ("ETag", '"stubborn"'), modified=None)
    head = f'HTTP/1.1 200 OK\r\nETag: "stubborn"\r\nContent-Type: text/html\r\nContent-Length: {len(page.body)}\r\n\r\n'
    channel.send(url(name), head.encode() + page.body)


def before(channel: Channel, crawl: int) -> None:
    """What happens on the channel before a crawl."""
    if crawl == 0:
        never_matching(channel, "stubborn")
        channel.answer(url("unasked"), 304, headers=[("ETag", '"out of the blue"')])
    if crawl == 1:
        channel.answer(url("retried"), 503, times=1)
        channel.restore(url("unasked"))
        channel.answer(url("surprised"), 304)
        channel.redirect(url("turning"), url("turned"), 302)
        channel.answer(url("weak"), 304, headers=[("ETag", 'W/"weak, again"'), ("Last-Modified", LATER)])
        channel.edit(url("parted", 2), "初稿", "定稿")
    if crawl == 2:
        channel.edit(url("edited"), "第二段", "次段")
        channel.restore(url("turning"))
        channel.restore(url("surprised"))
    if crawl == 3:
        channel.edit(url("edited"), "次段", "第二段")


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Crawls:
    return crawled(tmp_path_factory.mktemp("conditional"), pages(), before, 4)


@pytest.fixture(scope="module")
def records(crawls: Crawls) -> dict[str, Found]:
    return crawls.records()


def test_rebuilt_is_crawled_after_each(crawls: Crawls) -> None:
    assert crawls.again == crawls.after


def test_nothing_is_asked_conditionally_that_was_never_had(crawls: Crawls) -> None:
    assert {str(conditions(entry)) for entry in crawls.logs[0]} == {"{}"}


def test_known_page_is_asked_with_what_its_answer_said(crawls: Crawls) -> None:
    (row,) = crawls.captures(0, url("steady"))
    assert row["etag"] and row["last_modified"]
    expected = {"if-none-match": row["etag"], "if-modified-since": row["last_modified"]}
    for crawl in 1, 2, 3:
        (asked,) = crawls.asked(crawl, url("steady"))
        # A 304 may say a tag anew: nginx names it a weak one where the page went zipped, and a strong one here.
        assert asked.keys() == expected.keys()
        assert asked["if-none-match"].removeprefix("W/") == expected["if-none-match"].removeprefix("W/")
        assert asked["if-modified-since"] == expected["if-modified-since"]
        assert crawls.answered(crawl, url("steady")) == [304]


def test_not_modified_is_kept_as_a_revisit_of_what_was_had(crawls: Crawls, records: dict[str, Found]) -> None:
    (original,) = crawls.captures(0, url("steady"))
    for crawl in 1, 2, 3:
        (row,) = crawls.captures(crawl, url("steady"))
        (entry,) = [entry for entry in crawls.logs[crawl] if entry.url == url("steady")]
        record = records[row["id"]]
        assert record.block == entry.response
        assert record.field("WARC-Profile") == NOT_MODIFIED
        assert (row["record_type"], row["status"], row["kind"]) == ("revisit", 304, "article")
        assert (row["refers_to"], row["payload_digest"]) == (original["id"], original["payload_digest"])
        assert (row["charset"], row["charset_evidence"], row["mime"]) == (None, None, None)
        assert row["article_id"] == original["article_id"]
        assert row["via"] == original["via"]


def test_not_modified_counts_as_a_sighting_and_makes_no_version(crawls: Crawls) -> None:
    for crawl in range(4):
        row = crawls.article("steady", crawl)
        (capture,) = crawls.captures(crawl, url("steady"))
        assert (row["versions"], row["last_captured_at"]) == (1, capture["fetched_at"])
        assert row["first_captured_at"] == crawls.captures(0, url("steady"))[0]["fetched_at"]


def test_change_after_a_304_is_had_and_so_is_its_return(crawls: Crawls) -> None:
    assert [crawls.answered(crawl, url("edited")) for crawl in range(4)] == [[200], [304], [200], [200]]
    assert [crawls.article("edited", crawl)["versions"] for crawl in range(4)] == [1, 1, 2, 3]
    third = crawls.captures(2, url("edited"))[0]
    # The tag is that of the newest answer, not of the first.
    assert crawls.asked(3, url("edited"))[0]["if-none-match"] == third["etag"]
    last = crawls.captures(3, url("edited"))[0]
    first = crawls.captures(0, url("edited"))[0]
    assert (last["record_type"], last["status"], last["refers_to"]) == ("revisit", 200, first["id"])
    bodies = [row["body"] for row in crawls.after[3]["versions"] if row["article_id"] == identity("edited")]
    assert bodies[0] == bodies[2] != bodies[1]


def test_server_that_ignores_conditions(crawls: Crawls) -> None:
    (first,) = crawls.captures(0, url("stubborn"))
    for crawl in 1, 2, 3:
        assert crawls.asked(crawl, url("stubborn")) == [{"if-none-match": '"stubborn"'}]
        (row,) = crawls.captures(crawl, url("stubborn"))
        assert (row["record_type"], row["status"], row["refers_to"]) == ("revisit", 200, first["id"])
        assert crawls.article("stubborn", crawl)["last_captured_at"] == row["fetched_at"]
    assert crawls.article("stubborn")["versions"] == 1


def test_304_that_nobody_asked_for_says_nothing(crawls: Crawls, records: dict[str, Found]) -> None:
    """Of a page that was never had, or that has nothing to ask with."""
    for crawl, name in (0, "unasked"), (1, "surprised"):
        (entry,) = [entry for entry in crawls.logs[crawl] if entry.url == url(name)]
        (row,) = crawls.captures(crawl, url(name))
        assert (conditions(entry), entry.status) == ({}, 304)
        assert (row["record_type"], row["status"], row["refers_to"]) == ("response", 304, None)
        assert records[row["id"]].block == entry.response
        assert url(name) in [each["url"] for each in failures(crawls, crawl)]
    # Its tag is not that of a page.
    assert crawls.asked(1, url("unasked")) == [{}]
    assert crawls.article("unasked")["first_captured_at"] == crawls.captures(1, url("unasked"))[0]["fetched_at"]
    seen = [crawls.article("surprised", crawl)["last_captured_at"] for crawl in range(3)]
    assert seen[0] == seen[1] < seen[2]


def failures(crawls: Crawls, crawl: int) -> list[dict[str, str]]:
    """What a run could not have."""
    found: list[dict[str, str]] = json.loads(crawls.after[-1]["crawls"][crawl]["stats"]).get("failures", [])
    return found


def test_conditions_of_one_url_are_never_sent_to_another(crawls: Crawls) -> None:
    """A page that was there sends its reader elsewhere: the other page is asked with its own."""
    tag = {name: crawls.captures(0, url(name))[0]["etag"].removeprefix("W/") for name in ("turning", "turned")}
    assert tag["turning"] != tag["turned"]
    asked = [each["if-none-match"].removeprefix("W/") for each in crawls.asked(1, url("turning"))]
    assert asked == [tag["turning"]]
    targets = [each["if-none-match"].removeprefix("W/") for each in crawls.asked(1, url("turned"))]
    assert targets == [tag["turned"]] * 2, "once redirected to, once by its own link"
    assert crawls.answered(1, url("turned")) == [304, 304]
    redirect, *_ = crawls.captures(1, url("turning"))
    assert (redirect["status"], redirect["record_type"], redirect["location"]) == (302, "response", url("turned"))
    # It came back as it was, and is asked with what it had.
    assert crawls.answered(2, url("turning")) == [304]


def test_each_attempt_has_the_conditions(crawls: Crawls) -> None:
    first, second = crawls.asked(1, url("retried"))
    assert first == second != {}
    assert crawls.answered(1, url("retried")) == [503, 304]
    rows = crawls.captures(1, url("retried"))
    assert [(row["status"], row["record_type"]) for row in rows] == [(503, "response"), (304, "revisit")]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param("foreign", {}, id="bytes that are no ASCII"),
        pytest.param("long", {}, id="very long"),
        pytest.param("doubled", {"if-none-match": '"one"'}, id="two of them"),
        pytest.param("weak", {"if-none-match": 'W/"weak, very"'}, id="weak"),
        pytest.param("vague", {}, id="no date"),
    ],
)
def test_odd_validator_goes_back_as_it_came_or_not_at_all(crawls: Crawls, name: str, sent: dict[str, str]) -> None:
    assert crawls.asked(1, url(name)) == [sent]
    (row,) = crawls.captures(1, url(name))
    assert row["record_type"] == "revisit"
    assert crawls.article(name)["versions"] == 1


def test_304_renews_the_validators(crawls: Crawls) -> None:
    """RFC 9111 section 4.3.4: what it says replaces what the stored answer said, and the rest stays."""
    assert crawls.asked(2, url("weak")) == [{"if-none-match": 'W/"weak, again"', "if-modified-since": LATER}]


def test_robots_by_304_are_obeyed(crawls: Crawls) -> None:
    for crawl in range(4):
        assert crawls.answered(crawl, ROBOTS) == [200 if crawl == 0 else 304]
        assert crawls.answered(crawl, url("barred")) == []
        (row,) = crawls.captures(crawl, ROBOTS)
        assert (row["kind"], row["record_type"]) == ("robots", "revisit" if crawl else "response")


def test_lists_by_304_lead_to_their_articles_and_pages(crawls: Crawls) -> None:
    lists = {row["url"] for row in crawls.captures(0, HOME)} | {
        row["url"] for row in crawls.after[0]["captures"] if row["kind"] == "list"
    }
    assert len(lists) == 3
    for crawl in 1, 2, 3:
        assert {status for address in lists for status in crawls.answered(crawl, address)} == {304}
        assert {url(name) for name in NAMES if name != "barred"} <= {entry.url for entry in crawls.logs[crawl]}
    # What they list stands with the response alone.
    listed = {row["capture_id"] for row in crawls.after[3]["listings"]}
    assert listed == {crawls.captures(0, address)[0]["id"] for address in lists} - unlisted(crawls)


def unlisted(crawls: Crawls) -> set[str]:
    """Lists that link to no article."""
    return {crawls.captures(0, HOME)[0]["id"]}


def test_article_of_which_one_page_changed(crawls: Crawls) -> None:
    assert [crawls.answered(1, url("parted", number)) for number in (1, 2, 3)] == [[304], [200], [304]]
    assert crawls.article("parted", 0)["versions"] == 1
    assert crawls.article("parted", 1)["versions"] == crawls.article("parted")["versions"] == 2
    of_version = [
        row["capture_id"]
        for row in crawls.after[1]["version_captures"]
        if (row["article_id"], row["version"]) == (identity("parted"), 2)
    ]
    assert of_version == [crawls.captures(1, url("parted", number))[0]["id"] for number in (1, 2, 3)]
    bodies = [row["body"] for row in crawls.after[1]["versions"] if row["article_id"] == identity("parted")]
    assert bodies == ["之1，初稿。\n之2，初稿。\n之3，初稿。", "之1，初稿。\n之2，定稿。\n之3，初稿。"]


# Crawls of their own


@pytest.fixture
def small() -> dict[str, str]:
    """A channel of five articles."""
    return channel_pages([article(name) for name in FIVE])


def test_original_that_is_damaged_is_fetched_anew_and_nothing_refers_to_it(
    tmp_path: Path, small: dict[str, str]
) -> None:
    with Channel(small) as channel:
        ciwen("crawl", archive=tmp_path, channel=channel)
        (row,) = select(tmp_path, "SELECT * FROM captures WHERE url = ?", url("steady"))
        path = tmp_path / "warc" / row["warc_file"]
        data = bytearray(path.read_bytes())
        data[row["warc_offset"] + row["warc_length"] // 2] ^= 1
        path.write_bytes(data)
        for status in 200, 304:
            channel.log.clear()
            ciwen("crawl", archive=tmp_path, channel=channel)
            (entry,) = channel.log.of(url("steady"))
            assert (entry.status, bool(conditions(entry))) == (status, status == 304)
    found = select(tmp_path, "SELECT * FROM captures WHERE url = ? ORDER BY fetched_at", url("steady"))
    damaged, anew, again = found
    assert (anew["record_type"], again["record_type"]) == ("response", "revisit")
    assert again["refers_to"] == anew["id"]
    assert damaged["payload_digest"] == anew["payload_digest"]
    assert select(tmp_path, "SELECT id FROM captures WHERE refers_to = ?", damaged["id"]) == []
    assert select(tmp_path, "SELECT versions FROM articles WHERE id = ?", identity("steady")) == [{"versions": 1}]


def test_original_whose_row_names_other_bytes_is_none(tmp_path: Path, small: dict[str, str]) -> None:
    """A digest in the database proves nothing: the record must be the one that is named."""
    with Channel(small) as channel:
        ciwen("crawl", archive=tmp_path, channel=channel)
        one, other = (
            select(tmp_path, "SELECT * FROM captures WHERE url = ?", url(name))[0] for name in ("steady", "edited")
        )
        misplaced(tmp_path, one["id"], other)
        channel.log.clear()
        ciwen("crawl", archive=tmp_path, channel=channel)
        (entry,) = channel.log.of(url("steady"))
    assert (entry.status, conditions(entry)) == (200, {})


def misplaced(archive: Path, capture: str, other: dict[str, object]) -> None:
    """Let a capture's row say that its record lies where another's does."""
    with closing(sqlite3.connect(archive / "ciwen.sqlite")) as database, database:
        place = [other[name] for name in ("warc_file", "warc_offset", "warc_length")]
        database.execute(
            "UPDATE captures SET warc_file = ?, warc_offset = ?, warc_length = ? WHERE id = ?", (*place, capture)
        )


def test_page_is_read_by_its_own_headers_where_another_url_had_its_payload_first(
    tmp_path: Path, small: dict[str, str]
) -> None:
    """The same bytes as mere text elsewhere: what has not changed is a page all the same."""
    text, page = url("steady"), url("edited")
    with Channel(small | {text: Page(small[page].encode(), "text/plain", modified=None)}) as channel:
        for _ in range(2):
            ciwen("crawl", archive=tmp_path, channel=channel, pace=(*PACE, "-s", "CONCURRENT_REQUESTS=1"))
    first, again = select(tmp_path, "SELECT * FROM captures WHERE url = ? ORDER BY fetched_at", page)
    assert (first["record_type"], first["mime"]) == ("response", "text/html")
    seen = select(tmp_path, "SELECT last_captured_at, versions FROM articles WHERE id = ?", identity("edited"))
    assert seen == [{"last_captured_at": again["fetched_at"], "versions": 1}]


def test_dry_run_asks_conditionally_and_says_the_same(tmp_path: Path, small: dict[str, str]) -> None:
    with Channel(small) as channel:
        ciwen("crawl", archive=tmp_path, channel=channel)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        channel.log.clear()
        said = ciwen("crawl", "--dry-run", "--json", archive=tmp_path, channel=channel)
        assert [entry.status for entry in channel.log] == [404, 304, 304], "robots.txt, the home page, the list"
    assert [each["url"] for each in json.loads(said.out)] == [url(name) for name in FIVE]
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_items_of_scrapys_feed_are_the_same_by_304(tmp_path: Path, small: dict[str, str]) -> None:
    feeds = []
    with Channel(small) as channel:
        for number in range(2):
            feed = tmp_path / f"{number}.json"
            archive = ("-s", f"CIWEN_ARCHIVE={tmp_path / 'archive'}")
            channel.log.clear()
            scrapy("crawl", "ciwen", *archive, *PACE, "-O", feed, channel=channel)
            feeds.append(sorted(json.loads(feed.read_text()), key=lambda item: item["url"]))
        assert [entry.status for entry in channel.log if "content_" in entry.url] == [304] * 5
    assert [{item["verdict"] for item in feed} for feed in feeds] == [{"new"}, {"same"}]
    of_run = {"captured_at", "captures", "crawl_id", "verdict"}
    first, second = ([{key: item[key] for key in item.keys() - of_run} for item in feed] for feed in feeds)
    assert first == second
    assert len(first) == 5
