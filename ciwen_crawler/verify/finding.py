"""Findings: what is damaged in an archive, and where."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One damage. Its file is named as it lies in the archive's folder: `warc/NAME`, `ciwen.sqlite`, `runs/ID.json`."""

    file: str
    offset: int | None  # bytes; None where the damage has no place in the file
    what: str

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.file}{place}: {self.what}"
