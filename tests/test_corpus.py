"""Real pages that cannot be part of the project; skipped where they are not beside it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ciwen_crawler.items import Article, ArticlePage
from ciwen_crawler.pages import merge, missing, read_article, read_listing
from tests.cases import CORPUS, page
from tests.markup import Markup

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real pages at {CORPUS}")

NEWS = "china_com_cn/news_2024-05-13_content_117184963.cleaned.html"
# The same page as a browser's DOM.
SNAPSHOT = "china_com_cn/news_2024-05-13_content_117184963.snapshot.html"
CHINA_ORG = "same_cms/china_org_cn_2022-10-21_content_78478030_EN.html"
GMW = "same_cms/gmw_2017-03-10_content_23937776.html"
RENDERINGS = pytest.mark.parametrize("file", [pytest.param(NEWS, id="cleaned"), pytest.param(SNAPSHOT, id="snapshot")])


@cache
def truth(file: str) -> dict[str, Any]:
    folder, _, name = file.replace("snapshot", "cleaned").partition("/")
    lines = (CORPUS / folder / "truth.jsonl").read_text("utf-8").splitlines()
    return next(told for told in map(json.loads, lines) if told["file"] == name)


@cache
def read(file: str) -> tuple[ArticlePage, Article]:
    capture = page(truth(file)["url"], (CORPUS / file).read_bytes())
    read = read_article(capture)
    return read, merge([capture], [read])


def pages_in(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("**/*.html"))


# The channel's own template


@RENDERINGS
@pytest.mark.parametrize("field", ["title", "source", "author", "editor", "body"])
def test_news(file: str, field: str) -> None:
    assert getattr(read(file)[1], field) == truth(file)[field]


@RENDERINGS
def test_news_time(file: str) -> None:
    article = read(file)[1]
    assert (article.published_at, article.published_precision) == ("2024-05-13T13:48:13+08:00", "second")
    assert f"{article.published_at}"[:16].replace("T", " ") == truth(file)["date"]


@RENDERINGS
def test_news_place(file: str) -> None:
    article = read(file)[1]
    assert (article.id, article.url) == ("china.com.cn:117184963", truth(file)["url"])
    assert [list(crumb) for crumb in article.breadcrumb] == truth(file)["breadcrumb"]
    assert article.channel == "新闻中心"


@RENDERINGS
def test_news_rest(file: str) -> None:
    article = read(file)[1]
    assert [image.url for image in article.images] == truth(file)["images"] == []
    assert (article.keywords, article.summary) == ((), None)
    assert (truth(file)["enpproperty"]["keyword"], truth(file)["enpproperty"]["abstract"]) == ("", "")


@RENDERINGS
def test_news_markup(file: str) -> None:
    article = read(file)[1]
    markup = Markup(article.body_html or "")
    assert (markup.faults, missing(article)) == ([], ())
    assert without_blanks(markup.text) == without_blanks(article.body or "")


@RENDERINGS
def test_news_is_read_by_the_rules_trusted_most(file: str) -> None:
    assert read(file)[0].evidence == {
        "url": "enpproperty.url",
        "title": ".content > h1",
        "published_at": "enpproperty.date",
        "source": ".inform p",
        "author": "enpproperty.author",
        "editor": ".editor",
        "breadcrumb": ".local",
        "channel": ".local",
        "body": "enpcontent",
    }


# Sister sites on the same CMS


def without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("file", [pytest.param(CHINA_ORG, id="china.org.cn"), pytest.param(GMW, id="gmw")])
@pytest.mark.parametrize("field", ["title", "source", "author"])
def test_sister_site(file: str, field: str) -> None:
    assert getattr(read(file)[1], field) == truth(file)[field]


@pytest.mark.parametrize(
    ("file", "moment"),
    [
        pytest.param(CHINA_ORG, "2022-10-21T09:44:58+08:00", id="china.org.cn"),
        pytest.param(GMW, "2017-03-10T09:58:03+08:00", id="gmw"),
    ],
)
def test_sister_site_time(file: str, moment: str) -> None:
    article = read(file)[1]
    assert (article.published_at, article.published_precision) == (moment, "second")
    assert truth(file)["date"].startswith(moment[:19].replace("T", " "))


def test_gmw_editor_lies_between_the_closing_markers() -> None:
    read_page, article = read(GMW)
    assert (article.editor, read_page.evidence["editor"]) == (truth(GMW)["editor"], "#contentLiability")


def test_china_org_editor_is_the_liable_one() -> None:
    """The page shows none, so the truth has none, but the CMS's comment names one."""
    read_page, article = read(CHINA_ORG)
    assert truth(CHINA_ORG)["editor"] is None
    assert article.editor == truth(CHINA_ORG)["enpproperty"]["liability"]
    assert read_page.evidence["editor"] == "enpproperty.liability"


