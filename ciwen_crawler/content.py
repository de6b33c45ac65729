"""When two readings of an article are the same content, and when they differ in nothing that matters."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from ciwen_crawler.items import Article
from ciwen_crawler.text import content_form

_PARTING = "\x1f"  # a control character, which no field keeps
_BASIC_PLANE = 0x10000  # where the punctuation of all living scripts lies
_QUANTITIES = "%‰"  # punctuation to Unicode, and part of what a sentence says


def content_hash(article: Article) -> str:
    """SHA-256 in hex over title, source, author, editor, published_at, body, and each image's URL and caption.

    Width, composition and white space do not count.
    """
    texts = [article.title, article.source, article.author, article.editor, article.published_at, article.body]
    for image in article.images:
        texts += [image.url, image.caption]
    return _digest(map(content_form, texts))


def substance_hash(article: Article) -> str:
    """The same without the date and without punctuation: versions that share it differ in those alone."""
    texts = [_unpunctuated(text) for text in (article.title, article.source, article.author, article.editor)]
    texts.append(_unpunctuated(article.body))
    for image in article.images:
        texts += [content_form(image.url), _unpunctuated(image.caption)]
    return _digest(texts)


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256(_PARTING.join(texts).encode()).hexdigest()


def _unpunctuated(text: str | None) -> str:
    return _punctuation().sub("", content_form(text))


@cache
def _punctuation() -> re.Pattern[str]:
    """Every mark but those that make a number another one: 3.5, 1:2, -5, 7%."""
    marks = (chr(code) for code in range(_BASIC_PLANE) if unicodedata.category(chr(code)).startswith("P"))
    some = f"[{''.join(re.escape(mark) for mark in marks if mark not in _QUANTITIES)}]"
    return re.compile(rf"(?<![0-9])(?!-[0-9]){some}|{some}(?![0-9])")
