"""The proof of an archive: what was compared with what, and every damage that came to light."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ciwen_crawler.verify.finding import Finding

DAMAGED = 5  # exit code
_SHOWN = 50  # findings that people are shown of one file


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verification came to."""

    archive: Path
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]  # what was not compared, and what is odd but no damage
    counts: Mapping[str, int]  # files, bytes, records, runs, rows
    seconds: float
    since: str | None = None  # from when on it was looked at; None where all was
    is_empty: bool = False  # nothing was fetched since

    @property
    def exit_code(self) -> int:
        """0, or 5 where anything is damaged."""
        return DAMAGED if self.findings else 0

    @property
    def facts(self) -> dict[str, Any]:
        """For programs."""
        return {
            "archive": str(self.archive),
            "since": self.since,
            "damaged": bool(self.findings),
            "findings": [finding._asdict() for finding in self.findings],
            "notes": list(self.notes),
            **self.counts,
            "seconds": round(self.seconds, 3),
        }


def as_text(proof: Proof) -> str:
    """For people: the findings file by file, what was looked at, and the verdict last."""
    lines: list[str] = []
    shown: dict[str, int] = {}
    for finding in proof.findings:
        shown[finding.file] = shown.get(finding.file, 0) + 1
        if shown[finding.file] <= _SHOWN:
            lines.append(str(finding))
    lines += [
        f"{file}: {count - _SHOWN} more, all of them with --json" for file, count in shown.items() if count > _SHOWN
    ]
    counts = proof.counts
    files = "1 WARC file" if counts["files"] == 1 else f"{counts['files']} WARC files"
    lines += [
        f"{proof.archive}: {_verdict(proof)}",
        f"  records  {counts['records']} in {files}, {counts['bytes'] / 1e6:.1f} MB",
        f"  rows     {counts['rows']} compared",
        *(f"  note     {note}" for note in proof.notes),
        f"  took     {proof.seconds:.1f} seconds",
    ]
    return "\n".join(lines)


def _verdict(proof: Proof) -> str:
    count = len(proof.findings)
    if count:
        return "damaged, 1 finding" if count == 1 else f"damaged, {count} findings"
    if proof.is_empty:
        return f"nothing was fetched since {proof.since}: nothing proven"
    return f"proven since {proof.since}: nothing is damaged" if proof.since else "proven, nothing is damaged"
