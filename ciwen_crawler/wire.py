"""The download handler that keeps the bytes: Scrapy's own for HTTP/1.1, with an ear on its connections.

Twisted writes, reads and parses as it always does. Beside it each connection notes what its transport was given to
write and what it got to read, from the first byte of a request to where Twisted's parser says that the answer ends.
Every attempt that reached the wire becomes one `Exchange`, whatever became of the download: answered, redirected,
retried, broken off, timed out or too long. Stands on private parts of Scrapy 2.19 and Twisted, hence the fixed minor
version; `tests/test_wire.py` proves it against a server's own log.
"""


# mypy: disable-error-code="no-untyped-call, import-untyped"

import re
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import urldefrag

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy.utils._download_handlers import make_response
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IHandshakeListener, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import HTTPClientParser
from twisted.web._newclient import Request as WireRequest
from twisted.web._newclient import Response as WireResponse
from twisted.web.client import HTTPConnectionPool
from twisted.web.http import _ChunkedTransferDecoder
from twisted.web.http_headers import InvalidHeaderName
from zope.interface import implementer

from ciwen_crawler.budget import Budget
from ciwen_crawler.capture import OTHER, Capture
from ciwen_crawler.clock import now
from ciwen_crawler.exchange import (
    ATTEMPTS,
    BY_DISCONNECT,
    BY_LENGTH,
    BY_TIME,
    CAPTURE,
    CONDITION,
    KIND,
    VIA,
    Exchange,
)

# What head, interim messages and chunk framing may add to a body of DOWNLOAD_MAXSIZE.
_MOST_FRAMING = 1024 * 1024
_LONGEST_LINE = 256 * 1024  # of a head; browsers take as much, Twisted a sixteenth
_LONGEST_HEAD = 512 * 1024  # interim messages included; every line of it costs memory and time
_MOST_LINES = 2000  # of a head; servers send thirty
_MOST_INTERIMS = 50  # each becomes a record of its own
_MOST_CHUNKS = 200_000  # of a body; the wire's time for one does not depend on its size
_INTERIM = re.compile(rb"HTTP/\d\.\d 1\d\d\b")


class WireDownloadHandler(HTTP11DownloadHandler):
    """For `DOWNLOAD_HANDLERS`, http and https. Gives each exchange to `crawler.archive.keep`, and its `Capture` to
    `request.meta["capture"]`: present where a response began, also beside the exception of one that was not whole.

    A response's body is the capture's, so that live pages and replayed ones are decoded by the same code. What `keep`
    raises is raised here, and no retry middleware knows it.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        from twisted.internet import reactor  # installs one where none is, so not before Scrapy chose it

        most_idle = self._pool.maxPersistentPerHost
        self._pool: _Pool = _Pool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = most_idle
        # A budget counts every request, and Twisted's second try would be one more than it knows of.
        budget: Budget = getattr(crawler.spider, "budget", Budget())
        self._pool.retryAutomatically = budget.requests is None

    async def download_request(self, request: Request) -> Response:
        """As Scrapy's, with what went over the wire kept before it returns or raises."""
        is_kept = hasattr(self._crawler, "archive")
        recording = _Recording(request.meta.get("download_maxsize", self._default_maxsize), is_kept)
        if not is_kept:  # `scrapy fetch`, `scrapy shell`: nothing is archived
            return await self._download(request, recording)
        # A redirect or retry inherits the meta of the request before it.
        request.meta.pop(CAPTURE, None)
        attempt: dict[str, Any] = {"at": now()}
        # A retry inherits the list, so that it tells of all of them.
        request.meta.setdefault(ATTEMPTS, []).append(attempt)
        try:
            response = await self._download(request, recording)
        except Exception as error:
            attempt["error"] = str(error) or type(error).__name__
            self._keep(request, recording, error)
            raise
        attempt["status"] = response.status
        capture = self._keep(request, recording)
        if capture is None:
            attempt["error"] = f"what {request.url} answered is no HTTP response"
            raise DownloadFailedError(attempt["error"])
        return _as_captured(response, capture)

    async def _download(self, request: Request, recording: "_Recording") -> Response:
        # Scrapy asks the pool for a connection before it first waits, so no other download comes between.
        self._pool.recording = recording
        try:
            response = await super().download_request(request)
        except Exception as error:
            if isinstance(error, DownloadCancelledError):  # by Scrapy, for the length of the body
                recording.excess = recording.excess or f"more than {recording.maxsize:,} bytes"
            if not recording.excess:
                raise
        if recording.excess:
            raise DownloadCancelledError(f"{request.url} was answered with {recording.excess}")
        return response

    def _keep(self, request: Request, recording: "_Recording", error: Exception | None = None) -> Capture | None:
        """Archive every attempt of a download; the capture of the last, whose answer is the download's."""
        capture: Capture | None = None
        # An error's traceback holds on to the recording, for as long as the error is told of.
        attempts, recording.attempts = recording.attempts, []
        for attempt in attempts:
            if not (attempt.sent_at and attempt.sent):
                continue
            response, interim = attempt.answer()
            exchange = Exchange(
                url=urldefrag(request.url).url,
                sent_at=attempt.sent_at,
                request=b"".join(attempt.sent),
                response=response,
                interim=interim,
                ip=None if request.meta.get("proxy") else attempt.peer,
                truncated=_truncated(attempt, error),
                kind=request.meta.get(KIND, OTHER),
                via=request.meta.get(VIA),
                condition=request.meta.get(CONDITION),
            )
            capture = self._crawler.archive.keep(exchange)  # type: ignore[attr-defined]
        if capture is not None:
            request.meta[CAPTURE] = capture
        return capture


