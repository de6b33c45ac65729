"""Which charset a page is in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciwen_crawler.charset import codec_of, decode
from tests.cases import article_of

SIMPLIFIED = article_of("plain").body or ""
TRADITIONAL = (
    "當地時間五月三十一日下午，景德鎮陶瓷官方旗艦店在伊斯坦堡舉行揭牌儀式。這是中國陶瓷走向世界的又一個重要成果，"
    "也是兩國人民友好往來的見證。千年之前，青花瓷經由絲綢之路抵達這座城市；今天，我們以陶瓷為媒，再次架起民心相通的橋樑。"
)
DECLARATIONS = st.sampled_from(
    [None, "text/html", "text/html; charset=utf-8", "text/html;charset=GB2312", "text/html; charset=\x00"]
)


def passages(text: str, shortest: int) -> st.SearchStrategy[str]:
    """Passages as they stand in real text."""
    return st.integers(0, len(text) - shortest).flatmap(
        lambda start: st.integers(start + shortest, len(text)).map(lambda end: text[start:end])
    )


@given(st.binary(max_size=200), st.one_of(DECLARATIONS, st.text(max_size=40)))
@settings(max_examples=500, deadline=None)
def test_never_fails(body: bytes, content_type: str | None) -> None:
    decoded = decode(body, content_type)
    assert decoded.evidence["chosen"] == decoded.charset
    assert decoded.evidence["replacements"] == decoded.text.count("\ufffd")
    assert codec_of(decoded.charset) is not None or decoded.charset.startswith("utf-16")


@given(st.text(max_size=80).filter(lambda text: not text.startswith("\ufeff")), DECLARATIONS)
@settings(max_examples=300, deadline=None)
def test_any_text_in_utf_8(text: str, content_type: str | None) -> None:
    if content_type and "GB2312" in content_type and not text.isascii() and max(text) < "\u0800":
        return  # a few letters of two bytes each may as well be GBK, and the declaration decides
    assert decode(text.encode(), content_type).text == text


@given(passages(SIMPLIFIED, 12), st.sampled_from(["gb2312", "GBK", "gb18030", "utf-8", "iso-8859-1", None]))
@settings(max_examples=200, deadline=None)
def test_simplified_in_gb18030(text: str, label: str | None) -> None:
    decoded = decode(text.encode("gb18030"), f"text/html; charset={label}" if label else None)
    assert (decoded.text, decoded.charset) == (text, "gb18030")


@given(passages(TRADITIONAL, 12), st.sampled_from(["big5", "Big5-HKSCS", "x-x-big5"]))
@settings(max_examples=200, deadline=None)
def test_traditional_in_big5(text: str, label: str) -> None:
    decoded = decode(text.encode("big5hkscs"), f"text/html; charset={label}")
    assert (decoded.text, decoded.charset) == (text, "big5hkscs")


@given(passages(SIMPLIFIED, 200), st.integers(1, 2))
@settings(max_examples=50, deadline=None)
def test_utf_8_cut_in_a_character(text: str, cut: int) -> None:
    decoded = decode((text + "瓷").encode()[:-cut], "text/html; charset=gb2312")
    assert (decoded.charset, decoded.text[:-1], decoded.evidence["rule"]) == ("utf-8", text, "nearly utf-8")


def meta(label: str, text: str) -> str:
    return f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={label}"></head>{text}</html>'


@pytest.mark.parametrize(
    ("body", "content_type", "charset", "rule"),
    [
        pytest.param(
            meta("gb2312", SIMPLIFIED).encode(), None, "utf-8", "valid utf-8", id="declared gb2312, sent utf-8"
        ),
        pytest.param(
            meta("utf-8", SIMPLIFIED).encode("gbk"), None, "gb18030", "fewest errors", id="declared utf-8, sent gbk"
        ),
        pytest.param(
            meta("gb2312", SIMPLIFIED).encode("gbk"),
            "text/html; charset=utf-8",
            "gb18030",
            "declared",
            id="the header lies",
        ),
        pytest.param(
            meta("gbk", SIMPLIFIED).encode("gbk"),
            "text/html; charset=ISO-8859-1",
            "gb18030",
            "declared",
            id="default header",
        ),
        pytest.param(
            meta("gb2312", "镕㐀").encode("gb18030"), None, "gb18030", "declared", id="more than gb2312 holds"
        ),
        pytest.param(b"\xef\xbb\xbf" + SIMPLIFIED.encode(), "text/html; charset=gbk", "utf-8", "bom", id="bom"),
        pytest.param(b"\xff\xfe" + SIMPLIFIED.encode("utf-16-le"), None, "utf-16-le", "bom", id="utf-16"),
        pytest.param("路".encode("gbk"), "text/html; charset=gb2312", "gb18030", "declared, short", id="like utf-8"),
        pytest.param(b"plain", "text/html; charset=gb2312", "gb18030", "ascii", id="ascii"),
        pytest.param(b"", None, "utf-8", "ascii", id="empty"),
        pytest.param(
            "café à la crème".encode("cp1252"), "text/html; charset=iso-8859-1", "cp1252", "declared", id="Latin"
        ),
    ],
)
def test_decision(body: bytes, content_type: str | None, charset: str, rule: str) -> None:
    decoded = decode(body, content_type)
    assert (decoded.charset, decoded.evidence["rule"]) == (charset, rule)
    assert decoded.evidence["replacements"] == 0


def test_evidence_says_what_was_declared() -> None:
    decoded = decode(meta("GB2312", SIMPLIFIED).encode(), "text/html; charset=GBK")
    assert decoded.evidence == {
        "header": "GBK",
        "meta": "GB2312",
        "bom": None,
        "chosen": "utf-8",
        "rule": "valid utf-8",
        "replacements": 0,
    }


@pytest.mark.parametrize("label", ["utf-16", "base64", "rot13", "idna", "\x00", "nonsense", "", None, "utf-7"])
def test_labels_that_no_page_is_decoded_by(label: str | None) -> None:
    assert codec_of(label) is None
