"""Words for full-text searches that know words by the blanks between them, which Chinese does not write."""

import re
from collections.abc import Iterator

_HAN = re.compile(r"[\u3400-\u9fff]{2,}")
_LENGTHS = (2, 3, 4)  # the longest make the pages half as large again, a third once packed


def words(text: str) -> str:
    """Whatever may be a word of two to four characters in a text, each once, with blanks between them.

    ReplayWeb.page looks for whole words, and takes a sentence for one.
    """
    return " ".join(dict.fromkeys(_pieces(text)))


def _pieces(text: str) -> Iterator[str]:
    for run in _HAN.findall(text):
        for length in _LENGTHS:
            for start in range(len(run) - length + 1):
                yield run[start : start + length]
