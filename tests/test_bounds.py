"""Bounds of a page: real ones lie within them, hostile ones are found out by their bytes, what is left out is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciwen_crawler.capture import Capture
from ciwen_crawler.message import MOST_CODINGS, MOST_MEMBERS, decoded
from ciwen_crawler.pages import excess, is_page, merge, missing, read_article, read_listing
from ciwen_crawler.pages.bounds import LONGEST, MOST_ATTRIBUTES, MOST_TAGS, beyond
from ciwen_crawler.pages.document import DEEPEST
from ciwen_crawler.pages.listing import MOST
from fixtures.markup import Article, list_url
from tests.cases import CORPUS, cases, page
from tests.test_message import gzipped

ARTICLE = Article(43135627, "开窑")
TOO_MANY = "an element with more than 500 attributes"


def attributes(written: str, count: int = 20_000) -> bytes:
    """An element with so many attributes."""
    return ("<p " + " ".join(written.format(number) for number in range(count)) + ">瓷").encode()


@pytest.mark.parametrize("name", sorted(cases()))
def test_a_page_of_the_channel_is_within_bounds(name: str) -> None:
    assert excess(cases()[name].capture) is None


@pytest.mark.skipif(not CORPUS.is_dir(), reason="there are no pages of real sites here")
def test_pages_of_real_sites_are_within_bounds() -> None:
    files = [file for file in CORPUS.rglob("*") if file.suffix in (".html", ".htm", ".shtml")]
    assert len(files) > 20
    assert {file.name: beyond(file.read_bytes()) for file in files} == dict.fromkeys(
        (each.name for each in files), None
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"x" * (LONGEST + 1), "longer than 4 MB", id="long"),
        pytest.param(b"<i>" * (MOST_TAGS + 1), "more than 50,000 tags", id="tags"),
        pytest.param(b"<!---->" * (MOST_TAGS + 1), "more than 50,000 tags", id="comments"),
        pytest.param(b"<" * (MOST_TAGS + 1), "more than 50,000 tags", id="signs"),
        pytest.param(attributes("a{}=1"), TOO_MANY, id="attributes"),
        pytest.param(attributes("a{}"), TOO_MANY, id="attributes without values"),
        pytest.param(attributes("a{}='x'").replace(b"' ", b"'"), TOO_MANY, id="attributes without blanks"),
        pytest.param(attributes("a{}='>'"), TOO_MANY, id="ends within values"),
        pytest.param(attributes('a{}="<a>"'), TOO_MANY, id="tags within values"),
        pytest.param(b'<!-- <b x=" -->' + attributes("a{}=1") + b'">', TOO_MANY, id="a comment opens a quote"),
        pytest.param(b"<script>'<b x=\"'</script>" + attributes("a{}='1'"), TOO_MANY, id="a script opens a quote"),
        pytest.param(
            "\ufeff".encode("utf-16-be") + attributes("a{}").decode().encode("utf-16-be"), TOO_MANY, id="wide"
        ),
    ],
)
def test_too_much_is_found_out_before_it_is_read(body: bytes, reason: str) -> None:
    capture = page(ARTICLE.url, body)
    assert (beyond(body), excess(capture), is_page(capture)) == (reason, reason, False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x" * LONGEST, id="long"),
        pytest.param(b"<i>" * MOST_TAGS, id="tags"),
        pytest.param(attributes("a{}=1", MOST_ATTRIBUTES - 1) * 30, id="attributes"),
        pytest.param(b"<b<b" * 20_000, id="tags that never end"),
        pytest.param(b"<b x='<b y=\"" * 20_000, id="values that never end"),
        pytest.param(b"<script>" + b"for (i=0;i<n;i++) { f(i); }\n" * 2000 + b"</script>", id="comparisons"),
        pytest.param('<p title="甲 <b> 乙">it\'s 5 > 4</p>'.encode() * 2000, id="signs in values and text"),
    ],
)
def test_what_is_just_within_bounds_is_read(body: bytes) -> None:
    capture = page(ARTICLE.url, body)
    assert (beyond(body), is_page(capture)) == (None, True)
    read_article(capture)


@given(st.text(alphabet="<>ab=\"'/ \n-!", max_size=60), st.integers(1, 3000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_judged(piece: str, times: int) -> None:
    assert beyond(piece.encode() * times) in (None, "more than 50,000 tags", TOO_MANY)


# --- What can be told only by reading ---------------------------------------------------------------------------------


def deep(depth: int) -> Capture:
    nested = f"<!--enpcontent--><p>瓷</p>{'<div>' * depth}{'</div>' * depth}"
    return page(ARTICLE.url, ARTICLE.page().replace("<!--enpcontent-->", nested, 1).encode())


def test_page_that_is_too_deep_is_no_article() -> None:
    capture = deep(DEEPEST)
    article = merge([capture], [read_article(capture)])
    assert missing(article) == ("body: cut, elements lie more than 2,048 deep",)


def test_deep_page_is_an_article() -> None:
    capture = deep(DEEPEST - 50)
    article = merge([capture], [read_article(capture)])
    assert missing(article) == ()
    assert (article.body or "").startswith("瓷\n")


def test_article_lacks_what_one_of_its_pages_lacks() -> None:
    first, second = page(ARTICLE.url, ARTICLE.page().encode()), deep(DEEPEST)
    second = page(ARTICLE.url.replace(".html", "_2.html"), second.body)
    article = merge([first, second], [read_article(first), read_article(second)])
    assert missing(article) == ("body: cut, elements lie more than 2,048 deep",)


def test_list_that_names_too_much_is_read_in_part_and_says_so() -> None:
    links = "".join(f"<a href=content_{number}.html>瓷</a>" for number in range(1, MOST + 100))
    listing = read_listing(page(list_url(), links.encode()))
    assert (len(listing.links), listing.beyond) == (MOST, "links to 5,000 articles or more, of which those are taken")


def test_list_that_is_too_deep_is_read_in_part_and_says_so() -> None:
    body = "<a href=content_1.html>瓷</a>" + "<div>" * (DEEPEST + 1) + "<a href=content_2.html>瓷</a>"
    listing = read_listing(page(list_url(), body.encode()))
    assert len(listing.links) == 1
    assert listing.beyond == "elements lie more than 2,048 deep, and it is read up to there"


@pytest.mark.parametrize(
    "pager",
    ["<ul pages='10000' current='1' class='pages'></ul>", "<a href='content_43135627_9999.html'>末页</a>"],
    ids=["the new one", "the old one"],
)
def test_pager_that_names_too_many_pages_is_followed_in_part_and_says_so(pager: str) -> None:
    read = read_article(page(ARTICLE.url, ARTICLE.page().replace("</body>", f"{pager}</body>").encode()))
    assert read.pages == (1,)
    assert read.evidence["pages"] == "the first 200 alone, though more are named"


@pytest.mark.parametrize("name", ["gzip," * (MOST_CODINGS + 1), "br, " * 10_000])
def test_too_many_codings_are_not_undone(name: str) -> None:
    entity = gzipped(b"x")
    assert decoded(entity, name) == (entity, False)


def test_too_many_members_are_not_unpacked() -> None:
    entity = gzipped("瓷".encode()) + gzipped(b"") * MOST_MEMBERS
    assert decoded(entity, "gzip") == ("瓷".encode(), False)
