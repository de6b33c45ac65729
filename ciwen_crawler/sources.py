"""Sources: the files that a replay is given, found in the folders that it is given."""

from pathlib import Path

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.saved import HTML

WARCS = (".warc", ".warc.gz")
WACZ = ".wacz"
_KINDS = ", ".join((*WARCS, WACZ, *HTML))


def files(source: str | Path) -> list[Path]:
    """A file, or those of a folder in the order of their names.

    Raises UnreadableInput where there is nothing, or nothing of a kind that holds pages.
    """
    path = Path(source)
    try:
        return _found(path)
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file() and is_readable(each))
        if not found:
            raise UnreadableInput(f"{path} holds no {_KINDS} file")
        return found
    if not path.exists():
        raise UnreadableInput(f"{path} does not exist")
    if not path.is_file() or not is_readable(path):
        raise UnreadableInput(f"{path} is no {_KINDS} file")
    return [path]


def is_warc(path: Path) -> bool:
    """By name, as WARC tools go."""
    return path.name.lower().endswith(WARCS)


def is_wacz(path: Path) -> bool:
    """By name too: it is a ZIP file like many."""
    return path.suffix.lower() == WACZ


def is_readable(path: Path) -> bool:
    """Whether a file is of a kind that a replay reads."""
    return is_warc(path) or is_wacz(path) or path.suffix.lower() in HTML
