"""The channel's spider: start pages → lists → articles → their further pages → their images."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ciwen_crawler import __version__, channels
from ciwen_crawler.capture import ARTICLE, IMAGE, LIST, Capture
from ciwen_crawler.errors import UsageError
from ciwen_crawler.exchange import BY_LENGTH, CAPTURE, KIND, VIA
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
from ciwen_crawler.items import Article, ArticlePage, Link, Listing
from ciwen_crawler.pages import LONGEST, is_article, is_page, read_article, read_listing
from ciwen_crawler.spiders.base import ArchivingSpider

# What is begun is finished first, so that few requests wait and memory does not grow with the channel.
_PRIORITY = {LIST: 0, ARTICLE: 10, IMAGE: 20}
_FURTHER_PAGE = 30


class ChannelSpider(ArchivingSpider):
    """`scrapy crawl ciwen`, with `-a` for each argument: `channel`, `start` (blank-separated), `max_articles`,
    `images` and `dry_run` (0 or 1).
    """

    name = "ciwen"
    mode = "crawl"

    def __init__(
        self,
        channel: str = "ciwen",
        start: str | Iterable[str] = (),
        max_articles: str | int | None = None,
        images: str | int | bool = True,
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
        self.most_articles = _count(max_articles)
        self.wants_images = _flag(images)
        self.is_rehearsal = _flag(dry_run)
        self.would_fetch: list[dict[str, Any]] = []  # what a run that is not dry would ask for
        self._lists: set[str] = set()  # canonical URLs asked for
        self._list_pages: dict[str, int] = {}  # pages asked for, by list
        self._found: set[str] = set()  # ids of articles
        self._asked = 0  # how many of them were asked for
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
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """The start pages; one that is an article's is fetched as such."""
        for url in self.starts:
            self.tally.starts_asked += 1
            for request in self._start_requests(url):
                yield request.replace(meta=request.meta | {"is_start": True})

    def _start_requests(self, url: str) -> Iterator[Request]:
        if content_id(url):
            yield from self._article_requests([Link(url, None)], None)
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
        yield from self._article_requests(listing.links, capture.url)
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

    def _article_requests(self, links: Iterable[Link], via: str | None) -> Iterator[Request]:
        for link in links:
            identity = article_id(link.url)
            if identity in self._found or not in_hosts(link.url, self.scope):
                continue
            self._found.add(identity)
            self.tally.found += 1
            if self.most_articles is not None and self._asked >= self.most_articles:
                self.tally.budget = f"--max-articles {self.most_articles}"
                continue
            self._asked += 1
            if self.is_rehearsal:
                known = self.archive.memory.knows(identity)
                self.would_fetch.append({"id": identity, "url": link.url, "title": link.title, "known": known})
            else:
                # A twin, and a page after the first, lead to the article's canonical first page.
                number = content_id(link.url)
                is_first = number is not None and number.page == 1 and not is_twin(link.url)
                yield self._request(link.url if is_first else article_url(link.url), ARTICLE, via, self.parse_article)

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
        if article:
            self.tally.read_article(article)
            yield article
        yield from self._image_requests(page, capture.url)

    def _further_pages(self, capture: Capture, page: ArticlePage) -> Iterator[Request]:
        stem, dot, extension = article_url(capture.url).rpartition(".")
        for number in page.pages:
            url = f"{stem}_{number}{dot}{extension}"
            # A long pager names the pages near its own, so each page is asked for what lies behind it.
            if number > 1 and url not in self._further:
                self._further.add(url)
                yield self._request(url, ARTICLE, capture.url, self.parse_article, priority=_FURTHER_PAGE)

    def _image_requests(self, page: ArticlePage, via: str) -> Iterator[Request]:
        if not self.wants_images:
            return
        for image in page.images:
            if image.url not in self._images and image.url.startswith(("http://", "https://")):
                self._images.add(image.url)
                # Their names hold a UUID each, so an image that was fetched once is that image for ever.
                if not self.archive.memory.has(image.url, IMAGE):
                    yield self._request(image.url, IMAGE, via, self.parse_image)

    def parse_image(self, response: Response) -> None:
        """An image's bytes are in the archive by now."""
        self._answered(response)
        self.tally.images += 1

    # Requests and what becomes of them

    def _request(
        self, url: str, kind: str, via: str | None, callback: Any, priority: int | None = None, **meta: Any
    ) -> Request:
        self.tally.asked += 1
        return Request(
            url,
            callback=callback,
            errback=self.failed,
            priority=_PRIORITY[kind] if priority is None else priority,
            meta={KIND: kind, VIA: via, **meta},
            # Requests are told apart here, by article and list; Scrapy would do it again, and lose a redirected twin.
            dont_filter=True,
        )

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
        request: Request = failure.request  # type: ignore[attr-defined]
        error = failure.value
        if isinstance(error, HttpError):
            self.tally.failure(error.response.url, f"status {error.response.status}")
        elif isinstance(error, DownloadCancelledError):
            self.tally.oversized += 1
        elif request.meta.get("ciwen_refused"):
            self.tally.refusal(request.url, str(error))
        else:
            self.tally.failure(request.url, str(error) or type(error).__name__)


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
