"""Each field's order of trust: with every better source taken away in turn, the next one gives it."""

import pytest

from ciwen_crawler.items import ArticlePage
from ciwen_crawler.pages import read_article
from tests.cases import cases, html, page

URL = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
SISTER = "http://tech.gmw.cn/2017-03/10/content_23937776.htm"


def read(markup: str, url: str = URL) -> ArticlePage:
    return read_article(html(markup, url))


def comment(**fields: str) -> str:
    return f"<!--enpproperty {''.join(f'<{name}>{value}</{name}>' for name, value in fields.items())}/enpproperty-->"


def inform(*lines: str) -> str:
    return f'<div class="inform">{"".join(f"<p>{line}</p>" for line in lines)}</div>'


def fallen(sources: list[tuple[str, str | None, object]], field: str) -> None:
    """Take the sources away from the front; whatever comes first in what is left must give the field."""
    for left in range(len(sources)):
        # The page has the better sources last, so that its order decides nothing.
        read_page = read("".join(markup for markup, _, _ in reversed(sources[left:])))
        _, rule, value = sources[left]
        assert (getattr(read_page, field), read_page.evidence.get(field)) == (value, rule)


def test_title() -> None:
    fallen(
        [
            ('<div class="content"><h1>一</h1></div>', ".content > h1", "一"),
            ('<h1 class="articleTitle">二</h1>', "h1.articleTitle", "二"),
            ('<h1 class="artTitle">三</h1>', "h1.artTitle", "三"),
            ('<h1 id="artiTitle">四</h1>', "h1.artiTitle", "四"),
            ('<h1 class="article_title">五</h1>', "h1.article_title", "五"),
            (comment(title="六_中国网"), "enpproperty.title", "六"),
            ('<meta property="og:title" content="七">', "og:title", "七"),
            ("<title>八_科技_光明网</title>", "title", "八"),
        ],
        "title",
    )


def test_published_at() -> None:
    fallen(
        [
            (comment(date="2025-06-04 16:35:12:671"), "enpproperty.date", "2025-06-04T16:35:12+08:00"),
            (inform("2025-06-04 16:35"), ".inform p", "2025-06-04T16:35:00+08:00"),
            ('<b id="pubtime_baidu">发布时间：2025-06-04 16:36</b>', "#pubtime_baidu", "2025-06-04T16:36:00+08:00"),
            (
                '<meta property="article:published_time" content="2025-06-04T08:37:00Z">',
                "meta article:published_time",
                "2025-06-04T16:37:00+08:00",
            ),
            ('<meta name="publishdate" content=" 2025-06-03">', "meta publishdate", "2025-06-03T00:00:00+08:00"),
            ("", "url", "2025-06-04T00:00:00+08:00"),
        ],
        "published_at",
    )


def test_a_date_that_differs_from_the_printed_one_says_so() -> None:
    read_page = read(comment(date="2025-06-05 00:00:03:000") + inform("2025-06-04 16:35"))
    assert read_page.published_at == "2025-06-05T00:00:03+08:00"
    assert read_page.evidence["published_at"] == "enpproperty.date, differs from .inform p"


def test_source() -> None:
    fallen(
        [
            (inform("来源：特稿"), ".inform p", "特稿"),
            (comment(sourcename="二"), "enpproperty.sourcename", "二"),
            ('<p id="webdig_source" style="display:none">三</p>', "#webdig_source", "三"),
            ('<span id="source_baidu">来源: 四</span>', "#source_baidu", "四"),
            ("", None, None),
        ],
        "source",
    )


def test_author_is_never_the_meta_element_that_names_the_editor() -> None:
    fallen(
        [
            (comment(journalist="二"), "enpproperty.journalist", "二"),
            (inform("来源：特稿 作者：三"), ".inform p", "三"),
            ('<meta name="author" content="四">', None, None),
        ],
        "author",
    )


def test_author_goes_before_journalist() -> None:
    assert read(comment(journalist="二", author="一")).author == "一"


def test_editor() -> None:
    fallen(
        [
            ('<div class="editor">【责任编辑：一】</div>', ".editor", "一"),
            ('<div id="contentLiability">[责任编辑:二]</div>', "#contentLiability", "二"),
            ('<i id="editor_baidu">责任编辑：三</i>', "#editor_baidu", "三"),
            ("<!--enpcontent--><p>文</p><p>（责编：四）</p><!--/enpcontent-->", "body", "四"),
            (comment(liability="五"), "enpproperty.liability", "五"),
            ('<meta name="author" content="六">', "meta author", "六"),
        ],
        "editor",
    )


def test_keywords() -> None:
    fallen(
        [
            (
                comment(keyword="瓷，窑、瓷;釉 hoax school shooting"),
                "enpproperty.keyword",
                ("瓷", "窑", "釉", "hoax school shooting"),
            ),
            ('<meta name="keywords" content="a,b c">', "meta keywords", ("a", "b c")),
            ("", None, ()),
        ],
        "keywords",
    )


