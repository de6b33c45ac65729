"""Sources: the files that a replay is given, found in the folders that it is given."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.saved import HTML

WARCS = (".warc", ".warc.gz")


def files(sources: Iterable[str | Path]) -> Iterator[Path]:
    """The files, folders opened, each folder's in the order of their names.

    Raises UnreadableInput where a source does not exist or is of a kind that holds no pages.
    """
    for source in map(Path, sources):
        if source.is_dir():
            found = sorted(path for path in source.rglob("*") if path.is_file() and is_readable(path))
            if not found:
                raise UnreadableInput(f"{source} holds no {', '.join((*WARCS, *HTML))} file")
            yield from found
        elif not source.exists():
            raise UnreadableInput(f"{source} does not exist")
        elif not is_readable(source):
            raise UnreadableInput(f"{source} is none of {', '.join((*WARCS, *HTML))}")
        else:
            yield source


def is_warc(path: Path) -> bool:
    """By name, as WARC tools go."""
    return path.name.lower().endswith(WARCS)


def is_readable(path: Path) -> bool:
    """Whether a file is of a kind that a replay reads."""
    return is_warc(path) or path.suffix.lower() in HTML
