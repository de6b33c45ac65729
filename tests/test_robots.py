"""robots.txt, obeyed by every request: by the server's log, with a host of its own for each way it can go wrong."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures.log import Entry
from fixtures.markup import Article, picture
from fixtures.page import Page
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import PATIENCE, ciwen, ended, started

WAITING = 24  # requests that wait for one robots.txt
HELD = "held.example.cn"
IMAGES = "images.china.cn"
RULES = "User-agent: *\nDisallow: /2025-06/04/\n"
# What each host's robots.txt is, and whether articles of 4 June may be fetched then.
ANSWERS: dict[str, tuple[Page | None, bool]] = {
    "absent.example.cn": (None, True),
    "forbidden.example.cn": (Page(b"no", status=403), True),
    "broken.example.cn": (Page(b"", status=500), False),
    "unavailable.example.cn": (Page(b"", status=503), False),
    "busy.example.cn": (Page(b"", status=429), False),
    "garbage.example.cn": (Page(b"\x00\xff<html>\xd0\xcf\r: :\n\n\x1a User-agent", "application/octet-stream"), True),
    "html.example.cn": (Page(b"<!DOCTYPE html><p>Disallow: /</p>"), True),
    "empty.example.cn": (Page(b"", "text/plain"), True),
    "bom.example.cn": (Page(b"\xef\xbb\xbf" + RULES.encode(), "text/plain"), False),
    "gbk.example.cn": (Page(f"# 不许抓取\n{RULES}".encode("gb18030"), "text/plain; charset=gb2312"), False),
    "crlf.example.cn": (Page(RULES.replace("\n", "\r\n").encode(), "text/plain"), False),
    "typed.example.cn": (Page(RULES.encode(), "image/png"), False),
    "zipped.example.cn": (Page(gzip.compress(RULES.encode()), headers=(("Content-Encoding", "gzip"),)), False),
    "named.example.cn": (Page(b"User-agent: Ciwen\nDisallow: /2025-06\n\nUser-agent: *\nDisallow:\n"), False),
    "others.example.cn": (Page(b"User-agent: GreedyBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n"), True),
    "unmodified.example.cn": (Page(b"", status=304), False),
}
REDIRECTING, REFUSING = "redirecting.example.cn", "refusing.example.cn"


def article(host: str, number: int = 43000001) -> Article:
    return Article(number, f"{host}的第{number}篇", host=host)


def robots(host: str) -> str:
    return f"http://{host}/robots.txt"


def starts(*urls: str) -> list[str]:
    return [argument for url in urls for argument in ("--start", url)]


class Crawled(NamedTuple):
    """One crawl over all those hosts."""

    log: list[Entry]
    tables: dict[str, Rows]

    def requested(self, part: str) -> list[str]:
        return [entry.url for entry in self.log if part in entry.url]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    archive = tmp_path_factory.mktemp("robots") / "archive"
    hosts = [*ANSWERS, REDIRECTING, REFUSING]
    pages = {article(host).url: article(host).page() for host in hosts}
    with Channel(pages | {robots(host): page for host, (page, _) in ANSWERS.items() if page}) as channel:
        channel.redirect(robots(REDIRECTING), robots("gbk.example.cn"))
        channel.refuse(robots(REFUSING))
        ciwen("crawl", *starts(*pages), archive=archive, channel=channel)
        return Crawled(channel.log.settled(), tables(archive))


@pytest.mark.parametrize("host", ANSWERS)
def test_host_is_asked_for_what_its_robots_allow(crawled: Crawled, host: str) -> None:
    _, allowed = ANSWERS[host]
    assert crawled.requested(f"{host}/2025") == ([article(host).url] if allowed else [])


@pytest.mark.parametrize("host", [REDIRECTING, REFUSING])
def test_host_whose_robots_lead_elsewhere_or_nowhere(crawled: Crawled, host: str) -> None:
    assert crawled.requested(f"{host}/2025") == []


def test_robots_are_fetched_once_a_host_and_again_only_after_errors(crawled: Crawled) -> None:
    counts = Counter(crawled.requested("robots.txt"))
    tried_again = {
        robots(host) for host in ("broken.example.cn", "unavailable.example.cn", "busy.example.cn", REFUSING)
    }
    assert {url for url, count in counts.items() if count > 1} == tried_again | {robots("gbk.example.cn")}
    assert counts[robots("gbk.example.cn")] == 2, "for its own host and for that which sends there"


def test_robots_are_archived(crawled: Crawled) -> None:
    captures = [row for row in crawled.tables["captures"] if row["kind"] == "robots"]
    answered = [entry for entry in crawled.log if "robots.txt" in entry.url and entry.status]
    assert Counter((row["url"], row["status"]) for row in captures) == Counter(
        (entry.url, entry.status) for entry in answered
    )
    assert {row["via"] for row in captures} == {None}


def test_refusals_are_counted_as_such(crawled: Crawled) -> None:
    (run,) = crawled.tables["crawls"]
    refused = [host for host, (_, allowed) in ANSWERS.items() if not allowed] + [REDIRECTING, REFUSING]
    assert json.loads(run["stats"])["disallowed"] == len(refused)
    assert run["exit_code"] == 0


def test_all_that_wait_for_robots_obey_them(tmp_path: Path) -> None:
    """Requests that come while robots.txt is on its way, most of them disallowed; a redirect to what is; the images'
    own host.
    """
    illustrated = Article(43000900, "有图", (picture(f"http://{IMAGES}/pic/a.jpg"), "看图。"), "2025-06-05", host=HELD)
    hidden = Article(43000901, "有禁图", (picture(f"http://{IMAGES}/no/b.jpg"), "看图。"), "2025-06-05", host=HELD)
    moved = Article(43000902, "搬走", day="2025-06-05", host=HELD)
    articles = [article(HELD, 43000001 + number) for number in range(WAITING)] + [illustrated, hidden, moved]
    pages: dict[str, Page | bytes | str] = {each.url: each.page() for each in articles}
    pages |= {
        robots(HELD): RULES,
        robots(IMAGES): "User-agent: *\nDisallow: /no/\n",
        f"http://{IMAGES}/pic/a.jpg": b"j",
    }
    with Channel(pages) as channel:
        channel.redirect(moved.url, articles[0].url)
        hold = channel.hold(robots(HELD))
        with started("crawl", *starts(*(each.url for each in articles)), archive=tmp_path, channel=channel) as process:
            hold.arrived(timeout=PATIENCE)
            # The images' host answers nobody before this one does: nothing but robots.txt can have been asked for.
            assert channel.requested() == [robots(HELD)]
            hold.release()
            ended(process)
        assert Counter(channel.requested()) == Counter(
            [robots(HELD), illustrated.url, hidden.url, moved.url, robots(IMAGES), f"http://{IMAGES}/pic/a.jpg"]
        )


def test_not_modified_means_the_stored_rules(tmp_path: Path) -> None:
    free, barred = Article(43000001, "可", day="2025-06-05"), Article(43000002, "不可", day="2025-06-04")
    pages = {each.url: each.page() for each in (free, barred)}
    host = "ci.china.com.cn"
    with Channel(pages | {robots(host): RULES}) as channel:
        ciwen("crawl", *starts(*pages), archive=tmp_path, channel=channel)
        channel.answer(robots(host), 304)
        ciwen("crawl", *starts(*pages), archive=tmp_path, channel=channel)
        assert Counter(channel.requested()) == {robots(host): 2, free.url: 2}
    kinds = [(row["status"], row["kind"]) for row in tables(tmp_path)["captures"] if row["url"] == robots(host)]
    assert sorted(kinds) == [(200, "robots"), (304, "robots")]


def test_rules_are_not_asked_for_where_they_are_not_obeyed(tmp_path: Path) -> None:
    barred = article("ci.china.com.cn")
    with Channel({barred.url: barred.page(), robots("ci.china.com.cn"): RULES}) as channel:
        ciwen("crawl", *starts(barred.url), "-s", "ROBOTSTXT_OBEY=False", archive=tmp_path, channel=channel)
        assert channel.requested() == [barred.url]
