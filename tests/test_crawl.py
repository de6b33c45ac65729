"""A crawl end to end: the real spider in a process of its own, over real HTTP, from the server's log to the rows."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
from warcio.archiveiterator import ArchiveIterator

from ciwen_crawler import __version__, settings
from fixtures.log import Entry
from fixtures.markup import Article, channel_pages, list_page, list_url, picture
from fixtures.server import Channel
from fixtures.site import HOME, bundled_pages, cases
from tests.cases import articles
from tests.database import Rows, counts, select, tables
from tests.program import PATIENCE, ROOT, Ended, ciwen, ended, scrapy, started

HOST = "ci.china.com.cn"
SEED = "china.com.cn:43135627"
# Articles of the bundled channel's own hosts, each with its first page.
OWN = {case.name: case for case in articles() if urlsplit(case.url).hostname == HOST}
LISTS = [case["url"] for case in cases().values() if case["kind"] != "article"]
PICTURED = range(43000001, 43000007)
# With no delay at all Scrapy keeps no limit: what waits in a host's queue is sent at once.
# A host that does not answer must not take up all that the crawl may have under way.
ONE_AT_A_TIME = ("-s", "DOWNLOAD_DELAY=0.001", "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "CONCURRENT_REQUESTS=16")
NO_TOUCH = "content_4000000"  # stands in boxes and footers alone
ARTICLE_PAGE = "/content_4"
SHOWN = re.compile(rb"""<img[^>]*? src=["']([^"']+)|url\(["']?([^"')]+)""")


class Crawled(NamedTuple):
    """The bundled channel, crawled twice while nothing of it changed."""

    archive: Path
    log: list[Entry]  # of the first crawl
    first: dict[str, Rows]
    second: dict[str, Rows]
    summary: Ended


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    archive = tmp_path_factory.mktemp("crawled") / "archive"
    with Channel() as channel:
        summary = ciwen("crawl", "-s", "CIWEN_CONTACT=mailto:archive@example.org", archive=archive, channel=channel)
        log, first = channel.log.settled(), tables(archive)
        ciwen("crawl", archive=archive, channel=channel)
    return Crawled(archive, log, first, tables(archive), summary)


def requested(log: list[Entry], part: str = "") -> list[str]:
    return [entry.url for entry in log if part in entry.url]


def small(*numbers: int) -> list[Article]:
    return [Article(number, f"第{number}篇") for number in numbers]


# --- What the bundled channel becomes -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_article_is_archived_as_expected(crawled: Crawled, name: str) -> None:
    expected = OWN[name].expected
    assert expected is not None
    (row,) = select(crawled.archive, "SELECT * FROM latest WHERE id = ?", expected["id"])
    (version,) = select(crawled.archive, "SELECT * FROM versions WHERE article_id = ?", expected["id"])
    images = "SELECT position, url, alt, caption FROM images WHERE article_id = ? ORDER BY position"
    found = row | version | {"images": select(crawled.archive, images, expected["id"])}
    for field in ("breadcrumb", "keywords"):
        found[field] = json.loads(found[field] or "[]")
    assert {field: found[field] for field in expected} == expected
    assert row["url"] == OWN[name].url
    assert row["image_count"] == len(expected["images"])
    assert json.loads(row["captions"]) == [image["caption"] for image in expected["images"]]
    assert (row["state"], row["version"]) == ("live", 1)


def test_the_known_article(crawled: Crawled) -> None:
    (row,) = select(crawled.archive, "SELECT * FROM latest WHERE id = ?", SEED)
    assert row["title"] == "景德镇陶瓷全球化再添新彩，伊斯坦布尔合作启航"
    assert row["published_at"] == "2025-06-04T16:35:12+08:00"
    assert (row["source"], row["editor"], row["author"]) == ("特稿", "杨俊康", None)
    assert row["image_count"] == 9
    assert [caption for caption in json.loads(row["captions"]) if caption] == [
        "伊兹尼克市长卡安·穆罕默德·乌斯塔",
        "土耳其国会议员、TBMM工业与技术委员会主席 穆斯塔法·瓦兰克",
        "中国驻伊斯坦布尔总领事魏晓东",
        "中共景德镇市委书记胡雪梅",
        "签约仪式",
        "胡雪梅书记与穆斯塔法·瓦兰克主席互赠伴手礼",
    ]
    lines = row["body"].split("\n")
    address = "Fenerbahçe mahallesi FenerKalamış caddesi OBA apt. No:14 / 19 no Kızıltoprak/Kadıköy/İstanbul"
    assert lines[-2:] == [
        address,
        "费内巴切区，费内尔卡拉马什大道，OBA公寓，14号/19号商铺，克泽尔托普拉克，卡德柯伊，伊斯坦布尔",
    ]
    assert lines[0].startswith("当地时间5月31日下午") and len(lines) == 10
    for boilerplate in ("分享", "链接已复制", "字体", "责任编辑", "返回顶部", "无障碍", "当前位置", "签约仪式\n"):
        assert boilerplate not in row["body"]


def test_nothing_else_is_an_article(crawled: Crawled) -> None:
    expected = {case.expected["id"] for case in OWN.values() if case.expected}
    assert {row["id"] for row in crawled.first["articles"]} == expected
    assert crawled.first["quarantine"] == []


def test_summary_says_what_was_archived(crawled: Crawled) -> None:
    assert f"{len(OWN)} new, 0 changed, 0 unchanged" in crawled.summary.out
    assert f"{len(LISTS)} pages read" in crawled.summary.out
    assets = sum(row["kind"] == "other" for row in crawled.first["captures"])
    assert f"\n  assets    {assets} fetched\n" in crawled.summary.out
    assert crawled.summary.err == ""


# --- What is asked of the server ------------------------------------------------------------------------------------


def test_each_address_is_asked_for_once(crawled: Crawled) -> None:
    assert {url: count for url, count in Counter(requested(crawled.log)).items() if count > 1} == {}


def test_each_list_page_is_asked_for(crawled: Crawled) -> None:
    lists = {url for url in requested(crawled.log) if url == HOME or "node_" in url}
    assert lists == set(LISTS)


def test_articles_asked_for_are_first_pages_and_their_further_pages(crawled: Crawled) -> None:
    pages = {case.url for case in OWN.values()}
    pages |= {cases()[further]["url"] for case in OWN.values() for further in case.pages}
    assert set(requested(crawled.log, ARTICLE_PAGE)) == pages
    assert [url for url in pages if "_0." in url] == []


def test_twins_are_not_asked_for(crawled: Crawled) -> None:
    twins = {case["url"] for case in cases().values() if case.get("twin_of") or case.get("whole")}
    assert twins.isdisjoint(requested(crawled.log))


def test_no_link_of_navigation_footer_or_related_boxes_is_followed(crawled: Crawled) -> None:
    assert requested(crawled.log, NO_TOUCH) == []
    furnished = "www.china.com.cn"
    assert {urlsplit(url).hostname for url in requested(crawled.log)} == {HOST, "images.china.cn", furnished}
    assert requested(crawled.log, furnished) == [
        f"http://{furnished}/robots.txt",
        f"http://{furnished}/player/video.js",
    ]


def test_each_image_is_asked_for(crawled: Crawled) -> None:
    images = {image["url"] for case in OWN.values() if case.expected for image in case.expected["images"]}
    fetched = {entry.url for entry in crawled.log if entry.response.split(b"\r\n\r\n")[0].find(b"image/") > 0}
    assert fetched - {row["url"] for row in crawled.first["captures"] if row["kind"] == "other"} == images


def test_each_stylesheet_and_script_is_asked_for(crawled: Crawled) -> None:
    of_telephones = "http://images.china.cn/images1/ch/2022m/css/detail.min.css"
    files = {url for url in bundled_pages() if url.endswith((".css", ".js"))}
    assert {url for url in requested(crawled.log) if url.endswith((".css", ".js"))} == files - {of_telephones}


def test_each_picture_that_pages_and_stylesheets_show_is_asked_for(crawled: Crawled) -> None:
    assets = {row["url"] for row in crawled.first["captures"] if row["kind"] == "other"}
    texts = [entry.url for entry in crawled.log if not entry.url.endswith((".png", ".jpg", ".gif", "robots.txt"))]
    shown = {
        urljoin(url, b"".join(name).decode()) for url in texts for name in SHOWN.findall(bundled_pages()[url].body)
    }
    shown = {url for url in shown if urlsplit(url).hostname in (HOST, "images.china.cn")}
    assert len(shown) > 40
    assert shown <= assets | {row["url"] for row in crawled.first["captures"] if row["kind"] == "image"}


def test_robots_come_before_anything_else_of_a_host(crawled: Crawled) -> None:
    first = {}
    for url in requested(crawled.log):
        first.setdefault(urlsplit(url).hostname, url)
    assert {urlsplit(url).path for url in first.values()} == {"/robots.txt"}


def test_user_agent_says_who_crawls_and_who_answers_for_it(crawled: Crawled) -> None:
    agent = f"User-Agent: Ciwen/{__version__} (news archive; +mailto:archive@example.org)\r\n".encode()
    assert all(agent in entry.request for entry in crawled.log)


# --- What the rows say of how it was fetched ------------------------------------------------------------------------


def test_captures_are_the_requests(crawled: Crawled) -> None:
    captures = {row["url"]: row for row in crawled.first["captures"]}
    assert sorted(captures) == sorted(requested(crawled.log))
    assert {url: row["status"] for url, row in captures.items()} == {entry.url: entry.status for entry in crawled.log}


def test_kinds(crawled: Crawled) -> None:
    kinds: dict[str, set[str]] = {}
    for row in crawled.first["captures"]:
        kinds.setdefault(row["kind"], set()).add(row["url"])
    assert kinds["robots"] == {f"http://{host}/robots.txt" for host in (HOST, "images.china.cn", "www.china.com.cn")}
    assert kinds["list"] == set(LISTS)
    assert kinds["article"] == set(requested(crawled.log, ARTICLE_PAGE))
    assert sum(map(len, kinds.values())) == len(crawled.log)
    assert sorted(kinds) == ["article", "image", "list", "other", "robots"]


def test_via_is_a_page_that_links_there(crawled: Crawled) -> None:
    captures = {row["url"]: row for row in crawled.first["captures"]}
    lists = {row["capture_id"]: row["list_url"] for row in crawled.first["listings"]}
    named: dict[str, set[str]] = {}
    for row in crawled.first["listings"]:
        named.setdefault(row["article_id"], set()).add(lists[row["capture_id"]])
    for case in OWN.values():
        assert case.expected is not None
        assert captures[case.url]["via"] in named[case.expected["id"]]
        assert {captures[cases()[name]["url"]]["via"] for name in case.pages} <= {case.url}
        for image in case.expected["images"]:
            assert captures[captures[image["url"]]["via"]]["article_id"] == case.expected["id"]
    assert captures[HOME]["via"] is None
    assert {captures[url]["via"] for url in LISTS if url != HOME} <= set(LISTS)
    for row in captures.values():
        if row["kind"] == "other":
            namer, name = bundled_pages()[row["via"]], row["url"].rpartition("/")[2]
            assert name.encode() in namer.body, f"{row['via']} names {name}"


def test_listings_are_the_lists(crawled: Crawled) -> None:
    for case in cases().values():
        if case["kind"] == "article":
            continue
        rows = [row for row in crawled.first["listings"] if row["list_url"] == case["url"]]
        assert [row["position"] for row in rows] == [*range(1, len(rows) + 1)]
        assert [row["title"] for row in rows] == [title for _, title in case["expected"]["links"]]


def test_version_names_its_pages(crawled: Crawled) -> None:
    query = """SELECT page, url FROM version_captures JOIN captures ON id = capture_id
        WHERE version_captures.article_id = ? ORDER BY page"""
    for case in OWN.values():
        assert case.expected is not None
        pages = [case.url, *(cases()[name]["url"] for name in case.pages)]
        assert select(crawled.archive, query, case.expected["id"]) == [
            {"page": number, "url": url} for number, url in enumerate(pages, 1)
        ]


def test_run_is_told_of(crawled: Crawled) -> None:
    (row,) = crawled.first["crawls"]
    assert (row["mode"], row["outcome"], row["exit_code"], row["channel"]) == ("crawl", "done", 0, "瓷闻天下")
    report = json.loads((crawled.archive / "runs" / f"{row['id']}.json").read_text("utf-8"))
    assert report["stats"] == json.loads(row["stats"])
    assert report["stats"]["exchanges"] == len(crawled.log)
    assert report["stats"]["received"] == sum(len(entry.response) for entry in crawled.log)


# --- Again, and nothing has changed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["versions", "images", "version_captures", "quarantine", "meta"])
def test_unchanged_channel_adds_nothing(crawled: Crawled, table: str) -> None:
    assert crawled.second[table] == crawled.first[table]


def test_unchanged_article_was_seen_again(crawled: Crawled) -> None:
    moved = dict.fromkeys(("last_captured_at", "looked_at"))
    before = [row | moved for row in crawled.first["articles"]]
    assert [row | moved for row in crawled.second["articles"]] == before
    newest = crawled.second["crawls"][-1]["started_at"]
    assert all(row[each] < newest for row in crawled.first["articles"] for each in moved)
    assert all(row[each] > newest for row in crawled.second["articles"] for each in moved)


def test_images_are_not_fetched_again(crawled: Crawled) -> None:
    images = [row for row in crawled.second["captures"] if row["kind"] == "image"]
    assert images == [row for row in crawled.first["captures"] if row["kind"] == "image"]


def test_assets_are_not_fetched_again_within_the_month(crawled: Crawled) -> None:
    assets = [row for row in crawled.second["captures"] if row["kind"] == "other"]
    assert assets == [row for row in crawled.first["captures"] if row["kind"] == "other"]


# --- What was not had is asked for again ----------------------------------------------------------------------------


class Again(NamedTuple):
    """A channel of one article with a picture for each way in which one is had or is not, crawled twice."""

    first: Counter[str]  # requests for pictures
    second: list[str]
    tables: dict[str, Rows]


def pic(name: str) -> str:
    return f"http://{HOST}/pic/{name}.jpg"


LONGEST = 100_000  # bytes that are taken of a page or a picture


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Again:
    names = ("whole", "broken", "lost", "long", "announced", "moved", "astray", "circling")
    article = Article(43000001, "八图", tuple(picture(f"/pic/{name}.jpg") for name in names))
    archive = tmp_path_factory.mktemp("again") / "archive"
    jpeg, too_long = b"\xff\xd8\xff\xe0" * 5_000, b"\xff\xd8\xff\xe0" * LONGEST
    pages = dict.fromkeys(map(pic, ("whole", "broken", "lost", "there")), jpeg)
    limit = ("-s", f"DOWNLOAD_MAXSIZE={LONGEST}")
    with Channel({article.url: article.page(), pic("announced"): too_long, **pages}) as channel:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
        channel.send(pic("long"), head + too_long, then_close=True)
        channel.break_off(pic("broken"), 700)
        channel.answer(pic("lost"), 503)
        for old, new in (("moved", "on"), ("on", "there"), ("astray", "nowhere"), ("circling", "round")):
            channel.redirect(pic(old), pic(new))
        channel.redirect(pic("round"), pic("circling"))
        ciwen("crawl", "--start", article.url, *limit, archive=archive, channel=channel)
        first = Counter(channel.requested("/pic/"))
        channel.restore(pic("broken"))
        channel.restore(pic("lost"))
        channel.log.clear()
        ciwen("crawl", "--start", article.url, *limit, archive=archive, channel=channel)
        return Again(first, channel.requested("/pic/"), tables(archive))


@pytest.mark.parametrize("name", ["broken", "lost", "astray", "circling"])
def test_picture_that_was_not_had_is_asked_for_again(again: Again, name: str) -> None:
    assert pic(name) in again.first
    assert pic(name) in again.second


@pytest.mark.parametrize("name", ["whole", "long", "announced", "moved", "on", "there"])
def test_picture_that_was_had_is_not(again: Again, name: str) -> None:
    """One too long would be cut at the same place again; where one was moved to does not matter."""
    assert again.first[pic(name)] == 1
    assert pic(name) not in again.second


def test_captures_say_what_was_cut_and_why(again: Again) -> None:
    cut = {(row["url"], row["truncated"]) for row in again.tables["captures"] if row["truncated"]}
    assert cut == {(pic("broken"), "disconnect"), (pic("long"), "length"), (pic("announced"), "length")}


# --- Credentials ----------------------------------------------------------------------------------------------------

SECRET = "c2VjcmV0"


def test_no_credentials_are_sent_kept_or_told(tmp_path: Path) -> None:
    """Links that hold a name and password are followed without them; redirects that do leave none behind."""
    linked, moved, refused = small(43000001, 43000002, 43000003)
    shown = replace(linked, paragraphs=(picture(f"http://me:{SECRET}@{HOST}/pic/1.jpg"), "一。"))

    def signed(url: str) -> str:
        return url.replace("://", f"://me:{SECRET}@")

    links = [(signed(linked.url), "一"), moved.link, refused.link]
    pages = {list_url(): list_page(links), linked.url: shown.page(), pic("1"): b"\xff\xd8"}
    target = moved.url.replace("2025-06/04", "2025-06/05")
    private = f"http://{HOST}/admin/content_43000003.html"
    robots = f"http://{HOST}/robots.txt"
    with Channel({**pages, target: moved.page(), robots: "User-agent: *\nDisallow: /admin/\n"}) as channel:
        channel.redirect(moved.url, signed(target))
        channel.redirect(refused.url, signed(private))
        archive = tmp_path / "archive"
        run = ciwen("crawl", "--start", list_url(), archive=archive, channel=channel)
        asked = Counter(channel.requested())
    assert asked[linked.url] == asked[pic("1")] == asked[robots] == 1
    assert asked[private] == 0
    urls = {row["url"] for row in tables(archive)["captures"]}
    assert {linked.url, pic("1")} <= urls
    assert counts(archive)["articles"] == 2
    stats = json.loads(tables(archive)["crawls"][0]["stats"])
    assert [each["reason"] for each in stats["failures"]] == [f"robots.txt of {HOST} disallows it"]
    assert SECRET not in run.out + run.err
    told = [path.read_text("utf-8") for path in archive.glob("runs/*")]
    assert told and not [text for text in told if SECRET in text]
    assert SECRET.encode() not in (archive / "ciwen.sqlite").read_bytes()
    heads = list(_heads(archive))
    assert not [head for head in heads if SECRET in head]
    assert sum(f"\r\nLocation: http://{'x' * len(f'me:{SECRET}')}@" in head for head in heads) == 2


def _heads(archive: Path) -> Iterator[str]:
    """Each record's header and the head of the message in it. What a page says is kept as it says it."""
    for path in (archive / "warc").iterdir():
        with path.open("rb") as file:
            for record in ArchiveIterator(file, no_record_parse=True):
                block = record.raw_stream.read().partition(b"\r\n\r\n")[0]
                yield f"{record.rec_headers}\r\n{block.decode('latin-1')}"


# --- Lists ----------------------------------------------------------------------------------------------------------


def test_however_an_article_is_linked_it_is_asked_for_once(tmp_path: Path) -> None:
    one, other, further = small(43000001, 43000002, 43000003)
    path = urlsplit(one.url).path
    spellings = [
        f"{one.url}#comments",
        f"{one.url}\n",
        f" {path} ",
        f"https://{HOST}{path}",
        f"http://www.{HOST}{path}",
        f"http://{HOST}/m{path}",
        f"http://big5.china.com.cn/gate/big5/{HOST}{path}",
        one.url.replace("_43000001", "_43000001_2"),
        one.url.replace("_43000001", "_43000001_0"),
        f"http://{HOST.upper()}{path}",
    ]
    # Of the second article and the third there are links to a twin and to a later page alone.
    links = [*((url, "一") for url in spellings), (other.url.replace(f"{HOST}/", f"{HOST}/m/"), "二")]
    links += [(further.url.replace(".html", "_2.html"), "三")]
    pages = {article.url: article.page() for article in (one, other, further)}
    with Channel({list_url(): list_page(links)} | pages) as channel:
        ciwen("crawl", "--start", list_url(), archive=tmp_path, channel=channel)
        assert sorted(channel.requested("content_")) == [one.url, other.url, further.url]
    assert counts(tmp_path)["articles"] == 3
    assert counts(tmp_path)["listings"] == 3


def test_lists_that_lead_in_circles_are_each_asked_for_once(tmp_path: Path) -> None:
    first, second, third = small(43000001, 43000002, 43000003)
    a, b = list_url(8010001), list_url(8010002)
    pages = {
        # A list that links to itself and to another, which links back; both name the page they are.
        a: list_page([(a, "本页"), (b, "乙"), first.link, (f"{a}#top", "顶")], 8010001),
        b: list_page([(a, "甲"), (b, "本页"), second.link, first.link, (list_url(8010002, 2), "二")], 8010002, 1, 2),
        list_url(8010002, 2): list_page([third.link, (a, "甲")], 8010002, 2, 2),
    }
    articles = {article.url: article.page() for article in (first, second, third)}
    with Channel(pages | articles) as channel:
        ciwen("crawl", "--start", a, archive=tmp_path, channel=channel)
        assert Counter(channel.requested()) == Counter([f"http://{HOST}/robots.txt", *pages, *articles])


def test_lists_of_lists_end_somewhere(tmp_path: Path) -> None:
    """Each list leads to one more, so only the depth ends the walk."""
    (article,) = small(43000001)
    nodes = [list_url(8010000 + number) for number in range(8)]
    lists = {url: list_page([(onward, "下一层"), article.link]) for url, onward in pairwise(nodes)}
    with Channel(lists | {article.url: article.page()}) as channel:
        ciwen("crawl", "--start", nodes[0], archive=tmp_path, channel=channel)
        assert channel.requested("node_") == nodes[:3]


def test_pages_that_only_later_pages_name(tmp_path: Path) -> None:
    """A pager that names the next page alone, and one page more at the very end."""
    (article,) = small(43000001)
    urls = [article.url, *(article.url.replace(".html", f"_{number}.html") for number in range(2, 6))]
    pages = {
        url: replace(article, paragraphs=(f"之{number}。", f'<center><a href="{onward}">下一页</a></center>')).page()
        for number, (url, onward) in enumerate(pairwise([*urls, urls[0]]), 1)
    }
    with Channel(pages) as channel:
        ciwen("crawl", "--start", article.url, archive=tmp_path, channel=channel)
        assert channel.requested("content_") == urls
    (row,) = select(tmp_path, "SELECT body FROM latest")
    assert row["body"] == "之1。\n之2。\n之3。\n之4。\n之5。"


# --- Options --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictured() -> Iterator[Channel]:
    """Six articles, each with a picture, on a list that the home page names."""
    articles = [
        Article(number, f"第{number}篇", (picture(f"/pic/2025-06/04/{number}.jpg"), "开窑。")) for number in PICTURED
    ]
    pictures = {f"http://{HOST}/pic/2025-06/04/{article.number}.jpg": b"\xff\xd8" for article in articles}
    with Channel({**channel_pages(articles), **pictures}) as channel:
        yield channel


def test_no_more_articles_than_wanted_and_no_images(pictured: Channel, tmp_path: Path) -> None:
    run = ciwen("crawl", "--max-articles", 2, "--no-images", archive=tmp_path, channel=pictured)
    assert sorted(pictured.requested("content_")) == [
        f"http://{HOST}/2025-06/04/content_43000001.html",
        f"http://{HOST}/2025-06/04/content_43000002.html",
    ]
    assert pictured.requested("/pic/") == []
    assert "--max-articles 2" in run.out
    assert counts(tmp_path)["images"] == 2


def test_start_pages_in_place_of_the_channels(pictured: Channel, tmp_path: Path) -> None:
    alone = Article(43000009, "不在列表上", host="www.example.cn")
    elsewhere = list_url(8010009, host="news.example.cn")
    pictured.pages[alone.url] = alone.page()
    pictured.pages[elsewhere] = list_page([alone.link], 8010009)
    run = ciwen("crawl", "--start", elsewhere, "--start", alone.url, archive=tmp_path, channel=pictured)
    assert pictured.requested(HOST) == []
    assert Counter(pictured.requested("node_")) == {elsewhere: 1}
    assert Counter(pictured.requested(alone.url)) == {alone.url: 1}
    assert "1 new" in run.out
    assert [row["url"] for row in tables(tmp_path)["articles"]] == [alone.url]


def test_dry_run_writes_nothing(pictured: Channel, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    run = ciwen("crawl", "--dry-run", archive=nowhere, channel=pictured, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []
    articles = small(*PICTURED)
    assert run.out.splitlines() == [f"new    {article.url}  {article.title}" for article in articles]
    assert pictured.requested("content_") == []
    assert len(pictured.requested("node_")) == 1


def test_dry_run_beside_an_archive(pictured: Channel, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    ciwen("crawl", "--max-articles", 1, archive=archive, channel=pictured)
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    run = ciwen("crawl", "--dry-run", "--json", archive=archive, channel=pictured)
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before
    told = json.loads(run.out)
    ids = [f"china.com.cn:{number}" for number in PICTURED]
    assert [(each["id"], each["known"]) for each in told] == [(ids[0], True), *((each, False) for each in ids[1:])]


# --- As any Scrapy project ------------------------------------------------------------------------------------------


def test_scrapy_crawl_archives_the_same_and_exports_articles(pictured: Channel, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    pace = ("-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "CIWEN_LOOK_AGAIN=always")
    feed = tmp_path / "articles.jsonl"
    exported = []
    # Where the archive lies is said by the environment, and what the command line says wins.
    elsewhere = {"CIWEN_ARCHIVE": str(tmp_path / "elsewhere")}
    places = [((), {"CIWEN_ARCHIVE": str(archive)}), (("-s", f"CIWEN_ARCHIVE={archive}"), elsewhere)]
    for words, (place, env) in zip(("窑工", "匠人"), places, strict=True):
        pictured.edit(Article(43000003, "").url, "第43000003篇", f"{words}第43000003篇")
        scrapy("crawl", "ciwen", "-O", feed, *pace, *place, channel=pictured, env=env)
        exported.append(sorted(map(json.loads, feed.read_text("utf-8").splitlines()), key=lambda item: item["id"]))
    ids = [f"china.com.cn:{number}" for number in PICTURED]
    assert [[item["id"] for item in items] for items in exported] == [ids, ids]
    assert [item["verdict"] for item in exported[0]] == ["new"] * 6
    assert [item["verdict"] for item in exported[1]] == ["same", "same", "changed", "same", "same", "same"]
    first: dict[str, Any] = exported[0][0]
    assert (first["title"], first["body"]) == ("第43000001篇", "开窑。")
    assert [image["url"] for image in first["images"]] == [f"http://{HOST}/pic/2025-06/04/43000001.jpg"]
    told = counts(archive)
    assert (told["articles"], told["versions"], told["crawls"]) == (6, 7, 2)
    assert not (tmp_path / "elsewhere").exists()


def test_scrapy_fetch_prints_a_page_and_archives_nothing(pictured: Channel, tmp_path: Path) -> None:
    url = Article(43000003, "").url
    page = pictured.pages[url].body.decode()
    fetched = scrapy("fetch", "--nolog", url, channel=pictured, env={"CIWEN_ARCHIVE": str(tmp_path / "archive")})
    assert (fetched.out, fetched.err) == (page.replace("\r\n", "\n") + "\n", "")
    assert pictured.requested() == [f"http://{HOST}/robots.txt", url]
    assert not list(tmp_path.iterdir())


# --- Politeness -----------------------------------------------------------------------------------------------------


def test_defaults_are_polite() -> None:
    assert settings.CONCURRENT_REQUESTS_PER_DOMAIN == 1
    assert settings.DOWNLOAD_DELAY == 1
    assert settings.AUTOTHROTTLE_ENABLED is True
    assert settings.ROBOTSTXT_OBEY is True
    assert not hasattr(settings, "RANDOMIZE_DOWNLOAD_DELAY"), "Scrapy's default is jitter of a half"


def test_one_request_at_a_time_to_a_host(tmp_path: Path) -> None:
    """While one host sits on its first article another is crawled to its end, and nothing more comes to the first."""
    held, free = "held.example.cn", "free.example.cn"
    articles = {host: [Article(43000000 + number, "窑", host=host) for number in range(4)] for host in (held, free)}
    lists = {list_url(host=host): list_page([article.link for article in articles[host]]) for host in (held, free)}
    pages = {article.url: article.page() for both in articles.values() for article in both}
    starts = [argument for url in lists for argument in ("--start", url)]
    with Channel(lists | pages) as channel:
        holds = [channel.hold(article.url) for article in articles[held]]
        with started("crawl", *starts, archive=tmp_path, channel=channel, pace=ONE_AT_A_TIME) as process:
            channel.log.wait_for(
                lambda log: len(requested(log, f"{free}/2025")) == 4 and bool(requested(log, f"{held}/2025")), PATIENCE
            )
            assert len(channel.requested(f"{held}/2025")) == 1
            for hold in holds:
                hold.release()
            ended(process)
        assert len(channel.requested(f"{held}/2025")) == 4


def test_project_is_an_ordinary_scrapy_project() -> None:
    assert {"ciwen", "replay"} <= set(scrapy("list").out.split())
    assert (ROOT / "scrapy.cfg").exists()
