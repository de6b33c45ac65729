"""Reports: those that lie in `runs/`, beside those in the WARC files that they are copies of."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ciwen_crawler.store.reports import RUNS
from ciwen_crawler.verify.continuity import Continuity, spans
from ciwen_crawler.verify.examined import Examined
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.warc.files import WARC


def differing_reports(
    folder: Path, examined: Iterable[Examined], continuity: Continuity, *, is_all: bool
) -> Iterator[Finding]:
    """The reports that are not what the WARC files have, and the files that they alone know to be lost.

    `is_all` where all WARC files were read.
    """
    known = set()
    for each in examined:
        for report in each.reports:
            name = f"{RUNS}/{report.content.get('id')}.json"
            known.add(name)
            where = f"the report in {each.name} at byte {report.offset}"
            # A run that was killed at its very end leaves it under its first name.
            found = next((path for path in (folder / name, folder / f"{name}.new") if path.exists()), None)
            if found is None:
                yield Finding(name, None, f"missing: a copy of {where}, which `ciwen rebuild` writes again")
            elif _read(found) != report.content:
                what = f"not the same as {where}: move it away, and `ciwen rebuild` writes it again"
                yield Finding(name, None, what)
    for path in sorted((folder / RUNS).glob("*.json")):
        if f"{RUNS}/{path.name}" not in known:
            yield from _without_record(path, continuity, is_all=is_all)


def _without_record(path: Path, continuity: Continuity, *, is_all: bool) -> Iterator[Finding]:
    """A report that is in no WARC file that was read; where it should be, it says itself."""
    content = _read(path)
    told = spans(content.get("warc")) if isinstance(content, dict) else []
    lost = [span.file for span in told if span.file not in continuity.there]
    if lost:
        for file in lost:
            yield from continuity.missing(file, f"a run wrote into it, by {RUNS}/{path.name}")
    elif told and is_all:
        last = told[-1]
        what = f"the report of the run that wrote before it is missing here: {RUNS}/{path.name} is a copy of it"
        yield Finding(f"{WARC}/{last.file}", last.offset + last.length, what)
    elif is_all:
        yield Finding(f"{RUNS}/{path.name}", None, "no record gives this report")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
