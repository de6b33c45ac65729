"""What must be in an archive, told from what the server was asked and what it had at that time: no code of the program
is believed, and none used.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise, takewhile

from fixtures.log import Entry
from fixtures.markup import list_url
from tests.living import A_PAGE, NODE, Living
from tests.piece import HERE, NOT_FOUND, SITE, Piece, Said

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# Moments of requests are told by the server's clock, beside the program's own.
CLOSE = timedelta(seconds=5)
_NUMBER = re.compile(r"/content_(\d+)\.html")
_FAILED = 500
SLACK = 0.9  # of a rest, after which a look may come
Place = tuple[str, int]


@dataclass(frozen=True)
class Look:
    """A look at an article, as the server saw it."""

    run: int
    at: datetime
    is_seen: bool  # else it was not there
    said: Said
    url: str


@dataclass(frozen=True)
class Shot:
    """An image that was asked for."""

    at: datetime
    status: int
    drawn: bytes | None


@dataclass
class Asked:
    """What one run asked for."""

    number: int
    looks: dict[int, Look] = field(default_factory=dict)
    failures: set[int] = field(default_factory=set)  # numbers of articles that could not be had
    shots: dict[str, Shot] = field(default_factory=dict)  # by path
    pages: list[list[Piece]] = field(default_factory=list)  # of the list, that were answered


class Witness:
    """Takes what the runs asked for, one after another."""

    def __init__(self, living: Living) -> None:
        self._living = living
        self.looks: dict[int, list[Look]] = defaultdict(list)
        self.shots: dict[str, list[Shot]] = defaultdict(list)
        self.failed: set[int] = set()  # articles whose last attempt failed
        self.known: set[int] = set()  # numbers that were asked for or that a list named
        self.newest: Place | None = None  # of the last walk
        self.whole_at: datetime | None = None  # when all pages of the list were read last

    def asked(self, run: int, entries: Iterable[Entry], began: datetime, wall: datetime) -> Asked:
        """What a run asked for that began at a simulated moment, and by the server's clock at `wall`."""
        found = Asked(run)
        lists = {list_url(NODE, number): number for number in range(1, 100)}
        for entry in entries:
            at, status = began + (entry.started - wall), entry.status
            if entry.url in lists and status in (200, 304):
                first = (lists[entry.url] - 1) * A_PAGE
                found.pages.append(self._living.shown[first : first + A_PAGE])
            elif match := _NUMBER.search(entry.url):
                self._look(found, self._living.pieces[int(match[1])], at, status)
            elif entry.url.startswith(f"{SITE}/pic/") and status is not None:
                path = entry.url.removeprefix(SITE)
                found.shots[path] = Shot(at, status, self._living.bytes[path])
        return found

    def _look(self, found: Asked, piece: Piece, at: datetime, status: int | None) -> None:
        if status in (200, 304):
            found.looks[piece.number] = Look(found.number, at, True, piece.said, piece.url)
        elif status in (404, 410) or (status == 302 and piece.status == status):
            found.looks[piece.number] = Look(found.number, at, False, piece.said, piece.url)
        elif status is None or status >= _FAILED:
            found.failures.add(piece.number)
        if piece.number in found.looks:
            found.failures.discard(piece.number)

    def take(self, asked: Asked, began: datetime, is_over: bool = True) -> None:
        """Believe that all this was archived. `is_over`: the run came to its end."""
        for number, look in asked.looks.items():
            self.looks[number].append(look)
        for path, shot in asked.shots.items():
            self.shots[path].append(shot)
        self.failed = (self.failed - asked.looks.keys()) | asked.failures
        named = [piece for page in asked.pages for piece in page]
        self.known |= {piece.number for piece in named} | asked.looks.keys()
        if is_over and named:
            self.newest = max(map(place, named))
            if len(asked.pages) == len(self._pages()):
                self.whole_at = began

    # What must be there

    def seen(self, number: int) -> list[Look]:
        """The looks that showed an article."""
        return [look for look in self.looks[number] if look.is_seen]

    def held(self) -> set[int]:
        """The articles that were ever seen."""
        return {number for number in self.looks if self.seen(number)}

    def versions(self, number: int) -> list[tuple[Look, bool]]:
        """The first look of each version of an article, and whether it is minor."""
        runs = [next(looks) for _, looks in groupby(self.seen(number), key=lambda look: look.said)]
        before = [None, *runs]
        return [
            (look, former is not None and former.said.substance == look.said.substance)
            for look, former in zip(runs, before, strict=False)
        ]

    def absences(self, number: int) -> list[Look]:
        """The looks since an article was last seen."""
        return list(takewhile(lambda look: not look.is_seen, reversed(self.looks[number])))[::-1]

    def is_gone(self, number: int) -> bool:
        """Three looks, three days."""
        absences = self.absences(number)
        return len({look.run for look in absences}) >= 3 and absences[-1].at - absences[0].at >= 3 * DAY

    # What a run has to ask for

    def rest(self, number: int) -> timedelta:
        """How long an article rests after its last look: the README's table."""
        if self.absences(number) and not self.is_gone(number):
            return 36 * HOUR
        published = datetime.fromisoformat(self.seen(number)[-1].said.published_at)
        age = self.looks[number][-1].at - published
        return HOUR if age <= 3 * HOUR else DAY if age <= WEEK else WEEK if age <= 30 * DAY else 182 * DAY

    def walk(self) -> list[list[Piece]]:
        """The pages of the list that a run has to read, by what was known before it: up to one that names nothing new
        and nothing as new as the last run's newest article, and one page more.
        """
        pages = self._pages()
        for number, page in enumerate(pages, 1):
            if self.newest and all(each.number in self.known and place(each) < self.newest for each in page):
                return pages[: number + 1]
        return pages

    def _pages(self) -> list[list[Piece]]:
        shown = self._living.shown
        return [shown[start : start + A_PAGE] for start in range(0, len(shown), A_PAGE)]

    def due(self, now: datetime) -> set[int]:
        """The articles that a run of a moment has to look at, whether a list names them or not."""
        return {number for number in self.held() if now - self.looks[number][-1].at >= self.rest(number) + CLOSE}

    def resting(self, now: datetime) -> set[int]:
        """Those that it must leave alone."""
        waited = {number: now - self.looks[number][-1].at for number in self.held() - self.failed}
        return {number for number, each in waited.items() if each < self._slack(number) * self.rest(number) - CLOSE}

    def _slack(self, number: int) -> float:
        return 1 if self.absences(number) and not self.is_gone(number) else SLACK

    def owed(self, asked: Asked, began: datetime) -> list[str]:
        """The images of the articles that a run looked at that it had to ask for, too."""
        said = [look.said for look in asked.looks.values() if look.is_seen]
        paths = [path for each in said for path, _ in each.pictures]
        return [path for path in paths if not self.shots[path] or began - self.shots[path][-1].at >= WEEK]

    # What became of images

    def is_lost(self, path: str) -> bool:
        """An image that was there when it was asked for and is not any more."""
        statuses = [shot.status for shot in self.shots[path]]
        return statuses[-1] == NOT_FOUND and statuses[0] != NOT_FOUND

    def redrawn(self, path: str) -> int:
        """How often an image had other bytes than when it was asked for before."""
        drawn = [shot.drawn for shot in self.shots[path] if shot.status == HERE]
        return sum(one != other for one, other in pairwise(drawn))


def place(piece: Piece) -> Place:
    """Where an article's URL puts it in the order of time."""
    return piece.folder, piece.number
