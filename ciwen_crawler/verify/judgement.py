"""Judges records one by one: their digests, their form, and their place beside others.

Strict with what Ciwen writes: whatever it could not have written so is damage. Records that a replay took in from
elsewhere are judged by what they say of themselves.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.exchange import BY_DISCONNECT, BY_LENGTH, BY_TIME, UNSPECIFIED
from ciwen_crawler.verify.digests import agrees, is_sha1, is_sha1_of
from ciwen_crawler.verify.heads import Fields
from ciwen_crawler.verify.originals import Originals
from ciwen_crawler.verify.payloads import entity, readings
from ciwen_crawler.verify.sequence import Sequence
from ciwen_crawler.verify.unpacking import Hashed
from ciwen_crawler.warc.record import METADATA, REQUEST, RESOURCE, RESPONSE, REVISIT, VERSION, WARCINFO, moment

CAPTURES = frozenset({RESPONSE, REVISIT, RESOURCE})
_KINDS = frozenset({WARCINFO, REQUEST, RESPONSE, REVISIT, RESOURCE, METADATA})
_ID = re.compile(r"<urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}>")
_TRUNCATED = frozenset({None, BY_LENGTH, BY_TIME, BY_DISCONNECT, UNSPECIFIED})
_HTTP = "application/http"
_BLOCK = "block digest of the {} record {} does not agree with its block"
_PAYLOAD = "payload digest of the {} record {} does not agree with its payload"


class Unpacked(NamedTuple):
    """A record as it came out of its member."""

    offset: int  # of the member
    raw: bytes  # head, block and line ends
    version: str
    kind: str  # WARC-Type, lower case
    id: str  # WARC-Record-ID as it stands
    fields: Fields
    begin: int  # of the block
    block: memoryview  # empty where it was hashed
    hashed: Hashed | None


class Judge:
    """Judges the records of a file, in their order."""

    def __init__(self, folder: Path) -> None:
        self.sequence = Sequence()
        self._originals = Originals(folder)

    def ours(self, record: Unpacked) -> Iterator[str]:
        """What is wrong with a record that a run wrote."""
        fields, kind = record.fields, record.kind
        if record.version != VERSION or kind not in _KINDS or not _ID.fullmatch(record.id):
            yield f"{record.version}, WARC-Type {kind or 'missing'}, id {record.id or 'missing'}: none that we write"
            return
        date = fields.get("warc-date", "")
        if not date or moment(date) != date:
            yield f"WARC-Date {date or 'missing'} is no moment as we write them"
        if fields.get("warc-truncated") not in _TRUNCATED:
            yield f"WARC-Truncated {fields['warc-truncated']} is no reason that is known"
        if not _has_block(record):
            yield _BLOCK.format(kind, record.id)
        if not _has_payload(record):
            yield _PAYLOAD.format(kind, record.id)
        wrong = self.sequence.take(record.offset, kind, fields)
        if wrong:
            yield f"{kind} record {record.id}: {wrong}"
        wrong = self._originals.disagreement(fields) if kind == REVISIT else None
        if wrong:
            yield f"revisit record {record.id}: {wrong}"


def _has_block(record: Unpacked) -> bool:
    said = record.fields.get("warc-block-digest", "")
    return is_sha1(said, record.hashed.block) if record.hashed else is_sha1_of(said, record.block)


def _has_payload(record: Unpacked) -> bool:
    said = record.fields.get("warc-payload-digest", "")
    is_http = record.kind == RESPONSE and record.fields.get("content-type", "").startswith(_HTTP)
    if record.hashed and (is_http or record.kind == RESOURCE):
        return is_sha1(said, record.hashed.payload)
    if is_http:
        return is_sha1_of(said, entity(record.raw, record.begin, record.begin + len(record.block)))
    if record.kind == RESOURCE:
        return is_sha1_of(said, record.block)
    return record.kind == REVISIT or not said


def others(record: Unpacked) -> Iterator[str]:
    """What does not agree in a record of another program's, or of another archive's."""
    block, payload = record.fields.get("warc-block-digest"), record.fields.get("warc-payload-digest")
    if block and not agrees(block, record.block):
        yield _BLOCK.format(record.kind, record.id)
    # The payload of a revisit is elsewhere, and of a body that was cut some give the digest of the whole.
    if not payload or record.kind == REVISIT or record.fields.get("warc-truncated"):
        return
    content_type = record.fields.get("content-type", "")
    if not any(agrees(payload, each) for each in readings(bytes(record.block), content_type)):
        yield _PAYLOAD.format(record.kind, record.id)