def test_china_org_body() -> None:
    article = read(CHINA_ORG)[1]
    assert without_blanks(article.body or "") == without_blanks(truth(CHINA_ORG)["body"])
    assert article.keywords == tuple(truth(CHINA_ORG)["enpproperty"]["keyword"].split(","))
    assert article.summary == truth(CHINA_ORG)["enpproperty"]["abstract"]


def test_china_org_caption() -> None:
    image, *others = read(CHINA_ORG)[1].images
    assert others == []
    assert (image.caption or "").startswith("A girl is comforted before a candle light vigil in Raleigh")


def test_gmw_body() -> None:
    """No label exists: the paragraphs between the outermost markers, captions apart, are the body."""
    source = (CORPUS / GMW).read_text("utf-8")
    marked = source[source.index("<!--enpcontent-->") : source.rindex("<!--/enpcontent-->")]
    lines = [" ".join(re.sub(r"<[^>]*>", "", line).split()) for line in re.findall(r"(?s)<p\b.*?</p>", marked)]
    captions = [line for line in lines if line.startswith("图注：")]
    article = read(GMW)[1]
    assert (article.body or "").split("\n") == [line for line in lines if line and line not in captions]
    assert [image.caption for image in article.images if image.caption] == captions
    assert len(captions) == 3


@pytest.mark.parametrize("file", [pytest.param(CHINA_ORG, id="china.org.cn"), pytest.param(GMW, id="gmw")])
def test_sister_site_markup(file: str) -> None:
    article = read(file)[1]
    markup = Markup(article.body_html or "")
    assert markup.faults == []
    assert without_blanks(markup.text) == without_blanks(article.body or "")


# Pages of other sites: nothing is promised of them but that they can be read


@pytest.mark.parametrize(
    "file", [pytest.param(file, id=file.stem) for file in pages_in("chinese_news") + pages_in("excerpts")]
)
def test_any_article_can_be_read(file: Path) -> None:
    read_page = read_article(page("http://news.example/2024/05/10/a.html", file.read_bytes()))
    assert Markup(read_page.body_html or "").faults == []
    assert without_blanks(Markup(read_page.body_html or "").text) == without_blanks(read_page.body or "")


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in pages_in("list_pages")])
def test_any_list_can_be_read(file: Path) -> None:
    listing = read_listing(page("http://news.example/", file.read_bytes()))
    assert len({link.url for link in listing.links}) == len(listing.links)


def test_real_list_markup() -> None:
    listing = read_listing(page("http://ci.china.com.cn/", (CORPUS / "excerpts/list_fragments.html").read_bytes()))
    assert [(link.url[len("http://") :], link.title) for link in listing.links] == [
        ("gongyi.china.com.cn/2020-02/06/content_41049394.htm", "抗击疫情进行时 爱心接力不打烊"),
        ("gongyi.china.com.cn/2020-02/06/content_41049389.htm", "周庄“跑腿”志愿队暖心服务阻病毒"),
        ("gongyi.china.com.cn/2020-02/05/content_41048081.htm", "志愿者：疫情防控中的“红色轻骑兵”"),
        ("gongyi.china.com.cn/2019-11/11/content_40955463.htm", "江西援外医生：当地民众对中国医生很尊重"),
        ("news.china.com.cn/2018-03/16/content_50714698.htm", "中国最北海上油田的抗冰人"),
        # An anchor may hold no other, so of the outer one nothing is left to be seen.
        ("www.china.com.cn/txt/2018-03/16/content_50713685.htm", None),
        ("v.china.com.cn/news/2018-03/16/content_50713294.htm", "女子用毛线织出清明上河图"),
        ("v.china.com.cn/news/2018-03/16/content_50713267.htm", "狗狗的爆笑日常"),
    ]
    assert listing.nodes == ("http://gongyi.china.com.cn/node_521551.htm",)
