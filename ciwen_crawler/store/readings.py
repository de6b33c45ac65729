"""Readings: what follows from one capture alone. Pure, so that many processes may make them side by side."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ciwen_crawler.capture import ARTICLE, IMAGE, LIST, OTHER, ROBOTS, Capture
from ciwen_crawler.identity import content_id, is_node
from ciwen_crawler.items import ArticlePage, Listing
from ciwen_crawler.pages import is_article, is_at_article, is_page, read_article, read_listing
from ciwen_crawler.store.rows import Row, capture_row
from ciwen_crawler.warc.record import RESOURCE, REVISIT


@dataclass(frozen=True, slots=True)
class Reading:
    """A capture without its body, its row, and what its page says where it is one."""

    capture: Capture
    row: Row  # of `captures`
    page: ArticlePage | None = None
    listing: Listing | None = None


def read(capture: Capture, content: Capture | None = None) -> Reading:
    """Read a capture as what it was fetched as; one of another's making as what it turns out to be.

    `content` is a revisit that was followed to its original. Its row says what its own record says, whether or not the
    original can be had; what it lists the original's rows say.
    """
    page: ArticlePage | None = None
    listing: Listing | None = None
    if capture.record_type == REVISIT:
        capture = capture if capture.kind else replace(capture, kind=_kind_of_revisit(capture))
        content = replace(content, kind=capture.kind) if content else None
        page = read_article(content) if content and capture.kind == ARTICLE and is_article(content) else None
        return Reading(replace(capture, body=b""), capture_row(capture), page)
    if not capture.kind:
        capture, page, listing = _recognised(capture)
    elif is_page(capture):
        page = read_article(capture) if capture.kind == ARTICLE and is_at_article(capture) else None
        listing = read_listing(capture) if capture.kind == LIST else None
    row = capture_row(capture, page or listing)
    return Reading(replace(capture, body=b""), row, page, listing)


_Recognised = tuple[Capture, ArticlePage | None, Listing | None]


def _recognised(capture: Capture) -> _Recognised:
    """A record without our kind: robots by path, image by type, article by URL or extraction, list by what it lists."""
    path = urlsplit(capture.url).path
    if path == "/robots.txt":
        return replace(capture, kind=ROBOTS), None, None
    if (capture.mime or "").startswith("image/"):
        return replace(capture, kind=IMAGE), None, None
    is_article = content_id(capture.url) is not None
    if not is_page(capture):
        return replace(capture, kind=ARTICLE if is_article else OTHER), None, None
    listing = None if is_article else read_listing(capture)
    lists = listing is not None and bool(listing.links)
    if lists and (is_node(capture.url) or path in ("", "/")):
        return replace(capture, kind=LIST), None, listing
    page = read_article(capture)
    if is_article or _is_article(capture, page):
        return replace(capture, kind=ARTICLE), page, None
    return replace(capture, kind=LIST if lists else OTHER), None, listing if lists else None


def _kind_of_revisit(capture: Capture) -> str:
    """By its address alone, so that it does not depend on which records the archive happens to hold beside it."""
    path = urlsplit(capture.url).path
    if path == "/robots.txt":
        return ROBOTS
    if content_id(capture.url):
        return ARTICLE
    if (capture.mime or "").startswith("image/"):
        return IMAGE
    return LIST if is_node(capture.url) or path in ("", "/") else OTHER


def _is_article(capture: Capture, page: ArticlePage) -> bool:
    """By extraction. A page that somebody saved is meant to be one, even where its date cannot be found."""
    return bool(page.title and page.body and (page.published_at or capture.record_type == RESOURCE))
