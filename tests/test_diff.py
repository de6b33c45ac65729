"""`ciwen diff`: two texts by words, two versions by fields and images, on a terminal and elsewhere."""

import json
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ciwen_crawler.differences import DELETE, EQUAL, INSERT, Piece, differences
from ciwen_crawler.legible import legible
from ciwen_crawler.revision import image_changes
from fixtures.markup import Article, picture
from tests.program import Ended, ciwen
from tests.terminal import on_terminal

# --- Two texts ------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("窑火。，\n a1é\U00020000") | st.characters(), max_size=60)
MARKS = {EQUAL: "{}", DELETE: "[-{}-]", INSERT: "{{+{}+}}"}


def marked(before: str, after: str) -> str:
    return "".join(MARKS[piece.op].format(piece.text) for piece in differences(before, after))


@given(TEXTS, TEXTS)
@example("甲\n乙", "甲乙")
@example("甲甲甲乙", "甲甲乙甲甲")
@example("", "")
def test_the_pieces_make_both_texts(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert "".join(piece.text for piece in pieces if piece.op != INSERT) == before
    assert "".join(piece.text for piece in pieces if piece.op != DELETE) == after
    assert all(piece.text for piece in pieces)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert differences(text, text) == ((Piece(EQUAL, text),) if text else ())


@given(st.text("ab 火。", max_size=40), st.text("ab 火。", max_size=40))
def test_no_word_is_cut(before: str, after: str) -> None:
    pieces = differences(before, after)
    for dropped, whole in ((INSERT, before), (DELETE, after)):
        place = 0
        for piece in pieces:
            if piece.op != dropped:
                assert not re.search("[ab]", whole[max(place - 1, 0) : place]) or not re.match("[ab]", whole[place:])
                place += len(piece.text)


@given(TEXTS, TEXTS)
def test_nothing_stays_between_two_changes_that_are_longer(before: str, after: str) -> None:
    pieces = differences(before, after)
    for first, second in pairwise(pieces):
        assert (first.op == EQUAL) is not (second.op == EQUAL) or (first.op, second.op) == (DELETE, INSERT)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("窑火未熄，匠人还在。", "窑火已熄，匠人还在。", "窑火[-未-]{+已+}熄，匠人还在。"),
        ("共12家，Kadıköy在内。", "共13家，Kadıköyü在内。", "共[-12-]{+13+}家，[-Kadıköy-]{+Kadıköyü+}在内。"),
        ("甲窑开了。丙窑开了。", "甲窑开了。乙窑开了。丙窑开了。", "甲窑开了。{+乙窑开了。+}丙窑开了。"),
        ("甲。\n乙。\n丙。", "甲。\n丙。", "甲。\n[-乙。\n-]丙。"),
        (
            "据新华社电。\n据本网讯。",
            "据新华社电。\n据中新社电。\n据本网讯。",
            "据新华社电。\n{+据中新社电。\n+}据本网讯。",
        ),
        # By chance both have 的 and 了.
        ("他的瓷瓶碎了", "我看的展览完了", "[-他的瓷瓶碎-]{+我看的展览完+}了"),
        ("旧的一段。\n另一段旧的。", "全新。\n别的。", None),
        ("甲", "", "[-甲-]"),
        ("", "甲", "{+甲+}"),
    ],
)
def test_what_is_read_of_two_texts(before: str, after: str, shown: str | None) -> None:
    found = marked(before, after)
    if shown is None:  # what else there is: a paragraph's end is no chance
        assert re.fullmatch(r"\[-.*\n\[-.*", found)
    else:
        assert found == shown


def test_bodies_of_a_hundred_thousand_characters() -> None:
    """Edited in three thousand places, all but those are found to be the same; with nothing in common, it ends too."""
    chance = random.Random(43135627)
    letters = [chr(0x4E00 + number) for number in range(3000)]

    def body() -> list[str]:
        return chance.choices([*letters, *"。。，\n" * 30], k=100_000)

    before, after = body(), body()
    edited = list(before)
    for place in chance.sample(range(len(edited)), 3000):
        edited[place] = chance.choice(letters)
    same = [len(piece.text) for piece in differences("".join(before), "".join(edited)) if piece.op == EQUAL]
    assert sum(same) > 95_000
    assert differences("".join(before), "".join(after))


