"""The judge of every row: the database made again from the WARC files alone."""

import shutil
from pathlib import Path

from ciwen_crawler.store import upkeep
from tests.database import Rows, tables


def rebuilt(archive: Path, beside: Path) -> dict[str, Rows]:
    """The tables of an archive as its WARC files give them; they are copied into an empty folder for it."""
    beside.mkdir(parents=True)
    shutil.copytree(archive / "warc", beside / "warc")
    upkeep.rebuild(beside)
    return tables(beside)
