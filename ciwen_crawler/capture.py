"""Capture: one answer of the web, as the archive holds it. The single door to everything after it.

A live response, a WARC record and a saved page all become a `Capture`; reading pages, deduplicating and
storing never learn which of the three it was.
"""

from dataclasses import dataclass

from ciwen_crawler.message import header

# The kinds of the table `captures`.
LIST, ARTICLE, IMAGE, ROBOTS, OTHER = "list", "article", "image", "robots", "other"


@dataclass(frozen=True, slots=True)
class Capture:
    """A response, or a page saved as a resource, and where its record lies."""

    id: str  # the WARC-Record-ID's UUID
    url: str  # as requested
    fetched_at: str  # UTC with microseconds, 2025-06-04T08:35:12.123456Z
    status: int | None  # None for a resource record, which has no HTTP status
    headers: tuple[tuple[str, str], ...]  # in wire order, bytes read as Latin-1
    body: bytes  # the entity with transfer and content codings removed
    kind: str = OTHER  # one of those above; '' while it is not known
    via: str | None = None  # the page that linked to it
    channel: str | None = None  # name of the channel it was crawled for
    crawl_id: str = ""
    record_type: str = "response"  # response, revisit or resource
    payload_digest: str | None = None  # sha1:… in Base32
    refers_to: str | None = None  # of a revisit: the record id that it names as its original
    stands_for: str | None = None  # of a revisit that was followed: the id of the original whose body this is
    truncated: str | None = None  # WARC-Truncated: length, time, disconnect, unspecified
    warc_file: str = ""
    warc_offset: int = 0
    warc_length: int = 0

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return header(self.headers, name)

    @property
    def mime(self) -> str | None:
        """Content-Type without its parameters, lower case."""
        value = (self.header("content-type") or "").partition(";")[0].strip().lower()
        return value or None

    @property
    def is_whole(self) -> bool:
        """True where a page may be read from it: a complete answer that says it succeeded.

        A revisit has a body only where it was followed to its original.
        """
        succeeded = (None, 200, 304) if self.stands_for else (None, 200)
        is_there = self.stands_for is not None or self.record_type != "revisit"
        return is_there and self.status in succeeded and self.truncated is None
