"""What differs between two texts, by words: an ideograph or a mark is a token, and so is a word or a number."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import Indel

EQUAL, DELETE, INSERT = "equal", "delete", "insert"

# Letters and digits that follow one another, but for the scripts that write words without blanks between them.
_TOKEN = re.compile(r"[^\W\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+|.", re.DOTALL)
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]+|[^。！？!?\n]+")
_ENDS = frozenset("。！？!?")
# Aligning takes a bit of memory for each pair of tokens: 125 MB. What is longer counts as wholly rewritten.
_MOST_PAIRS = 10**9


class Piece(NamedTuple):
    """A part of the text before, of the text after, or of both."""

    op: str  # equal, delete or insert
    text: str


class _Change(NamedTuple):
    """Tokens that stand in place of others: where they begin and end in the text before, and in that after."""

    a0: int
    a1: int
    b0: int
    b1: int

    @property
    def size(self) -> int:
        return max(self.a1 - self.a0, self.b1 - self.b0)

    def joined(self, later: "_Change") -> "_Change":
        """Both, and what is between them."""
        return _Change(self.a0, later.a1, self.b0, later.b1)

    def moved(self, count: int) -> "_Change":
        return _Change(*(place + count for place in self))


def differences(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of both texts in their order: those that are equal or deleted make the one before, those that are
    equal or inserted the one after.

    A deletion comes before the insertion in its place. What is equal by chance between two changes is part of them
    (the semantic clean-up of Neil Fraser's diff-match-patch), so that what is read is not what is shortest.
    """
    ours, theirs = _tokens(before), _tokens(after)
    changes = _settled(_tidied(_changes(before, after), ours), ours, theirs)
    return tuple(_pieces(changes, ours, theirs))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _changes(before: str, after: str) -> Iterator[_Change]:
    """Sentences first: so that a long text takes no longer than its sentences that changed."""
    parts = _SENTENCE.findall(before), _SENTENCE.findall(after)
    starts = _starts(parts[0]), _starts(parts[1])
    for block in _aligned(*parts):
        a, b = starts[0][block.a0], starts[1][block.b0]
        ours = _tokens("".join(parts[0][block.a0 : block.a1]))
        theirs = _tokens("".join(parts[1][block.b0 : block.b1]))
        for each in _aligned(ours, theirs):
            yield _Change(a + each.a0, a + each.a1, b + each.b0, b + each.b1)


def _starts(parts: Sequence[str]) -> list[int]:
    """How many tokens come before each part, and before what would follow the last."""
    found = [0]
    for part in parts:
        found.append(found[-1] + len(_tokens(part)))
    return found


def _aligned(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[_Change]:
    """The changes between two sequences, along a longest common subsequence."""
    if len(ours) * len(theirs) > _MOST_PAIRS:
        yield _Change(0, len(ours), 0, len(theirs))
        return
    found: _Change | None = None
    for code in Indel.opcodes(ours, theirs):
        if code.tag == EQUAL:
            continue
        change = _Change(code.src_start, code.src_end, code.dest_start, code.dest_end)
        if found and found.a1 == change.a0 and found.b1 == change.b0:
            found = found.joined(change)
            continue
        if found:
            yield found
        found = change
    if found:
        yield found


def _tidied(changes: Iterator[_Change], ours: list[str]) -> list[_Change]:
    """Two changes are one where what lies between them is no longer than either, and no paragraph's end."""
    found: list[_Change] = []
    for change in changes:
        found.append(change)
        while len(found) > 1 and _is_chance(found[-2], found[-1], ours):
            later = found.pop()
            found[-1] = found[-1].joined(later)
    return found


def _is_chance(change: _Change, later: _Change, ours: list[str]) -> bool:
    length = later.a0 - change.a1
    return length <= min(change.size, later.size) and "\n" not in ours[change.a1 : later.a0]


def _settled(changes: list[_Change], ours: list[str], theirs: list[str]) -> list[_Change]:
    """Each insertion or deletion where it reads best: `开窑。{+封窑。+}` rather than `开窑{+。封窑+}。`."""
    last = _Change(len(ours), len(ours), len(theirs), len(theirs))
    found = [_Change(0, 0, 0, 0)]
    for change, follower in pairwise([*changes, last]):
        if change.a0 == change.a1:
            count = _step(theirs, change.b0, change.b1, change.b0 - found[-1].b1, follower.b0 - change.b1)
        elif change.b0 == change.b1:
            count = _step(ours, change.a0, change.a1, change.a0 - found[-1].a1, follower.a0 - change.a1)
        else:
            count = 0
        moved = change.moved(count)
        if moved.a0 == found[-1].a1 and moved.b0 == found[-1].b1:
            found[-1] = found[-1].joined(moved)
        else:
            found.append(moved)
    return found


def _step(tokens: list[str], start: int, end: int, before: int, after: int) -> int:
    """By how many tokens a change is to move, of the many that are there before and after it: to where its edges are
    the clearest.
    """
    back = forth = 0
    while back < before and tokens[start - back - 1] == tokens[end - back - 1]:
        back += 1
    while forth < after and tokens[start + forth] == tokens[end + forth]:
        forth += 1
    return max(range(-back, forth + 1), key=lambda step: _edge(tokens, start + step) + _edge(tokens, end + step))


def _edge(tokens: list[str], place: int) -> int:
    """How clear a border lies before a token."""
    if place == 0 or place == len(tokens) or tokens[place - 1] == "\n":
        return 3
    token = tokens[place - 1]
    return 2 if token in _ENDS else 0 if token.isalnum() else 1


def _pieces(changes: list[_Change], ours: list[str], theirs: list[str]) -> Iterator[Piece]:
    place = 0
    for change in [*changes, _Change(len(ours), len(ours), len(theirs), len(theirs))]:
        found = (
            (EQUAL, ours[place : change.a0]),
            (DELETE, ours[change.a0 : change.a1]),
            (INSERT, theirs[change.b0 : change.b1]),
        )
        yield from (Piece(op, "".join(tokens)) for op, tokens in found if tokens)
        place = change.a1
