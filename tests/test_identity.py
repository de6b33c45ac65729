"""Which article a URL means."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ciwen_crawler.identity import (
    ContentId,
    NodeId,
    absolute,
    article_id,
    article_url,
    canonical_url,
    content_id,
    host_of,
    in_hosts,
    is_node,
    is_twin,
    node_id,
)

SEED = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
PIECES = [
    *"http:// https:// ftp:// file:/// // / : ? # @ . .. [ ] [::1] %20 %zz \\ ; = &".split(),
    *"ci.china.com.cn big5.china.com.cn /gate/big5/ www. BIG5.china.com.cn :80 :443 :8080 :99999 user:pw@".split(),
    *"/m/ /2025-06/04/ content_43135627 content_1_2 node_8 _0 _2 .html .htm .shtml .HTML javascript: mailto:".split(),
    *"瓷 \u3000 \u00a0 \n \t \x00 \ud800 ℀ ⒈ K é İ".split(" "),
]
URLS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=10).map("".join))


@given(URLS)
@example("http://[")
@example("http://big5.china.com.cn/gate/big5//2025-06/04/content_1.html")
@example("http://big5.china.com.cn/gate/big5/[/content_1.html")
@example("http://ci.china.com.cn:port/content_1.html")
@example("https://ci.china.com.cn:80/content_1.html")
@settings(max_examples=800, deadline=None)
def test_any_text_has_an_identity(url: str) -> None:
    canonical = canonical_url(url)
    assert canonical_url(canonical) == canonical
    assert article_url(article_url(url)) == article_url(url)
    assert article_id(url) == article_id(article_url(url))
    assert host_of(canonical) == host_of(url)
    assert isinstance(in_hosts(url, frozenset({"ci.china.com.cn"})), bool)
    assert is_node(url) == (node_id(url) is not None)
    assert not (is_twin(url) and content_id(url) is None)


@given(st.sampled_from([SEED, "https://ci.china.com.cn", "http://127.0.0.1:8000/a/b?c", "file:///a.html"]), URLS)
@settings(max_examples=800, deadline=None)
def test_any_link_resolves_or_leads_nowhere(base: str, href: str) -> None:
    url = absolute(base, href)
    if url is not None:
        assert url.startswith(("http://", "https://"))
        assert " " not in url and "#" not in url and "\n" not in url
        # An address that is whole means itself on any page, blanks of another width at its end apart.
        assert absolute("http://elsewhere.example/", url) == url.rstrip("\u3000\u00a0")


@given(
    st.lists(st.sampled_from("http:// https:// ci.china.com.cn :80 / // . .. a ? = & % %20 ; @ ~".split())).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_an_address_that_needs_no_resolving_is_resolved_alike(href: str) -> None:
    """A fragment sends it the long way."""
    assert absolute(SEED, href) == absolute(SEED, href + "#x")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://ci.china.com.cn/2025-06/04/content_43135627.html", id="https"),
        pytest.param("http://ci.china.com.cn:80/2025-06/04/content_43135627.html", id="port"),
        pytest.param("HTTP://CI.china.com.cn/2025-06/04/content_43135627.html", id="case"),
        pytest.param("http://ci.china.com.cn/2025-06/04/content_43135627.html?from=singlemessage", id="query"),
        pytest.param("http://ci.china.com.cn/2025-06/04/content_43135627.html#comments", id="fragment"),
        pytest.param("http://ci.china.com.cn/m/2025-06/04/content_43135627.html", id="mobile"),
        pytest.param("http://big5.china.com.cn/gate/big5/ci.china.com.cn/2025-06/04/content_43135627.html", id="big5"),
        pytest.param(
            "https://big5.china.com.cn/gate/big5/ci.china.com.cn/m/2025-06/04/content_43135627.html", id="both"
        ),
    ],
)
def test_twins_have_one_canonical_url(url: str) -> None:
    assert canonical_url(url) == SEED
    assert article_id(url) == "china.com.cn:43135627"


@pytest.mark.parametrize(
    ("url", "number", "page"),
    [
        (SEED, "43135627", 1),
        ("http://ci.china.com.cn/2025-06/04/content_43135627_2.html", "43135627", 2),
        ("http://ci.china.com.cn/2025-06/04/content_43135627_0.html", "43135627", 0),
        ("http://www.china.com.cn/txt/2018-03/16/content_50713685.htm", "50713685", 1),
        ("http://news.china.com.cn/2024-05/13/content_117184963.shtml", "117184963", 1),
        ("http://ci.china.com.cn/2025-06/04/CONTENT_43135627.HTML", "43135627", 1),
    ],
)
def test_content_id(url: str, number: str, page: int) -> None:
    assert content_id(url) == ContentId(number, page)
    assert article_id(url) == f"china.com.cn:{number}"


@pytest.mark.parametrize(
    "url",
    [
        "http://ci.china.com.cn/2025-06/04/content_.html",
        "http://ci.china.com.cn/2025-06/04/content_43135627.pdf",
        "http://ci.china.com.cn/2025-06/04/content_43135627.html/more",
        "http://ci.china.com.cn/2025-06/04/mycontent_43135627.html",
        "http://ci.china.com.cn/2025-06/04/content_٤٣.html",
        "http://ci.china.com.cn/?u=/content_43135627.html",
        "file:///content_43135627.html",
    ],
)
def test_no_content_id(url: str) -> None:
    assert content_id(url) is None
    assert article_id(url).startswith("sha256:")


def test_id_elsewhere_is_a_digest_of_the_canonical_url() -> None:
    ids = {
        article_id(url)
        for url in (
            "http://tech.gmw.cn/2017-03/10/content_23937776.htm",
            "https://tech.gmw.cn/2017-03/10/content_23937776.htm#top",
            "http://tech.gmw.cn/2017-03/10/content_23937776_2.htm",
        )
    }
    assert len(ids) == 1
    assert ids.pop().startswith("sha256:")
    assert article_id("http://tech.gmw.cn/2017-03/10/content_23937776.htm") != article_id(
        "http://gmw.cn/content_23937776.htm"
    )
    # A host that only looks like the site's.
    assert article_id("http://notchina.com.cn/content_1.html").startswith("sha256:")


@pytest.mark.parametrize(
    ("url", "twin"),
    [
        (SEED, False),
        ("https://ci.china.com.cn/2025-06/04/content_43135627.html", False),
        ("http://ci.china.com.cn/2025-06/04/content_43135627_2.html", False),
        ("http://ci.china.com.cn/2025-06/04/content_43135627_0.html", True),
        ("http://ci.china.com.cn/m/2025-06/04/content_43135627.html", True),
        ("http://big5.china.com.cn/gate/big5/ci.china.com.cn/2025-06/04/content_43135627.html", True),
        ("http://big5.china.com.cn/gate/big5/ci.china.com.cn/node_8010001.html", False),
    ],
)
def test_is_twin(url: str, twin: bool) -> None:
    assert is_twin(url) is twin


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://ci.china.com.cn/node_8010001.html", NodeId("8010001", 1)),
        ("http://news.china.com.cn/world/node_7184857_3.htm", NodeId("7184857", 3)),
        ("http://big5.china.com.cn/gate/big5/ci.china.com.cn/node_8010001.shtml", NodeId("8010001", 1)),
        (SEED, None),
    ],
)
def test_node_id(url: str, found: NodeId | None) -> None:
    assert node_id(url) == found
    assert is_node(url) == (found is not None)


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        (SEED, True),
        ("https://www.ci.china.com.cn:8443/", False),
        ("http://big5.china.com.cn/gate/big5/ci.china.com.cn/", True),
        ("http://china.com.cn/", False),
        ("http://ci.china.com.cn.example/", False),
        ("mailto:ci.china.com.cn", False),
    ],
)
def test_in_hosts(url: str, inside: bool) -> None:
    assert in_hosts(url, frozenset({"ci.china.com.cn"})) is inside


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("content_1_2.html", "http://ci.china.com.cn/2025-06/04/content_1_2.html"),
        ("/node_8.html", "http://ci.china.com.cn/node_8.html"),
        ("../../node_8.html", "http://ci.china.com.cn/node_8.html"),
        ("//news.china.com.cn/a.htm", "http://news.china.com.cn/a.htm"),
        (" \u3000http://ci.china.com.cn/a b.jpg\n", "http://ci.china.com.cn/a%20b.jpg"),
        ("http://ci.china.com.cn/con\ntent_1.html", "http://ci.china.com.cn/content_1.html"),
        ("http://ci.china.com.cn", "http://ci.china.com.cn/"),
        ("http://ci.china.com.cn/a.html#b", "http://ci.china.com.cn/a.html"),
        ("http://ci.china.com.cn/a?", "http://ci.china.com.cn/a"),
        ("", SEED),
        ("#top", SEED),
        ("javascript:void(0)", None),
        ("mailto:a@b.c", None),
        ("http://", None),
        ("http://[", None),
        ("http://a:b/", None),
        ("data:image/png;base64," + "A" * 10_000, None),
    ],
)
def test_absolute(href: str, url: str | None) -> None:
    assert absolute(SEED, href) == url
