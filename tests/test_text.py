"""Text as it is archived."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciwen_crawler.text import clean, content_form, fold, visible

ANY = st.text(max_size=60)
# White space, marks that combine, invisible characters, letters of several scripts: where the rules may collide.
ODD = st.text(
    st.sampled_from(
        "a陶ﱞé\u0301\u3000\u00a0\u200b\u200f\ufeff\u00ad\ufffc\t\n\r\x0b\x1c\x85\u2028 Ａ①ſﬁ가ᅡ\u0327\u1160\x00"
    )
)
TEXTS = st.one_of(ANY, ODD)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert visible(visible(text)) == visible(text)
    assert content_form(content_form(text)) == content_form(text)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_folded_text_is_one_composed_line(text: str) -> None:
    line = fold(text)
    assert line == unicodedata.normalize("NFC", line)
    assert line == " ".join(line.split())
    assert not any(unicodedata.category(character) == "Cc" for character in line)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_what_is_folded_is_the_same_content(text: str) -> None:
    assert content_form(text) == content_form(fold(text))
    assert content_form(text) == content_form(f" {text}\u3000")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("\u3000\u3000当地时间 5月31日\u00a0", "当地时间 5月31日", id="indents"),
        pytest.param("景德镇\r\n\t陶瓷", "景德镇 陶瓷", id="line breaks"),
        pytest.param("瓷\u200b都\ufeff", "瓷都", id="zero width"),
        pytest.param("cafe\u0301", "café", id="composed"),
        pytest.param("Kızıltoprak/Kadıköy/İstanbul ", "Kızıltoprak/Kadıköy/İstanbul", id="Turkish"),
        pytest.param("，：；！？（）", "，：；！？（）", id="full width stays"),
        pytest.param("a\x00b\x07c", "abc", id="controls"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("text", [None, "", " ", "\u3000\u00a0", "\u200b\ufeff"])
def test_absent_is_none(text: str | None) -> None:
    assert clean(text) is None


def test_width_composition_and_white_space_are_no_change() -> None:
    assert content_form("瓷，都（Ａ）cafe\u0301 ①") == content_form("瓷,\n都(A)café\u30001")
    assert content_form("瓷都") != content_form("瓷器")
    assert content_form(None) == ""
