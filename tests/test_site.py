"""The bundled channel is what it is meant to be: every case there, every article reachable."""

import re
import urllib.request
from collections import Counter
from functools import cache

import pytest

from ciwen_crawler.capture import Capture
from ciwen_crawler.identity import article_id
from ciwen_crawler.pages import read_listing
from ciwen_crawler.pages.assets import assets
from fixtures.server import Channel
from fixtures.site import CASES, HOME, bundled_pages, cases

ARTICLES = {name: case for name, case in cases().items() if case["kind"] == "article"}
FIRST_PAGES = {name: case for name, case in ARTICLES.items() if "expected" in case}
LISTS = [name for name, case in cases().items() if case["kind"] == "list"]


@cache
def text(name: str) -> str:
    return (CASES / f"{name}.html").read_text(encoding="utf-8")


def body(name: str) -> str:
    return text(name).partition("<!--enpcontent-->")[2].rpartition("<!--/enpcontent-->")[0]


def block(name: str) -> str:
    """A list's own part of its page."""
    return text(name).partition('<div class="content_left">')[2].partition('<div class="content_right">')[0]


def test_every_article_is_reached_from_the_home_page() -> None:
    with Channel() as channel:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": channel.proxy}))
        lists, articles = [HOME], {}
        for url in lists:
            with opener.open(url, timeout=20) as answer:
                page = answer.read()
            listing = read_listing(Capture("", url, "", 200, (), page))
            articles |= {article_id(link.url): link.url for link in listing.links}
            lists += [url for url in (*listing.pages, *listing.nodes) if url.startswith(HOME) and url not in lists]
    assert len(lists) == 1 + len(LISTS)
    assert set(articles) == {case["expected"]["id"] for case in FIRST_PAGES.values()}
    assert len(articles) >= 30


def test_what_lists_link_to_is_there() -> None:
    pages = bundled_pages()
    linked = {url for name in (*LISTS, "home") for url, _ in cases()[name]["expected"]["links"]}
    assert linked <= set(pages)


def test_the_seed_has_its_nine_images_and_six_captions() -> None:
    images = cases()["seed"]["expected"]["images"]
    assert (len(images), sum(image["caption"] is not None for image in images)) == (9, 6)


# Each case that the channel is to hold, and how one knows a page that is one.
CASES_OF_ARTICLES = {
    "no image": lambda name, expected: not expected["images"],
    "figure captions": lambda name, expected: "imgComment_content" in body(name),
    "captions in the attribute": lambda name, expected: (
        "picture-illustrating" in body(name) and any(image["caption"] for image in expected["images"])
    ),
    "old pager, three pages": lambda name, expected: (
        'id="autopage"' in body(name) and len(cases()[name].get("pages", ())) == 2
    ),
    "new pager": lambda name, expected: "class='pages'" in body(name) and "pages" in cases()[name],
    "video": lambda name, expected: 'id="videofile"' in text(name),
    "several editors": lambda name, expected: len((expected["editor"] or "").split()) > 1,
    "source inside a link": lambda name, expected: bool(re.search(r"<p>来源：\s*<a ", text(name))),
    "no editor": lambda name, expected: expected["editor"] is None,
    "no source": lambda name, expected: expected["source"] is None,
    "U+3000 indents": lambda name, expected: ">\u3000\u3000" in body(name),
    "U+00A0 indents": lambda name, expected: bool(re.search(r">(\u00a0|&nbsp;){2}", body(name))),
    "spans inside paragraphs": lambda name, expected: bool(re.search(r"<p[^>]*>[^<]+<span", body(name))),
    "doubled markers": lambda name, expected: text(name).count("<!--enpcontent-->") == 2,
    "enpproperty after the body": lambda name, expected: "<!--/enpcontent--><!--enpproperty" in text(name),
    "enpproperty before the body": lambda name, expected: bool(
        re.search("enpproperty-->[^<]*<!--enpcontent-->", text(name))
    ),
    "htm": lambda name, expected: cases()[name]["url"].endswith(".htm"),
    "html": lambda name, expected: cases()[name]["url"].endswith(".html"),
    "shtml": lambda name, expected: cases()[name]["url"].endswith(".shtml"),
}


@pytest.mark.parametrize("case", CASES_OF_ARTICLES)
def test_each_case_is_there(case: str) -> None:
    fits = CASES_OF_ARTICLES[case]
    assert any(fits(name, case["expected"]) for name, case in FIRST_PAGES.items())


@pytest.mark.parametrize("name", ["old_pager", "new_pager"])
def test_articles_over_several_pages_have_their_whole(name: str) -> None:
    others = {other: case for other, case in ARTICLES.items() if case.get("part_of") == name}
    assert {other for other, case in others.items() if "whole" not in case} == set(ARTICLES[name]["pages"])
    assert [case["url"] for case in others.values() if case.get("whole")] == [
        re.sub(r"(?=\.html?$)", "_0", ARTICLES[name]["url"])
    ]


def test_there_are_twins_of_every_kind() -> None:
    twins = [(case["url"], ARTICLES[case["twin_of"]]["url"]) for case in ARTICLES.values() if "twin_of" in case]
    assert any("/m/" in twin for twin, _ in twins)
    assert any(twin.startswith("https:") for twin, _ in twins)
    assert any(twin.rpartition(".")[2] != url.rpartition(".")[2] for twin, url in twins)
    assert all(article_id(twin) == article_id(url) for twin, url in twins)


@pytest.mark.parametrize("mark", ['<ul class="newsList">', '<div class="item">', "<dd><a "])
def test_lists_are_in_three_markups(mark: str) -> None:
    assert any(mark in block(name) for name in LISTS)


def test_lists_have_the_old_pager_the_new_one_and_none() -> None:
    pagers = Counter(('id="autopage"' in block(name), "class='pages'" in block(name)) for name in LISTS)
    assert pagers == {(True, False): 3, (False, True): 2, (False, False): 1}


def test_what_pages_need_to_be_seen_is_there() -> None:
    """Stylesheets, scripts and pictures, those too that stylesheets name; a page replayed looks as it did."""
    pages = bundled_pages()
    named = {
        (url, asset.url)
        for url, page in pages.items()
        for asset in assets(Capture("", url, "", page.status, (("Content-Type", page.content_type),), page.body))
    }
    assert {asset for url, asset in named if asset not in pages} == set()
    assert any(url.endswith(".css") and asset.endswith(".css") for url, asset in named), "an @import"
    assert any(url.endswith(".css") and asset.endswith((".png", ".jpg")) for url, asset in named), "a background"
    assert {"text/css", "application/javascript"} <= {pages[asset].content_type for _, asset in named}
