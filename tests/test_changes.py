"""What changes between two crawls, and what of that makes a version."""

import json
from collections import Counter
from pathlib import Path

import pytest

from fixtures.server import Channel
from fixtures.site import HOME
from tests.chronicle import NAMES, PARTS, Chronicle, identity, url
from tests.database import Rows, tables
from tests.program import ciwen

CRAWLS = range(5)


def number_of_versions(chronicle: Chronicle, name: str) -> list[int]:
    """How many versions an article has after each crawl."""
    return [len(chronicle.versions(name, crawl)) for crawl in CRAWLS]


def of(rows: Rows, name: str) -> Rows:
    return [row for row in rows if row["article_id"] == identity(name)]


def stats(chronicle: Chronicle, crawl: int) -> dict[str, object]:
    """What the report of a crawl counts."""
    found: dict[str, object] = json.loads(chronicle.after[crawl]["crawls"][crawl]["stats"])
    return found


@pytest.mark.parametrize("name", ["steady", "spaced", "widened", "recoded", "deleted", "moved"])
def test_no_version(chronicle: Chronicle, name: str) -> None:
    assert number_of_versions(chronicle, name) == [1, 1, 1, 1, 1]
    assert chronicle.versions(name) == chronicle.versions(name, 0)


@pytest.mark.parametrize("name", ["reworded", "pictured"])
def test_one_version(chronicle: Chronicle, name: str) -> None:
    assert number_of_versions(chronicle, name) == [1, 2, 2, 2, 2]


def test_changes_taken_back_are_versions(chronicle: Chronicle) -> None:
    assert number_of_versions(chronicle, "titled") == [1, 2, 3, 4, 4]
    titles = [row["title"] for row in chronicle.versions("titled")]
    assert titles == ["titled: 开窑记 No.1", "titled: 封窑记 No.1"] * 2
    assert len({row["content_hash"] for row in chronicle.versions("titled")}) == 2


def test_versions_differ_in_what_changed(chronicle: Chronicle) -> None:
    before, after = chronicle.versions("reworded")
    assert before["body"] == "reworded第一段, 窑火未熄.\n第二段。"
    assert after["body"] == "reworded第一段, 窑火未熄.\n第二段，改过。"
    same = "title published_at source editor captured_url channel extractor".split()
    assert {name: before.get(name) for name in same} == {name: after.get(name) for name in same}
    assert after["captured_at"] > before["captured_at"]


def test_twin_stands_until_the_canonical_page_is_had(chronicle: Chronicle) -> None:
    mobile = url("mobile").replace("/2025-06/", "/m/2025-06/")
    pages = [[row["captured_url"] for row in chronicle.versions("mobile", crawl)] for crawl in CRAWLS]
    assert pages == [[mobile], [mobile], [url("mobile")], [url("mobile")], [url("mobile")]]
    (row,) = [row for row in chronicle.after[-1]["articles"] if row["id"] == identity("mobile")]
    assert row["url"] == url("mobile")
    assert row["first_captured_at"] == chronicle.versions("mobile")[0]["captured_at"]


def test_page_that_names_another_article_is_what_it_was_asked_for_as(chronicle: Chronicle) -> None:
    assert number_of_versions(chronicle, "copied") == [1] * len(CRAWLS)
    assert chronicle.versions("copied")[0]["body"] == chronicle.versions("steady")[0]["body"]


def test_caption_alone_is_a_change(chronicle: Chronicle) -> None:
    images = of(chronicle.after[-1]["images"], "pictured")
    assert [(row["version"], row["position"], row["caption"]) for row in images] == [(1, 1, "窑口"), (2, 1, "老窑口")]
    asked = Counter(each for log in chronicle.logs for each in log)[images[0]["url"]]
    assert asked == 2, "at first, and with the article that changed"


def test_page_in_another_charset_was_read(chronicle: Chronicle) -> None:
    captures = of(chronicle.after[1]["captures"], "recoded")
    assert [row["charset"] for row in sorted(captures, key=lambda row: row["fetched_at"])] == ["utf-8", "gb18030"]


@pytest.mark.parametrize("name", ["steady", "spaced", "widened", "recoded"])
def test_article_seen_again_says_so(chronicle: Chronicle, name: str) -> None:
    seen = [
        row["last_captured_at"] for after in chronicle.after for row in after["articles"] if row["id"] == identity(name)
    ]
    assert seen == sorted(set(seen)) and len(seen) == len(CRAWLS)


