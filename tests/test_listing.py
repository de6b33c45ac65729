"""What list pages and channel homes link to."""

import pytest

from ciwen_crawler.items import Listing
from ciwen_crawler.pages import read_listing
from tests.cases import html, lists

LIST = "http://ci.china.com.cn/node_8010001.html"


def listing(markup: str, url: str = LIST) -> Listing:
    return read_listing(html(markup, url))


def links(markup: str, url: str = LIST) -> list[tuple[str, str | None]]:
    return [(link.url, link.title) for link in listing(markup, url).links]


def article(number: int) -> str:
    return f"http://ci.china.com.cn/2025-06/04/content_{number}.html"


ONE = '<a href="/2025-06/04/content_1.html">陶瓷</a>'


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param(f"<ul><li><b>{ONE}</b><span>2025-06-04</span></li></ul>", id="li b"),
        pytest.param(f"<ul class=newsList><li>·{ONE}</li></ul>", id="bullet"),
        pytest.param(f"<h2>{ONE}</h2><div class=time>06-04</div>", id="h2"),
        pytest.param('<dl><dd><a href="/2025-06/04/content_1.html"><img src=a.png><br>陶瓷</a></dd></dl>', id="dl"),
        pytest.param('<a href="/2025-06/04/content_1.html"><img src=a.png></a>' + f"<p>{ONE}</p>", id="image first"),
        pytest.param(f"<p>{ONE}</p>" + '<a href="/2025-06/04/content_1.html">[详细]</a>', id="invitation after"),
        pytest.param('<a href="/2025-06/04/content_1.html">详情&gt;&gt;</a>' + f"<p>{ONE}</p>", id="invitation before"),
        pytest.param('<a href="/2025-06/04/content_1.html"><h3>陶瓷</h3><p>摘要……</p></a>', id="link around an item"),
        pytest.param('<a href="/2025-06/04/content_1.html">· <font color=red>陶</font>瓷 </a>', id="markup in a title"),
        pytest.param('<a href="/2025-06/04/content_1.html">陶瓷<span>[06-04]</span></a>', id="date in the link"),
        pytest.param('<a title="陶瓷" href="/2025-06/04/content_1.html"><img alt=image.png></a>', id="title attribute"),
        pytest.param('<a href="/2025-06/04/content_1.html"><img alt="陶瓷"></a>', id="alt text"),
        pytest.param(f"<article><header>{ONE}</header></article>", id="an item's own header"),
        pytest.param('<a href="\n/2025-06/04/content_1\n.html ">陶瓷</a>', id="line break in the address"),
        pytest.param('<a href="/2025-06/04/content_1.html#comment">陶瓷</a>', id="fragment"),
    ],
)
def test_one_article(markup: str) -> None:
    assert links(markup) == [(article(1), "陶瓷")]


def test_an_article_is_listed_once_under_its_best_address() -> None:
    markup = "".join(
        f'<li><a href="{url}">{title}</a></li>'
        for url, title in [
            ("http://big5.china.com.cn/gate/big5/ci.china.com.cn/2025-06/04/content_1.html", "繁體"),
            ("/m/2025-06/04/content_1.html", "手机"),
            ("https://ci.china.com.cn/2025-06/04/content_1.html", "https"),
            ("/2025-06/04/content_1_2.html", "第二页"),
            ("/2025-06/04/content_1.html", "本页"),
            ("/2025-06/04/content_2.html", "另一篇"),
        ]
    )
    assert links(markup) == [(article(1), "繁體"), (article(2), "另一篇")]


def test_a_picture_alone_has_no_title() -> None:
    assert links('<a href="/2025-06/04/content_1.html"><img src=a.png alt="image.png"></a>') == [(article(1), None)]


@pytest.mark.parametrize(
    "markup",
    [
        *(
            pytest.param(f'<div {name}="{value}">{ONE}</div>', id=value)
            for name, value in [
                ("id", "headInclude"),
                ("class", "pushNav"),
                ("class", "topNav_menu"),
                ("class", "m_local"),
                ("class", "relevant"),
                ("class", "nav"),
                ("id", "footInclude"),
                ("class", "wide hotNews"),
            ]
        ),
        pytest.param(f"<footer>{ONE}</footer>", id="footer"),
        pytest.param(f"<header>{ONE}</header>", id="header"),
        pytest.param(f"<noscript>{ONE}</noscript>", id="noscript"),
        pytest.param(f"<div><h3>相关阅读</h3><ul><li>{ONE}</li></ul></div>", id="box with a heading"),
        pytest.param(
            f"<div><div><span>热点推荐</span><a>更多&gt;&gt;</a></div><p>{ONE}</p></div>", id="box with a bar"
        ),
        pytest.param(f"<dl><dt>点击排行榜</dt><dd>{ONE}</dd></dl>", id="ranking"),
        pytest.param(f'<div class="pages">{ONE}</div>', id="pager"),
    ],
)
def test_outside_the_main_block(markup: str) -> None:
    assert links(markup) == []


