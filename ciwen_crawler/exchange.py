"""Exchange: one request and what came back, byte for byte as both went over the wire."""

from dataclasses import dataclass, field

from ciwen_crawler.capture import OTHER
from ciwen_crawler.original import Original

# Keys of a Scrapy request's meta: what it is for, which page linked to it, and the capture that answered it.
KIND, VIA, CAPTURE = "ciwen_kind", "ciwen_via", "capture"
# The original whose validators a request carries, and what became of each attempt at it.
CONDITION, ATTEMPTS = "ciwen_condition", "ciwen_attempts"
# Values of WARC-Truncated, WARC/1.1 section 5.13.
BY_LENGTH, BY_TIME, BY_DISCONNECT, UNSPECIFIED = "length", "time", "disconnect", "unspecified"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the wire gives the archive; each attempt, redirect and error is one of its own."""

    url: str  # as requested, without fragment
    sent_at: str  # when the first byte of the request was sent, UTC: 2025-06-04T08:35:12.123456Z
    request: bytes  # head and body; through a proxy the request line is in absolute form
    response: bytes  # the final message, still chunked and compressed; b'' where none began
    interim: tuple[bytes, ...] = field(default=())  # 1xx messages that came before it, in order
    ip: str | None = None  # the server's address; None through a proxy, whose address says nothing of the server
    truncated: str | None = None  # why the response is not whole: length, time or disconnect
    kind: str = OTHER  # list, article, image, robots or other
    via: str | None = None  # the page that linked to it
    condition: Original | None = (
        None  # what is not sent again where it has not changed: the request's validators are its
    )
