"""An archive's WARC files, as they lie in its folder."""

from pathlib import Path

WARC = "warc"


def warc_files(folder: Path) -> list[Path]:
    """Those that are at rest, in time order."""
    return sorted((folder / WARC).glob("*.warc.gz"))
