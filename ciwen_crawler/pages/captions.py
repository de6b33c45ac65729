"""Captions: the three forms in which the CMS's pages print one.

(a) a centred paragraph right after the image, (b) `figure > figcaption`, (c) the attribute `data-original-title` of
`img.picture-illustrating`, which a script draws and which may hold escaped HTML. An alt text is none: pasted images
all carry `image.png`. Form (b) is read where the body is walked, the others are decided here.
"""

import html
import re
from collections.abc import Mapping

from ciwen_crawler.text import clean

_MARKED = re.compile(r"pictext|caption|imgcomment|(?:img|pic|photo|image)[-_]?(?:desc|note|info|txt|text)", re.I)
_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"[。！？!?…；;][”’」』\"')）】]*$|[。！？]")
# Agencies write captions as sentences (图为…。新华社记者 某某 摄); these words say what they are.
_SAYS_SO = re.compile(
    r"^[（(\[【▲△↑]?\s*(?:图为|图注|图说|图片说明|资料图|上图|下图|图[\d一二三四五六七八九十]*[:：])|(?:摄|供图|图片来源[:：]?.{0,20})[)）】\]]?$"
)
_ORDINAL = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十\d]{1,3}[)）]\s*\S|第[一二三四五六七八九十\d]{1,3}[章节部编篇]|\d{1,2}[.、．]\s*\S)"
)
_SIGNATURE = re.compile(r"^[（(][^（）()]{1,20}[)）]$")
_LONGEST = 90
_LONGEST_MARKED = 400


def is_marked(classes: str) -> bool:
    """True where a class says that an element is a caption."""
    return bool(_MARKED.search(classes))


def from_attribute(attributes: Mapping[str, str]) -> str | None:
    """Form (c): the caption in an image's own attribute, its markup taken away."""
    held = attributes.get("data-original-title")
    if not held or "picture-illustrating" not in attributes.get("class", ""):
        return None
    # Escaped twice: the parser has undone the attribute's escaping, the value's own entities are left.
    return clean(html.unescape(_TAG.sub("", html.unescape(held) if "<" not in held else held)))


def is_caption(text: str, *, centred: bool, marked: bool, last: bool) -> bool:
    """Form (a): whether the paragraph right after an image is its caption.

    An address set left, a sentence of the body, a numbered heading and the signature that ends an article are none.
    """
    if marked:
        return len(text) <= _LONGEST_MARKED
    if not centred or len(text) > _LONGEST or _ORDINAL.match(text):
        return False
    if last and _SIGNATURE.match(text):
        return False
    return not _SENTENCE_END.search(text) or bool(_SAYS_SO.search(text))
