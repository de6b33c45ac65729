"""Inline styles: the little that they say of an article's text. A pasted body has few of them, on every paragraph."""

import re
from functools import lru_cache
from typing import NamedTuple

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_ALIGNED = re.compile(r"text-align\s*:\s*(\w+)")
_READ = 1000  # characters; what follows is a picture written into the style


class Style(NamedTuple):
    """What matters of an inline style."""

    hidden: bool
    aligned: str | None  # center, left, justify


def style_of(written: str) -> Style:
    """What a style attribute says."""
    return _style(written[:_READ])


@lru_cache(maxsize=512)
def _style(written: str) -> Style:
    style = written.lower()
    aligned = _ALIGNED.search(style)
    return Style(bool(_HIDDEN.search(style)), aligned[1] if aligned else None)
