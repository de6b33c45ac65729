"""ZipNum: a sorted index in small gzip members, and the index of those, of which readers fetch what they need.

The form that cdxj-indexer writes and wabac.js reads: `PREFIX {"offset": …, "length": …, "digest": "sha256:…"}` for each
member, where the prefix is that of its first line, behind a line of what the other file is.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from isal import igzip

_LINES = 300  # a member
_LEVEL = 2


class ZipNum:
    """Packs lines, and then tells where they are. `name` is of the file that holds the members."""

    def __init__(self, name: str) -> None:
        self._index = [f"!meta 0 {json.dumps({'format': 'cdxj-gzip-1.0', 'filename': name})}\n"]
        self._offset = 0

    def members(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines, packed."""
        rest = iter(lines)
        while block := list(islice(rest, _LINES)):
            member = igzip.compress(b"".join(block), _LEVEL, mtime=0)
            place = {
                "offset": self._offset,
                "length": len(member),
                "digest": f"sha256:{hashlib.sha256(member).hexdigest()}",
            }
            prefix = block[0].partition(b" {")[0].decode()  # no blank is in a key, braces may be
            self._index.append(f"{prefix} {json.dumps(place)}\n")
            self._offset += len(member)
            yield member

    def index(self) -> bytes:
        """Where each member lies, once all have been made."""
        return "".join(self._index).encode()
