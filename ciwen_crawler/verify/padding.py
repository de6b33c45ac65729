"""Padding: the bits between the last symbol of a deflate stream and its checksum, which no checksum covers.

Every encoder writes zeros there (RFC 1951 section 3.2.3 leaves them open). Asked of members for which no digest of the
file's bytes speaks.
"""

from collections.abc import Iterator
from pathlib import Path

from isal import isal_zlib

from ciwen_crawler.message import DAMAGE
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.members import regions
from ciwen_crawler.warc.files import WARC

_TRAILER = 8  # bytes: CRC-32 and length


def altered_padding(path: Path, start: int, end: int) -> Iterator[Finding]:
    """The members between two bytes of a file whose padding is not what was written."""
    with path.open("rb") as file:
        file.seek(start)
        for offset, region in regions(file, start):
            if offset >= end:
                return
            if _has_padding(bytes(region)):
                yield Finding(f"{WARC}/{path.name}", offset, "bits altered behind the end of its gzip member's data")


def _has_padding(member: bytes) -> bool:
    """Whether bits of a whole member are set that make no difference to what it holds.

    From the highest bit of the last byte down: the first that makes one is of the code that ends the data.
    """
    place = len(member) - _TRAILER - 1
    for bit in (1 << number for number in range(7, -1, -1)):
        changed = bytearray(member)
        changed[place] ^= bit
        decoder = isal_zlib.decompressobj(wbits=31)
        try:
            decoder.decompress(bytes(changed))
        except DAMAGE:
            return False
        if not decoder.eof or decoder.unused_data:
            return False
        if member[place] & bit:
            return True
    return False
