"""Every field of every page of the bundled channel, one test a field."""

import ast
import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ciwen_crawler import pages
from ciwen_crawler.identity import article_id, canonical_url, is_twin
from ciwen_crawler.items import Article, Listing
from ciwen_crawler.pages import extractor_digest, merge, missing, read_article, read_listing
from tests.cases import PROJECT, article_of, articles, cases, field_of, html, lists, page_of
from tests.markup import Markup

FIELDS = (
    "id title published_at published_precision source author editor body breadcrumb channel keywords summary images"
).split()
LISTING_FIELDS = ["links", "pages", "nodes"]
ARTICLES = [case.name for case in articles()]
SEVERAL_PAGES = [case.name for case in articles() if case.pages]
WHOLES = [case.name for case in cases().values() if case.whole]
TWINS = [case.name for case in cases().values() if case.twin_of]
# A page's title, date and so on are read from the page; these have a rule behind them.
RULED = "url title published_at source author editor body breadcrumb keywords summary".split()
# The mobile rendering prints no crumb.
CRUMBLESS = {"breadcrumb", "channel"}

BOILERPLATE = (
    "分享到 链接已复制 分享缩略图 字体： 字体: 返回顶部 无障碍 责任编辑 责编 【编辑 当前位置 上一页 下一页 "
    "全文阅读 尾页 enpcontent enpproperty"
).split()


def ids(pairs: list[tuple[str, str]]) -> list[object]:
    return [pytest.param(*pair, id="-".join(pair)) for pair in pairs]


def expected(name: str, field: str) -> object:
    told = cases()[name].expected
    assert told is not None, f"{name}.json says nothing of what is to be read: review it"
    assert field in told, f"{name}.json says nothing of {field}: review it"
    return told[field]


@pytest.mark.parametrize(("name", "field"), ids([(name, field) for name in ARTICLES for field in FIELDS]))
def test_article(name: str, field: str) -> None:
    assert field_of(article_of(name), field) == expected(name, field)


@pytest.mark.parametrize("name", ARTICLES)
def test_article_url(name: str) -> None:
    assert article_of(name).url == cases()[name].url


@pytest.mark.parametrize("name", ARTICLES)
def test_nothing_expected_is_left_untested(name: str) -> None:
    assert sorted(cases()[name].expected or ()) == sorted(FIELDS)


@pytest.mark.parametrize("name", ARTICLES)
def test_article_is_sound(name: str) -> None:
    assert missing(article_of(name)) == ()


@pytest.mark.parametrize("name", ARTICLES)
def test_no_boilerplate(name: str) -> None:
    article = article_of(name)
    shown = [
        article.body or "",
        Markup(article.body_html or "").rendering,
        *(image.caption or "" for image in article.images),
    ]
    assert [word for word in BOILERPLATE if any(word in text for text in shown)] == []


