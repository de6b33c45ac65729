"""The reports in `runs/`: for people and programs, copies of those that the WARC files hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.warc.writer import sync

RUNS = "runs"
_DRAFT = ".new"


class Reports:
    """The folder of one archive. Whatever writes raises CannotWrite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / RUNS

    def path(self, crawl_id: str) -> Path:
        """Where the report of a run lies."""
        return self._folder / f"{crawl_id}.json"

    def draft(self, crawl_id: str, content: bytes) -> Path:
        """Write a report under a name that says it is not yet one; `path` takes it when it is renamed."""
        draft = self.path(crawl_id).with_suffix(f".json{_DRAFT}")
        with _told(draft):
            self._folder.mkdir(exist_ok=True)
            draft.write_bytes(content + b"\n")
        return draft

    def keep(self, draft: Path) -> Path:
        """What was drafted is so."""
        path = draft.with_suffix("")
        with _told(path):
            draft.replace(path)
            sync(path.parent)
        return path

    def clear(self) -> None:
        """Take away what runs drafted that were killed before their end was written down."""
        for draft in self._folder.glob(f"*.json{_DRAFT}"):
            with _told(draft):
                draft.unlink(missing_ok=True)

    def restore(self, crawl_id: str, content: bytes) -> None:
        """Write a report again where it is missing, as after a run that was killed at its very end."""
        if not self.path(crawl_id).exists():
            self.keep(self.draft(crawl_id, content))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from error
