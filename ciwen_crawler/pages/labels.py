"""Labelled lines as the templates print them, 来源：X and 【责任编辑：X】: the value without its label."""

import re
from html import unescape

from ciwen_crawler.text import clean

_SITES = ("网", "网站", "China.org.cn")
_SITE_NAME = re.compile(r"_[^_]")
_NEXT_LABEL = r"(?=\s*(?:[|｜]|(?:作者|责任编辑|责编|编辑|发布时间|时间|字体|分享到|审核|校对)\s*[:：])|$)"
_SOURCE = re.compile(r"来\s*源\s*[:：]\s*(.*?)" + _NEXT_LABEL)
_AUTHOR = re.compile(r"作\s*者\s*[:：]\s*(.*?)(?=\s*(?:[|｜]|(?:来源|责任编辑|责编|编辑)\s*[:：])|$)")
_EDITOR = re.compile(
    r"(?P<open>[【\[(（]?)\s*(?:责任编辑|责\s*编|编\s*辑)\s*[:：]\s*(?P<name>.*?)" + _NEXT_LABEL, re.DOTALL
)
_CLOSERS = {"【": "】", "[": "]", "(": ")", "（": "）"}
# Between two words in Latin letters a blank is part of the keyword.
_KEYWORD_SEPARATOR = re.compile(r"[,，、;；]|(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_LONGEST_NAME = 100
_LONGEST_LINE = 1000  # a label begins a line, or stands among few others


def without_site_name(title: str | None) -> str | None:
    """A title without the `_中国网` or `_科技_光明网` that the CMS puts after it."""
    begins = _SITE_NAME.search(title) if title and title.endswith(_SITES) else None
    return clean(title[: begins.start()] if title and begins else title)


def source_in(line: str | None) -> str | None:
    """The name after 来源, as printed."""
    found = _SOURCE.search(line[:_LONGEST_LINE]) if line else None
    return clean(found[1][:_LONGEST_NAME]) if found else None


def author_in(line: str | None) -> str | None:
    """The name after 作者, as printed."""
    found = _AUTHOR.search(line[:_LONGEST_LINE]) if line else None
    return clean(found[1][:_LONGEST_NAME]) if found else None


def editor_in(line: str | None, *, labelled: bool = True) -> str | None:
    """The name or names after 责任编辑, as printed, without the brackets around the line.

    >>> editor_in("【责任编辑：郭旭】")
    '郭旭'
    """
    if not line:
        return None
    found = _EDITOR.search(line[:_LONGEST_LINE])
    if found is None:
        return None if labelled else clean(line.strip("【】[]")[:_LONGEST_NAME])
    opener, name = found["open"], found["name"]
    return clean((_within_brackets(name, opener, _CLOSERS[opener]) if opener else name)[:_LONGEST_NAME])


def _within_brackets(text: str, opener: str, closer: str) -> str:
    """The text up to the bracket that closes the one before it."""
    depth = 0
    for position, character in enumerate(text):
        if character == opener:
            depth += 1
        elif character == closer:
            if depth == 0:
                return text[:position]
            depth -= 1
    return text


def keywords_in(line: str | None) -> tuple[str, ...] | None:
    """The keywords of a list, each once; the CMS's users part them in every way."""
    words = map(clean, _KEYWORD_SEPARATOR.split(unescape(line))) if line else ()
    return tuple(dict.fromkeys(word for word in words if word)) or None
