"""Writing: whether a text is in any language, or what is left of one that was decoded by the wrong charset."""

import re

from ciwen_crawler.charset import FREQUENT

_LEAST = 40  # characters that say anything
# Of Chinese prose they are a fifth to a third; UTF-8 that was read as gb18030 is made of rare characters.
_LEAST_FREQUENT = 0.04
# Of UTF-8 that was read as a single-byte charset these are all, of Turkish or French a tenth.
_MOST_LATIN = 0.3
_MOST_REPLACED = 0.02
_SAMPLE = 4000  # characters
_BLANK = re.compile(r"\s+")
_LATIN = re.compile("[\x80-\u024f]+")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]+")
_FREQUENT = re.compile(f"[{FREQUENT}]+")


def is_garbled(text: str) -> bool:
    """Whether a text is mojibake, as far as its characters tell."""
    text = _BLANK.sub("", text[:_SAMPLE])
    if len(text) < _LEAST:
        return False
    if text.count("\ufffd") > _MOST_REPLACED * len(text) or _count(_LATIN, text) > _MOST_LATIN * len(text):
        return True
    han = _count(_HAN, text)
    return han >= _LEAST and _count(_FREQUENT, text) < _LEAST_FREQUENT * han


def _count(characters: re.Pattern[str], text: str) -> int:
    return sum(map(len, characters.findall(text)))
