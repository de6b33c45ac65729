"""How a spider asks the network, and what becomes of its requests; the images and assets that any page may name."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from scrapy import Request
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE, IMAGE, LIST, OTHER, Capture
from ciwen_crawler.due.articles import SLACK
from ciwen_crawler.due.assets import Assets, Wanted, as_asked
from ciwen_crawler.exchange import ATTEMPTS, CAPTURE, KIND, VIA
from ciwen_crawler.items import Image
from ciwen_crawler.pages import excess, is_page
from ciwen_crawler.refusal import Disallowed, GivenUp, OffHosts, PrivateAddress, Unasked
from ciwen_crawler.spiders.base import ArchivingSpider

# What is begun is finished first, so that few requests wait and memory does not grow with the channel.
_PRIORITY = {OTHER: -10, LIST: 0, ARTICLE: 10, IMAGE: 20}
# Their names hold a UUID each, so while its article is as it was, an image most likely is, too.
_IMAGES_EVERY = timedelta(days=7) * SLACK


class AskingSpider(ArchivingSpider):
    """A spider over the network. Whoever is one sets what it wants."""

    wants_images: bool
    wants_assets: bool
    asset_scope: frozenset[str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._images: set[str] = set()

    # Requests and what becomes of them

    def _request(
        self,
        url: str,
        kind: str,
        via: str | None,
        callback: Any,
        errback: Any = None,
        priority: int | None = None,
        named: Mapping[str, Any] | None = None,
    ) -> Request:
        self.tally.asked += 1
        request = _request(url, kind, via, callback, errback or self.failed, **(named or {}))
        return request if priority is None else request.replace(priority=priority)

    def _page(self, response: Response) -> Capture | None:
        """The answer, where anything can be read from it."""
        capture = self._answered(response)
        if is_page(capture):
            return capture
        beyond = excess(capture)
        if beyond:
            self.tally.too_large(capture.url, beyond)
        elif capture.truncated:
            self.tally.failure(capture.url, "what came cannot be unpacked")
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
        request, error = what_failed(failure)
        attempts = request.meta.get(ATTEMPTS, ())
        if isinstance(error, HttpError):
            self.tally.failure(error.response.url, reason(error), attempts)
        elif isinstance(error, DownloadCancelledError):
            self.tally.too_large(request.url, reason(error))
        elif isinstance(error, Disallowed):
            self.tally.refusal(request.url, reason(error))
        elif not _is_told(error) or (request.meta.get("is_start") and not isinstance(error, Unasked)):
            self.tally.failure(request.url, reason(error), attempts)

    # Images of articles

    def _image_requests(self, images: Iterable[Image], via: str, again: bool = False) -> Iterator[Request]:
        if not self.wants_images:
            return
        for url in (as_asked(image.url) for image in images):
            if url in self._images or not url.startswith(("http://", "https://")):
                continue
            if self.wants_assets and self._assets.has_given(url):  # a list shows it, too, and came first
                continue
            if again or self._is_image_due(url):
                self._images.add(url)
                yield self._request(url, IMAGE, via, self.parse_image)

    def _is_image_due(self, url: str) -> bool:
        memory = self.archive.memory
        asked_at = memory.asked_at(url)
        return not memory.has(url) or (asked_at is not None and clock.moment() - clock.read(asked_at) >= _IMAGES_EVERY)

    def parse_image(self, response: Response) -> None:
        """An image's bytes are in the archive by now."""
        self._answered(response)
        self.tally.images += 1

    # What pages need to be seen as they were

    @cached_property
    def _assets(self) -> Assets:
        # The archive is there only once the spider is.
        return Assets(self.archive.memory, self.asset_scope, self.wants_images, self.tally.excess)

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
        request, error = what_failed(failure)
        if _is_told(error) or isinstance(error, GivenUp):
            return  # it was not asked for, and the next run need not let it rest
        url = error.response.url if isinstance(error, HttpError) else request.url
        self.tally.asset_failure(url, reason(error), request.meta.get(ATTEMPTS, ()))


def what_failed(failure: Failure) -> tuple[Request, BaseException | None]:
    """The request that brought nothing, and why."""
    request: Request = failure.request  # type: ignore[attr-defined]
    return request, failure.value


def reason(error: BaseException | None) -> str:
    """Why a request brought nothing, in a few words."""
    if isinstance(error, HttpError):
        return f"status {error.response.status}"
    return str(error) or type(error).__name__


def _is_told(error: BaseException | None) -> bool:
    """Whether what kept a request from being made is told in the report already, or needs no telling."""
    return isinstance(error, (OffHosts, PrivateAddress, Unasked))


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