def _truncated(attempt: "_Attempt", error: Exception | None) -> str | None:
    # One that is too long may have arrived whole all the same; it is refused, so nobody may read it as a whole page.
    if isinstance(error, DownloadCancelledError):
        return BY_LENGTH
    if attempt.is_whole:
        return None
    return BY_TIME if isinstance(error, DownloadTimeoutError) else BY_DISCONNECT


def _as_captured(response: Response, capture: Capture) -> Response:
    """The response with the capture's body, of the class that suits it, and nothing left to decode."""
    headers = response.headers
    headers.pop("Content-Encoding", None)
    headers.pop("Transfer-Encoding", None)
    return make_response(
        url=response.url,
        status=response.status,
        headers=headers,
        body=capture.body,
        flags=response.flags,
        certificate=response.certificate,
        ip_address=response.ip_address,
        protocol=response.protocol,
    )


class _Attempt:
    """One request written to one connection, and what came back on it."""

    def __init__(self, recording: "_Recording", peer: str) -> None:
        self.recording = recording
        self.peer = peer
        self.sent_at: str | None = None  # None while a TLS handshake holds it back
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.size = 0  # bytes received
        self.has_head = False  # of the final message
        self.lines = 0  # of heads, in all messages
        self.chunks = 0
        self.interim_ends: list[int] = []
        self.end: int | None = None  # where the final message ends
        self.is_broken = False  # by the connection

    def exceeds(self, limit: int) -> bool:
        """True where more came back than DOWNLOAD_MAXSIZE allows; 0 is no limit."""
        return self.recording.maxsize > 0 and self.size > limit

    @property
    def excess(self) -> str | None:
        """What of the answer is more than is taken, in words; None while all of it is within bounds."""
        if self.exceeds(self.recording.most):
            return f"more than {self.recording.maxsize:,} bytes"
        if not self.has_head and self.size > _LONGEST_HEAD:
            return f"a head of more than {_LONGEST_HEAD:,} bytes"
        if self.lines > _MOST_LINES:
            return f"more than {_MOST_LINES:,} header lines"
        if len(self.interim_ends) > _MOST_INTERIMS:
            return f"more than {_MOST_INTERIMS} interim responses"
        return f"more than {_MOST_CHUNKS:,} chunks" if self.chunks > _MOST_CHUNKS else None

    def must_be_within_bounds(self) -> None:
        """CancelledError where it is not, which ends Twisted's parsing at once, however much has come."""
        self.recording.excess = self.excess
        if self.recording.excess:
            raise CancelledError

    @property
    def is_whole(self) -> bool:
        """True where the final message has ended, and not because the connection broke."""
        return self.end is not None and not self.is_broken

    def answer(self) -> tuple[bytes, tuple[bytes, ...]]:
        """The final message and the interim ones; bytes that follow the final message belong to none."""
        received = b"".join(self.received)
        self.received = [received]  # the pieces would take as much again
        begin, interim = 0, []
        for end in self.interim_ends:
            interim.append(received[begin:end])
            begin = end
        final = received[begin : self.end]
        if self.end is None and _INTERIM.match(final):  # it was cut within its head
            interim, final = [*interim, final], b""
        return final, tuple(interim)


