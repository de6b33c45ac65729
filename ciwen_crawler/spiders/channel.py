"""The channel's spider: start pages → lists → articles → their further pages; then articles that no list names."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ciwen_crawler import __version__, channels, clock
from ciwen_crawler.budget import Budget
from ciwen_crawler.capture import LIST
from ciwen_crawler.due.articles import Schedule, schedule
from ciwen_crawler.due.lists import WHOLE_EVERY, Asked, Lists, earlier, place
from ciwen_crawler.due.walk import Item
from ciwen_crawler.identity import article_id, article_url, content_id, host_of, in_hosts, is_twin
from ciwen_crawler.items import Link
from ciwen_crawler.pages import read_listing
from ciwen_crawler.refusal import Disallowed, Unasked
from ciwen_crawler.spiders.arguments import count, flag
from ciwen_crawler.spiders.asking import reason, what_failed
from ciwen_crawler.spiders.looking import LookingSpider
from ciwen_crawler.store.standing import ABSENT

_AT_ONCE = 200  # requests that wait, where thousands of articles are due


class ChannelSpider(LookingSpider):
    """`scrapy crawl ciwen`, with `-a` for each argument: `channel`, `start` (blank-separated), `max_articles`,
    `max_requests`, `max_time`, `max_bytes`, `full`, `images`, `assets` and `dry_run` (0 or 1).
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
        max_requests: str | int | None = None,
        max_time: str | None = None,
        max_bytes: str | int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.budget = Budget.of(max_requests, max_time, max_bytes)
        self.channel = channels.channel(channel)
        self.channel_name = self.channel.name
        self.description = f"{self.channel.name}, news channel of {', '.join(self.channel.hosts)}"
        given = tuple(map(channels.start_url, start.split() if isinstance(start, str) else start))
        self.starts = given or self.channel.start
        # Pages that somebody names are meant, whatever host they are on.
        self.scope = self.channel.scope | {host_of(url).removeprefix("www.") for url in given}
        self.minimum_articles = 1 if given else self.channel.minimum_articles
        self.asset_scope = self.scope | self.channel.asset_scope
        self.most_articles = count("max_articles", max_articles)
        self.is_full = flag(full)
        self.wants_images = flag(images)
        self.wants_assets = flag(assets)
        self.is_rehearsal = flag(dry_run)
        self.schedule = Schedule(())
        self.would_fetch: list[dict[str, Any]] = []  # what a run that is not dry would ask for
        self._is_given = bool(given)
        self._found: set[str] = set()  # ids of articles

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
        crawler.signals.connect(spider.rest, signals.spider_idle)
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
            page = self._lists.start(url)
            yield from self._list_requests([page] if page else [], None)

    # Lists

    def parse_list(self, response: Response) -> Iterator[Request]:
        """A list page's articles, the lists that it names, and its list's next page."""
        capture = self._page(response)
        name, number = response.meta["list"], response.meta["page"]
        if capture is None:
            self._lists.walk(name).failed(number, "no list can be read")
            yield from self._next_page(name)
            return
        listing = read_listing(capture)
        self.tally.lists += 1
        self.tally.listed += len(listing.links)
        self.tally.without_id += listing.without_id
        if listing.beyond:
            self.tally.excess(capture.url, listing.beyond)
        if not self.is_rehearsal:
            self.archive.store.add_listing(capture, listing)
        yield from self._article_requests(listing.links, capture.url, is_due=self.is_full)
        yield from self._asset_requests(capture)
        self._lists.walk(name).read(number, self._items(listing.links))
        self._lists.turn(name, self._in_scope(listing.pages))
        yield from self._next_page(name, capture.url)
        if not self.tally.budget and response.meta["depth_of_list"] < self.channel.list_depth:
            for url in self._in_scope(listing.nodes):
                found = self._lists.name(url, response.meta["depth_of_list"] + 1)
                yield from self._list_requests(found, capture.url)

    def list_failed(self, failure: Failure) -> Iterator[Request]:
        """A list page that was not had. Its walk goes on without it."""
        self.failed(failure)
        request, error = what_failed(failure)
        name, number = request.meta["list"], request.meta["page"]
        if isinstance(error, Unasked):
            return
        if isinstance(error, Disallowed) or self._is_still_missing(error):
            self._lists.walk(name).passed()
        else:
            self._lists.walk(name).failed(number, reason(error))
        yield from self._next_page(name)

    def _is_still_missing(self, error: BaseException | None) -> bool:
        """Whether a page is not there that was not there the last time either: some pager names it in vain."""
        if not isinstance(error, HttpError) or error.response.status not in ABSENT:
            return False
        return self.archive.agenda.status(error.response.url) in ABSENT

    def _items(self, links: Sequence[Link]) -> list[Item]:
        # A list may lead to other sites alone.
        own = [link for link in links if in_hosts(link.url, self.scope)] or links
        return [Item(place(link.url), self.archive.agenda.is_known(article_id(link.url))) for link in own]

    def _in_scope(self, urls: Iterable[str]) -> Iterator[str]:
        return (url for url in urls if in_hosts(url, self.scope))

    def _next_page(self, name: str, via: str | None = None) -> Iterator[Request]:
        if not self.tally.budget:
            yield from self._list_requests(self._lists.next(name), via)

    def _list_requests(self, pages: Iterable[Asked], via: str | None) -> Iterator[Request]:
        for page in pages:
            named = {"list": page.list, "page": page.number, "depth_of_list": page.depth}
            yield self._request(page.url, LIST, via, self.parse_list, self.list_failed, named=named)

    @cached_property
    def _lists(self) -> Lists:
        since = clock.moment() - WHOLE_EVERY
        known = earlier(self.archive.agenda.walks(self.channel_name, since))
        return Lists(known, self.channel.lists, self.channel.list_pages, self.is_full)

    # Articles

    def _article_requests(
        self, links: Iterable[Link], via: str | None, *, is_due: bool = False, is_listed: bool = True
    ) -> Iterator[Request]:
        for link in links:
            identity = article_id(link.url)
            if identity in self._found or not in_hosts(link.url, self.scope):
                continue
            self._found.add(identity)
            asks = is_due or self._is_due(identity)
            self.tally.found += is_listed
            if not asks:
                self.tally.resting += is_listed
            elif self.most_articles is not None and self.tally.due >= self.most_articles:
                self.tally.budget = f"--max-articles {self.most_articles}"
                continue
            else:
                self.tally.due += 1
                self.tally.off_list += not is_listed
                self.tally.retried += identity in self._pending
            if self.is_rehearsal:
                if asks or is_listed:
                    self._would_fetch(identity, link, asks)
            elif asks:
                # A twin, and a page after the first, lead to the article's canonical first page.
                number = content_id(link.url)
                is_first = number is not None and number.page == 1 and not is_twin(link.url)
                url = link.url if is_first else article_url(link.url)
                yield self._article_request(url, via, identity)

    def _would_fetch(self, identity: str, link: Link, asks: bool) -> None:
        known = self.archive.memory.knows(identity)
        self.would_fetch.append({"id": identity, "url": link.url, "title": link.title, "known": known, "due": asks})

    def _is_due(self, identity: str) -> bool:
        """Whether it is time for a look at an article; one that could not be had is tried again later and later."""
        now = clock.moment()
        if self.schedule.steps and self._pending.rests(identity, now):
            return False
        seen = self.archive.agenda.sighting(identity)
        return seen is None or self.schedule.wants(seen, now)

    # What no list of this run names

    def rest(self) -> None:
        """When nothing is left to do, as all lists are walked: what they do not name, some at a time."""
        if self._is_given or self.tally.budget or not self.tally.starts_answered:
            return
        try:
            requests = list(islice(self._off_list, _AT_ONCE))
        except Exception as fault:  # noqa: BLE001 - Scrapy would log it and call the run finished
            assert self.archive.on_fault
            self.archive.on_fault(fault)
            return
        assert self.crawler.engine
        for request in requests:
            self.crawler.engine.crawl(request)
        if requests:
            raise DontCloseSpider

    @cached_property
    def _off_list(self) -> Iterator[Request]:
        agenda, now = self.archive.agenda, clock.moment()
        lacking = agenda.never_had() | dict(self._pending)
        due = agenda.due(self.schedule.bands(now), self.schedule.absent_until(now))
        links = [Link(url, None) for url in (lacking | due).values()]
        return self._article_requests(links, None, is_listed=False)

    def conclude(self) -> None:
        """What the next run is to know of the lists and of what could not be had."""
        cut_off = f"ended by {self.tally.budget}" if self.tally.budget else None
        self.tally.walks = self._lists.told(cut_off)
        self.tally.pending, self.tally.pending_untold = self._pending.told()
