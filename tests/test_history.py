"""`ciwen history`: what an archive tells of an article that was edited, went, came back and lost its images."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ciwen_crawler.errors import UsageError
from ciwen_crawler.store import queries
from ciwen_crawler.store.history import history
from fixtures.markup import Article, channel_pages, picture
from fixtures.server import Channel
from tests.program import ciwen
from tests.rebuilt import rebuilt
from tests.terminal import on_terminal
from tests.zygote import Zygote

SITE = "http://ci.china.com.cn"
NAMES = "edited gone back sent whiled steady".split()
NUMBERS = dict(zip(NAMES, range(43000001, 43000100), strict=False))
KEPT, LOST, REDRAWN, LED = (f"{SITE}/pic/{name}.jpg" for name in ("kept", "lost", "redrawn", "led"))
LED_TO = f"{SITE}/pic/2025-06/led.jpg"


def article(name: str) -> Article:
    """One of the channel's articles."""
    shown = (picture(KEPT, "窑口"), picture(LOST), picture(REDRAWN), picture(LED)) if name == "edited" else ()
    return Article(NUMBERS[name], f"{name}: 开窑记", (f"{name}第一段，窑火未熄。", "第二段。", *shown))


@dataclass
class Lives:
    """An archive after a run a day, and what `history` tells of each article."""

    archive: Path
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def days(self, name: str, *keys: str) -> list[tuple[Any, ...]]:
        """Of each absence, on which days of June it was what."""
        return [
            tuple(absence[key] and int(absence[key][8:10]) for key in keys) for absence in self.told[name]["absences"]
        ]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    found = Lives(tmp_path_factory.mktemp("lived") / "archive")
    with Channel(_pages()) as channel, Zygote() as zygote:
        for day in range(4, 12):
            _live(channel, day)
            zygote.ciwen("crawl", archive=found.archive, channel=channel, at=f"2025-06-{day:02}T10:{day:02}:00Z")
        for name in NAMES:
            ended = zygote.ciwen("history", NUMBERS[name], "--json", archive=found.archive, at="2025-06-12T10:00:00Z")
            found.told[name] = json.loads(ended.out)
    yield found


def _pages() -> dict[str, Any]:
    pages: dict[str, Any] = dict(channel_pages([article(name) for name in NAMES]))
    pages |= {url: b"\xff\xd8" + url.encode() for url in (KEPT, LOST, REDRAWN, LED_TO)}
    return pages


def _live(channel: Channel, day: int) -> None:
    """What happens to the channel before the run of a day."""
    edited, gone, back, sent = (article(name).url for name in NAMES[:4])
    if day == 4:
        channel.redirect(LED, LED_TO)
    if day == 5:
        channel.edit(edited, "窑火未熄", "窑火已熄")
        channel.edit(edited, "窑口", "老窑口")
        del channel.pages[gone], channel.pages[back]
        channel.redirect(sent, f"{SITE}/", 302)
    if day == 6:
        channel.edit(edited, "第二段。", "第二段！")
        channel.pages[back] = article("back").page()
        channel.answer(article("whiled").url, 500)
    if day == 7:
        channel.restore(article("whiled").url)
        del channel.pages[LOST]
        channel.pages[REDRAWN] = b"\xff\xd8 drawn anew"
        channel.edit(edited, "第二段！", "第二段！第三句。")
        del channel.pages[back]
    if day == 8:
        channel.answer(LED_TO, 503)
        channel.edit(edited, "第三句。", "第三句，改过。")
    if day == 10:
        channel.answer(gone, 410)
        channel.restore(sent)
    if day == 11:
        channel.pages[back] = replace(article("back"), title="back: 又来").page()


def test_versions_with_what_changed_in_each(lives: Lives) -> None:
    found = [
        (each["number"], each["captured_at"][8:10], each["changed"], each["minor"])
        for each in lives.told["edited"]["versions"]
    ]
    assert found == [
        (1, "04", [], False),
        (2, "05", ["body"], False),
        (3, "06", ["body"], True),
        (4, "07", ["body"], False),
        (5, "08", ["body"], False),
    ]
    images = [each["images"] for each in lives.told["edited"]["versions"]]
    assert images == [[], [{"what": "changed", "url": KEPT, "before": 1, "after": 1}], [], [], []]