class _Recording:
    """The attempts of one download: Twisted sends a request again where a kept connection turns out to be dead."""

    def __init__(self, maxsize: int, is_kept: bool) -> None:
        self.maxsize = maxsize  # bytes of body; 0 for no limit
        self.is_kept = is_kept  # so that nobody else need keep the body
        self.most = maxsize + _MOST_FRAMING  # bytes on the wire
        self.attempts: list[_Attempt] = []
        self.excess: str | None = None  # what of an answer is more than is taken

    def begin(self, peer: str) -> _Attempt:
        """Another attempt."""
        self.attempts.append(_Attempt(self, peer))
        return self.attempts[-1]


class _Request(WireRequest):
    """A request that notes its bytes as it writes them."""

    recording: _Recording
    attempt: _Attempt

    @classmethod
    def of(cls, request: WireRequest, recording: _Recording) -> "_Request":
        """The same request, to be recorded."""
        noted: _Request = cls._construct(
            request.method,
            request.uri,
            request.headers,
            request.bodyProducer,
            request.persistent,
            request._parsedURI,
        )
        noted.recording = recording
        return noted

    def writeTo(self, transport: Any) -> Any:
        """As Twisted's."""
        return super().writeTo(_Tee(transport, self.attempt.sent))


class _Tee:
    """What a request needs of a transport; notes all that is written."""

    def __init__(self, transport: Any, sent: list[bytes]) -> None:
        self._transport = transport
        self._sent = sent
        self.registerProducer = transport.registerProducer
        self.unregisterProducer = transport.unregisterProducer

    def write(self, data: bytes) -> None:
        """Note, then write."""
        self._sent.append(data)
        self._transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Note, then write."""
        self.write(b"".join(data))


class _Pool(HTTPConnectionPool):
    """Kept connections, each lent to one download at a time for its recording."""

    recording: _Recording  # of the download that asks next

    def __init__(self, reactor: Any, persistent: bool) -> None:
        super().__init__(reactor, persistent)
        self._factory = _Factory

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        """As Twisted's, the connection made to record."""
        return super().getConnection(key, endpoint).addCallback(_Recorded, self.recording)


class _Recorded:
    """A connection as the agent sees it, for one request."""

    def __init__(self, connection: Any, recording: _Recording) -> None:
        self._connection = connection
        self._recording = recording

    def request(self, request: WireRequest) -> Any:
        """Send a request and record it; Twisted's wrapper for kept connections may send it twice."""
        return self._connection.request(_Request.of(request, self._recording))


class _Factory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> "_Connection":
        return _Connection(self._quiescentCallback)


