"""What the files of an archive say of one another: each run's report of what it wrote, the manifest, and the chain in
which every file names the one before it.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import pairwise
from pathlib import Path

from ciwen_crawler.verify.examined import ID_SIZE, Doubt, Examined, Report, Stretch
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.padding import altered_padding
from ciwen_crawler.warc.files import WARC, at_rest, newest_own, own_name
from ciwen_crawler.warc.manifest import MANIFEST, Manifest
from ciwen_crawler.warc.series import Written

_REPEATED = "a record whose id another one before it has"
_Key = tuple[str, int]  # a stretch: its file's name and its offset


class Continuity:
    """The files that were examined, in their order, among all those that lie in a folder `warc`."""

    def __init__(self, warc: Path, files: Iterable[Examined]) -> None:
        self._warc = warc
        self._files = {each.name: each for each in files}
        there = at_rest(warc)
        newest = newest_own(there)
        self._there = {path.name for path in there}
        self._must_be_final = [path.name for path in there if own_name(path.name) and path != newest]
        self._stretches = {(each.name, one.offset): one for each in self._files.values() for one in each.stretches}
        self._by_run: dict[str, list[_Key]] = {}
        for key, stretch in self._stretches.items():
            self._by_run.setdefault(stretch.run, []).append(key)
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
        names = self._must_be_final
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
                for name, offset in self._by_run.get(report.run, ()):
                    if (name, offset) not in told:
                        what = f"records that their run does not say it wrote, by its report in {each.name}"
                        yield Finding(f"{WARC}/{name}", offset, what)

    def _judged(self, span: Written, report: Report, file: str) -> Iterator[Finding]:
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
        twice = self._halves_met_twice()
        if not twice:
            return
        seen: set[bytes] = set()
        for each in self._files.values():
            for number, half in enumerate(_halves(each)):
                record_id = bytes(each.ids[ID_SIZE * number : ID_SIZE * (number + 1)]) if half in twice else b""
                if record_id in seen:
                    yield Finding(f"{WARC}/{each.name}", each.places[number], _REPEATED)
                elif record_id:
                    seen.add(record_id)

    def _halves_met_twice(self) -> set[int]:
        """The first halves of ids that are met again, seldom by chance. Merged: a set of all would fill the memory."""
        ordered = merge(*(array("Q", sorted(_halves(each))) for each in self._files.values()))
        return {one for one, next_ in pairwise(ordered) if one == next_}

    def _padding(self) -> Iterator[Finding]:
        for each in self._files.values():
            if each.is_readable and each.name not in self._final and own_name(each.name):
                for start, end in self._unproven(each):
                    yield from altered_padding(self._warc / each.name, start, end)

    def _unproven(self, file: Examined) -> Iterator[tuple[int, int]]:
        begin = file.start
        for stretch in file.stretches:
            if (file.name, stretch.offset) in self._proven:
                yield begin, stretch.offset
                begin = stretch.end
        yield begin, file.size


def _halves(file: Examined) -> list[int]:
    """The first half of each id, as a number."""
    return memoryview(file.ids).cast("Q")[::2].tolist()


def _unlike(stretch: Stretch, span: Written) -> str:
    if stretch.end - stretch.offset != span.length:
        return f"{stretch.end - stretch.offset} bytes are here where its run wrote {span.length}, "
    if stretch.records != span.records:
        return f"{stretch.records} records are here where its run wrote {span.records}, "
    return f"the {span.length} bytes from here are not those that its run wrote (SHA-256), "


def spans(said: object) -> list[Written]:
    """What a report says under `warc`; what is no such list, or no span in it, says nothing."""
    listed = (each for each in said if isinstance(each, Mapping)) if isinstance(said, list) else ()
    found = [Written._make(map(each.get, Written._fields)) for each in listed]
    return [span for span in found if all(map(isinstance, span, (str, int, int, int, str)))]