def test_url() -> None:
    fallen(
        [
            (comment(url=URL + "?a=1"), "enpproperty.url", URL),
            (f'<input class="link_url" value=" {URL}#a ">', "input.link_url", URL),
            (f'<link rel="canonical" href="{URL.replace("http", "https")}">', "link canonical", URL),
            ("", "url", URL),
        ],
        "url",
    )


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("http://news.china.com.cn/2025-06/04/content_43135627.html", id="another host"),
        pytest.param("http://ci.china.com.cn/2025-06/04/content_1.html", id="another article"),
        pytest.param("http://ci.china.com.cn/", id="the site's home"),
        pytest.param("null", id="null"),
        pytest.param("http://[", id="no address"),
    ],
)
def test_a_page_is_not_believed_to_be_another(said: str) -> None:
    read_page = read(comment(url=said) + f'<meta property="og:url" content="{said}">')
    assert (read_page.url, read_page.evidence["url"]) == (URL, "url")


def test_a_saved_page_is_what_it_says_it_is() -> None:
    body = cases()["seed"].capture.body
    read_page = read_article(page("file:///tmp/saved.html?sha256=0", body))
    assert (read_page.url, read_page.number) == (URL, 1)
    assert read_page.images[0].url.startswith("http://ci.china.com.cn/pic/")


def test_bodies() -> None:
    fallen(
        [
            ("<!--enpcontent--><p>一</p><!--/enpcontent-->", "enpcontent", "一"),
            ('<div class="article"><p>二</p></div>', ".article", "二"),
            ('<div id="articleBody"><p>三</p></div>', "#articleBody", "三"),
            ('<div id="artbody"><p>四</p></div>', "#artbody", "四"),
            ('<div id="artiContent"><p>五</p></div>', "#artiContent", "五"),
            ('<div id="fontzoom"><p>六</p></div>', "#fontzoom", "六"),
            ('<div class="center_box"><p>七</p></div>', ".center_box", "七"),
            ("<p>八</p>", None, None),
        ],
        "body",
    )


def test_summary_is_the_abstract_alone() -> None:
    assert read('<meta name="description" content="中国网--网上中国">').summary is None
    assert read(comment(abstract="摘要")).summary == "摘要"


def test_a_sister_sites_page_is_read_by_the_same_comment() -> None:
    read_page = read(comment(title="题", url=SISTER) + "<!--enpcontent--><p>文</p><!--/enpcontent-->", SISTER)
    assert (read_page.extractor, read_page.title, read_page.url) == ("enp/1", "题", SISTER)
    assert read("<p>文</p>").extractor == "page/1"


# Breadcrumb and channel


@pytest.mark.parametrize(
    ("markup", "crumbs", "channel"),
    [
        pytest.param(
            '<div class="local">当前位置: <a href="/">首页</a> - <a href="/node_1.html">瓷闻天下</a> -</div>',
            ((f"{URL[:23]}", "首页"), ("http://ci.china.com.cn/node_1.html", "瓷闻天下")),
            "瓷闻天下",
            id="hyphens",
        ),
        pytest.param(
            '<div class="m_local"><a href="/">首页</a><span>&gt;</span> '
            '<a href="/node_1.html">滚动新闻</a><span>&gt;</span></div>',
            (("http://ci.china.com.cn/", "首页"), ("http://ci.china.com.cn/node_1.html", "滚动新闻")),
            "滚动新闻",
            id="arrows",
        ),
        pytest.param(
            "<p>您现在的位置：首页 > 瓷-文化 > 正文</p><p>当前位置：首页 > 瓷-文化 > 正文</p>",
            ((None, "首页"), (None, "瓷-文化"), (None, "正文")),
            "瓷-文化",
            id="by its words",
        ),
        pytest.param(
            '<div class="content"><h1>题</h1></div><div class="crumbs"><a href="/node_1.html">要闻</a> > 题</div>',
            (("http://ci.china.com.cn/node_1.html", "要闻"), (None, "题")),
            "要闻",
            id="with the title",
        ),
        pytest.param('<div class="local">当前位置: </div>', (), None, id="empty"),
    ],
)
def test_breadcrumb(markup: str, crumbs: tuple[tuple[str | None, str], ...], channel: str | None) -> None:
    read_page = read(markup)
    assert (read_page.breadcrumb, read_page.channel) == (crumbs, channel)


# Labelled lines


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("来源：中国网", "中国网"),
        ("来源: 《求是》", "《求是》"),
        ('来源：<a href="http://x.cn/">人民日报</a>', "人民日报"),
        ("2024-05-20 09:37 来源：中国网 作者：辛闻", "中国网"),
        ("发布时间： 2018-03-01 | 来源： 中国网 | 作者： 甲 | 责任编辑： 乙", "中国网"),
        ("来 源：新华社 北京分社", "新华社 北京分社"),
        ("来源：", None),
        ("中国网", None),
    ],
)
def test_source_line(line: str, source: str | None) -> None:
    assert read(inform("2024-05-20", line)).source == source


@pytest.mark.parametrize(
    ("line", "editor"),
    [
        ("【责任编辑：郭旭】", "郭旭"),
        ("【责任编辑:郭旭 杨俊康】", "郭旭 杨俊康"),
        ("责任编辑：郭旭、杨俊康", "郭旭、杨俊康"),
        ("[责任编辑:郭旭]", "郭旭"),
        ("编辑：郭旭", "郭旭"),
        ("责编：郭旭", "郭旭"),
        ("（责编：郭旭（实习））", "郭旭（实习）"),
        ("【郭旭】", "郭旭"),
        ("郭旭", "郭旭"),
        ("【责任编辑：】", None),
        ("责任编辑：郭旭 审核：甲", "郭旭"),
    ],
)
def test_editor_line(line: str, editor: str | None) -> None:
    assert read(f'<div class="editor">{line}</div>').editor == editor
