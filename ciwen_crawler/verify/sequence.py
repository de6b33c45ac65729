"""The order of an exchange's records: its request, the interim answers, its response or revisit, and none between."""

from typing import NamedTuple

from ciwen_crawler.verify.heads import Fields
from ciwen_crawler.warc.record import METADATA, REQUEST, RESPONSE, REVISIT, ROLE_INTERIM

_ANSWERS = frozenset({RESPONSE, REVISIT})


class Unanswered(NamedTuple):
    """A request that names a response which does not follow."""

    offset: int
    response: str  # its id, as the request has it


class Sequence:
    """Follows the records of one run, as they stand."""

    def __init__(self) -> None:
        self.unanswered: list[Unanswered] = []
        self._request: Fields | None = None
        self._offset = 0
        self._has_gap = False  # what stood before could not be read

    def take(self, offset: int, kind: str, fields: Fields) -> str | None:
        """The next record, which has an id; what is wrong with its place, None where nothing is."""
        if kind == METADATA and fields.get("ciwen-role") == ROLE_INTERIM:
            return self._disagreement(fields)
        if kind in _ANSWERS:
            wrong = self._disagreement(fields)
            if wrong is None and self._request and self._request.get("warc-concurrent-to") != fields["warc-record-id"]:
                wrong = "the request before it names another response"
            if wrong is None and self._request and _url(self._request) != _url(fields):
                wrong = "its WARC-Target-URI is not that of its request"
            self._request, self._has_gap = None, False
            return wrong
        self.end()
        if kind == REQUEST:
            self._request, self._offset = fields, offset
        return None

    def interrupt(self) -> None:
        """What comes next could not be read: what it belonged to cannot be judged."""
        self._request, self._has_gap = None, True

    def end(self) -> None:
        """No more of this exchange."""
        request = self._request
        if request and "warc-concurrent-to" in request:
            self.unanswered.append(Unanswered(self._offset, request["warc-concurrent-to"]))
        self._request, self._has_gap = None, False

    def _disagreement(self, fields: Fields) -> str | None:
        request = self._request
        if request is None:
            return None if self._has_gap else "the request that it belongs to does not stand before it"
        if fields.get("warc-concurrent-to") != request["warc-record-id"]:
            return "the record before it is not the request that it names"
        if fields.get("warc-date") != request.get("warc-date"):
            return "its WARC-Date is not that of its request"
        return None


def _url(fields: Fields) -> str | None:
    return fields.get("warc-target-uri")