# --- Images ---------------------------------------------------------------------------------------------------------


def images(*named: str) -> list[dict[str, object]]:
    """Rows of `images`: `url` or `url:caption`."""
    parts = [name.partition(":") for name in named]
    return [
        {"url": url, "caption": caption or None, "position": place} for place, (url, _, caption) in enumerate(parts, 1)
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("a b", "a b", []),
        ("a b", "x a b", [("came", "x", None, 1)]),
        ("a b c", "a c", [("went", "b", 2, None)]),
        ("a b c", "b c a", [("moved", "a", 1, 3)]),
        ("a:窑口 b", "a:老窑口 b", [("changed", "a", 1, 1)]),
        ("a:窑，口", "a:窑,口", []),  # of half and of full width
        ("a", "a a", [("came", "a", None, 2)]),
        ("a", "b", [("went", "a", 1, None), ("came", "b", None, 1)]),
    ],
)
def test_what_became_of_images(before: str, after: str, changes: list[tuple[object, ...]]) -> None:
    found = image_changes(images(*before.split()), images(*after.split()))
    assert [change[:4] for change in found] == changes


# --- The command ----------------------------------------------------------------------------------------------------

PICTURES = (picture("/pic/a.jpg", "窑口"), picture("/pic/b.jpg"))
FIRST = Article(
    43000001, "开窑记", ("窑火未熄。", "第二段。", "第三段。", "第四段，有 12 家。", *PICTURES), keywords="窑,火"
)
REWORDED = replace(
    FIRST,
    title="封窑记",
    editor="另一人",
    paragraphs=("窑火未熄。", "第二段。", "第三段。", "第四段，有 13 家。", picture("/pic/a.jpg", "老窑口")),
)
VERSIONS = (
    FIRST,
    REWORDED,
    replace(REWORDED, paragraphs=(*REWORDED.paragraphs[:3], "第四段：有 13 家！", *REWORDED.paragraphs[4:])),
    replace(REWORDED, paragraphs=("段\u202e一", picture("/pic/\x1b[31m\x9b1m.jpg"))),
)
ALONE = Article(43000002, "只此一版")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of an article, a day apart, and an article of one."""
    saved = tmp_path_factory.mktemp("saved")
    for name, day, article in [("alone", 1, ALONE), *((f"v{day}", day, each) for day, each in enumerate(VERSIONS, 1))]:
        moment = f"2025-06-{day + 4:02}T08:00:00Z"
        (saved / f"{name}.html").write_text(article.page(), "utf-8")
        (saved / f"{name}.json").write_text(json.dumps({"url": article.url, "fetched_at": moment}), "utf-8")
    folder = tmp_path_factory.mktemp("archived") / "archive"
    ciwen("replay", saved, archive=folder)
    return folder


def diff(archive: Path, *arguments: object, code: int = 0) -> Ended:
    return ciwen("diff", *arguments, archive=archive, code=code)


def test_two_versions_are_told_field_by_field(archive: Path) -> None:
    assert diff(archive, "43000001", 1, 2).out == (
        "china.com.cn:43000001  version 1 (2025-06-05T08:00:00Z) to version 2 (2025-06-06T08:00:00Z)\n"
        "\ntitle\n  [-开-]{+封+}窑记\n"
        "\neditor\n  [-宋砚台-]{+另一人+}\n"
        "\nbody\n  … (2)\n  第三段。\n  第四段，有 [-12-]{+13+} 家。\n"
        "\nimages\n"
        "  [-[2] http://ci.china.com.cn/pic/b.jpg-]\n"
        "  [1] http://ci.china.com.cn/pic/a.jpg  {+老+}窑口\n"
    )


def test_the_newest_is_compared_with_the_one_before_or_with_the_one_named(archive: Path) -> None:
    name = "43000001"
    assert diff(archive, name).out == diff(archive, name, 3, 4).out
    assert diff(archive, name, 2).out == diff(archive, name, 2, 4).out
    turned = json.loads(diff(archive, name, 2, 1, "--json").out)
    assert turned["fields"]["title"] == [
        {"op": "delete", "text": "封"},
        {"op": "insert", "text": "开"},
        {"op": "equal", "text": "窑记"},
    ]


def test_what_differs_in_marks_alone_is_said_to_be_minor(archive: Path) -> None:
    shown = diff(archive, "43000001", 2, 3).out
    assert shown.split("\n")[1] == "minor: nothing but punctuation or the date"
    assert "第四段[-，-]{+：+}有 13 家[-。-]{+！+}" in shown
    assert json.loads(diff(archive, "43000001", 2, 3, "--json").out)["minor"] is True
    assert json.loads(diff(archive, "43000001", 1, 2, "--json").out)["minor"] is False


def test_programs_get_the_pieces(archive: Path) -> None:
    found = json.loads(diff(archive, "43000001", 1, 2, "--json").out)
    assert (found["before"]["version"], found["after"]["version"]) == (1, 2)
    assert list(found["fields"]) == ["title", "editor", "body"]
    body = found["fields"]["body"]
    assert "".join(piece["text"] for piece in body if piece["op"] != "insert").startswith("窑火未熄。\n第二段。")
    assert [(each["what"], each["before"], each["after"]) for each in found["images"]] == [
        ("went", 2, None),
        ("changed", 1, 1),
    ]


def test_colours_stand_for_the_marks_on_a_terminal(archive: Path) -> None:
    shown = on_terminal("diff", "43000001", 1, 2, archive=archive)
    assert "\x1b[31m12\x1b[0m\x1b[32m13\x1b[0m" in shown
    assert "[-" not in shown
    plain = on_terminal("diff", "43000001", 1, 2, archive=archive, env={"NO_COLOR": "1"})
    assert "[-12-]{+13+}" in plain
    assert "\x1b" not in plain


def test_what_would_command_a_terminal_is_spelt_out(archive: Path) -> None:
    for shown in (diff(archive, "43000001", 3, 4).out, on_terminal("diff", "43000001", 3, 4, archive=archive)):
        assert "\\u001b[31m\\u009b1m.jpg" in shown
        assert "\x9b" not in shown
        assert "\x1b[31m\\" not in shown
        assert "\u202e" not in shown
    found = diff(archive, "43000001", 3, 4, "--json").out
    assert "\x9b" not in found
    assert json.loads(found)["images"][1]["url"].endswith("/pic/\x1b[31m\x9b1m.jpg")


def test_notices_command_no_terminal_either(tmp_path: Path) -> None:
    ended = ciwen("status", archive=tmp_path / "\x1b[31m\x9b", code=2)
    assert "\\u001b[31m\\u009b holds no archive" in ended.err
    assert "\x1b" not in ended.err


@given(st.text())
def test_nothing_commands_and_everything_else_stays(text: str) -> None:
    shown = legible(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert json.loads(legible(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["99999999"], "no article '99999999' in "),
        (["43000001", 5], "article '43000001' has versions 1 to 4, not 5"),
        (["43000001", 1, 9], "article '43000001' has versions 1 to 4, not 9"),
        (["43000001", 0], "article '43000001' has versions 1 to 4, not 0"),
        (["43000001", 4], "version 4 of article '43000001' cannot differ from itself: name another"),
        (["43000002"], "article '43000002' has one version: there is nothing to compare it with"),
        (["43000001", "first"], "Invalid value for 'A'"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(archive: Path, arguments: list[object], says: str) -> None:
    ended = diff(archive, *arguments, code=2)
    assert not ended.out
    assert ended.err.count("\n") == 1
    assert says in ended.err
