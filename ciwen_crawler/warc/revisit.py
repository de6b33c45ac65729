"""Revisits: records that refer to an original for their payload (WARC/1.1 section 6.7), written and followed.

Ours name their original's id, URL and moment, as the standard has it, and its place by the fields that Heritrix uses.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ciwen_crawler import message
from ciwen_crawler.capture import Capture
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.original import Original
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.reader import record_from
from ciwen_crawler.warc.record import REVISIT, Record, bare_id, urn

_FILE, _OFFSET = "WARC-Refers-To-Filename", "WARC-Refers-To-File-Offset"
# What a 304 says anew of a stored response (RFC 9111 section 3.2), but for how the stored one was framed.
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "content-type", "transfer-encoding", "content-range"})


def referring(profile: str, original: Original) -> Mapping[str, str]:
    """The fields of a revisit that name its original."""
    return {
        "WARC-Profile": profile,
        "WARC-Refers-To": urn(original.id),
        "WARC-Refers-To-Target-URI": original.url,
        "WARC-Refers-To-Date": original.fetched_at,
        _FILE: original.file,
        _OFFSET: str(original.offset),
    }


def original_at_hand(folder: Path, revisit: Record) -> Record | None:
    """The original, where it lies as the revisit says; None where it does not: records are copied between archives."""
    file, offset = revisit.field(_FILE), revisit.field(_OFFSET) or ""
    if not file or not offset.isdecimal() or Path(file).name != file:
        return None
    try:
        found = record_from(folder, file, int(offset))
    except (UnreadableInput, OSError, OverflowError, ValueError):  # no such name and no such number can be
        return None
    is_it = found.id and found.id == bare_id(revisit.field("WARC-Refers-To"))
    return found if is_it and found.type != REVISIT else None


def followed(revisit: Capture, original: Record) -> Capture | None:
    """The revisit with its original's body, for reading; None where the original is not whole, or a revisit itself."""
    stored = capture_of(original, None, "")
    if stored is None or original.type == REVISIT or stored.status not in (None, 200) or stored.truncated:
        return None
    if revisit.status in (None, 304):
        said = {name.lower() for name, _ in revisit.headers} - _OF_THE_BODY
        kept = tuple(each for each in stored.headers if each[0].lower() not in said)
        new = tuple(each for each in revisit.headers if each[0].lower() in said)
        return replace(revisit, headers=kept + new, body=stored.body, stands_for=stored.id)
    body = stored.body
    if stored.status is not None:
        parsed = message.response(original.block)
        assert parsed is not None
        body, whole = message.decoded(parsed.entity, message.joined(revisit.headers, "content-encoding"))
        if not whole:
            return None
    return replace(revisit, body=body, stands_for=stored.id)
