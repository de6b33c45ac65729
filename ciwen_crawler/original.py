"""Original: the response that a revisit refers to, and where its record lies."""

from typing import NamedTuple


class Original(NamedTuple):
    """A response whose payload another capture has too, or that the server says is still what it has."""

    id: str  # the WARC-Record-ID's UUID
    url: str
    fetched_at: str  # its WARC-Date
    payload_digest: str | None  # sha1:… in Base32; others leave it out
    file: str  # the WARC file's final name
    offset: int  # of its gzip member, in bytes
    length: int
