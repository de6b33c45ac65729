"""Channels of one's own are read as the bundled one is."""

import pytest

from ciwen_crawler.capture import Capture
from ciwen_crawler.pages import read_article, read_listing
from fixtures.markup import Article, channel_pages, home_page, list_page, list_url, picture
from fixtures.site import HOME, pictures

ARTICLE = Article(
    43500001,
    "窑火“再”起 <记> & 思",
    ("第一段<b>粗</b>体。", picture("/pic/2026-03/01/a.jpg", "一只碗"), "第二段。"),
    day="2026-03-01",
    time="07:08:09",
    source="某报&某网",
    editor="甲乙",
    keywords="碗,窑",
    extension="shtml",
)


def capture(url: str, html: str) -> Capture:
    return Capture("", url, "", 200, (), html.encode())


def test_an_article_reads_as_it_was_written() -> None:
    page = read_article(capture(ARTICLE.url, ARTICLE.page()))
    assert (ARTICLE.url, page.url) == ("http://ci.china.com.cn/2026-03/01/content_43500001.shtml",) * 2
    assert (page.title, page.source, page.editor) == (ARTICLE.title, ARTICLE.source, ARTICLE.editor)
    assert page.published_at == "2026-03-01T07:08:09+08:00"
    assert page.body == "第一段粗体。\n第二段。"
    assert page.keywords == ("碗", "窑")
    assert [(image.url, image.caption) for image in page.images] == [
        ("http://ci.china.com.cn/pic/2026-03/01/a.jpg", "一只碗")
    ]


@pytest.mark.parametrize("word", ["42685423", "2024-03", "醴陵", "宋砚台", "渌江"])
def test_nothing_of_the_frame_shows(word: str) -> None:
    assert word not in ARTICLE.page()


def test_its_pictures_are_served_with_it() -> None:
    found = pictures({ARTICLE.url: ARTICLE.page()})
    assert found["http://ci.china.com.cn/pic/2026-03/01/a.jpg"].body.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(("page", "others"), [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])])
def test_a_list_page_links_to_its_articles_and_its_other_pages(page: int, others: list[int]) -> None:
    links = [ARTICLE.link, ("http://news.china.com.cn/2025-09/18/content_118084517.shtml", "别处")]
    url = list_url(8010009, page)
    listing = read_listing(capture(url, list_page(links, 8010009, page, 3)))
    assert [(link.url, link.title) for link in listing.links] == links
    assert list(listing.pages) == [list_url(8010009, other) for other in others]


def test_a_home_page_links_to_its_lists_and_articles() -> None:
    nodes = [(list_url(8010009), "甲"), (list_url(8010010), "乙")]
    listing = read_listing(capture(HOME, home_page(nodes, [ARTICLE.link])))
    assert list(listing.nodes) == [url for url, _ in nodes]
    assert [(link.url, link.title) for link in listing.links] == [ARTICLE.link]


@pytest.mark.parametrize(("count", "lists"), [(0, 1), (20, 1), (45, 3)])
def test_a_channel_leads_to_all_its_articles(count: int, lists: int) -> None:
    articles = [Article(43500000 + number, f"第{number}篇") for number in range(count)]
    pages = channel_pages(articles)
    (node,) = read_listing(capture(HOME, pages[HOME])).nodes
    urls = [node, *read_listing(capture(node, pages[node])).pages]
    assert len(urls) == lists
    found = [link.url for url in urls for link in read_listing(capture(url, pages[url])).links]
    assert found == [article.url for article in articles]
    assert set(pages) == {HOME, *urls, *found}
