"""Rehearsal: a dry run's stand-in for the archive. Pages are read and nothing is written, not even a lock."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ciwen_crawler.capture import Capture
from ciwen_crawler.decision import Decision
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.health.looked import Looked
from ciwen_crawler.health.past import Past
from ciwen_crawler.store.agenda import Agenda
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.memory import Memory
from ciwen_crawler.store.newest import must_not_be_ahead
from ciwen_crawler.tally import Tally
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.exchanges import records_of
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import new_id


class Rehearsal:
    """Takes what an `Archive` takes, and keeps only counts."""

    def __init__(self, folder: Path) -> None:
        self.tally = Tally()
        self.looked = Looked()
        self.on_fault: Callable[[Exception], None] | None = None
        path = folder / NAME
        self._database = Database(path, read_only=True) if path.exists() else None
        if self._database:
            must_not_be_ahead(self._database, folder)
        self.memory = Memory(self._database, folder / WARC)
        self.agenda = Agenda(self._database)

    def keep(self, exchange: Exchange) -> Capture | None:
        """The capture that an archive would keep."""
        self.tally.exchanges += 1
        self.tally.received += len(exchange.response)
        records = records_of(exchange, new_id())
        return capture_of(records.response, records.request, "") if records.response else None

    def past(self) -> Past:
        """No article is read, so none is judged."""
        return Past()

    def decide(self, decision: Decision) -> None:
        """Nor is any decided against."""

    def commit(self) -> None:
        """Nothing waits."""

    def note_incomplete(self) -> None:
        """No article is read."""

    def finish(
        self, outcome: str, exit_code: int, stats: Mapping[str, object], judged: Mapping[str, object] | None = None
    ) -> None:
        """Nothing was begun."""

    def abandon(self) -> None:
        """Nothing is held."""
