"""What the files of an archive say of one another: each run's report of what it wrote, the manifest, and the chain in
which every file names the one before it.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import pairwise
from pathlib import Path

from ciwen_crawler.verify.examined import ID_SIZE, Doubt, Examined, Report, Stretch
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.padding import altered_padding
from ciwen_crawler.warc.files import WARC, at_rest, own_name
from ciwen_crawler.warc.manifest import MANIFEST, Manifest
from ciwen_crawler.warc.series import Written
from ciwen_crawler.warc.writer import OPEN

_REPEATED = "a record whose id another one before it has"
BACK = "put it back from a copy of the archive"
_LINE = "it is written when the next file begins, or by `sha256sum`"
_LINES = "which is written again when the next file begins, or by `sha256sum`"
_OTHER = "what it was is in a copy of the archive, if there is one"
_Key = tuple[str, int]  # a stretch: its file's name and its offset


class Continuity:
    """The files that were examined, in their order, among all those that lie in a folder `warc`."""

    def __init__(self, warc: Path, files: Iterable[Examined]) -> None:
        self._warc = warc
        self._files = {each.name: each for each in files}
        self._repeats = list(self._ids_met_again())
        self.copies = dict(self._whole_copies())  # name: that of the file whose records it has
        there = {path.name.removesuffix(OPEN): path for path in (*warc.glob(f"*{OPEN}"), *at_rest(warc))}
        own = sorted(name for name in there if own_name(name) and name not in self.copies)
        self.there = frozenset(there)  # names of files, open ones too
        self._must_be_final = own[:-1]
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
        place = f"{WARC}/{MANIFEST}"
        if (self._warc / MANIFEST).is_dir():
            yield Finding(place, None, f"a folder, no manifest: move it away, {_LINES}")
            return
        manifest = Manifest(self._warc)
        for number in manifest.faults:
            yield Finding(
                place, None, f"line {number} is none that sha256sum would print, or speaks against another: take it out"
            )
        for name, digest in manifest.digests.items():
            yield from self._said(name, digest, "the manifest has a line for it", "the manifest's")
        names = self._must_be_final
        if not manifest.path.exists():
            # Archives of older software have none; files that name the one before them are none of those.
            chained = max((each.name for each in self._files.values() if each.previous), default="")
            names = [name for name in names if name < chained]
            if names:
                yield Finding(place, None, f"missing: every file but the newest has a line in it, {_LINES}")
            return
        for name in names:
            if name not in manifest.digests:
                yield Finding(place, None, f"has no line for {name}, which is final: {_LINE}")

    def _chain(self) -> Iterator[Finding]:
        for each in self._files.values():
            if each.previous:
                name, digest = each.previous
                yield from self._said(name, digest, f"{each.name} names it as the one before it", f"{each.name}'s")

    def _said(self, name: str, digest: str, why: str, whose: str) -> Iterator[Finding]:
        """What somebody says of a file's digest."""
        if name not in self.there:
            yield from self.missing(name, why)
            return
        found = self._files[name].sha256 if name in self._files else None
        if found == digest:
            self._final.add(name)
        elif found:
            yield Finding(self._files[name].place, None, f"its SHA-256 is {found}, {whose} {digest}: {_OTHER}")

    def missing(self, name: str, why: str) -> Iterator[Finding]:
        """A file that is lost is told of once."""
        if name not in self.lost:
            self.lost.add(name)
            yield Finding(f"{WARC}/{name}", None, f"missing: {why}; {BACK}")

    # Runs

    def _reports(self) -> Iterator[Finding]:
        for each in self._files.values():
            for report in each.reports:
                if "warc" not in report.content:
                    continue  # of a run before reports had it
                written = spans(report.content["warc"])
                if not written:
                    yield Finding(each.place, report.offset, "a report that does not tell what its run wrote")
                for span in written:
                    yield from self._judged(span, report, each.name)
                told = {(span.file, span.offset) for span in written}
                for name, offset in self._by_run.get(report.run, ()):
                    if (name, offset) not in told:
                        what = f"records that their run does not say it wrote, by its report in {each.name}"
                        yield Finding(self._files[name].place, offset, what)

    def _judged(self, span: Written, report: Report, file: str) -> Iterator[Finding]:
        says = f"by the report in {file} at byte {report.offset}"
        if span.file not in self.there:
            yield from self.missing(span.file, f"a run wrote into it, {says}")
        if span.file not in self._files or span.offset < self._files[span.file].start:
            return
        stretch = self._stretches.get((span.file, span.offset))
        place = self._files[span.file].place
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
        for name, original in self.copies.items():
            what = f"the same records as {original}: a copy of it, move it out of {WARC}/"
            yield Finding(self._files[name].place, None, what)
        for each, offset, _ in self._repeats:
            if each.name not in self.copies:
                yield Finding(each.place, offset, _REPEATED)

    def _ids_met_again(self) -> Iterator[tuple[Examined, int, str]]:
        """Of each record whose id another one has: its file, where it begins, and the other's file."""
        twice = self._halves_met_twice()
        if not twice:
            return
        seen: dict[bytes, str] = {}
        # A file under a name of another make is rather the copy of one of ours than its original.
        for each in sorted(self._files.values(), key=lambda file: own_name(file.name) is None):
            for number, half in enumerate(_halves(each)):
                record_id = bytes(each.ids[ID_SIZE * number : ID_SIZE * (number + 1)]) if half in twice else b""
                if record_id in seen:
                    yield each, each.places[number], seen[record_id]
                elif record_id:
                    seen[record_id] = each.name

    def _whole_copies(self) -> Iterator[tuple[str, str]]:
        """The files of which every record is in one other file."""
        originals: dict[str, Counter[str]] = {}
        for each, _, original in self._repeats:
            originals.setdefault(each.name, Counter())[original] += 1
        for name, found in originals.items():
            [(original, count)] = found.most_common(1)
            if original != name and count == len(self._files[name].places):
                yield name, original

    def _halves_met_twice(self) -> set[int]:
        """The first halves of ids that are met again, seldom by chance. Merged: a set of all would fill the memory."""
        ordered = merge(*(array("Q", sorted(_halves(each))) for each in self._files.values()))
        return {one for one, next_ in pairwise(ordered) if one == next_}

    def _padding(self) -> Iterator[Finding]:
        for each in self._files.values():
            if each.is_readable and each.name not in self._final and own_name(each.name):
                for start, end in self._unproven(each):
                    yield from altered_padding(self._warc.parent / each.place, start, end)

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