@implementer(IHandshakeListener)
class _Connection(_LenientHTTP11ClientProtocol):
    """A connection that notes each attempt by itself, so that keeping it for the next request mixes nothing."""

    _attempt: _Attempt | None = None  # that goes on
    _is_secured = False

    def handshakeCompleted(self) -> None:
        """Only now does TLS send what was written before; where the handshake fails nothing was sent."""
        self._is_secured = True
        if self._attempt is not None:
            self._attempt.sent_at = now()

    def request(self, request: WireRequest) -> Deferred[Any]:
        """As Scrapy's."""
        assert isinstance(request, _Request)
        transport: Any = self.transport
        attempt = self._attempt = request.attempt = request.recording.begin(transport.getPeer().host)
        if self._is_secured or not ISSLTransport.providedBy(transport):
            attempt.sent_at = now()
        answer = super().request(request)
        # Scrapy swaps the parser's class in the same way.
        parser: Any = self._parser
        parser.__class__ = _Parser
        parser.attempt = attempt
        return answer

    def dataReceived(self, data: bytes) -> None:
        """Note, then parse."""
        if self._attempt is None:
            # Nobody asked for these bytes; the next request's answer could not be told from them.
            self.abort()
            return
        self._attempt.received.append(data)
        self._attempt.size += len(data)
        attempt = self._attempt
        if not attempt.excess:
            super().dataReceived(data)
        if attempt.end is None and attempt.excess:
            attempt.recording.excess = attempt.excess
            self._giveUp(Failure(CancelledError()))
            self._attempt = None

    def _finishResponse(self, rest: bytes) -> None:
        attempt, parser, request = self._attempt, self._parser, self._currentRequest
        if attempt is not None:
            attempt.end = attempt.size - len(rest)
            # A download that is too long has aborted the connection by now, which Twisted does not see in time.
            is_aborted = attempt.exceeds(attempt.recording.maxsize)
            if parser and request and (rest or is_aborted or not _persists(parser)):
                request.persistent = False
            self._attempt = None
        super()._finishResponse(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell a message that ends with its connection from one that was broken off."""
        if self._attempt is not None and not reason.check(ConnectionDone):
            self._attempt.is_broken = True
        super().connectionLost(reason)


def _persists(parser: HTTPClientParser) -> bool:
    """RFC 9112 section 9.3. Twisted knows `close` in lower case alone, and takes HTTP/1.0 for persistent."""
    values = parser.connHeaders.getRawHeaders(b"Connection", ())
    options = [option.strip() for option in b",".join(values).lower().split(b",")]
    return b"close" not in options and (parser.response.version >= (b"HTTP", 1, 1) or b"keep-alive" in options)


class _Chunks(_ChunkedTransferDecoder):
    """Takes the blanks after a chunk's size that RFC 9112 section 7.1.1 allows and old servers pad with."""

    attempt: _Attempt

    def _dataReceived_CHUNK_LENGTH(self) -> bool:
        end = self._buffer.find(b"\r\n", self._start)
        if end > 0:
            size, semicolon, extension = self._buffer[:end].partition(b";")
            self._buffer[:end] = size.rstrip(b" \t") + semicolon + extension
            self._start = 0
            self.attempt.chunks += 1
            self.attempt.must_be_within_bounds()
        return super()._dataReceived_CHUNK_LENGTH()


class _Nowhere(BytesIO):
    def write(self, data: Any) -> int:
        return len(data)


class _Response(WireResponse):
    """One whose body is read out of the recording, and not gathered by Scrapy as well."""

    def deliverBody(self, protocol: Any) -> None:
        """As Twisted's, to Scrapy's reader."""
        protocol._bodybuf = _Nowhere()
        super().deliverBody(protocol)


class _Parser(_LenientHTTPClientParser):
    """Says where interim messages end, and reads heads that browsers read."""

    MAX_LENGTH = _LONGEST_LINE
    _transferDecoders = {b"chunked": _Chunks}  # noqa: RUF012 - as in Twisted

    attempt: _Attempt

    def statusReceived(self, status: bytes) -> None:
        """As Twisted's."""
        super().statusReceived(status)
        if self.attempt.recording.is_kept:
            self.response.__class__ = _Response

    def headerReceived(self, name: bytes, value: bytes) -> None:
        """Pass over a line whose name is no name, as browsers do; the archive has it."""
        self.attempt.lines += 1
        self.attempt.must_be_within_bounds()
        with suppress(InvalidHeaderName):
            super().headerReceived(name.rstrip(b" \t"), value)

    def allHeadersReceived(self) -> None:
        """As Twisted's."""
        if 100 <= self.response.code < 200:
            self.attempt.interim_ends.append(self.attempt.size - len(self._buffer))
            self.attempt.must_be_within_bounds()
        else:
            self.attempt.has_head = True
        super().allHeadersReceived()
        if isinstance(self.bodyDecoder, _Chunks):
            self.bodyDecoder.attempt = self.attempt
