"""Takes a record out of its gzip member. A long one of ours is hashed piece by piece as it comes, never whole in
memory: fresh memory for each would cost as much as its digests do.
"""

import hashlib
from typing import NamedTuple

from isal import isal_zlib

from ciwen_crawler.verify.heads import BLANK, fields_of
from ciwen_crawler.verify.payloads import entity_begin
from ciwen_crawler.warc.record import RESOURCE, RESPONSE

_LONG = 64 * 1024  # bytes of a member
_END = len(BLANK)  # the line ends behind a block


class Hashed(NamedTuple):
    """SHA-1 of a block and of its payload, and how many bytes the block has."""

    block: bytes
    payload: bytes
    size: int


class Member(NamedTuple):
    """What came out of the member that a region begins with."""

    size: int  # of the member, in bytes
    raw: bytes  # the record; where its block was hashed, all but that
    hashed: Hashed | None = None


def unpack(region: memoryview, info: str) -> Member | None:
    """The member that a region begins with; None where it is cut short. Raises what isal raises of damage.

    `info` is what WARC-Warcinfo-ID says of records of ours.
    """
    decoder = isal_zlib.decompressobj(wbits=31)
    raw, fed = decoder.decompress(region[:_LONG]), min(_LONG, len(region))
    hashing = _hashing(raw, info) if fed < len(region) and not decoder.eof else None
    pieces = [raw]
    while fed < len(region) and not decoder.eof:
        piece = decoder.decompress(region[fed : fed + _LONG])
        fed = min(fed + _LONG, len(region))
        if hashing:
            hashing.add(memoryview(piece))
        else:
            pieces.append(piece)
    if not decoder.eof:
        return None
    size = fed - len(decoder.unused_data)
    if hashing:
        return Member(size, raw[: hashing.begin] + hashing.end, hashing.hashed())
    return Member(size, raw if len(pieces) == 1 else b"".join(pieces))


class _Hashing:
    """The digests of a block, as its bytes come; the line ends behind it are none of them."""

    def __init__(self, first: bytes, begin: int, entity: int) -> None:
        self.begin = begin
        self.end = b""
        self._block = hashlib.sha1(memoryview(first)[begin:entity])
        self._payload = hashlib.sha1()
        self._size = entity - begin
        self.add(memoryview(first)[entity:])

    def add(self, piece: memoryview) -> None:
        """The next bytes."""
        if len(piece) < _END:
            piece = memoryview(self.end + piece)
        else:
            self._update(self.end)
        self._update(piece[:-_END])
        self.end = bytes(piece[-_END:])

    def _update(self, data: bytes | memoryview) -> None:
        self._block.update(data)
        self._payload.update(data)
        self._size += len(data)

    def hashed(self) -> Hashed:
        """Of all that came."""
        return Hashed(self._block.digest(), self._payload.digest(), self._size)


def _hashing(first: bytes, info: str) -> _Hashing | None:
    """None where the record must be had whole: one of others, or a body in chunks."""
    try:
        _, fields, begin = fields_of(first)
    except ValueError:
        return None
    if fields.get("warc-warcinfo-id") != info:
        return None
    kind = fields.get("warc-type")
    entity = begin if kind == RESOURCE else entity_begin(first, begin) if kind == RESPONSE else None
    return None if entity is None else _Hashing(first, begin, entity)