def test_deleted_article_keeps_its_rows(chronicle: Chronicle) -> None:
    rows = [dict(row) for after in chronicle.after for row in after["articles"] if row["id"] == identity("deleted")]
    looks = [row.pop("looked_at") for row in rows]
    assert rows == [rows[0]] * len(CRAWLS)
    assert looks == sorted(set(looks)), "each that found it absent is one"
    statuses = [row["status"] for row in of(chronicle.after[-1]["captures"], "deleted")]
    assert sorted(statuses) == [200, 404, 404, 404, 404]


def test_redirect_to_the_home_page_is_no_article(chronicle: Chronicle) -> None:
    (before,) = [row for row in chronicle.after[0]["articles"] if row["id"] == identity("moved")]
    (during,) = [row for row in chronicle.after[2]["articles"] if row["id"] == identity("moved")]
    assert during | {"looked_at": before["looked_at"]} == before
    redirects = [row for row in of(chronicle.after[-1]["captures"], "moved") if row["status"] == 301]
    assert [row["location"] for row in redirects] == [HOME, HOME]
    assert {row["id"] for row in chronicle.after[-1]["articles"]} == {
        identity(name) for name in NAMES if name != "undated"
    }


def test_article_without_all_its_pages_makes_no_version(chronicle: Chronicle) -> None:
    assert number_of_versions(chronicle, "parted") == [1, 1, 2, 2, 2]
    assert Counter(chronicle.logs[1])[url("parted", 2)] > 1, "an error is tried again"
    assert stats(chronicle, 1)["incomplete"] == {identity("parted"): [2]}
    first, second = chronicle.versions("parted")
    assert first["body"] == "\n".join(f"之{number}，初稿。" for number in range(1, PARTS + 1))
    assert second["body"] == "\n".join(f"之{number}，定稿。" for number in range(1, PARTS + 1))


def test_version_is_made_of_pages_of_one_crawl(chronicle: Chronicle) -> None:
    crawl_of = {row["id"]: row["crawl_id"] for row in chronicle.after[-1]["captures"]}
    crawls = [row["id"] for row in chronicle.after[-1]["crawls"]]
    pages = of(chronicle.after[-1]["version_captures"], "parted")
    assert [(row["version"], row["page"]) for row in pages] == [(v, page) for v in (1, 2) for page in (1, 2, 3)]
    assert {crawl_of[row["capture_id"]] for row in pages if row["version"] == 1} == {crawls[0]}
    assert {crawl_of[row["capture_id"]] for row in pages if row["version"] == 2} == {crawls[2]}


def test_page_without_body_or_date_is_quarantined(chronicle: Chronicle) -> None:
    reasons = {row["url"]: json.loads(row["reasons"]) for row in chronicle.after[0]["quarantine"]}
    assert reasons == {
        url("bare"): ["body: absent"],
        url("undated"): ["published_at: 1970-01-01T08:00:00+08:00 is before 1994"],
    }
    articles = {row["id"] for row in chronicle.after[0]["articles"]}
    assert articles.isdisjoint({identity("bare"), identity("undated")})
    fields = {row["url"]: json.loads(row["fields"]) for row in chronicle.after[0]["quarantine"]}
    assert fields[url("bare")]["title"] == "bare: 待补"


def test_page_that_became_sound_is_an_article(chronicle: Chronicle) -> None:
    assert number_of_versions(chronicle, "bare") == [0, 0, 0, 1, 1]
    assert number_of_versions(chronicle, "undated") == [0] * len(CRAWLS)


def test_page_without_a_title_is_quarantined(tmp_path: Path, channel: Channel) -> None:
    """The known article, its title taken out of every place that holds it."""
    title = "景德镇陶瓷全球化再添新彩，伊斯坦布尔合作启航"
    seed = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
    channel.edit(seed, title, "")
    channel.edit(seed, "<title>_中国网", "<title>")
    ciwen("crawl", "--start", seed, "--no-images", archive=tmp_path, channel=channel, code=3)
    (row,) = tables(tmp_path)["quarantine"]
    assert (row["url"], json.loads(row["reasons"])) == (seed, ["title: absent"])
    assert tables(tmp_path)["articles"] == []
