"""What stands in or around an article's text and is none of it: share words, pagers, editor's lines, hidden parts."""

import re
from collections.abc import Mapping

from ciwen_crawler.pages.styles import style_of

_IDS = frozenset(
    "cnki_grabber autopage displaypagenum mpagecount mcurrentpage contentLiability vf videoarea qrcode qrcode1 "
    "fix_wza editor_baidu webdig_source bdshare".split()
)
_CLASSES = frozenset(
    "editor articleEditor informShare topShare fontSize inform share bdsharebuttonbox copySuccess local m_local crumb "
    "crumbs relevant scroll_top m_gotop share_icon article_title".split()
)

_LABEL = r"(?:责任编辑|责编|编辑)\s*[:：]"
_EDITOR_LINE = re.compile(rf"[【\[(（]\s*{_LABEL}[^。]*[】\])）]|(?:责任编辑|责编)\s*[:：][^。！？]*")
# Without a bracket and the word 责任 this may be a speaker in an interview, so it must be the last line.
_LAST_EDITOR_LINE = re.compile(r"编辑\s*[:：]\s*[^，。！？：:]{1,20}")
_PAGER_WORD = r"(?:上一页|下一页|首页|尾页|末页|全文阅读|\d+|[<>«»|/.…\[\]])"
_LINE = re.compile(
    r"返回顶部|链接已复制|分享缩略图|分享到\s*[:：].{0,20}|字体\s*[:：][\s大中小]*"
    rf"|(?=.*(?:上一页|下一页|全文阅读)){_PAGER_WORD}(?:\s*{_PAGER_WORD})*"
)
_LAST_LINE = re.compile(r"无障碍(?:浏览)?")
# What china.org.cn puts below every opinion article, within its markers: who writes there, and whose views they are.
_COLUMN_LINE = re.compile(
    r"Opinion articles reflect the views of their authors\b.*|If you would like to contribute, please contact us\b.*"
    r"|.{1,60} is an? .{1,120} For more information,? please visit:?|https?://www\.china\.org\.cn/opinion/\w+\.htm"
)
_LONGEST = 80
_LONGEST_COLUMN_LINE = 200

_NO_ADDRESS = ("data:", "about:", "#")
_PLACEHOLDER = re.compile(
    r"(?:blank|spacer|placeholder|loading|grey|gray|lazy|transparent|pixel)[\w-]*\.\w+", re.IGNORECASE
)
_LAZY = ("data-src", "data-original", "data-ue-src", "data_ue_src", "data-lazy-src", "_src")
_HOME_LINK = re.compile(r"返回.{0,12}首页")


def is_furniture(tag: str, attributes: Mapping[str, str]) -> bool:
    """True for an element that holds nothing of the article."""
    if "style" in attributes and style_of(attributes["style"]).hidden:
        return True
    if attributes.get("id") in _IDS or "hidden" in attributes:
        return True
    classes = attributes["class"].split() if "class" in attributes else ()
    if tag == "ul" and ("pages" in attributes or "pages" in classes):
        return True  # the new pager, <ul pages='3' current='1' class='pages'>
    return not _CLASSES.isdisjoint(classes)


def is_editor_line(line: str, *, last: bool) -> bool:
    """True for a paragraph that only names the editor."""
    if len(line) > _LONGEST or "编" not in line:
        return False
    return bool(_EDITOR_LINE.fullmatch(line) or (last and _LAST_EDITOR_LINE.fullmatch(line)))


def is_furniture_line(line: str, *, last: bool) -> bool:
    """True for a paragraph of share, font-size or pager words; 无障碍 may be a subheading, so only as the last."""
    if last and line.isascii() and len(line) <= _LONGEST_COLUMN_LINE and _COLUMN_LINE.fullmatch(line):
        return True
    return len(line) <= _LONGEST and bool(_LINE.fullmatch(line) or (last and _LAST_LINE.fullmatch(line)))


def image_source(attributes: Mapping[str, str]) -> str | None:
    """The address of the picture itself, where `src` only holds the place of a picture that is loaded late."""
    source = (attributes.get("src") or "").strip()
    name = source.rpartition("/")[2]
    if source and not source.startswith(_NO_ADDRESS) and not _PLACEHOLDER.fullmatch(name):
        return source
    return next((attributes[name] for name in _LAZY if attributes.get(name)), None)


def is_icon(url: str, attributes: Mapping[str, str]) -> bool:
    """True for a picture that is a button: an attachment's icon, a share icon, the logo that leads home."""
    title, address = attributes.get("title"), url.lower()
    if "/filetypeimages/" in address or "/shareicon" in address or "/share_icon" in address:
        return True
    return bool(title and _HOME_LINK.match(title))
