"""Rows out of captures, listings and articles: pure, and the same whoever asks."""

from dataclasses import asdict
from typing import Any

from ciwen_crawler.capture import ARTICLE, IMAGE, LIST, Capture
from ciwen_crawler.charset import decode
from ciwen_crawler.identity import article_id, article_url, content_id
from ciwen_crawler.items import Article, ArticlePage, Listing
from ciwen_crawler.pages import is_page
from ciwen_crawler.text import clean

Row = dict[str, Any]

_TEXT = frozenset({LIST, ARTICLE})
_ARTICLE_FIELDS = (
    "captured_at captured_url title published_at published_precision source author editor body body_html breadcrumb "
    "keywords summary extractor evidence"
).split()


def capture_row(capture: Capture, said: ArticlePage | Listing | None = None) -> Row:
    """The row of `captures`; `said` is what was read from it, where that has been done already."""
    charset, evidence = None, None
    if said is not None:
        charset, evidence = said.charset, said.charset_evidence
    elif capture.kind in _TEXT and is_page(capture):
        _, charset, evidence = decode(capture.body, capture.header("content-type"))
    return {
        "id": capture.id,
        "crawl_id": capture.crawl_id,
        "url": capture.url,
        "via": capture.via,
        "kind": capture.kind,
        "article_id": _article_of(capture),
        "fetched_at": capture.fetched_at,
        "status": capture.status,
        "location": clean(capture.header("location")),
        "mime": clean(capture.mime),
        "charset": charset,
        "charset_evidence": evidence,
        "record_type": capture.record_type,
        "payload_digest": capture.payload_digest,
        "refers_to": capture.refers_to,
        "truncated": capture.truncated,
        "etag": clean(capture.header("etag")),
        "last_modified": clean(capture.header("last-modified")),
        "warc_file": capture.warc_file,
        "warc_offset": capture.warc_offset,
        "warc_length": capture.warc_length,
    }


def _article_of(capture: Capture) -> str | None:
    """The article that a page is of, or that an image was found in."""
    if capture.kind == ARTICLE:
        return article_id(capture.url)
    if capture.kind == IMAGE and capture.via and content_id(capture.via):
        return article_id(capture.via)
    return None


def listing_rows(capture: Capture, listing: Listing) -> list[Row]:
    """The rows of `listings`: what a list page links to, in its order."""
    return [
        {
            "capture_id": capture.id,
            "position": position,
            "list_url": capture.url,
            "article_url": article_url(link.url),
            "article_id": article_id(link.url),
            "title": link.title,
        }
        for position, link in enumerate(listing.links, 1)
    ]


def version_row(article: Article, number: int) -> Row:
    """The row of `versions`, but for what follows from comparing it with others."""
    row = {name: getattr(article, name) for name in _ARTICLE_FIELDS}
    row["breadcrumb"] = [list(crumb) for crumb in article.breadcrumb] or None
    row["keywords"] = list(article.keywords) or None
    return {"article_id": article.id, "number": number, **row}


def image_rows(article: Article, number: int) -> list[Row]:
    """The rows of `images` of one version."""
    return [
        {"article_id": article.id, "version": number, "position": position, **asdict(image)}
        for position, image in enumerate(article.images, 1)
    ]


def version_capture_rows(article: Article, number: int) -> list[Row]:
    """The rows of `version_captures` of one version."""
    return [
        # The whole on one page (0) stands for the first.
        {"article_id": article.id, "version": number, "page": max(page, 1), "capture_id": capture}
        for page, capture in zip(article.pages, article.captures, strict=True)
    ]


def quarantine_row(article: Article, reasons: tuple[str, ...]) -> Row:
    """The row of `quarantine`: what was read of a page that must not be stored."""
    fields = {name: getattr(article, name) for name in _ARTICLE_FIELDS if getattr(article, name)}
    fields["images"] = [asdict(image) for image in article.images]
    return {"capture_id": article.captures[0], "url": article.captured_url, "reasons": list(reasons), "fields": fields}