def test_article_that_stayed_has_no_more_to_tell(lives: Lives) -> None:
    told = lives.told["steady"]
    assert (told["state"], len(told["versions"]), told["absences"], told["images"]) == ("live", 1, [], [])


def test_article_is_gone_since_the_third_look_of_three_days(lives: Lives) -> None:
    keys = ("since", "gone_at", "until", "returned_at")
    assert lives.days("gone", *keys) == [(5, 8, 11, None)]
    assert lives.told["gone"]["absences"][0]["found"] == ["404", "410"]
    assert lives.told["gone"]["absences"][0]["crawls"] == 7
    assert (lives.told["gone"]["state"], len(lives.told["gone"]["versions"])) == ("gone", 1)


def test_article_that_was_sent_to_the_home_page_is_back(lives: Lives) -> None:
    assert lives.days("sent", "since", "gone_at", "until", "returned_at") == [(5, 8, 9, 10)]
    assert lives.told["sent"]["absences"][0]["found"] == ["home page"]
    assert (lives.told["sent"]["state"], len(lives.told["sent"]["versions"])) == ("live", 1)


def test_each_absence_is_told(lives: Lives) -> None:
    assert lives.days("back", "since", "gone_at", "until", "returned_at") == [(5, None, 5, 6), (7, 10, 10, 11)]
    assert [each["changed"] for each in lives.told["back"]["versions"]] == [[], ["title"]]


def test_trouble_of_the_server_is_no_absence(lives: Lives) -> None:
    assert lives.told["whiled"]["absences"] == []


def test_images_that_vanished_or_have_other_bytes(lives: Lives) -> None:
    """One that a server has trouble with may be there still, and so may one that redirects lead to."""
    found = [
        (
            each["url"],
            each["position"],
            (each["vanished_at"] or "")[8:10],
            each["status"],
            [change["at"][8:10] for change in each["changed"]],
        )
        for each in lives.told["edited"]["images"]
    ]
    assert found == [(LOST, 2, "07", 404, []), (REDRAWN, 3, "", None, ["07"])]


def test_lines_in_the_order_of_the_moments(lives: Lives) -> None:
    shown = ciwen("history", NUMBERS["edited"], archive=lives.archive).out.split("\n")
    assert shown[0] == f"china.com.cn:43000001  {article('edited').url}"
    assert shown[1].startswith("live, 5 versions, seen 2025-06-04T10:04:")
    assert [line[24:].strip() for line in shown[2:-1]] == [
        "version 1  edited: 开窑记",
        "version 2  body, 1 image with another caption",
        "version 3  body (minor)",
        "version 4  body",
        f"image 2    vanished (status 404): {LOST}",
        f"image 3    other bytes: {REDRAWN}",
        "version 5  body",
    ]
    back = ciwen("history", NUMBERS["back"], archive=lives.archive).out.split("\n")[2:-1]
    assert [line.split()[1] for line in back] == ["version", "absent", "back", "absent", "gone", "back", "version"]


def test_table_on_a_terminal(lives: Lives) -> None:
    shown = on_terminal("history", NUMBERS["back"], archive=lives.archive)
    assert "\x1b[31mgone" in shown
    assert "\x1b[32mback" in shown
    plain = on_terminal("history", NUMBERS["back"], archive=lives.archive, env={"NO_COLOR": "1"})
    assert "\x1b[3" not in plain
    assert "gone" in plain


def test_article_that_is_not_there(lives: Lives) -> None:
    ended = ciwen("history", "99999999", archive=lives.archive, code=2)
    assert (ended.out, ended.err) == ("", f"ciwen: no article '99999999' in {lives.archive}\n")


def test_histories_follow_from_the_records(lives: Lives, tmp_path: Path) -> None:
    rebuilt(lives.archive, tmp_path / "again")
    with closing(queries.opened(tmp_path / "again")) as database:
        for name in NAMES:
            assert json.loads(json.dumps(history(database, str(NUMBERS[name])))) == lives.told[name]
        with pytest.raises(UsageError, match="no article 'nobody'"):
            history(database, "nobody")
