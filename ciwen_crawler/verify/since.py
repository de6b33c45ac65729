"""From which place on an archive holds what was fetched since a moment: where the run begins that fetched it."""

from pathlib import Path

from sqlalchemy import select

from ciwen_crawler import clock
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.place import Place, opened
from ciwen_crawler.warc.files import WARC, own_name, warc_files
from ciwen_crawler.warc.writer import OPEN


def place_since(database: Database, folder: Path, since: str) -> Place | None:
    """The first place that holds a capture fetched at that moment or later, or a file begun then; None without any.

    Moved back to the warcinfo that opened the run which wrote there, in whatever file: a part of a run proves nothing.
    """
    c = schema.captures.c
    files = {path.name: path for path in warc_files(folder)}
    left_open = {path.name.removesuffix(OPEN) for path in (folder / WARC).glob(f"*{OPEN}")}
    # A file that is lost must not hide what lies in the others.
    query = select(c.warc_file, c.warc_offset).where(c.fetched_at >= since, c.warc_file.in_([*files, *left_open]))
    row = database.connection.execute(query.order_by(c.warc_file, c.warc_offset).limit(1)).first()
    begun = [
        Place(name, 0)
        for name in sorted(files.keys() | left_open)
        if (own := own_name(name)) and clock.written(own.moment) >= since
    ]
    found = [Place(*row)] if row else []
    first = min([*found, *begun[:1]], default=None)
    if first is None or first.file not in files:
        return first and Place(first.file, 0)
    return opened([files[name] for name in files if name <= first.file], first.offset)