class _Hidden(HTMLParser):
    """The texts of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.texts.append(data.strip())


@pytest.mark.parametrize("name", ARTICLES)
def test_no_script_or_style_text(name: str) -> None:
    hidden = _Hidden(cases()[name].capture.body.decode())
    assert hidden.texts, "every page of the template has scripts"
    article = article_of(name)
    assert [text for text in hidden.texts if text in (article.body or "") or text in (article.body_html or "")] == []


@pytest.mark.parametrize("name", ARTICLES)
def test_body_html_is_clean_and_says_what_the_body_says(name: str) -> None:
    article = article_of(name)
    markup = Markup(article.body_html or "")
    assert markup.faults == []
    assert without_blanks(markup.text) == without_blanks(article.body or "")
    assert markup.captions == [image.caption for image in article.images if image.caption]
    assert markup.pictures == [image.url for image in article.images]


@pytest.mark.parametrize("name", ARTICLES)
def test_each_value_has_its_evidence(name: str) -> None:
    article = article_of(name)
    assert {field: bool(article.evidence.get(field)) for field in RULED} == {
        field: bool(getattr(article, field)) for field in RULED
    }


@pytest.mark.parametrize("name", ARTICLES)
def test_charset_and_its_evidence(name: str) -> None:
    page = page_of(name)
    assert page.charset == "utf-8"
    assert page.charset_evidence["rule"] == "valid utf-8"


# Several pages


@pytest.mark.parametrize("name", SEVERAL_PAGES)
def test_pager_names_every_page(name: str) -> None:
    names = (name, *cases()[name].pages)
    numbers = tuple(range(1, len(names) + 1))
    assert [(page_of(each).number, page_of(each).pages) for each in names] == [(number, numbers) for number in numbers]


@pytest.mark.parametrize("name", SEVERAL_PAGES)
def test_pages_merge_in_any_order_and_without_the_whole(name: str) -> None:
    whole = next(case.name for case in cases().values() if case.whole and case.part_of == name)
    names = (whole, *reversed(cases()[name].pages), name)
    merged = merge([cases()[each].capture for each in names], [page_of(each) for each in names])
    assert merged == article_of(name)


@pytest.mark.parametrize("name", [name for name in ARTICLES if name not in SEVERAL_PAGES])
def test_other_articles_have_one_page(name: str) -> None:
    assert (page_of(name).number, page_of(name).pages) == (1, (1,))


@pytest.mark.parametrize(("name", "field"), ids([(name, field) for name in WHOLES for field in FIELDS]))
def test_whole_on_one_page(name: str, field: str) -> None:
    alone = merge([cases()[name].capture], [page_of(name)])
    assert (page_of(name).number, page_of(name).pages) == (0, (0,))
    assert field_of(alone, field) == expected(str(cases()[name].part_of), field)


@pytest.mark.parametrize("name", [case.name for case in cases().values() if case.part_of])
def test_further_pages_are_the_same_article(name: str) -> None:
    first = cases()[str(cases()[name].part_of)]
    assert article_id(cases()[name].url) == article_id(first.url) == article_id(page_of(name).url)
    assert is_twin(cases()[name].url) == cases()[name].whole


# Twins


@pytest.mark.parametrize(("name", "field"), ids([(name, field) for name in TWINS for field in FIELDS]))
def test_twin_says_the_same(name: str, field: str) -> None:
    twin = merge([cases()[name].capture], [page_of(name)])
    if field in CRUMBLESS and "/m/" in cases()[name].url:
        assert not getattr(twin, field)
    else:
        assert field_of(twin, field) == expected(str(cases()[name].twin_of), field)


@pytest.mark.parametrize("name", TWINS)
def test_twin_is_the_same_article(name: str) -> None:
    twin, first = cases()[name], cases()[str(cases()[name].twin_of)]
    assert article_id(twin.url) == article_id(first.url)
    assert page_of(name).url == first.url
    assert is_twin(twin.url) == ("/m/" in twin.url)


# Lists


@pytest.mark.parametrize(("name", "field"), ids([(case.name, field) for case in lists() for field in LISTING_FIELDS]))
def test_listing(name: str, field: str) -> None:
    assert shown(read_listing(cases()[name].capture), field) == expected(name, field)


@pytest.mark.parametrize("name", [case.name for case in lists()])
def test_no_listing_expectation_is_left_untested(name: str) -> None:
    assert sorted(cases()[name].expected or ()) == sorted(LISTING_FIELDS)


def shown(listing: Listing, field: str) -> list[object]:
    return [[link.url, link.title] if field == "links" else link for link in getattr(listing, field)]


@pytest.mark.parametrize("name", [case.name for case in lists()])
def test_no_link_of_navigation_footer_or_boxes(name: str) -> None:
    capture = cases()[name].capture
    listing = read_listing(capture)
    assert b"content_4000000" in capture.body
    assert [link.url for link in listing.links if "content_4000000" in link.url] == []


def test_every_article_is_listed_somewhere() -> None:
    listed = {article_id(link.url) for case in lists() for link in read_listing(case.capture).links}
    assert {field_of(article_of(name), "id") for name in ARTICLES} == listed


# The seed, against the text that is known of it


def without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def folded(text: str) -> str:
    """As the known text was folded: ASCII for full-width punctuation."""
    return without_blanks(text).translate(str.maketrans("，：；！？（）", ",:;!?()"))


def test_seed_word_for_word() -> None:
    known = folded((PROJECT / "fixtures" / "html" / "seed.txt").read_text("utf-8"))
    article = article_of("seed")
    stamp = f"{article.published_at}"[:16].replace("T", "")
    crumbs = "-".join(text for _, text in article.breadcrumb)
    share = "分享到:链接已复制"
    head = f"分享缩略图{article.title}{share}当前位置:{crumbs}-{article.title}{stamp}来源:{article.source}{share}字体:"
    tail = f"【责任编辑:{article.editor}】返回顶部"
    assert known == folded(head) + folded(Markup(article.body_html or "").rendering) + folded(tail)


def test_seed_counts() -> None:
    article = article_of("seed")
    assert len(article.images) == 9
    assert sum(image.caption is not None for image in article.images) == 6
    assert "Fenerbahçe mahallesi FenerKalamış caddesi" in (article.body or "")


# The bundle itself


def test_thirty_articles() -> None:
    assert len(ARTICLES) >= 30


def test_fixtures_have_one_address_each() -> None:
    urls = [case.url for case in cases().values()]
    assert len(urls) == len(set(urls))


# Reading


def test_the_same_capture_reads_the_same() -> None:
    capture = cases()["seed"].capture
    assert read_article(capture) == read_article(capture)


def test_article_is_plain_data() -> None:
    article = article_of("seed")
    names = [field.name for field in dataclasses.fields(Article)]
    assert sorted(json.loads(json.dumps(dataclasses.asdict(article)))) == sorted(names)


# What rows follow from, and from there every module that is imported, but for those that decide no row.
READING = "store/readings.py content.py looks.py store/articles.py warc/capturing.py warc/revisit.py".split()
DECIDES_NO_ROW = {
    "__init__.py": "the version",
    "errors.py": "what is told of failures",
    "original.py": "where a record lies",
    "store/__init__.py": "holds a docstring alone",
    "warc/__init__.py": "holds a docstring alone",
    "warc/reader.py": "finds records, whose digests say whether they are whole",
    "warc/writer.py": "is known to the reader for its spans",
    "store/batch.py": "writes rows as they are given",
    "store/database.py": "opens the file that they are written to",
    "store/schema.py": "has a version of its own, which a database must have",
}


def test_digest_covers_all_that_decides_a_row() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", extractor_digest())
    package = PROJECT / "ciwen_crawler"
    found = {package / name for name in READING}
    waiting = list(found)
    while waiting:
        new = _imported(waiting.pop()) - found
        found |= new
        waiting += new
    names = {str(path.relative_to(package)) for path in found}
    assert DECIDES_NO_ROW.keys() <= names, "one that is not imported needs no reason"
    assert {name for name in names if not name.startswith("pages/")} - DECIDES_NO_ROW.keys() == set(pages._DEPENDS_ON)


def _imported(path: Path) -> set[Path]:
    """The modules of ours that a module imports, wherever in it and in whatever form."""
    package = path.relative_to(PROJECT).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            names.update((base, *(f"{base}.{alias.name}" for alias in node.names)))
    # Importing a module runs every package above it.
    names |= {name.rsplit(".", up)[0] for name in names for up in range(1, name.count(".") + 1)}
    places = (PROJECT.joinpath(*name.split(".")) for name in names if name.split(".")[0] == "ciwen_crawler")
    return {each for place in places for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()}


def test_page_without_anything() -> None:
    page = read_article(html(""))
    absent = (page.title, page.source, page.author, page.editor, page.body, page.body_html, page.summary, page.channel)
    assert absent == (None,) * 8
    assert (page.images, page.keywords, page.breadcrumb) == ((), (), ())
    assert page.url == canonical_url("http://ci.china.com.cn/2025-06/04/content_43135627.html")
    assert (page.published_at, page.evidence["published_at"]) == ("2025-06-04T00:00:00+08:00", "url")
