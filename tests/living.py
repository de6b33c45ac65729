"""A channel that lives: articles that are edited, deleted, moved and come back, lists that are reordered, as chance has
it.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from fixtures.markup import channel_pages, list_page, list_url
from fixtures.server import Channel
from fixtures.site import HOME
from tests.piece import GONE, HERE, NOT_FOUND, SENT_HOME, SITE, Paragraph, Piece, Said

NODE = 8010001
A_PAGE, PAGES = 8, 6  # articles on a page of the list, pages; what is older falls off it
_BEIJING = timedelta(hours=8)
_IDEOGRAPHS = range(0x4E00, 0x4E00 + 3000)
_BETWEEN, _AT_END = "，；、：", "。！？"
_SPACES = ("", "\u3000", "\n ", "&nbsp;", "\u00a0 \n")


class Living:
    """The channel. `live(now)` lets one thing happen to it; `shown` are the articles that its list names, in order."""

    def __init__(self, channel: Channel, seed: int, count: int, now: datetime) -> None:
        self.chance = random.Random(seed)
        self.pieces: dict[int, Piece] = {}
        self.happened: dict[str, int] = {}  # how often what did
        self.bytes: dict[str, bytes | None] = {}  # by path of an image; None: it is not there
        self._channel = channel
        for age in range(count, 0, -1):
            self._begin(now - timedelta(hours=16 * age))
        self._order = sorted(self.pieces, reverse=True)
        # Some were written long ago, and no list has named them yet.
        self._hidden = [self._order.pop(self.chance.randrange(10, len(self._order))) for _ in range(count // 6)]
        self._serve_lists()

    @property
    def shown(self) -> list[Piece]:
        """The articles that the list names, in its order."""
        return [self.pieces[number] for number in self._order[: A_PAGE * PAGES]]

    def live(self, now: datetime) -> None:
        """One thing happens."""
        kinds: dict[Callable[[datetime], bool], int] = {
            self._reword: 5, self._rewrite: 3, self._take_back: 1, self._repunctuate: 4, self._redate: 3,
            self._respace: 4, self._delete: 5, self._return: 4, self._move: 3, self._reorder: 4, self._list_late: 2,
            self._publish: 6, self._lose_image: 2, self._redraw: 2,
        }  # fmt: skip
        while True:
            kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
            if kind(now):
                name = kind.__name__.removeprefix("_")
                self.happened[name] = self.happened.get(name, 0) + 1
                return

    # Edits

    def _reword(self, _: datetime) -> bool:
        piece = self._any()
        paragraphs = [list(paragraph) for paragraph in piece.said.paragraphs]
        paragraph = self.chance.choice(paragraphs)
        place = self.chance.randrange(len(paragraph))
        paragraph[place] = (self._phrase(), paragraph[place][1])
        return self._say(piece, paragraphs=tuple(map(tuple, paragraphs)))

    def _rewrite(self, _: datetime) -> bool:
        return self._say(self._any(), title=self._phrase(), paragraphs=self._paragraphs(), pictures=self._pictures())

    def _take_back(self, _: datetime) -> bool:
        edited = [piece for piece in self._here() if piece.before]
        if not edited:
            return False
        piece = self.chance.choice(edited)
        piece.said = piece.before.pop()
        return self.serve(piece)

    def _repunctuate(self, _: datetime) -> bool:
        piece = self._any()
        first, *rest = piece.said.paragraphs
        words, mark = first[-1]
        changed = self.chance.choice([each for each in _AT_END if each != mark])
        return self._say(piece, paragraphs=((*first[:-1], (words, changed)), *rest))

    def _redate(self, _: datetime) -> bool:
        piece = self._any()
        return self._say(piece, moment=piece.said.moment + timedelta(minutes=self.chance.randrange(1, 50)))

    def _respace(self, _: datetime) -> bool:
        piece = self._any()
        piece.space = self.chance.choice([each for each in _SPACES if each != piece.space])
        return self.serve(piece)

    # Where they stand

    def _delete(self, _: datetime) -> bool:
        piece = self._any()
        piece.status = self.chance.choice((NOT_FOUND, GONE, SENT_HOME))
        if self.chance.random() < 0.7 and piece.number in self._order:
            self._order.remove(piece.number)
            self._serve_lists()
        return self.serve(piece)

    def _return(self, _: datetime) -> bool:
        lost = [piece for piece in self.pieces.values() if piece.status != HERE]
        if not lost:
            return False
        piece = self.chance.choice(lost)
        piece.status = HERE
        if self.chance.random() < 0.3:
            self._reword_one(piece)
        if piece.number not in self._order and self.chance.random() < 0.6:
            self._order.insert(self.chance.randrange(len(self._order)), piece.number)
            self._serve_lists()
        return self.serve(piece)

    def _reword_one(self, piece: Piece) -> None:
        piece.before.append(piece.said)
        piece.said = replace(piece.said, title=self._phrase())

    def _move(self, _: datetime) -> bool:
        piece = self._any()
        former = piece.url
        day = self.chance.randrange(1, 28)
        piece.folder = f"2025-{self.chance.choice(('04', '05'))}/{day:02}"
        if piece.url == former:
            return False
        del self._channel.pages[former]
        if self.chance.random() < 0.6:
            self._channel.redirect(former, piece.url)
        self._serve_lists()
        return self.serve(piece)

    def _reorder(self, _: datetime) -> bool:
        place = self.chance.randrange(len(self._order))
        number = self._order.pop(place)
        self._order.insert(self.chance.choice((0, self.chance.randrange(len(self._order)))), number)
        return self._serve_lists()

    def _list_late(self, _: datetime) -> bool:
        if not self._hidden:
            return False
        number = self._hidden.pop()
        self._order.insert(self.chance.choice((0, 0, self.chance.randrange(A_PAGE * PAGES))), number)
        return self._serve_lists()

    def _publish(self, now: datetime) -> bool:
        for _ in range(self.chance.choice((1, 1, 2, A_PAGE + 3)) if self.happened.get("publish", 0) % 9 == 8 else 1):
            self._order.insert(0, self._begin(now - timedelta(minutes=self.chance.randrange(60))).number)
        return self._serve_lists()

    # Images

    def _lose_image(self, _: datetime) -> bool:
        return self._draw(None)

    def _redraw(self, _: datetime) -> bool:
        return self._draw(b"\xff\xd8" + self._phrase().encode())

    def _draw(self, drawn: bytes | None) -> bool:
        paths = sorted(path for path, held in self.bytes.items() if held is not None or drawn is not None)
        path = self.chance.choice(paths)
        self.bytes[path] = drawn
        if drawn is not None:
            self._channel.pages[SITE + path] = drawn
        elif SITE + path in self._channel.pages:
            del self._channel.pages[SITE + path]
        return True

    # What there is

    def _begin(self, now: datetime) -> Piece:
        moment = (now + _BEIJING).replace(tzinfo=None, microsecond=0)
        said = Said(self._phrase(), moment, self._paragraphs(), self._pictures())
        piece = Piece(43000001 + len(self.pieces), said, f"{moment:%Y-%m/%d}")
        self.pieces[piece.number] = piece
        self.serve(piece)
        return piece

    def _here(self) -> list[Piece]:
        return [piece for piece in self.pieces.values() if piece.status == HERE]

    def _any(self) -> Piece:
        # The young are changed often.
        return self.chance.choice(self._here()[-40:] if self.chance.random() < 0.7 else self._here())

    def _say(self, piece: Piece, **changed: object) -> bool:
        piece.before.append(piece.said)
        piece.said = replace(piece.said, **changed)  # type: ignore[arg-type]
        return self.serve(piece)

    def serve(self, piece: Piece) -> bool:
        """Let the server have an article as it is, or is not, by now."""
        self._channel.restore(piece.url)
        self._channel.pages[piece.url] = piece.page()
        if piece.status == SENT_HOME:
            self._channel.redirect(piece.url, HOME, SENT_HOME)
        elif piece.status != HERE:
            self._channel.answer(piece.url, piece.status)
        return True

    def _serve_lists(self) -> bool:
        shown = self.shown
        parts = [shown[start : start + A_PAGE] for start in range(0, len(shown), A_PAGE)]
        pages = {
            list_url(NODE, number): list_page([(each.url, each.said.title) for each in part], NODE, number, len(parts))
            for number, part in enumerate(parts, 1)
        }
        pages |= {HOME: channel_pages([])[HOME], f"{SITE}/robots.txt": "User-agent: *\nDisallow: /private/\n"}
        for url, page in pages.items():
            if url not in self._channel.pages or self._channel.pages[url].body != page.encode():
                self._channel.pages[url] = page
        return True

    def _phrase(self) -> str:
        return "".join(map(chr, self.chance.choices(_IDEOGRAPHS, k=self.chance.randrange(6, 12))))

    def _paragraphs(self) -> tuple[Paragraph, ...]:
        return tuple(
            tuple(
                (self._phrase(), self.chance.choice(_AT_END if last else _BETWEEN))
                for last in [False] * self.chance.randrange(3) + [True]
            )
            for _ in range(self.chance.randrange(2, 5))
        )

    def _pictures(self) -> tuple[tuple[str, str], ...]:
        made = []
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            path = f"/pic/{len(self.bytes):04}.jpg"
            self.bytes[path] = b"\xff\xd8" + path.encode()
            self._channel.pages[SITE + path] = self.bytes[path] or b""
            made.append((path, self._phrase()))
        return tuple(made)
