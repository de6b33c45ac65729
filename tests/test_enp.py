"""What the CMS writes into every template: its comment, its markers, its pagers."""

import pytest

from ciwen_crawler.pages import read_article
from ciwen_crawler.pages.enp import properties
from tests.cases import html

URL = "http://ci.china.com.cn/2025-06/04/content_1.html"


@pytest.mark.parametrize(
    ("comment", "fields"),
    [
        pytest.param("enpproperty <a>1</a><b>2</b>/enpproperty", {"a": "1", "b": "2"}, id="plain"),
        pytest.param("enpproperty <b>2</b><A>1</A>/enpproperty", {"a": "1", "b": "2"}, id="another order"),
        pytest.param("enpproperty <a>1</a><b>2", {"a": "1"}, id="stops early"),
        pytest.param("enpproperty <a>1</a><b></b>", {"a": "1", "b": ""}, id="empty"),
        pytest.param("enpproperty <a>1<b>x</b></a><c>3</c>", {"a": "1<b>x</b>", "c": "3"}, id="markup in a value"),
        pytest.param("enpproperty <a>x < y</a><c>3</c>", {"a": "x < y", "c": "3"}, id="less than"),
        pytest.param("enpproperty <a>1</a><a>2</a>", {"a": "1"}, id="twice"),
        pytest.param("enpproperty", {}, id="nothing"),
    ],
)
def test_properties(comment: str, fields: dict[str, str]) -> None:
    assert properties(comment) == fields


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("瓷&amp;都", "瓷&都"),
        ("瓷<font color=red>都</font>", "瓷都"),
        ("null", None),
        (" \u3000", None),
        ("", None),
    ],
)
def test_property_values(value: str, title: str | None) -> None:
    assert read_article(html(f"<!--enpproperty <title>{value}</title>/enpproperty-->")).title == title


TEXT = "<p>一</p><p>二</p>"


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param(f"<!--enpcontent-->{TEXT}<!--/enpcontent-->", id="once"),
        pytest.param(f"<!--enpcontent--><!--enpcontent-->{TEXT}<!--/enpcontent--><!--/enpcontent-->", id="doubled"),
        pytest.param(f"<!-- enpcontent -->{TEXT}<!-- /enpcontent -->", id="blanks"),
        pytest.param(f"<div><!--enpcontent-->{TEXT}</div>", id="never closed"),
        pytest.param(f"<div><b><!--enpcontent--></b>{TEXT}</div><!--/enpcontent--><p>外</p>", id="at other depths"),
        pytest.param(
            f"<!--enpcontent-->{TEXT}<!--/enpcontent--><p>[责任编辑:甲]</p><!--/enpcontent-->", id="editor between"
        ),
        pytest.param(f"<!--/enpcontent--><p>外</p><!--enpcontent-->{TEXT}<!--/enpcontent-->", id="a closer first"),
    ],
)
def test_markers(markup: str) -> None:
    page = read_article(html(f"<p>外</p>{markup}"))
    assert (page.body, page.evidence["body"]) == ("一\n二", "enpcontent")


def test_empty_markers_leave_the_body_to_the_next_rule() -> None:
    page = read_article(html('<!--enpcontent--><!--/enpcontent--><div class="article"><p>一</p></div>'))
    assert (page.body, page.evidence["body"]) == ("一", ".article")


def pages(pager: str, url: str = URL) -> tuple[int, ...]:
    return read_article(html(f"<!--enpcontent--><p>一</p>{pager}<!--/enpcontent-->", url)).pages


@pytest.mark.parametrize(
    ("pager", "numbers"),
    [
        pytest.param("", (1,), id="none"),
        pytest.param("<ul pages='3' current='1' class='pages'><li>1</li></ul>", (1, 2, 3), id="new"),
        pytest.param("<center><span>1</span><a href='content_1_2.html'>2</a></center>", (1, 2), id="old"),
        pytest.param(
            "<a href='content_1_2.html'>2</a>…<a href='content_1_12.html'>12</a>", tuple(range(1, 13)), id="gaps"
        ),
        pytest.param("<a href='content_1_0.html'>全文阅读</a>", (1,), id="the whole only"),
        pytest.param("<a href='content_2_5.html'>5</a>", (1,), id="another article's"),
        pytest.param("<a href='content_1_9999.html'>下一页</a>", (1,), id="no pager's number"),
        pytest.param("<ul pages='x'></ul><ul pages='99999'></ul>", (1,), id="no number"),
    ],
)
def test_pager(pager: str, numbers: tuple[int, ...]) -> None:
    assert pages(pager) == numbers


def test_pager_of_a_further_page() -> None:
    assert pages("<a href='content_1.html'>1</a>", "http://ci.china.com.cn/2025-06/04/content_1_3.html") == (1, 2, 3)


def test_the_whole_on_one_page_is_one_page() -> None:
    assert pages("<a href='content_1_2.html'>2</a>", "http://ci.china.com.cn/2025-06/04/content_1_0.html") == (0,)
