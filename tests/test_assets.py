"""What pages need to be seen as they were: what HTML and CSS name, and what a crawl makes of it."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ciwen_crawler import pages
from ciwen_crawler.capture import Capture
from ciwen_crawler.identity import host_of
from ciwen_crawler.pages.assets import FONT, IMAGE, MOST, SCRIPT, STYLE, assets
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.memory import Memory
from fixtures.markup import Article, list_page, list_url
from fixtures.page import Page
from fixtures.server import Channel
from tests.database import select, tables
from tests.program import ciwen

HERE = "http://ci.china.com.cn/2025-06/04/content_43000001.html"
STYLES = "http://images.china.cn/css/"


def page(html: str | bytes, url: str = HERE, content_type: str = "text/html") -> Capture:
    body = html.encode() if isinstance(html, str) else html
    return Capture("", url, "", 200, (("Content-Type", content_type),), body)


def sheet(css: str | bytes, content_type: str = "text/css") -> Capture:
    return page(css, STYLES + "a.css", content_type)


def named(capture: Capture, use: str | None = None) -> list[tuple[str, str]]:
    return [
        (asset.url.removeprefix(STYLES).removeprefix("http://ci.china.com.cn"), asset.use)
        for asset in assets(capture, use)
    ]


# --- HTML -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<link rel="stylesheet" href="/a.css">', [("/a.css", STYLE)]),
        ('<LINK REL="Alternate StyleSheet" HREF=/b.css>', [("/b.css", STYLE)]),
        ('<link rel="shortcut icon" href="/favicon.ico">', [("/favicon.ico", IMAGE)]),
        ('<link rel="apple-touch-icon" href="/i.png">', [("/i.png", IMAGE)]),
        ('<link rel=preload as=style href="/a.css">', [("/a.css", STYLE)]),
        ('<link rel=preload as=script href="/a.js">', [("/a.js", SCRIPT)]),
        ('<link rel=preload as=font href="/a.woff2" crossorigin>', [("/a.woff2", FONT)]),
        ('<link rel=preload as=image imagesrcset="/a.png 1x, /b.png 2x">', [("/a.png", IMAGE), ("/b.png", IMAGE)]),
        ('<link rel=preload as=fetch href="/a.json">', []),
        ('<link rel="canonical" href="/c.html"><link rel="alternate" href="/rss.xml">', []),
        ('<script src="/a.js"></script><script>var src="/b.js"</script>', [("/a.js", SCRIPT)]),
        ('<img src="/a.png">', [("/a.png", IMAGE)]),
        ('<img src="/blank.gif" data-src="/b.png">', [("/blank.gif", IMAGE), ("/b.png", IMAGE)]),
        ('<img src="/blank.gif" data-original="/b.png">', [("/blank.gif", IMAGE), ("/b.png", IMAGE)]),
        (
            '<img srcset="/a.png 1x,/b.png 2x , /c,d.png 480w">',
            [("/a.png", IMAGE), ("/b.png", IMAGE), ("/c,d.png", IMAGE)],
        ),
        ('<img srcset="/a.png, /b.png">', [("/a.png", IMAGE), ("/b.png", IMAGE)]),
        ('<picture><source srcset="/a.webp"><img src="/a.png"></picture>', [("/a.webp", IMAGE), ("/a.png", IMAGE)]),
        ('<video src="/film.mp4" poster="/p.jpg"><source src="/film.webm"></video>', [("/p.jpg", IMAGE)]),
        ('<input type=IMAGE src="/go.png"><input type=text src="/no.png">', [("/go.png", IMAGE)]),
        ('<body background="/b.gif"><table><tr><td background="/t.gif">', [("/b.gif", IMAGE), ("/t.gif", IMAGE)]),
        ('<svg><image xlink:href="/a.png"/><image href="/b.png"/></svg>', [("/a.png", IMAGE), ("/b.png", IMAGE)]),
        ('<svg><use href="/sprite.svg#house"/><use href="#here"/></svg>', [("/sprite.svg", IMAGE)]),
        ("<p style=\"background: url('/a.png')\">", [("/a.png", IMAGE)]),
        ('<p style="background:url(/a.png),URL( /b.png )">', [("/a.png", IMAGE), ("/b.png", IMAGE)]),
        ('<style>@import "/i.css"; p{background:url(/a.png)}</style>', [("/i.css", STYLE), ("/a.png", IMAGE)]),
        ("<style>@font-face{src:url(/f.woff2)} p{fill:url(#g)}</style>", [("/f.woff2", FONT)]),
        ('<noscript><img src="/n.png"></noscript>', [("/n.png", IMAGE)]),
        ('<!--[if IE]><link rel="stylesheet" href="/ie.css"><![endif]-->', []),
        ('<a href="/a.png"></a><iframe src="/f.html"></iframe>', []),
    ],
)
def test_what_a_page_names(html: str, expected: list[tuple[str, str]]) -> None:
    assert named(page(f"<!DOCTYPE html>{html}")) == expected


@pytest.mark.parametrize(
    "src", ["", " ", "#top", "data:image/png;base64,AA==", "javascript:void(0)", "about:blank", "ftp://a.cn/b"]
)
def test_what_nobody_can_be_asked_for_is_left_out(src: str) -> None:
    assert named(page(f'<img src="{src}"><script src="{src}"></script><p style="background:url({src})">')) == []


def test_addresses_are_in_page_order_and_each_once() -> None:
    html = '<img src="/2.png"><img src="/1.png#x"><p style="background:url(/3.png)"><img src="../04/../../1.png">'
    assert named(page(html)) == [("/2.png", IMAGE), ("/1.png", IMAGE), ("/3.png", IMAGE)]


def test_base_is_honoured_and_host_may_be_another() -> None:
    html = f'<base href="{STYLES}x/"><img src="a.png"><link rel=stylesheet href="//cdn.example.com/b.css">'
    assert named(page(html)) == [("x/a.png", IMAGE), ("http://cdn.example.com/b.css", STYLE)]


def test_page_is_read_in_its_charset() -> None:
    html = '<meta charset="gb2312"><img src="/图/瓷.png">'
    assert named(page(html.encode("gb18030"))) == [("/图/瓷.png", IMAGE)]


def test_so_many_and_no_more() -> None:
    html = "".join(f'<img src="/{number}.png">' for number in range(MOST + 100))
    assert len(assets(page(html))) == MOST
    assert len(assets(page(f'<img srcset="{", ".join(f"/{number}.png 1x" for number in range(MOST + 100))}">'))) == MOST
    assert len(assets(sheet("".join(f"a{{b:url({number}.png)}}" for number in range(MOST + 100))))) == MOST


@pytest.mark.parametrize("content_type", ["image/png", "application/javascript", "text/plain"])
def test_nothing_else_is_a_page(content_type: str) -> None:
    assert named(page('<img src="/a.png">', content_type=content_type)) == []


def test_page_that_is_not_whole_names_nothing() -> None:
    assert assets(Capture("", HERE, "", 404, (("Content-Type", "text/html"),), b'<img src="/a.png">')) == ()
    assert assets(Capture("", STYLES, "", 404, (("Content-Type", "text/css"),), b"a{b:url(/a.png)}")) == ()


# --- CSS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (
            '@import "b.css"; @import url(c.css) screen; @import url("d.css");',
            [("b.css", STYLE), ("c.css", STYLE), ("d.css", STYLE)],
        ),
        (
            "a{background:url(a.png) , url( 'b.png' ),url(\"c.png\")}",
            [("a.png", IMAGE), ("b.png", IMAGE), ("c.png", IMAGE)],
        ),
        (
            "@font-face{font-family:x;src:url(f.woff2) format('woff2'),url(f.woff)}",
            [("f.woff2", FONT), ("f.woff", FONT)],
        ),
        ("@media print{@supports (x:y){a{background:url(a.png)}}}", [("a.png", IMAGE)]),
        ("a{background:image-set('a.png' 1x, url(b.png) 2x)}", [("a.png", IMAGE), ("b.png", IMAGE)]),
        ("a{background:-webkit-image-set(url(b.png) 2x)}", [("b.png", IMAGE)]),
        ("a{b:\\75rl(a.png);c:url(d\\.png)}", [("a.png", IMAGE), ("d.png", IMAGE)]),
        ("/* url(no.png) */ a{content:'url(no.png)';b:counter(c,'no.png')}", []),
        ('@namespace svg url(http://www.w3.org/2000/svg);@charset "utf-8";', []),
        ("a{b:url(data:image/png;base64,AA==);c:url(#g);d:url()}", []),
        ("a{b:url(a.png)", [("a.png", IMAGE)]),
        ("}}a{b:url(un'balanced.png)} c{d:url(a.png)}", [("a.png", IMAGE)]),
    ],
)
def test_what_a_stylesheet_names(css: str, expected: list[tuple[str, str]]) -> None:
    assert named(sheet(css)) == expected


def test_stylesheet_is_what_was_asked_for_as_one() -> None:
    """Servers send them as text/plain, or say nothing at all."""
    for content_type in ("text/plain", "", "application/octet-stream"):
        assert named(sheet("a{b:url(a.png)}", content_type)) == []
        assert named(sheet("a{b:url(a.png)}", content_type), STYLE) == [("a.png", IMAGE)]
    assert named(sheet("a{b:url(a.png)}"), IMAGE) == []


@pytest.mark.parametrize(
    ("css", "content_type"),
    [
        ("a{b:url(瓷.png)}".encode(), "text/css"),
        (b"\xef\xbb\xbf" + "a{b:url(瓷.png)}".encode(), "text/css; charset=gbk"),
        ("a{b:url(瓷.png)}".encode("gbk"), "text/css; charset=gb2312"),
        ('@charset "gbk";a{b:url(瓷.png)}'.encode("gbk"), "text/css"),
        (b"\xff\xfe" + "a{b:url(瓷.png)}".encode("utf-16-le"), "text/css"),
        ("a{b:url(瓷.png)}".encode(), "text/css; charset=nobody-knows"),
    ],
)
def test_stylesheet_is_read_in_its_charset(css: bytes, content_type: str) -> None:
    assert named(sheet(css, content_type)) == [("瓷.png", IMAGE)]


def test_deep_nesting_is_no_fault() -> None:
    assert named(sheet("a{b:" + "f(" * 20_000 + "url(a.png)")) == [("a.png", IMAGE)]
    assert named(page("<div>" * 20_000 + '<img src="/a.png">'))[:1] in ([], [("/a.png", IMAGE)])


# --- Any bytes ------------------------------------------------------------------------------------------------------

CSS_PIECES = st.sampled_from(
    '@import url( ) " \' { } ; : a.png \\ \\75 /* */ @charset "x"; image-set( src( U+ <!-- --> # % 1e9 @font-face ['
    " http://[ //a:b@c:99999/ ".split(" ")
)
HTML_PIECES = st.sampled_from(
    "<img <link <style> </style> <base <svg> <image <use src= href= srcset= rel=stylesheet style= url( > \" ' , 1x"
    " http://[ //[x /a.png \0 \ud7ff &#0; &#xD800; background=".split(" ")
)


@given(st.lists(CSS_PIECES).map(lambda pieces: " ".join(pieces).encode()) | st.binary())
@example(b"a{width:" + b"1" * 5000 + b"px;b:url(a.png)}")
@example(b'@charset "utf-16";a{b:url(a.png)}')
def test_no_stylesheet_makes_it_fail(css: bytes) -> None:
    for found in (assets(sheet(css)), assets(page(b"<style>" + css + b'</style><p style="' + css + b'">'))):
        assert all(host_of(asset.url) and "#" not in asset.url for asset in found)


@given(st.lists(HTML_PIECES).map(lambda pieces: " ".join(pieces).encode("utf-8", "replace")) | st.binary())
@example(b'<img src="http://[::1">')
@example(b'<img srcset=",,, ,  ,a.png,,">')
def test_no_page_makes_it_fail(html: bytes) -> None:
    assert all(host_of(asset.url) and "#" not in asset.url for asset in assets(page(html)))


def test_assets_decide_no_row() -> None:
    """So a better reading of them derives no archive anew: no module that makes rows may read them."""
    folder = Path(pages.__file__).parent
    others = [path for path in folder.glob("*.py") if path.name not in pages._GIVE_NO_ROWS]
    assert {path.name for path in folder.glob("*.py")} >= pages._GIVE_NO_ROWS
    names = [f"pages.{name.removesuffix('.py')}" for name in pages._GIVE_NO_ROWS]
    assert not [path for path in others for name in names if name in path.read_text("utf-8")]


# --- A crawl --------------------------------------------------------------------------------------------------------

HOST = "http://ci.china.com.cn/"
IMAGES = "http://images.china.cn/"
ARTICLE = Article(43000001, "一篇", ('<p><img src="/pic/body.jpg"/></p>', "一。"))
HEAD = f"""<link rel="stylesheet" href="{IMAGES}a.css"><link rel="stylesheet" href="{IMAGES}plain">
<script src="/a.js"></script><script src="http://www.china.com.cn/b.js"></script>
<script src="http://cdn.example.com/c.js"></script><link rel="icon" href="/search/private.png">"""
DEEP = 8


def furnished(html: str) -> str:
    return html.replace("<title>", f"{HEAD}<title>", 1)


def site() -> dict[str, Page | bytes | str]:
    """A list and an article that share their head, and stylesheets that lead on to each other."""
    return {
        list_url(): furnished(list_page([ARTICLE.link])),
        ARTICLE.url: furnished(ARTICLE.page()),
        f"{HOST}robots.txt": "User-agent: *\nDisallow: /search/\n",
        f"{HOST}pic/body.jpg": b"\xff\xd8 body",
        f"{HOST}a.js": "1",
        "http://www.china.com.cn/b.js": "2",
        f"{IMAGES}a.css": '@import "1.css"; a{background:url(bg.png)} b{background:url(lost.png)}',
        f"{IMAGES}plain": Page(b"a{background:url(plain.png)}", "text/plain"),
        f"{IMAGES}bg.png": b"\x89PNG bg",
        f"{IMAGES}plain.png": b"\x89PNG plain",
        **{f"{IMAGES}{n}.css": f'@import "{n + 1}.css"; @import "a.css"; /* {n} */' for n in range(1, DEEP + 1)},
    }


WANTED = {f"{HOST}a.js", "http://www.china.com.cn/b.js", f"{IMAGES}a.css", f"{IMAGES}plain"}
NESTED = {f"{IMAGES}{n}.css" for n in range(1, 6)}
SHOWN = {f"{IMAGES}bg.png", f"{IMAGES}plain.png", f"{IMAGES}lost.png"}


@pytest.fixture
def channel() -> Iterator[Channel]:
    with Channel(site()) as running:
        yield running


def crawl(channel: Channel, archive: Path, *arguments: object) -> dict[str, int]:
    """What a crawl from the list asks for beside robots.txt, list and article: how often each."""
    channel.log.clear()
    ciwen("crawl", "--start", list_url(), *arguments, archive=archive, channel=channel)
    pages = {list_url(), ARTICLE.url}
    return Counter(url for url in channel.requested() if url not in pages and not url.endswith("robots.txt"))


def stats(archive: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(tables(archive)["crawls"][-1]["stats"])
    return told


def test_assets_are_asked_for_each_once_within_the_bounds(channel: Channel, tmp_path: Path) -> None:
    """Not those of other hosts, nor those that robots.txt disallows, nor stylesheets nested without an end."""
    assert crawl(channel, tmp_path) == Counter([*WANTED, *NESTED, *SHOWN, f"{HOST}pic/body.jpg"])
    rows = {row["url"]: row for row in tables(tmp_path)["captures"]}
    assert {url for url, row in rows.items() if row["kind"] == "other"} == WANTED | NESTED | SHOWN
    assert rows[f"{HOST}pic/body.jpg"]["kind"] == "image"
    assert {rows[url]["via"] for url in WANTED} == {list_url()}
    assert {rows[url]["via"] for url in (f"{IMAGES}1.css", f"{IMAGES}bg.png")} == {f"{IMAGES}a.css"}
    assert rows[f"{IMAGES}2.css"]["via"] == f"{IMAGES}1.css"


def test_assets_are_counted_apart(channel: Channel, tmp_path: Path) -> None:
    crawl(channel, tmp_path)
    told = stats(tmp_path)
    had = len(WANTED | NESTED | SHOWN) - 1
    assert (told["asked"], told["assets"], told["assets_failed"]) == (3, had, 2)
    assert not {"failed", "failures", "disallowed"} & told.keys()
    failures = {each.pop("url"): each for each in told["asset_failures"]}  # type: ignore[attr-defined]
    (attempt,) = failures[f"{IMAGES}lost.png"].pop("attempts")
    assert attempt["status"] == 404
    assert failures == {
        f"{IMAGES}lost.png": {"reason": "status 404"},
        f"{HOST}search/private.png": {"reason": "robots.txt of ci.china.com.cn disallows it"},
    }


def test_run_whose_assets_all_fail_is_healthy(channel: Channel, tmp_path: Path) -> None:
    for host in ("images.china.cn", "www.china.com.cn"):
        channel.answer(f"http://{host}/robots.txt", 403)
    for url in WANTED:
        channel.answer(url, 403)
    ended = ciwen("crawl", "--start", list_url(), archive=tmp_path, channel=channel)
    assert "\n  assets    0 fetched, 5 could not be had\n" in ended.out


def test_no_asset_is_asked_for_twice_in_a_month_had_or_not(channel: Channel, tmp_path: Path) -> None:
    channel.break_off(f"{IMAGES}bg.png", 0)
    crawl(channel, tmp_path)
    assert crawl(channel, tmp_path) == {}


# Of runs that were taken in from elsewhere: what the report holds, and what it holds where ours tells of assets.
REPORTS: list[object] = [None, 1, "asset_failures", [], ["asset_failures"], {}]
TOLD: list[object] = [None, 7, "http://a.cn/", {"url": "http://a.cn/"}, [], [[]], [None], ["http://a.cn/"], [{}]]
TOLD += [[{"url": None}], [{"url": []}], [{"url": {}}]]


def test_report_may_tell_of_assets_in_any_shape(channel: Channel, tmp_path: Path) -> None:
    ciwen("crawl", "--start", list_url(), "--no-assets", archive=tmp_path, channel=channel)
    with closing(Database(tmp_path / "ciwen.sqlite", read_only=True)) as held:
        memory = Memory(held, tmp_path / "warc")
        for report in REPORTS + [{"asset_failures": told} for told in TOLD]:
            with closing(sqlite3.connect(tmp_path / "ciwen.sqlite")) as database, database:
                database.execute("UPDATE crawls SET stats = ?", (json.dumps(report),))
            assert memory.failed_assets("") == set(), report


def test_picture_that_a_list_shows_before_its_article_is_asked_for_once(channel: Channel, tmp_path: Path) -> None:
    channel.pages[list_url()] = list_page([ARTICLE.link]).replace("</body>", '<img src="/pic/body.jpg"></body>')
    assert crawl(channel, tmp_path)[f"{HOST}pic/body.jpg"] == 1
    assert crawl(channel, tmp_path, "--full")[f"{HOST}pic/body.jpg"] == 0


def test_asset_that_leads_to_another_host_is_not_followed_there(channel: Channel, tmp_path: Path) -> None:
    channel.redirect(f"{HOST}a.js", f"{IMAGES}moved.js")
    channel.redirect(f"{IMAGES}bg.png", "http://cdn.example.com/bg.png")
    channel.pages[f"{IMAGES}moved.js"] = "3"
    channel.pages["http://cdn.example.com/bg.png"] = b"\x89PNG elsewhere"
    asked = crawl(channel, tmp_path)
    assert (asked[f"{IMAGES}moved.js"], asked["http://cdn.example.com/bg.png"]) == (1, 0)
    assert not channel.requested("cdn.example.com")
    assert stats(tmp_path)["off_hosts"] == {"count": 1, "urls": ["http://cdn.example.com/bg.png"]}


def test_no_assets(channel: Channel, tmp_path: Path) -> None:
    assert crawl(channel, tmp_path, "--no-assets") == {f"{HOST}pic/body.jpg": 1}


def test_without_images_stylesheets_and_scripts_alone(channel: Channel, tmp_path: Path) -> None:
    assert crawl(channel, tmp_path, "--no-images") == Counter([*WANTED, *NESTED])


def test_what_a_stylesheet_names_is_asked_for_though_the_stylesheet_rests(channel: Channel, tmp_path: Path) -> None:
    crawl(channel, tmp_path, "--no-images")
    assert crawl(channel, tmp_path) == Counter([*SHOWN, f"{HOST}pic/body.jpg"])


def test_page_that_has_not_changed_names_its_assets_too(channel: Channel, tmp_path: Path) -> None:
    crawl(channel, tmp_path, "--no-assets")
    asked = crawl(channel, tmp_path)
    assert asked == Counter([*WANTED, *NESTED, *SHOWN])
    query = "SELECT status FROM captures WHERE url = ? ORDER BY fetched_at"
    assert [row["status"] for row in select(tmp_path, query, ARTICLE.url)] == [200, 304]


def test_asset_that_was_had_more_than_a_month_ago_is_asked_for_again(channel: Channel, tmp_path: Path) -> None:
    """They come out of a WARC file of somebody else's."""
    now = datetime.now(UTC)
    moments = {f"{HOST}a.js": now - timedelta(days=40), "http://www.china.com.cn/b.js": now - timedelta(days=20)}
    with (tmp_path / "others.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for url, moment in moments.items():
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/javascript")], protocol="HTTP/1.1")
            date = {"WARC-Date": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
            writer.write_record(
                writer.create_warc_record(url, "response", BytesIO(b"0"), http_headers=headers, warc_headers_dict=date)
            )
    ciwen("replay", tmp_path / "others.warc.gz", archive=tmp_path / "archive")
    asked = crawl(channel, tmp_path / "archive")
    assert [asked[url] for url in moments] == [1, 0]


def test_scope_of_assets_is_the_channels_own(tmp_path: Path) -> None:
    """A channel that names no other hosts has its assets from its own alone."""
    (tmp_path / "ciwen").mkdir()
    table = f'[mine]\nname = "我的"\nstart = ["{list_url()}"]\nhosts = ["ci.china.com.cn"]\n'
    own = {"XDG_CONFIG_HOME": str(tmp_path)}
    for assets_line, expected in (("", 0), ('assets = ["IMAGES.China.cn"]\n', 1)):
        (tmp_path / "ciwen" / "channels.toml").write_text(table + assets_line, "utf-8")
        with Channel(site()) as channel:
            ciwen("crawl", "mine", archive=tmp_path / f"archive{expected}", channel=channel, env=own)
            asked = Counter(channel.requested())
        assert (asked[f"{HOST}a.js"], asked[f"{IMAGES}a.css"]) == (1, expected)
        assert asked["http://www.china.com.cn/b.js"] == 0
