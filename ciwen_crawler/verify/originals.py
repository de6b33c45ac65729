"""Originals as the revisits of an archive name them, read where they are said to lie."""

from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from ciwen_crawler.verify.heads import Fields, fields_of
from ciwen_crawler.warc.reader import NO_RECORD
from ciwen_crawler.warc.record import IDENTICAL, MEMBER_HEADER, NOT_MODIFIED, RESOURCE, RESPONSE, moment
from ciwen_crawler.warc.writer import OPEN

# What is read at once for a head, and how much of it is tried in all: some URLs are very long.
_PIECE, _MOST = 2048, 1024 * 1024
_KEPT = 4096


class Originals:
    """The originals in one folder of WARC files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head_at = lru_cache(_KEPT)(self._read)

    def disagreement(self, revisit: Fields) -> str | None:
        """What a revisit of ours says of its original that is not so; None where all is."""
        if revisit.get("warc-profile") not in (IDENTICAL, NOT_MODIFIED):
            return f"a revisit of no profile that is known: {revisit.get('warc-profile')}"
        file, offset = revisit.get("warc-refers-to-filename", ""), revisit.get("warc-refers-to-file-offset", "")
        if not file or Path(file).name != file or not offset.isdecimal():
            return "does not say where its original lies"
        place = f"{file} at byte {offset}"
        original = self._head_at(file, int(offset))
        if original is None:
            return f"its original is not in {place}"
        if original.get("warc-record-id") != revisit.get("warc-refers-to"):
            return f"another record than its original stands in {place}"
        if original.get("warc-type", "").lower() not in (RESPONSE, RESOURCE):
            return f"its original in {place} is no response, but a {original.get('warc-type')}"
        wrong = [name for name, is_so in _agreements(revisit, original).items() if not is_so]
        return f"{', '.join(wrong)} differ from those of its original in {place}" if wrong else None

    def _opened(self, file: str) -> BinaryIO:
        try:
            return (self._folder / file).open("rb")
        except FileNotFoundError:  # a run that was killed left it open
            return (self._folder / (file + OPEN)).open("rb")

    def _read(self, file: str, offset: int) -> Fields | None:
        decoder = isal_zlib.decompressobj(wbits=31)
        raw = b""
        try:
            with self._opened(file) as data:
                data.seek(offset)
                while (piece := data.read(_PIECE)) and not decoder.eof and len(raw) < _MOST and b"\r\n\r\n" not in raw:
                    if not raw and not piece.startswith(MEMBER_HEADER):
                        return None
                    raw += decoder.decompress(piece)
            return fields_of(raw)[1]
        except NO_RECORD:
            return None


def _agreements(revisit: Fields, original: Fields) -> dict[str, bool]:
    url = original.get("warc-target-uri", "").strip("<> ")
    date = moment(original.get("warc-date", ""))
    payload = original.get("warc-payload-digest")
    return {
        "WARC-Refers-To-Target-URI": revisit.get("warc-refers-to-target-uri") == url,
        "WARC-Refers-To-Date": revisit.get("warc-refers-to-date") == date,
        "WARC-Payload-Digest": payload is None or revisit.get("warc-payload-digest") == payload,
    }
