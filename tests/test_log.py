"""Standard error as JSON: an object a line whatever is said, and nobody's password in it or in the text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ciwen_crawler.clock import read
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.faults import Hasty, put_in
from tests.program import PACE, ciwen, scrapy, started

ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]
SECRET = "geheim"
JSON = ("--log-format", "json")


@pytest.fixture(scope="module")
def channel() -> Iterator[Channel]:
    """A channel one of whose articles is said to be where one must log in."""
    with Channel(channel_pages(ARTICLES)) as running:
        running.redirect(ARTICLES[0].url, f"http://jemand:{SECRET}@ci.china.com.cn/2025-06/04/content_43000002.html")
        yield running


def objects(text: str) -> list[dict[str, Any]]:
    """The lines, each of which is an object with what every one has."""
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        assert list(each)[:4] == ["time", "level", "logger", "message"]
        read(each["time"])
    return found


def test_log_of_a_crawl_is_an_object_a_line(tmp_path: Path, channel: Channel) -> None:
    ended = ciwen("crawl", "-v", *JSON, archive=tmp_path, channel=channel)
    assert ended.out.startswith("瓷闻天下: done\n")
    lines = objects(ended.err)
    assert {"INFO", "DEBUG"} <= {each["level"] for each in lines}
    assert any(each["logger"] == "scrapy.core.engine" and each["message"] == "Spider opened" for each in lines)
    assert "瓷闻天下" in ended.err


@pytest.mark.parametrize("form", [(), JSON], ids=["text", "json"])
def test_no_log_names_what_a_server_wrote_into_an_address_to_log_in(
    tmp_path: Path, channel: Channel, form: tuple[str, ...]
) -> None:
    ended = ciwen("crawl", "-v", *form, "--no-images", archive=tmp_path, channel=channel)
    assert "Redirecting (301) to" in ended.err
    assert SECRET not in ended.out + ended.err


def test_nor_does_scrapys_own_command(tmp_path: Path, channel: Channel) -> None:
    line = ["crawl", "ciwen", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE]
    ended = scrapy(*line, channel=channel)
    assert "Redirecting (301) to" in ended.err
    assert SECRET not in ended.err


def test_quiet_prints_nothing_in_either_form(tmp_path: Path, channel: Channel) -> None:
    for form in ((), JSON):
        ended = ciwen("crawl", "--quiet", "-v", *form, archive=tmp_path, channel=channel)
        assert (ended.out, ended.err) == ("", "")


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (["crawl", "--quiet", *JSON], 3, "no start page answered (http://ci.china.com.cn/: "),
        (["crawl", "--nosuch", *JSON], 2, "No such option: --nosuch: "),
        (["crawl", "nosuch", *JSON], 2, "unknown channel 'nosuch'"),
        (["replay", "nosuch.warc", *JSON], 2, "nosuch.warc"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_an_object_too(tmp_path: Path, line: list[str], code: int, says: str) -> None:
    (told,) = objects(ciwen(line[0], *line[1:], archive=tmp_path / "archive", code=code).err)
    assert (told["level"], told["logger"]) == ("ERROR", "ciwen")
    assert says in told["message"]


def test_form_that_there_is_not(tmp_path: Path) -> None:
    refused = ciwen("crawl", "--log-format", "xml", archive=tmp_path / "archive", code=2)
    assert "'--log-format'" in refused.err
    assert refused.err.count("\n") == 1


def test_progress_has_its_counts(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(Hasty)
    with (
        channel.hold(ARTICLES[-1].url),
        started("crawl", *JSON, *arguments, archive=tmp_path, channel=channel, env=environment) as run,
    ):
        assert run.stderr
        line = next(each for each in run.stderr if f'"found": {len(ARTICLES)}' in each)
        run.kill()
    channel.restore(ARTICLES[-1].url)
    (told,) = objects(line)
    assert told["message"].startswith(f"{told['lists']} lists, {told['stored']} of {told['found']} articles, ")
    assert (told["level"], told["lists"]) == ("INFO", 2)