def test_a_box_ends_at_the_next_title() -> None:
    markup = f"<h3>相关阅读</h3><ul>{ONE}</ul><h3>最新</h3><ul>{ONE.replace('_1', '_2')}</ul>"
    assert links(markup) == [(article(2), "陶瓷")]


def test_a_headline_that_names_a_box_is_none() -> None:
    markup = f'<li><a href="/2025-06/04/content_2.html"><b>友情链接</b></a></li><li>{ONE}</li>'
    assert links(markup) == [(article(2), "友情链接"), (article(1), "陶瓷")]


# Pagers and other lists


@pytest.mark.parametrize(
    "pager",
    [
        pytest.param(
            '<div id="autopage"><center><a href="node_8010001.html"><</a>&nbsp;<span>1</span>&nbsp;'
            '<a href="node_8010001_2.html">2</a>&nbsp;<a href="node_8010001_3.html">3</a>'
            '<a href="node_8010001_2.html">></a></center></div>',
            id="old",
        ),
        pytest.param(
            '<ul class="pages" pages="3" current="1"><li>1</li><li><a href="node_8010001_2.html">2</a></li>'
            '<li><a href="node_8010001_3.html">3</a></li><li><a href="node_8010001_2.html">下一页</a></li></ul>',
            id="new",
        ),
        pytest.param(
            '<p><a href="node_8010001_2.html">2</a> <a href="/node_8010001_3.html">3</a></p>', id="without a mark"
        ),
    ],
)
def test_pager(pager: str) -> None:
    found = listing(f"<ul><li>{ONE}</li></ul>{pager}")
    assert found.pages == ("http://ci.china.com.cn/node_8010001_2.html", "http://ci.china.com.cn/node_8010001_3.html")
    assert found.nodes == ()


def test_pager_of_a_list_under_a_folder() -> None:
    pager = '<div id="autopage"><a href="/node_8010001.html">1</a><a href="/node_8010001_2.html">2</a></div>'
    found = listing(pager, "http://ci.china.com.cn/")
    assert (found.pages, found.nodes) == (("http://ci.china.com.cn/node_8010001_2.html",), ())


def test_lists_of_the_main_block_go_before_those_of_the_navigation() -> None:
    navigation = '<div class="nav"><a href="/node_1.html">要闻</a></div>'
    assert listing(navigation).nodes == ("http://ci.china.com.cn/node_1.html",)
    assert listing(navigation + '<a href="/node_2.html">更多</a>').nodes == ("http://ci.china.com.cn/node_2.html",)


def test_links_are_relative_to_base() -> None:
    markup = '<base href="http://ci.china.com.cn/2025-06/04/"><a href="content_1.html">陶瓷</a>'
    assert links(markup) == [(article(1), "陶瓷")]


# Dated links without an id


@pytest.mark.parametrize(
    ("markup", "count"),
    [
        pytest.param('<li><a href="/2025-06/04/special.html">a</a></li>', 1, id="dated"),
        pytest.param('<li><a href="2025-06/04/special.shtml">a</a></li>', 1, id="relative"),
        pytest.param('<li><a href="https://ci.china.com.cn/zt/2025-06/04/index.htm?a=1">a</a></li>', 1, id="query"),
        pytest.param('<li><a href="/2025-06/04/content_abc.html">a</a></li>', 1, id="an id that is none"),
        pytest.param(
            '<a href="/2025-06/04/a.html">a</a><a href="http://ci.china.com.cn/2025-06/04/a.html#b">b</a>',
            1,
            id="twice",
        ),
        pytest.param('<a href="/2025-06/04/a.html">a</a><a href="/2025-06/04/b.html">b</a>', 2, id="two"),
        pytest.param(ONE, 0, id="with id"),
        pytest.param('<a href="/2025-06/04/node_1.html">a</a>', 0, id="a list"),
        pytest.param('<a href="/2025-06/04/a.pdf">a</a>', 0, id="no page"),
        pytest.param('<a href="/about/index.html">a</a>', 0, id="undated"),
        pytest.param('<a href="http://news.china.com.cn/2025-06/04/a.html">a</a>', 0, id="another host"),
        pytest.param('<a href="/go?to=/2025-06/04/a.html">a</a>', 0, id="date in a query"),
        pytest.param('<div class="pushNav"><a href="/2025-06/04/a.html">a</a></div>', 0, id="navigation"),
        pytest.param('<h3>相关阅读</h3><ul><a href="/2025-06/04/a.html">a</a>' + ONE + "</ul>", 0, id="box"),
    ],
)
def test_without_id(markup: str, count: int) -> None:
    assert listing(markup).without_id == count


def test_one_bundled_list_links_an_article_without_id() -> None:
    counts = {case.name: read_listing(case.capture).without_id for case in lists()}
    assert {name: count for name, count in counts.items() if count} == {"list_tx": 1}
