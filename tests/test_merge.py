"""Pages into an article, and what keeps one from being stored."""

import dataclasses

import pytest

from ciwen_crawler.items import Article, ArticlePage, Image
from ciwen_crawler.pages import merge, missing, read_article
from tests.cases import article_of, html, page_of
from tests.markup import Markup

FIRST = "http://ci.china.com.cn/2025-06/04/content_1.html"
PICTURE = '<p style="text-align:center"><img src="/pic/a.jpg"></p>'


def body(markup: str, number: int = 1, head: str = "") -> tuple[str, ArticlePage]:
    url = FIRST if number == 1 else FIRST.replace(".html", f"_{number}.html")
    return url, read_article(html(f"{head}<!--enpcontent-->{markup}<!--/enpcontent-->", url))


def merged(*pages: tuple[str, ArticlePage]) -> Article:
    captures = [html("", url) for url, _ in pages]
    looks = [
        dataclasses.replace(capture, id=f"capture {position}", channel="瓷闻天下", crawl_id="crawl")
        for position, capture in enumerate(captures, 1)
    ]
    return merge(looks, [page for _, page in pages])


def test_pages_are_joined_in_their_order() -> None:
    article = merged(body("<p>三</p>", 3), body("<p>一</p>"), body("<p>二</p>", 2))
    assert (article.body, article.body_html) == ("一\n二\n三", "<p>一</p><p>二</p><p>三</p>")
    assert (article.captures, article.pages) == (("capture 2", "capture 3", "capture 1"), (1, 2, 3))
    assert (article.id, article.url) == ("china.com.cn:1", FIRST)


def test_the_whole_on_one_page_counts_only_alone() -> None:
    whole = body("<p>一</p><p>二</p>", 0)
    assert merged(whole).body == "一\n二"
    assert merged(whole, body("<p>二</p>", 2), body("<p>一</p>")).pages == (1, 2)


def test_what_the_first_page_lacks_comes_from_the_next() -> None:
    head = '<div class="content"><h1>题</h1><div class="inform"><p>来源：特稿</p></div></div>'
    article = merged(body("<p>一</p>"), body("<p>二</p>", 2, head))
    assert (article.title, article.source) == ("题", "特稿")
    assert article.evidence["source"] == "page 2: .inform p"


def test_a_title_repeated_on_a_further_page_is_no_text() -> None:
    head = '<div class="content"><h1>题</h1></div>'
    assert merged(body("<p>题</p><p>一</p>", 1, head), body("<p>题</p><p>二</p>", 2, head)).body == "题\n一\n二"


def test_a_caption_goes_back_across_the_page_break() -> None:
    second = body('<p style="text-align:center">签约 & 仪式</p><p>二</p>', 2)
    article = merged(body("<p>一</p>" + PICTURE), second)
    assert article.body == "一\n二"
    assert [image.caption for image in article.images] == ["签约 & 仪式"]
    assert article.body_html == (
        '<p>一</p><figure><img src="http://ci.china.com.cn/pic/a.jpg"><figcaption>签约 &amp; 仪式</figcaption></figure>'
        "<p>二</p>"
    )


def test_a_caption_goes_back_to_a_picture_within_a_paragraph() -> None:
    article = merged(body('<p>一<img src="/pic/a.jpg"></p>'), body("<center>签约仪式</center>", 2))
    assert Markup(article.body_html or "").faults == []
    assert (article.body, [image.caption for image in article.images]) == ("一", ["签约仪式"])


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("<p>一</p>", id="no picture"),
        pytest.param(PICTURE + "<p>一</p>", id="text after the picture"),
        pytest.param(PICTURE + '<p style="text-align:center">别的说明</p>', id="a caption already"),
    ],
)
def test_what_only_looks_like_a_caption_stays_text(first: str) -> None:
    article = merged(body(first), body('<p style="text-align:center">签约仪式</p><p>二</p>', 2))
    assert (article.body or "").split("\n")[-2:] == ["签约仪式", "二"]
    assert Markup(article.body_html or "").text.endswith("签约仪式二")


def test_the_channel_is_the_crumbs_else_the_crawls() -> None:
    crumb = '<div class="local">当前位置：<a href="/">首页</a> - <a href="/node_1.html">产区</a></div>'
    assert merged(body("<p>一</p>", head=crumb)).channel == "产区"
    assert merged(body("<p>一</p>")).channel == "瓷闻天下"


def test_a_look_leaves_its_marks() -> None:
    article = merged(body("<p>一</p>"))
    assert (article.captured_at, article.captured_url, article.crawl_id) == ("2026-01-10T00:00:00Z", FIRST, "crawl")


# What is not stored


def seed(**changes: object) -> Article:
    return dataclasses.replace(article_of("seed"), **changes)


@pytest.mark.parametrize(
    ("article", "reasons"),
    [
        (seed(), ()),
        (seed(title=None), ("title: absent",)),
        (seed(body=None, images=(), body_html=None), ("body: absent",)),
        (seed(body=None, body_html="<p></p>", images=(Image("http://a/b.jpg", None, None),)), ()),
        (seed(body=None, body_html='<video src="http://a/b.mp4"></video>', images=()), ()),
        (seed(published_at=None), ("published_at: absent",)),
        (seed(published_at="soon"), ("published_at: soon is no date",)),
        (
            seed(published_at="1970-01-01T08:00:00+08:00"),
            ("published_at: 1970-01-01T08:00:00+08:00 is before 1994",),
        ),
        (
            seed(published_at="2025-06-07T00:00:00+08:00"),
            ("published_at: 2025-06-07T00:00:00+08:00 is after the capture of 2025-06-05T01:00:00Z",),
        ),
        # Clocks differ, and a page may be dated on the morrow.
        (seed(published_at="2025-06-05T20:00:00+08:00"), ()),
        (seed(title=None, published_at=None), ("title: absent", "published_at: absent")),
    ],
)
def test_missing(article: Article, reasons: tuple[str, ...]) -> None:
    assert missing(article) == reasons


def test_a_further_page_alone_keeps_its_number() -> None:
    assert page_of("old_pager_3").number == 3
    assert page_of("old_pager_3").loose_caption == "夜色中的龙窑投柴孔"
