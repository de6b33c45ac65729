"""Reading pages: a capture in, an article's page or a listing out. Pure: no clock, no network, no settings."""

import hashlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from functools import cache
from pathlib import Path

from ciwen_crawler.capture import Capture
from ciwen_crawler.exchange import BY_LENGTH
from ciwen_crawler.identity import content_id
from ciwen_crawler.items import ArticlePage, Listing
from ciwen_crawler.pages.article import PageReader
from ciwen_crawler.pages.bounds import LONGEST, beyond
from ciwen_crawler.pages.document import document_of
from ciwen_crawler.pages.enp import EnpReader
from ciwen_crawler.pages.listing import listing_of
from ciwen_crawler.pages.merge import merge, missing

__all__ = [
    "LONGEST",
    "excess",
    "extractor_digest",
    "is_article",
    "is_at_article",
    "is_page",
    "merge",
    "missing",
    "read_article",
    "read_listing",
]

# The first whose marks a page bears reads it. A new template adds a class here, and none changes.
READERS: tuple[type[PageReader], ...] = (EnpReader, PageReader)
_HTML = frozenset({"text/html", "application/xhtml+xml", None})
_SNIFFED = 512  # bytes; a text holds no NUL
# What rows depend on beside the modules of this package: from the bytes of a record to the hash of an article.
_DEPENDS_ON = (
    *"capture.py charset.py clock.py content.py dates.py exchange.py identity.py items.py looks.py message.py".split(),
    *"text.py store/articles.py store/fold.py store/readings.py store/rows.py store/standing.py".split(),
    *"warc/capturing.py warc/record.py warc/revisit.py".split(),
)
# What is asked for along with a page says nothing of what the page holds.
_GIVE_NO_ROWS = frozenset({"assets.py", "stylesheet.py"})


def is_page(capture: Capture) -> bool:
    """Whether anything may be read from a capture: whole, within bounds, and HTML by what it says and holds."""
    is_text = b"\0" not in capture.body[:_SNIFFED] or capture.body.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return capture.is_whole and capture.mime in _HTML and is_text and beyond(capture.body) is None


def excess(capture: Capture) -> str | None:
    """The bound that a capture is beyond, in words; None for one that is within all of them."""
    return "longer than is fetched or unpacked" if capture.truncated == BY_LENGTH else beyond(capture.body)


def is_article(capture: Capture) -> bool:
    """Whether a page that was asked for as an article's is one: what a redirect to the home page brings is not."""
    return is_page(capture) and is_at_article(capture)


def is_at_article(capture: Capture) -> bool:
    """Whether a page, if it is one, was got where an article's is. Whether it is one takes a look at all its bytes."""
    return content_id(capture.url) is not None or not capture.url.startswith("http")


def read_article(capture: Capture) -> ArticlePage:
    """One page of an article as a capture holds it; absent fields are None, and no bytes make it fail."""
    document = document_of(capture)
    reader = next(reader for reader in READERS if reader.fits(document))
    return reader(document).read()


def read_listing(capture: Capture) -> Listing:
    """What a list page or a channel's home page links to; a page without links gives empty tuples."""
    return listing_of(document_of(capture))


@cache
def extractor_digest() -> str:
    """A digest of the code that pages become rows by: two articles compare only where one code read both."""
    package = Path(__file__).parent
    readers = sorted(path for path in package.glob("*.py") if path.name not in _GIVE_NO_ROWS)
    files = [*readers, *(package.parent / name for name in _DEPENDS_ON)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
