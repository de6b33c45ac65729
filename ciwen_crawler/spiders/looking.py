"""How a spider looks at an article, over as many pages as it has, and what it makes of one that is not to be had."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from scrapy import Request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.due.pending import Pending
from ciwen_crawler.identity import article_id, article_url
from ciwen_crawler.items import CUT, Article, ArticlePage
from ciwen_crawler.pages import is_at_article, read_article
from ciwen_crawler.refusal import GivenUp, Unasked
from ciwen_crawler.spiders.asking import AskingSpider, what_failed
from ciwen_crawler.store.articles import CHANGED
from ciwen_crawler.store.standing import is_absence

_FURTHER_PAGE = 30  # a request's priority


class LookingSpider(AskingSpider):
    """A spider that looks at articles."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._further: set[str] = set()  # pages after the first, asked for

    @cached_property
    def _pending(self) -> Pending:
        return Pending(self.archive.agenda.pending(self.channel_name))

    def _article_request(self, url: str, via: str | None, identity: str, priority: int | None = None) -> Request:
        named = {"article": identity}
        return self._request(url, ARTICLE, via, self.parse_article, self.article_failed, priority, named)

    def parse_article(self, response: Response) -> Iterator[Article | Request]:
        """An article, once the last of its pages has come; until then those that are lacking."""
        capture = self._page(response)
        identity, way = response.meta["article"], response.meta.get("redirect_urls", [])
        if capture is None:
            self._put_off(identity, response.url)
            return
        if not is_at_article(capture):
            self._led_elsewhere(identity, [*way, capture.url])
            return
        page = read_article(capture)
        self.tally.pages += 1
        for left_out in filter(None, map(page.evidence.get, (CUT, "pages"))):
            self.tally.excess(capture.url, left_out)
        if page.number:
            yield from self._further_pages(capture, page)
        article = self.archive.store.looks.add(capture, page)
        yield from self._image_requests(page.images, capture.url)
        if article:
            self.tally.read_article(article)
            self._pending.had(article.id)
            # What its pictures show may have been changed with it. This is asked before the article is stored.
            if self.archive.store.articles.judge(article) == CHANGED:
                yield from self._image_requests(article.images, capture.url, again=True)
            yield article
        if article_id(capture.url) != identity:
            self._put_off(identity, way[0] if way else capture.url)
        yield from self._asset_requests(capture, [image.url for image in page.images])

    def article_failed(self, failure: Failure) -> None:
        """An article's page that was not had. Of an article that the archive has this may tell that it is gone."""
        request, error = what_failed(failure)
        identity = request.meta["article"]
        if isinstance(error, HttpError):
            url, status = error.response.url, error.response.status
            if article_id(url) == identity and self._is_absent(identity, url, status, None):
                return
        self.failed(failure)
        if not isinstance(error, (Unasked, GivenUp)):
            url = request.meta.get("redirect_urls", [request.url])[0]
            self._put_off(identity, url)

    def _put_off(self, identity: str, url: str) -> None:
        """An article that was asked for at a URL could not be had."""
        self._pending.failed(identity, article_url(url), clock.moment())

    def _led_elsewhere(self, identity: str, way: Sequence[str]) -> None:
        if len(way) > 1 and self._is_absent(identity, way[0], 302, way[1]):
            return
        self.tally.failure(way[0], f"leads to {way[-1]}, which is no article's")
        self._put_off(identity, way[0])

    def _is_absent(self, identity: str, url: str, status: int, location: str | None) -> bool:
        """Whether a known article was looked at and is not there, which is no failure."""
        answer = {"url": url, "status": status, "location": location}
        if not is_absence(answer) or not self.archive.memory.knows(identity):
            return False
        self.tally.absent += 1
        self._pending.had(identity)
        return True

    def _further_pages(self, capture: Capture, page: ArticlePage) -> Iterator[Request]:
        stem, dot, extension = article_url(capture.url).rpartition(".")
        for number in page.pages:
            url = f"{stem}_{number}{dot}{extension}"
            # A long pager names the pages near its own, so each page is asked for what lies behind it.
            if number > 1 and url not in self._further:
                self._further.add(url)
                yield self._article_request(url, capture.url, article_id(capture.url), _FURTHER_PAGE)
