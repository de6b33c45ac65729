"""The channel's spider: start pages → lists → articles → their further pages → their images; and what all those pages
need to be seen as they were.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cached_property
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ciwen_crawler import __version__, channels, clock
from ciwen_crawler.capture import ARTICLE, IMAGE, LIST, OTHER, Capture
from ciwen_crawler.due.articles import Schedule, schedule
from ciwen_crawler.due.assets import Assets, Wanted, as_asked
from ciwen_crawler.errors import UsageError
from ciwen_crawler.exchange import ATTEMPTS, BY_LENGTH, CAPTURE, KIND, VIA
from ciwen_crawler.identity import (
    article_id,
    article_url,
    canonical_url,
    content_id,
    host_of,
    in_hosts,
    is_twin,
    node_id,
)
from ciwen_crawler.items import Article, ArticlePage, Image, Link, Listing
from ciwen_crawler.pages import LONGEST, is_article, is_page, read_article, read_listing
from ciwen_crawler.spiders.base import ArchivingSpider
from ciwen_crawler.store.articles import CHANGED

# What is begun is finished first, so that few requests wait and memory does not grow with the channel.
_PRIORITY = {OTHER: -10, LIST: 0, ARTICLE: 10, IMAGE: 20}
_FURTHER_PAGE = 30


class ChannelSpider(ArchivingSpider):
    """`scrapy crawl ciwen`, with `-a` for each argument: `channel`, `start` (blank-separated), `max_articles`,
    `full`, `images`, `assets` and `dry_run` (0 or 1).
    """

    name = "ciwen"
    mode = "crawl"

    def __init__(
        self,
        channel: str = "ciwen",
        start: str | Iterable[str] = (),
        max_articles: str | int | None = None,
        full: str | int | bool = False,
        images: str | int | bool = True,
        assets: str | int | bool = True,
        dry_run: str | int | bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channel = channels.channel(channel)
        self.channel_name = self.channel.name
        self.description = f"{self.channel.name}, news channel of {', '.join(self.channel.hosts)}"
        given = tuple(map(channels.start_url, start.split() if isinstance(start, str) else start))
        self.starts = given or self.channel.start
        # Pages that somebody names are meant, whatever host they are on.
        self.scope = self.channel.scope | {host_of(url).removeprefix("www.") for url in given}
        self.minimum_articles = 1 if given else self.channel.minimum_articles
        self.asset_scope = self.scope | self.channel.asset_scope
        self.most_articles = _count(max_articles)
        self.is_full = _flag(full)
        self.wants_images = _flag(images)
        self.wants_assets = _flag(assets)
        self.is_rehearsal = _flag(dry_run)
        self.schedule = Schedule(())
        self.would_fetch: list[dict[str, Any]] = []  # what a run that is not dry would ask for
        self._lists: set[str] = set()  # canonical URLs asked for
        self._list_pages: dict[str, int] = {}  # pages asked for, by list
        self._found: set[str] = set()  # ids of articles
        self._further: set[str] = set()  # pages after the first, asked for
        self._images: set[str] = set()

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """The user agent says who crawls and where to complain."""
        super().update_settings(settings)
        contact = settings.get("CIWEN_CONTACT")
        agent = f"Ciwen/{__version__} (news archive{f'; +{contact}' if contact else ''})"
        settings.set("USER_AGENT", agent, priority="spider")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """The channel's own pace wins over the project's, and the command line over both."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        if spider.channel.delay is not None:
            for name in ("DOWNLOAD_DELAY", "AUTOTHROTTLE_START_DELAY"):
                crawler.settings.set(name, spider.channel.delay, priority="spider")
        spider.schedule = schedule(crawler.settings["CIWEN_LOOK_AGAIN"])
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """The start pages; one that is an article's is fetched as such."""
        for url in self.starts:
            self.tally.starts_asked += 1
            for request in self._start_requests(url):
                yield request.replace(meta=request.meta | {"is_start": True})

    def _start_requests(self, url: str) -> Iterator[Request]:
        if content_id(url):
            yield from self._article_requests([Link(url, None)], None, is_due=True)
        else:
            yield from self._list_requests([url], None, depth=0)

    # Lists

    def parse_list(self, response: Response) -> Iterator[Request]:
        """A list page's further pages, the lists it names, and its articles."""
        capture = self._page(response)
        if capture is None:
            return
        listing = read_listing(capture)
        self.tally.lists += 1
        self.tally.without_id += listing.without_id
        if not self.is_rehearsal:
            self.archive.store.add_listing(capture, listing)
        yield from self._article_requests(listing.links, capture.url, is_due=self.is_full)
        yield from self._asset_requests(capture)
        if not self.tally.budget:
            yield from self._lists_named(listing, capture, response.meta["depth_of_list"])

    def _lists_named(self, listing: Listing, capture: Capture, depth: int) -> Iterator[Request]:
        yield from self._list_requests(listing.pages, capture.url, depth)
        if depth < self.channel.list_depth:
            yield from self._list_requests(listing.nodes, capture.url, depth + 1)

    def _list_requests(self, urls: Iterable[str], via: str | None, depth: int) -> Iterator[Request]:
        for url in urls:
            canonical, node = canonical_url(url), node_id(url)
            stem = f"{host_of(url)} {node.number}" if node else canonical
            pages = self._list_pages.get(stem, 0)
            if not pages and len(self._list_pages) >= self.channel.lists:
                continue
            if canonical not in self._lists and pages < self.channel.list_pages and in_hosts(url, self.scope):
                self._lists.add(canonical)
                self._list_pages[stem] = pages + 1
                yield self._request(url, LIST, via, self.parse_list, depth_of_list=depth)

    # Articles

    def _article_requests(self, links: Iterable[Link], via: str | None, is_due: bool) -> Iterator[Request]:
        for link in links:
            identity = article_id(link.url)
            if identity in self._found or not in_hosts(link.url, self.scope):
                continue
            self._found.add(identity)
            self.tally.found += 1
            asks = is_due or self._is_due(identity)
            if not asks:
                self.tally.resting += 1
            elif self.most_articles is not None and self.tally.due >= self.most_articles:
                self.tally.budget = f"--max-articles {self.most_articles}"
                continue
            else:
                self.tally.due += 1
            if self.is_rehearsal:
                known = self.archive.memory.knows(identity)
                told = {"id": identity, "url": link.url, "title": link.title, "known": known, "due": asks}
                self.would_fetch.append(told)
            elif asks:
                # A twin, and a page after the first, lead to the article's canonical first page.
                number = content_id(link.url)
                is_first = number is not None and number.page == 1 and not is_twin(link.url)
                yield self._request(link.url if is_first else article_url(link.url), ARTICLE, via, self.parse_article)

    def _is_due(self, identity: str) -> bool:
        """Whether it is time for a look at an article; one that was never seen whole is looked for in every run."""
        seen = self.archive.memory.sighting(identity)
        if seen is None:
            return True
        return self.schedule.is_due(clock.read(seen.looked_at), clock.read(seen.since), clock.read(clock.now()))

    def parse_article(self, response: Response) -> Iterator[Article | Request]:
        """An article, once the last of its pages has come; until then those that are lacking."""
        capture = self._page(response)
        if capture is None:
            return
        if not is_article(capture):
            asked = response.meta.get("redirect_urls", [capture.url])[0]
            self.tally.failure(asked, f"leads to {capture.url}, which is no article's")
            return
        page = read_article(capture)
        self.tally.pages += 1
        if page.number:
            yield from self._further_pages(capture, page)
        article = self.archive.store.looks.add(capture, page)
        yield from self._image_requests(page.images, capture.url)
        if article:
            self.tally.read_article(article)
            # What its pictures show may have been changed with it. This is asked before the article is stored.
            if self.archive.store.articles.judge(article) == CHANGED:
                yield from self._image_requests(article.images, capture.url, again=True)
            yield article
        yield from self._asset_requests(capture, [image.url for image in page.images])

    def _further_pages(self, capture: Capture, page: ArticlePage) -> Iterator[Request]:
        stem, dot, extension = article_url(capture.url).rpartition(".")
        for number in page.pages:
            url = f"{stem}_{number}{dot}{extension}"
            # A long pager names the pages near its own, so each page is asked for what lies behind it.
            if number > 1 and url not in self._further:
                self._further.add(url)
                yield self._request(url, ARTICLE, capture.url, self.parse_article, priority=_FURTHER_PAGE)

    def _image_requests(self, images: Iterable[Image], via: str, again: bool = False) -> Iterator[Request]:
        if not self.wants_images:
            return
        for url in (as_asked(image.url) for image in images):
            if url in self._images or not url.startswith(("http://", "https://")):
                continue
            if self.wants_assets and self._assets.has_given(url):  # a list shows it, too, and came first
                continue
            # Their names hold a UUID each, so while its article is as it was, an image is that image.
            if again or not self.archive.memory.has(url):
                self._images.add(url)
                yield self._request(url, IMAGE, via, self.parse_image)

    def parse_image(self, response: Response) -> None:
        """An image's bytes are in the archive by now."""
        self._answered(response)
        self.tally.images += 1

    # What pages need to be seen as they were

    @cached_property
    def _assets(self) -> Assets:
        # The archive is there only once the spider is.
        return Assets(self.archive.memory, self.asset_scope, self.wants_images)

    def _asset_requests(self, page: Capture, besides: Iterable[str] = ()) -> Iterator[Request]:
        if self.wants_assets and not self.is_rehearsal:
            yield from map(self._asset_request, self._assets.named_by(page, besides))

    def _asset_request(self, wanted: Wanted) -> Request:
        named = {"use": wanted.use, "depth_of_asset": wanted.depth}
        return _request(wanted.url, OTHER, wanted.via, self.parse_asset, self.asset_failed, **named)

    def parse_asset(self, response: Response) -> Iterator[Request]:
        """A stylesheet's imports, fonts and images; what else it may be is in the archive by now."""
        self.tally.assets += 1
        capture: Capture = response.meta[CAPTURE]
        found = self._assets.named_by_asset(capture, response.meta["use"], response.meta["depth_of_asset"])
        yield from map(self._asset_request, found)

    def asset_failed(self, failure: Failure) -> None:
        """An asset that was not had: told in the report, and no run is the worse for it."""
        request, error = _failed(failure)
        url = error.response.url if isinstance(error, HttpError) else request.url
        self.tally.asset_failure(url, _reason(error), request.meta.get(ATTEMPTS, ()))

    # Requests and what becomes of them

    def _request(
        self, url: str, kind: str, via: str | None, callback: Any, priority: int | None = None, **meta: Any
    ) -> Request:
        self.tally.asked += 1
        request = _request(url, kind, via, callback, self.failed, **meta)
        return request if priority is None else request.replace(priority=priority)

    def _page(self, response: Response) -> Capture | None:
        """The answer, where anything can be read from it."""
        capture = self._answered(response)
        if is_page(capture):
            return capture
        if capture.truncated == BY_LENGTH or len(capture.body) > LONGEST:
            self.tally.oversized += 1
        else:
            self.tally.failure(capture.url, f"no HTML page, but {capture.mime}")
        return None

    def _answered(self, response: Response) -> Capture:
        if response.meta.get("is_start"):
            self.tally.starts_answered += 1
        capture: Capture = response.meta[CAPTURE]
        return capture

    def failed(self, failure: Failure) -> None:
        """A request that brought nothing: counted, and told in the report."""
        request, error = _failed(failure)
        attempts = request.meta.get(ATTEMPTS, ())
        if isinstance(error, HttpError):
            self.tally.failure(error.response.url, _reason(error), attempts)
        elif isinstance(error, DownloadCancelledError):
            self.tally.oversized += 1
        elif request.meta.get("ciwen_refused"):
            self.tally.refusal(request.url, _reason(error))
        else:
            self.tally.failure(request.url, _reason(error), attempts)


def _request(url: str, kind: str, via: str | None, callback: Any, errback: Any, **meta: Any) -> Request:
    return Request(
        url,
        callback=callback,
        errback=errback,
        priority=_PRIORITY[kind],
        meta={KIND: kind, VIA: via, **meta},
        # Requests are told apart here, by article and list; Scrapy would do it again, and lose a redirected twin.
        dont_filter=True,
    )


def _failed(failure: Failure) -> tuple[Request, BaseException | None]:
    request: Request = failure.request  # type: ignore[attr-defined]
    return request, failure.value


def _reason(error: BaseException | None) -> str:
    if isinstance(error, HttpError):
        return f"status {error.response.status}"
    return str(error) or type(error).__name__


def _count(value: str | int | None) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"max_articles must be a whole number from 1, not {value!r}")
    return number


def _flag(value: str | int | bool) -> bool:
    return str(value).lower() in ("1", "true", "yes", "on")
