"""Writing: whether a text is in any language, or what is left of one that was decoded by the wrong charset."""

import unicodedata

from ciwen_crawler.charset import FREQUENT

_LEAST = 40  # characters that say anything
_FREQUENT = frozenset(FREQUENT)
# Of Chinese prose they are a fifth to a third; UTF-8 that was read as gb18030 is made of rare characters.
_LEAST_FREQUENT = 0.04
# Of UTF-8 that was read as a single-byte charset these are all, of Turkish or French a tenth.
_MOST_LATIN = 0.3
_MOST_REPLACED = 0.02
_SAMPLE = 5000


def is_garbled(text: str) -> bool:
    """Whether a text is mojibake, as far as its characters tell."""
    letters = [each for each in text[:_SAMPLE] if not each.isspace()]
    if len(letters) < _LEAST:
        return False
    replaced = sum(each == "\ufffd" for each in letters)
    latin = sum("\x80" <= each <= "\u024f" for each in letters)
    if replaced > _MOST_REPLACED * len(letters) or latin > _MOST_LATIN * len(letters):
        return True
    han = [each for each in letters if unicodedata.category(each) == "Lo" and each >= "\u2e80"]
    frequent = sum(each in _FREQUENT for each in han)
    return len(han) >= _LEAST and frequent < _LEAST_FREQUENT * len(han)
