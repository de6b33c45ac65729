"""Names that lead to private addresses: found out where they are looked up, so that no connection is ever tried."""

# mypy: disable-error-code="no-untyped-call, import-untyped"

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from ciwen_crawler.addresses import is_public
from ciwen_crawler.capture import ROBOTS
from ciwen_crawler.exchange import KIND
from ciwen_crawler.refusal import PrivateAddress


class Lookup:
    """Puts itself before the reactor's resolver, whose answers are those that connections go to: a name that leads
    elsewhere the next time it is looked up gains nothing.

    Start pages may lie in a private network, and so may a proxy. Where there is one, it looks names up.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        if not hasattr(crawler.spider, "asset_scope"):
            raise NotConfigured  # `scrapy fetch` goes where its user says
        crawler.signals.connect(self._install, signals.spider_opened)
        crawler.signals.connect(self._remove, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Lookup":
        return cls(crawler)

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """Tell what was refused from what could not be had, before it is tried again."""
        host = urlsplit(request.url).hostname
        if host in self._resolver.refused and not request.meta.get("proxy"):
            if request.meta.get(KIND) != ROBOTS:  # which is asked for by another request, and that is told of
                self._crawler.archive.tally.private.add(request.url)  # type: ignore[attr-defined]
            raise PrivateAddress(f"leads to a private address, {request.url}") from exception

    def _install(self) -> None:
        from twisted.internet import reactor  # the one that Scrapy chose

        self._reactor: Any = reactor
        starts = getattr(self._crawler.spider, "starts", ())
        proxies = (proxy if "://" in proxy else f"http://{proxy}" for proxy in getproxies().values())
        known = {urlsplit(url).hostname for url in (*starts, *proxies)}
        self._resolver = _Resolver(self._reactor.nameResolver, known)
        self._before = self._reactor.installNameResolver(self._resolver)

    def _remove(self) -> None:
        self._reactor.installNameResolver(self._before)


@implementer(IHostnameResolver)
class _Resolver:
    """Gives what another resolver gives, but for private addresses of names that are not known."""

    def __init__(self, resolver: Any, known: set[str | None]) -> None:
        self._resolver = resolver
        self._known = known
        self.refused: set[str] = set()

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """As twisted.internet.interfaces.IHostnameResolver has it."""
        receiver: Any = resolutionReceiver
        if hostName not in self._known:
            receiver = _Receiver(receiver, hostName, self.refused)
        found: IHostResolution = self._resolver.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return found


@implementer(IResolutionReceiver)
class _Receiver:
    """Passes on what leads to the public internet."""

    def __init__(self, receiver: Any, host: str, refused: set[str]) -> None:
        self._receiver = receiver
        self._host = host
        self._refused = refused

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: Any) -> None:
        """One of the addresses."""
        if is_public(ip_address(address.host.partition("%")[0])):
            self._receiver.addressResolved(address)
        else:
            self._refused.add(self._host.lower())

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()
