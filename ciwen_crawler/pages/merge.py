"""Pages into an article: what one look at it says, whole, and what it lacks."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from ciwen_crawler.identity import article_id, article_url
from ciwen_crawler.items import CUT, Article, ArticlePage, Image
from ciwen_crawler.pages.blocks import escaped, figure

T = TypeVar("T")
_FIRST_YEAR = 1994  # the year China's first pages went up: an earlier date is a default, not a date
# Clean markup that ends in a picture without caption, alone in its paragraph or after text.
_ENDS_IN_PICTURE = re.compile(r"(?P<alone><p>)?(?P<picture><img [^<>]*>)</p>$")
_CLOCKS_DIFFER = timedelta(days=1)


class Look(Protocol):
    """What merging needs of a capture."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def fetched_at(self) -> str: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def crawl_id(self) -> str: ...


def merge(captures: Sequence[Look], pages: Sequence[ArticlePage]) -> Article:
    """One article out of its pages, whatever order they come in.

    The head is the first page's; a field that it lacks comes from the next page that has it. The CMS's rendering of
    the whole article (number 0) stands alone beside no other page: where pages 1… are there it is left out.
    """
    ordered = sorted(zip(captures, pages, strict=True), key=lambda pair: pair[1].number)
    numbered = [pair for pair in ordered if pair[1].number > 0]
    ordered = numbered or ordered
    looks, parts = [look for look, _ in ordered], [page for _, page in ordered]
    first = parts[0]
    evidence = dict(first.evidence)
    cut = next((page.evidence[CUT] for page in parts if CUT in page.evidence), None)
    evidence |= {CUT: cut} if cut else {}

    def head(field: str, value: Callable[[ArticlePage], T]) -> T:
        """The field of the first page that has it."""
        holder = next((page for page in parts if value(page)), first)
        if holder is not first and field in holder.evidence:
            evidence[field] = f"page {holder.number}: {holder.evidence[field]}"
        return value(holder)

    published_at, precision = head(
        "published_at", lambda page: (page.published_at, page.published_precision) if page.published_at else None
    ) or (None, None)
    channel = head("channel", lambda page: page.channel)
    if not channel and looks[0].channel:
        channel, evidence["channel"] = looks[0].channel, "crawl"
    # Which article a page is of follows from where it was got: what a page says of itself may be another's.
    identity = article_id(looks[0].url)
    url = first.url if article_id(first.url) == identity else looks[0].url
    body, body_html, images = _joined(parts)
    return Article(
        id=identity,
        url=article_url(url),
        channel=channel,
        captured_at=looks[0].fetched_at,
        title=head("title", lambda page: page.title),
        published_at=published_at,
        published_precision=precision,
        source=head("source", lambda page: page.source),
        author=head("author", lambda page: page.author),
        editor=head("editor", lambda page: page.editor),
        body=body,
        body_html=body_html,
        breadcrumb=head("breadcrumb", lambda page: page.breadcrumb),
        keywords=head("keywords", lambda page: page.keywords),
        summary=head("summary", lambda page: page.summary),
        images=images,
        extractor=first.extractor,
        evidence=evidence,
        captures=tuple(look.id for look in looks),
        pages=tuple(page.number for page in parts),
        captured_url=looks[0].url,
        crawl_id=looks[0].crawl_id,
    )


def _joined(pages: Iterable[ArticlePage]) -> tuple[str | None, str | None, tuple[Image, ...]]:
    """Text, markup and pictures of all pages; a caption that a page break parted from its picture goes back to it."""
    lines: list[str] = []
    markup = ""
    images: list[Image] = []
    for page in pages:
        caption = page.loose_caption
        bare = _ENDS_IN_PICTURE.search(markup) if caption else None
        if caption and bare:
            images[-1] = replace(images[-1], caption=caption)
            markup = markup[: bare.start()] + ("" if bare["alone"] else "</p>") + figure(bare["picture"], caption)
        elif caption:
            lines.append(caption)
            markup += f"<p>{escaped(caption)}</p>"
        lines += [page.body] if page.body else []
        markup += page.body_html or ""
        images += page.images
    return "\n".join(lines) or None, markup or None, tuple(images)


def missing(article: Article) -> tuple[str, ...]:
    """Why an article must not be stored, each reason with its column first; () for a sound one."""
    reasons = []
    if not article.title:
        reasons.append("title: absent")
    if not article.body and not article.images and "<video" not in (article.body_html or ""):
        # A gallery or a video may do without text.
        reasons.append("body: absent")
    if CUT in article.evidence:
        reasons.append(f"body: cut, {article.evidence[CUT]}")
    reason = _implausible(article.published_at, article.captured_at)
    if reason:
        reasons.append(f"published_at: {reason}")
    return tuple(reasons)


def _implausible(published_at: str | None, captured_at: str) -> str | None:
    if not published_at:
        return "absent"
    published, captured = _moment(published_at), _moment(captured_at)
    if published is None:
        return f"{published_at} is no date"
    if published.year < _FIRST_YEAR:
        return f"{published_at} is before {_FIRST_YEAR}"
    if captured and published - captured > _CLOCKS_DIFFER:
        return f"{published_at} is after the capture of {captured_at}"
    return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
