"""Which charset a page is in: decided from the header, the BOM, the meta element and the bytes together.

Servers of this CMS's family declare gb2312 and send gb18030, or declare one charset and send another. So the bytes
have the first word: what is valid UTF-8 is UTF-8, whoever says otherwise. The decision is kept with its evidence.
"""

import codecs
import re
from typing import NamedTuple

UTF_8, GB18030 = "utf-8", "gb18030"

# White space is bounded, or a page of nothing else would cost its square.
_HEADER = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([^\s\"';,]+)", re.IGNORECASE)
# `[^<>]` keeps a page of nothing but `<meta` linear.
_META = re.compile(
    rb"<(?:meta|\?xml)\b[^<>]{0,500}?(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE
)
_META_WITHIN = 8192
_BOMS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ASCII = bytes(range(128))
_REPLACEMENT = "\ufffd"

# As browsers read the labels: a smaller set's name stands for the larger one that pages really use.
_CODECS = {
    "gb2312": GB18030,
    "gbk": GB18030,
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_LABELS = {"x-gbk": "gbk", "gb_2312-80": "gb2312", "gb2312-80": "gb2312", "cn-big5": "big5", "x-x-big5": "big5"}
_SINGLE_BYTE = re.compile(r"cp125\d|iso8859-\d+|koi8-[ru]")
_MULTI_BYTE = frozenset({UTF_8, GB18030, "big5hkscs", "cp932", "cp949", "euc_jp"})
# The most frequent characters of Chinese in both scripts: under the wrong codec hardly one of them appears.
FREQUENT = "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主年发發"
_SAMPLE = 20_000


class Decoded(NamedTuple):
    """A page's text, the codec that gave it, and why that one."""

    text: str
    charset: str
    evidence: dict[str, object]  # header, meta, bom as declared; chosen, rule, replacements


def codec_of(label: str | None) -> str | None:
    """The codec that a charset's label stands for; None for a label that no page is decoded by.

    >>> codec_of("GB2312")
    'gb18030'
    """
    if not label:
        return None
    label = label.strip().lower()
    try:
        name = codecs.lookup(_LABELS.get(label, label)).name
    except (LookupError, ValueError):  # an unknown label, one with a NUL
        return None
    name = _CODECS.get(name, name)
    return name if name in _MULTI_BYTE or _SINGLE_BYTE.fullmatch(name) else None


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """The text of an entity, whatever its declarations are worth; never fails, and says what it decided on."""
    header = header_label(content_type)
    meta = _meta_label(body)
    bom = next((name for mark, name in _BOMS if body.startswith(mark)), None)
    text, chosen, rule = _decide(body, bom, codec_of(header), codec_of(meta))
    evidence: dict[str, object] = {
        "header": header,
        "meta": meta,
        "bom": bom,
        "chosen": chosen,
        "rule": rule,
        "replacements": text.count(_REPLACEMENT),
    }
    return Decoded(text, chosen, evidence)


def header_label(content_type: str | None) -> str | None:
    """The charset that a Content-Type names, as written there."""
    found = _HEADER.search(content_type) if content_type else None
    return found[1] if found else None


def _meta_label(body: bytes) -> str | None:
    found = _META.search(body, 0, _META_WITHIN)
    return found[1].decode("ascii", "replace") if found else None


def _decide(body: bytes, bom: str | None, header: str | None, meta: str | None) -> tuple[str, str, str]:
    if bom and bom != UTF_8:
        return body[2:].decode(bom, "replace"), bom, "bom"
    if bom:
        body = body[3:]
    try:
        text = body.decode(UTF_8)
    except UnicodeDecodeError:
        return _not_utf_8(body, bom, header, meta)
    if text.isascii():
        # Every codec reads it alike, so what is recorded is what the page says of itself.
        return text, (bom or header or meta or UTF_8), ("bom" if bom else "ascii")
    if not bom and GB18030 in (header, meta) and max(text) < "\u0800":
        # A few GBK characters alone may look like UTF-8 of two bytes each (路 does), never of three.
        try:
            return body.decode(GB18030), GB18030, "declared, short"
        except UnicodeDecodeError:
            pass
    return text, UTF_8, "bom" if bom else "valid utf-8"


def _not_utf_8(body: bytes, bom: str | None, header: str | None, meta: str | None) -> tuple[str, str, str]:
    text = body.decode(UTF_8, "replace")
    high = len(body.translate(None, _ASCII))
    # A third of GBK's bytes are errors in UTF-8; a UTF-8 page that was cut or damaged has a few.
    if bom or text.count(_REPLACEMENT) * 10 <= high:
        return text, UTF_8, "bom" if bom else "nearly utf-8"
    return _best(body, high, [codec for codec in (header, meta) if codec and codec != UTF_8])


def _best(body: bytes, high: int, declared: list[str]) -> tuple[str, str, str]:
    """The multi-byte codec that fits: fewest errors, then the more ordinary Chinese, then the order of trust."""
    multi = [codec for codec in declared if codec in _MULTI_BYTE]
    tries: list[tuple[int, int, int, str, str]] = []
    for codec in dict.fromkeys([*multi, GB18030]):
        text = body.decode(codec, "replace")
        errors = text.count(_REPLACEMENT)
        tries.append((errors * 100 // max(high, 1), -_ordinary(text), len(tries), text, codec))
    errors_percent, _, _, text, codec = min(tries)
    single = next((codec for codec in declared if codec not in _MULTI_BYTE), None)
    if single and errors_percent >= 10:
        # A single-byte codec reads anything, so it is believed only where no other one can be meant.
        return body.decode(single, "replace"), single, "declared"
    return text, codec, "declared" if codec in declared else "fewest errors"


def _ordinary(text: str) -> int:
    sample = text[:_SAMPLE]
    return sum(map(sample.count, FREQUENT))
