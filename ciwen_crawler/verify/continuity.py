"""What the files of an archive say of one another: each run's report of what it wrote, the manifest, and the chain in
which every file names the one before it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ciwen_crawler.verify.examined import Doubt, Examined, Report, Stretch
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.padding import altered_padding
from ciwen_crawler.warc.files import WARC, at_rest, own_name
from ciwen_crawler.warc.manifest import MANIFEST, Manifest

_Key = tuple[str, int]  # a stretch: its file's name and its offset


class Span(NamedTuple):
    """What a run's report says that it wrote into a file."""

    file: str
    offset: int
    length: int
    records: int
    sha256: str


class Continuity:
    """The files that were examined, in their order, among all those that lie in a folder `warc`."""

    def __init__(self, warc: Path, files: Iterable[Examined]) -> None:
        self._warc = warc
        self._files = {each.name: each for each in files}
        self._there = [path.name for path in at_rest(warc)]
        self._stretches = {(each.name, one.offset): one for each in self._files.values() for one in each.stretches}
        self._proven: set[_Key] = set()  # stretches that are what their run says it wrote
        self._final: set[str] = set()  # files that are what another file says they are
        self.lost: set[str] = set()  # names of files that others speak of

    def findings(self) -> Iterator[Finding]:
        """All that does not agree."""
        yield from self._manifest()
        yield from self._chain()
        yield from self._reports()
        yield from self._doubts()
        yield from self._repeated()
        yield from self._padding()

    # Files

    def _manifest(self) -> Iterator[Finding]:
        manifest = Manifest(self._warc)
        place = f"{WARC}/{MANIFEST}"
        for number in manifest.faults:
            yield Finding(place, None, f"line {number} is none that sha256sum would print, or speaks against another")
        for name, digest in manifest.digests.items():
            yield from self._said(name, digest, "the manifest has a line for it", "the manifest's")
        names = [name for name in self._there[:-1] if own_name(name)]
        if not manifest.path.exists():
            # Archives of older software have none; files that name the one before them are none of those.
            chained = max((each.name for each in self._files.values() if each.previous), default="")
            names = [name for name in names if name < chained]
            if names:
                yield Finding(place, None, "missing: every file but the newest has a line in it")
            return
        for name in names:
            if name not in manifest.digests:
                yield Finding(place, None, f"has no line for {name}, which is final")

    def _chain(self) -> Iterator[Finding]:
        for each in self._files.values():
            if each.previous:
                name, digest = each.previous
                yield from self._said(name, digest, f"{each.name} names it as the one before it", f"{each.name}'s")

    def _said(self, name: str, digest: str, why: str, whose: str) -> Iterator[Finding]:
        """What somebody says of a file's digest."""
        if name not in self._there:
            yield from self._missing(name, why)
            return
        found = self._files[name].sha256 if name in self._files else None
        if found == digest:
            self._final.add(name)
        elif found:
            yield Finding(f"{WARC}/{name}", None, f"its SHA-256 is {found}, {whose} {digest}")

    def _missing(self, name: str, why: str) -> Iterator[Finding]:
        if name not in self.lost:
            self.lost.add(name)
            yield Finding(f"{WARC}/{name}", None, f"missing: {why}")

    # Runs

    def _reports(self) -> Iterator[Finding]:
        for each in self._files.values():
            for report in each.reports:
                if "warc" not in report.content:
                    continue  # of a run before reports had it
                written = spans(report.content["warc"])
                if not written:
                    yield Finding(
                        f"{WARC}/{each.name}", report.offset, "a report that does not tell what its run wrote"
                    )
                for span in written:
                    yield from self._judged(span, report, each.name)
                told = {(span.file, span.offset) for span in written}
                for key, stretch in self._stretches.items():
                    if stretch.run == report.run and key not in told:
                        what = f"records that their run does not say it wrote, by its report in {each.name}"
                        yield Finding(f"{WARC}/{key[0]}", stretch.offset, what)

    def _judged(self, span: Span, report: Report, file: str) -> Iterator[Finding]:
        says = f"by the report in {file} at byte {report.offset}"
        if span.file not in self._there:
            yield from self._missing(span.file, f"a run wrote into it, {says}")
        if span.file not in self._files or span.offset < self._files[span.file].start:
            return
        stretch = self._stretches.get((span.file, span.offset))
        place = f"{WARC}/{span.file}"
        if stretch is None or stretch.run != report.run:
            yield Finding(place, span.offset, f"its run's records do not begin here, as they did {says}")
        elif (stretch.end - stretch.offset, stretch.records, stretch.sha256) != span[2:]:
            yield Finding(place, span.offset, _unlike(stretch, span) + says)
        else:
            self._proven.add((span.file, span.offset))

    def _doubts(self) -> Iterator[Finding]:
        reported = {report.run for each in self._files.values() for report in each.reports}
        for each in self._files.values():
            for doubt in each.odd:
                # What is as it was taken in may have been odd where it came from.
                if not self._is_proven(each.name, doubt):
                    yield doubt.finding
            for doubt in each.unanswered:
                stretch = self._stretches.get((each.name, doubt.stretch))
                if stretch and stretch.run in reported:
                    yield doubt.finding

    def _is_proven(self, name: str, doubt: Doubt) -> bool:
        return name in self._final or (name, doubt.stretch) in self._proven

    @property
    def odd(self) -> int:
        """How many records of others have digests that do not agree, and had so when they were taken in."""
        return sum(self._is_proven(each.name, doubt) for each in self._files.values() for doubt in each.odd)

    # Records

    def _repeated(self) -> Iterator[Finding]:
        seen: set[bytes] = set()
        for each in self._files.values():
            before = len(seen)
            known = seen.intersection(each.ids)
            seen.update(each.ids)
            if len(seen) == before + len(each.ids):
                continue
            for record_id, offset in zip(each.ids, each.places, strict=True):
                if record_id in known:
                    yield Finding(f"{WARC}/{each.name}", offset, "a record whose id another one before it has")
                known.add(record_id)

    def _padding(self) -> Iterator[Finding]:
        for each in self._files.values():
            if each.is_readable and each.name not in self._final:
                for start, end in self._unproven(each):
                    yield from altered_padding(self._warc / each.name, start, end)

    def _unproven(self, file: Examined) -> Iterator[tuple[int, int]]:
        begin = file.start
        for stretch in file.stretches:
            if (file.name, stretch.offset) in self._proven:
                yield begin, stretch.offset
                begin = stretch.end
        yield begin, file.size


def _unlike(stretch: Stretch, span: Span) -> str:
    if stretch.end - stretch.offset != span.length:
        return f"{stretch.end - stretch.offset} bytes are here where its run wrote {span.length}, "
    if stretch.records != span.records:
        return f"{stretch.records} records are here where its run wrote {span.records}, "
    return f"the {span.length} bytes from here are not those that its run wrote (SHA-256), "


def spans(said: object) -> list[Span]:
    """What a report says under `warc`; what is no such list, or no span in it, says nothing."""
    listed = (each for each in said if isinstance(each, Mapping)) if isinstance(said, list) else ()
    found = [Span._make(map(each.get, Span._fields)) for each in listed]
    return [span for span in found if all(map(isinstance, span, (str, int, int, int, str)))]
