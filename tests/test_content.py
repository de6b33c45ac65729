"""When two readings are the same content, and when they differ in nothing that matters."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.content import content_hash, substance_hash
from ciwen_crawler.items import Article, Image

SEED = Article(
    id="china.com.cn:43135627",
    url="http://ci.china.com.cn/2025-06/04/content_43135627.html",
    channel="瓷闻天下",
    captured_at="2025-06-04T09:00:00.000000Z",
    title="景德镇瓷器旗舰店在土耳其开业",
    published_at="2025-06-04T16:35:12+08:00",
    published_precision="second",
    source="特稿",
    author=None,
    editor="杨俊康",
    body="增长3.5%，共12:30到场；气温-5℃。\n“好”，他说。",
    body_html=None,
    breadcrumb=(),
    keywords=(),
    summary=None,
    images=(Image("http://ci.china.com.cn/pic/a-b.jpg", None, "签约仪式。"),),
    extractor="enp/1",
)


def body(text: str) -> Article:
    """The article with another body."""
    return replace(SEED, body=text)


def caption(text: str) -> Article:
    """The article with another caption."""
    return replace(SEED, images=(replace(SEED.images[0], caption=text),))


@pytest.mark.parametrize(
    "look",
    [
        body("增长3.5%,共12:30到场,气温-5℃!\n「好」他说"),
        body("增长3.5%…共12:30到场——气温-5℃\n好他说"),
        replace(SEED, title="“景德镇瓷器”旗舰店在土耳其开业！"),
        replace(SEED, published_at="2025-06-05T08:00:00+08:00"),
        caption("签约仪式"),
    ],
    ids=["marks", "dashes", "title", "date", "caption"],
)
def test_punctuation_and_date_are_content_and_no_substance(look: Article) -> None:
    assert content_hash(look) != content_hash(SEED)
    assert substance_hash(look) == substance_hash(SEED)


@pytest.mark.parametrize(
    "look",
    [
        body("增长35%，共12:30到场；气温-5℃。\n“好”，他说。"),
        body("增长3.5，共12:30到场；气温-5℃。\n“好”，他说。"),
        body("增长3.5%，共1230到场；气温-5℃。\n“好”，他说。"),
        body("增长3.5%，共12:30到场；气温5℃。\n“好”，他说。"),
        body("增长3.5%，共12:30到场；气温-5℃。\n“坏”，他说。"),
        replace(SEED, title=None),
        replace(SEED, source="中国网"),
        replace(SEED, author="特约"),
        replace(SEED, editor=None),
        replace(SEED, images=()),
        replace(SEED, images=(replace(SEED.images[0], url="http://ci.china.com.cn/pic/ab.jpg"),)),
        caption("签约"),
    ],
    ids="decimal percent clock minus word title source author editor images image caption".split(),
)
def test_all_else_is_substance(look: Article) -> None:
    assert substance_hash(look) != substance_hash(SEED)


@given(st.text("瓷窑a1 ", min_size=1), st.text("瓷窑a1", min_size=1))
def test_fields_do_not_run_into_one_another(one: str, other: str) -> None:
    apart, together = replace(SEED, title=one, source=other), replace(SEED, title=one + other, source=None)
    assert content_hash(apart) != content_hash(together)
    assert substance_hash(apart) != substance_hash(together)
