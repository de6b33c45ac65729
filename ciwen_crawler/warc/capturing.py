"""Captures out of WARC records, whoever wrote them."""

from collections.abc import Iterable, Iterator

from ciwen_crawler import message
from ciwen_crawler.capture import Capture
from ciwen_crawler.exchange import BY_LENGTH, UNSPECIFIED
from ciwen_crawler.warc.record import REQUEST, RESOURCE, RESPONSE, REVISIT, Record, bare_id, moment

_CAPTURED = frozenset({RESPONSE, RESOURCE, REVISIT})
# A request waits for its response, which follows it at once in our own files; in others' it may never come.
_MOST_WAITING = 256


def _cut_by(body: bytes) -> str:
    """Why a body that came whole could not be decoded whole: too long to be unpacked, or damaged."""
    return BY_LENGTH if len(body) >= message.MOST_CONTENT else UNSPECIFIED


def captures(records: Iterable[Record], file: str) -> Iterator[tuple[Capture | None, Record]]:
    """Each record, with the capture that it holds; None for those that hold none."""
    requests: dict[str, Record] = {}
    for record in records:
        if record.type == REQUEST and record.id:
            requests[record.id] = record
            if len(requests) > _MOST_WAITING:
                del requests[next(iter(requests))]
        request = requests.pop(bare_id(record.field("WARC-Concurrent-To")), None) if record.type in _CAPTURED else None
        yield capture_of(record, request, file), record


def capture_of(
    record: Record, request: Record | None, file: str, answer: message.Message | None = None
) -> Capture | None:
    """The capture that a response, revisit or resource record holds; None for other records and protocols.

    Crawl and channel are not in the record: they follow from its warcinfo. The kind is the one that the request names,
    else '', to be decided by what the page is. `answer` is the record's block, where it was taken apart already.
    """
    if record.type not in _CAPTURED:
        return None
    fetched_at = moment(record.field("WARC-Date") or "")
    url = (record.field("WARC-Target-URI") or "").strip("<> ")
    if not (record.id and url and fetched_at):  # of another's making; where, when and as what it came nobody can say
        return None
    truncated = record.field("WARC-Truncated") or None
    status: int | None = None
    headers: message.Headers = (("content-type", record.field("Content-Type") or ""),)
    body = record.block
    if record.type == REVISIT and not record.block:  # the standard leaves it to who writes one
        headers = ()
    elif record.type != RESOURCE:
        response = answer or message.response(record.block)
        if response is None:
            return None
        body, whole = response.content()
        status, headers, truncated = response.status, response.headers, truncated or (None if whole else _cut_by(body))
    return Capture(
        id=record.id,
        url=url,
        fetched_at=fetched_at,
        status=status,
        headers=headers,
        body=body,
        kind=(request.field("Ciwen-Kind") if request else None) or "",
        via=(request.field("Ciwen-Via") if request else None) or None,
        record_type=record.type,
        payload_digest=record.field("WARC-Payload-Digest") or None,
        refers_to=(bare_id(record.field("WARC-Refers-To")) or None) if record.type == REVISIT else None,
        truncated=truncated,
        warc_file=file,
        warc_offset=record.offset,
        warc_length=record.length,
    )
