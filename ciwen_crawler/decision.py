"""Decision: a monitor's judgement that certain looks are not to be believed, as a record of the archive tells of it.

It holds for the rows that the same code reads; code that has learned reads the looks again.
"""

import json
from dataclasses import asdict, dataclass

from ciwen_crawler.warc.record import METADATA, ROLE_DECISION, Record, build, new_id, urn


@dataclass(frozen=True, slots=True)
class Decision:
    """What goes into the record's JSON beside the extractor's digest."""

    monitor: str  # which one judged
    field: str  # column of `versions`, or what else it judged by
    reason: str  # a line, which the rows of `quarantine` give
    captures: tuple[str, ...]  # of each look the id of its first page's capture

    def record(self, date: str, warcinfo_id: str, extractor: str) -> Record:
        """The metadata record; `extractor` is the digest of the code that read the looks."""
        content = {"extractor": extractor, **asdict(self)}
        more = {"WARC-Warcinfo-ID": urn(warcinfo_id), "Ciwen-Role": ROLE_DECISION}
        block = json.dumps(content, ensure_ascii=False, indent=1).encode()
        return build(METADATA, new_id(), date, block, "application/json", more)


def decided_by(record: Record, extractor: str) -> Decision | None:
    """What a decision record says; None where other code had read the looks, or where it is none of ours whatever it
    calls itself.
    """
    try:
        content = json.loads(record.block)
        if content.pop("extractor") != extractor:
            return None
        found = Decision(**content | {"captures": tuple(content["captures"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    texts = (found.monitor, found.field, found.reason, *found.captures)
    return found if all(isinstance(text, str) for text in texts) else None
