"""Whatever a server sends is read without an exception, and what is read is clean."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ciwen_crawler.capture import Capture
from ciwen_crawler.identity import article_id
from ciwen_crawler.pages import merge, missing, read_article, read_listing
from tests.cases import cases, page
from tests.markup import Markup

URLS = st.sampled_from(
    [
        "http://ci.china.com.cn/2025-06/04/content_43135627.html",
        "http://ci.china.com.cn/2025-06/04/content_43135627_2.html",
        "http://ci.china.com.cn/node_8010001.html",
        "http://[",
        "file:///saved.html?sha256=0",
        "",
    ]
)
TAGS = (
    "html head body div p span strong em b i a img br ul ol li table tr td th figure figcaption h1 h2 h3 center font "
    "script style iframe select textarea video svg math template noscript frameset form base meta title ins dl dt dd"
).split()
ATTRIBUTES = st.sampled_from(
    [
        "",
        ' class="content"',
        ' class="inform"',
        ' class="article pages editor"',
        ' class="pictext"',
        ' id="vf"',
        ' id="videofile" src="a.mp4" poster="b.jpg"',
        ' style="text-align:center"',
        ' style="display:none"',
        ' src="a.jpg" alt="x>&quot;<b>"',
        ' href="content_1_2.html"',
        ' href="node_8010001_2.html"',
        ' href="http://["',
        ' href="http://big5.china.com.cn/gate/big5/[/content_1.html"',
        ' data-original-title="&lt;b&gt;x" class="picture-illustrating" src="a.png"',
        ' pages="3"',
        ' content="2025-06-04" name="publishdate"',
    ]
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "来源：特稿",
            "责任编辑：甲",
            "相关阅读",
            "2025-06-04 16:35",
            "当前位置: ",
            "上一页 1 2",
            "字体：",
            "\0",
            "<",
            "&#0;",
            "\u0301",
            "&#xD800;",
            "]]>",
        ]
    ),
    st.text(max_size=12),
)
COMMENTS = st.sampled_from(
    [
        "<!--enpcontent-->",
        "<!--/enpcontent-->",
        "<!--enpproperty <title>甲</title><date>2025-06-04 16:35:12:000</date><url>http://[</url>/enpproperty-->",
        "<!--enpproperty <title><title><b>-->",
        "<!--",
        "<![CDATA[",
        "<?php",
    ]
)
PIECES = st.one_of(
    st.tuples(st.sampled_from(TAGS), ATTRIBUTES).map(lambda pair: f"<{pair[0]}{pair[1]}>"),
    st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
    TEXTS,
    COMMENTS,
)
SOUP = st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass"))
DAMAGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 400), st.one_of(st.binary(max_size=20), SOUP)), min_size=1, max_size=4
)


def damaged(body: bytes, damages: list[tuple[float, int, bytes]]) -> bytes:
    """The page with pieces taken out and others put in."""
    for place, length, piece in damages:
        at = int(place * len(body))
        body = body[:at] + piece + body[at + length :]
    return body


def check(capture: Capture) -> None:
    read = read_article(capture)
    article = merge([capture], [read])
    markup = Markup(article.body_html or "")
    assert markup.faults == []
    shown = unicodedata.normalize("NFC", markup.text)
    assert "".join(shown.split()) == "".join((article.body or "").split())
    assert article.body == unicodedata.normalize("NFC", article.body or "") or article.body is None
    assert markup.captions == [image.caption for image in article.images if image.caption]
    assert markup.pictures == [image.url for image in article.images]
    assert all(reason.partition(":")[0] in ("title", "body", "published_at") for reason in missing(article))
    assert article.id == article_id(article.url)
    # NULs and lone surrogates could not be stored.
    assert "\0" not in f"{article}"
    f"{article}".encode()
    links = read_listing(capture).links
    assert len({article_id(link.url) for link in links}) == len(links)


@given(st.binary(max_size=300), URLS)
@settings(max_examples=150, deadline=None)
def test_any_bytes(body: bytes, url: str) -> None:
    check(page(url, body))


@given(SOUP, URLS)
@example(b"<!--enpcontent-->", "")
@example(b"<!--enpcontent--><!--/enpcontent--><html><p>a</p>", "")
@settings(max_examples=600, deadline=None)
def test_any_markup(body: bytes, url: str) -> None:
    check(page(url, body))


@given(st.sampled_from(sorted(cases())), DAMAGES)
@settings(max_examples=150, deadline=None)
def test_damaged_pages(name: str, damages: list[tuple[float, int, bytes]]) -> None:
    case = cases()[name]
    check(page(case.url, damaged(case.capture.body, damages)))


DEEP = 20_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n", id="blanks"),
        pytest.param(b"\0" * 1000, id="nulls"),
        pytest.param(b"<!--x-->", id="comment"),
        pytest.param(b"<!DOCTYPE html>", id="doctype"),
        pytest.param(b"\xff\xfe<\0h\0t\0m\0l\0", id="utf-16"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, id="png"),
        *(
            pytest.param(b"<!--enpcontent-->" + tag * DEEP + "瓷".encode(), id=f"{tag.decode()} {DEEP} deep")
            for tag in (
                b"<div>",
                b"<font>",
                b"<strong>",
                b"<table><tr><td>",
                b"<ul><li>",
                b"<a href=content_1.html>",
                b"<figure>",
            )
        ),
        pytest.param(b"<!--enpcontent-->" + b"<p>" * DEEP, id="paragraphs"),
        pytest.param(b"<!--enpcontent-->" * DEEP, id="markers"),
        pytest.param(b"<meta " * DEEP, id="metas"),
        pytest.param(b"<!--enpproperty " + b"<title>" * DEEP + b"-->", id="unclosed property"),
        pytest.param(b"<p style='" + b"text-align:" * DEEP + b"'>x", id="huge style"),
        pytest.param(b"<p class='" + b"content " * DEEP + b"'>x", id="huge class"),
        pytest.param(b"<!--enpcontent--><img src='" + b"a" * 2_000_000 + b"'>", id="huge address"),
        pytest.param(b"<div class=content><h1>" + "瓷".encode() * 500_000, id="huge title"),
        pytest.param(b"<div class=inform><p>" + "来源：".encode() * 100_000, id="huge line"),
        pytest.param(b"<div class=local>" + b"- " * 200_000, id="huge crumb"),
        pytest.param(b"<h2>" + "相关阅读".encode() + b"</h2><ul>" * DEEP, id="boxes"),
        pytest.param(b"<title>" + b"_a" * 100_000 + b"</title>", id="huge head"),
        pytest.param(b"<div class=article>" * 2000, id="empty containers"),
        pytest.param(b"<meta charset=" + b" " * 100_000, id="blank charset"),
        pytest.param(b"<a href=/content_1.html>" + b">" * DEEP + b"x</a>", id="huge invitation"),
        pytest.param("<b>相关阅读".encode() + b">" * DEEP + b"x</b><p><a href=content_1.html>", id="huge box title"),
        pytest.param(b"<!--enpcontent--><table><tr>" + b"<td>a" * DEEP, id="cells"),
        pytest.param(b"<!--enpcontent-->" + b"<p>a<img src=a.png>" * DEEP, id="pictures"),
    ],
)
def test_monstrous_pages(body: bytes) -> None:
    check(page("http://ci.china.com.cn/2025-06/04/content_43135627.html", body))
