"""Where a crawl never goes: off the channel's hosts, into private networks, anywhere but the web."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.addresses import address, is_private, is_public
from ciwen_crawler.identity import in_hosts
from fixtures.markup import Article, channel_pages, list_page, list_url, picture
from fixtures.server import Channel
from tests.database import select
from tests.program import ciwen

HOST, ELSEWHERE = "http://ci.china.com.cn/", "http://elsewhere.example.com/"
NOBODY = {"http_proxy": "", "https_proxy": ""}

PRIVATE = (
    "127.0.0.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 239.1.2.3"
    " 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 127.1 127.0.1 0x7f.1 0x7F000001 2130706433 017700000001 0177.0.0.1"
    " 0xa9fea9fe 127.0.0.1. ::1 :: [::1] fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1 ::ffff:127.0.0.1"
    " ::ffff:a00:1 ::ffff:0:127.0.0.1 ::127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 2001:db8::1 2001:0:0:0:0:0:80ff:fffe"
    " localhost LOCALHOST localhost. a.b.localhost"
).split()
PUBLIC = (
    "8.8.8.8 1.1.1.1 59.111.0.1 134744072 0x08.0x08.0x08.0x08 2606:4700::1111 [2606:4700::1111] ::ffff:8.8.8.8"
    " 64:ff9b::808:808 2002:808:808:: ci.china.com.cn localhost.example.cn mylocalhost 127.0.0.1.example.cn 1.2.3.4.5"
    " 256.256.256.256 0xfg"
).split()


# --- Addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", PRIVATE)
def test_private_however_it_is_spelt(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_public(host: str) -> None:
    assert not is_private(host)


@given(st.ip_addresses(v=4))
def test_address_is_the_same_in_every_spelling(found: Any) -> None:
    number = int(found)
    parts = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    spellings = [str(number), hex(number), f"0{number:o}", ".".join(map(hex, parts)), f"{parts[0]}.{number & 0xFFFFFF}"]
    assert {address(spelling) for spelling in spellings} == {found}
    assert {is_private(spelling) for spelling in spellings} == {not is_public(found)}
    assert is_public(ip_address(f"::ffff:{found}")) == is_public(found)


@given(st.text())
def test_host_may_be_anything(host: str) -> None:
    assert is_private(host) in (True, False)


def test_star_stands_for_all_hosts_below() -> None:
    hosts = {"*.china.com.cn", "example.cn"}
    assert all(
        in_hosts(f"http://{host}/", hosts)
        for host in ("ci.china.com.cn", "a.b.china.com.cn", "www.china.com.cn", "example.cn", "www.example.cn")
    )
    assert not any(
        in_hosts(f"http://{host}/", hosts)
        for host in (
            "china.com.cn",
            "xchina.com.cn",
            "china.com.cn.example.com",
            "a.example.cn",
            "ci.china.com.cn:8080",
        )
    )


# --- A crawl --------------------------------------------------------------------------------------------------------


def stats(archive: Path) -> dict[str, Any]:
    (row,) = select(archive, "SELECT stats, exit_code FROM crawls ORDER BY id DESC LIMIT 1")
    assert row["exit_code"] == 0
    found: dict[str, Any] = json.loads(row["stats"])
    return found


def test_no_link_and_no_redirect_leads_off_the_channel_or_into_a_private_network(tmp_path: Path) -> None:
    off = [f"{ELSEWHERE}pic.jpg", "http://ci.china.com.cn.example.com/pic.jpg"]
    inside = [
        f"http://{host}/pic.jpg" for host in ("127.0.0.1", "2130706433", "0x7f.1", "169.254.169.254", "localhost")
    ]
    inside += ["http://127.0.0.1:9/pic.jpg", "http://[::1]/pic.jpg", "http://[::ffff:10.0.0.1]/pic.jpg"]
    pictures = "".join(picture(url) for url in (*off, *inside, f"{HOST}pic/mine.jpg", f"{HOST}pic/moved.jpg"))
    first = Article(43000001, "有图", (pictures, "看图。", "再看。"))
    moved = [Article(43000002 + number, f"搬走{number}") for number in range(6)]
    steady = [Article(43000020 + number, f"第{number}篇") for number in range(6)]
    given = channel_pages([first, *moved, *steady])
    given[list_url()] = list_page([each.link for each in (first, *moved, *steady)], pages=2)
    goals = [f"{ELSEWHERE}a.html", "http://127.0.0.1/a.html", "http://[::1]:8080/", "file:///etc/passwd"]
    goals += ["ftp://elsewhere.example.com/a.html", "http://user:secret@elsewhere.example.com/b.html"]
    with Channel(given) as channel:
        channel.pages[f"{HOST}pic/mine.jpg"] = b"\xff\xd8"
        channel.pages[f"{ELSEWHERE}a.html"] = steady[0].page()
        for article, goal in zip(moved, goals, strict=True):
            channel.redirect(article.url, goal)
        channel.redirect(f"{HOST}pic/moved.jpg", f"{ELSEWHERE}moved.jpg")
        channel.redirect(list_url(page=2), f"{ELSEWHERE}node_1.html")
        told = ciwen("crawl", "-v", archive=tmp_path, channel=channel)
        assert {url.split("/")[2] for url in channel.requested()} == {"ci.china.com.cn"}
    found = stats(tmp_path)
    assert sorted(found["off_hosts"]["urls"]) == sorted(
        [*off, goals[0], f"{ELSEWHERE}moved.jpg", f"{ELSEWHERE}node_1.html", f"{ELSEWHERE}b.html"]
    )
    assert sorted(found["private"]["urls"]) == sorted([*inside, goals[1], goals[2]])
    assert (found["off_hosts"]["count"], found["private"]["count"]) == (6, len(inside) + 2)
    assert not [each for each in found.get("failures", ()) if each["url"] not in {article.url for article in moved}]
    assert found["verdicts"] == {"new": 7}
    assert "secret" not in told.err + told.out + json.dumps(found)


def test_robots_txt_leads_nowhere_else_either(tmp_path: Path) -> None:
    article = Article(43000001, "一篇")
    with Channel({article.url: article.page(), f"{ELSEWHERE}robots.txt": ""}) as channel:
        channel.redirect(f"{HOST}robots.txt", f"{ELSEWHERE}robots.txt")
        told = ciwen("crawl", "--start", article.url, archive=tmp_path, channel=channel, code=3)
        assert channel.requested() == [f"{HOST}robots.txt"]
    assert "leads off the channel" in told.err


# --- Names ----------------------------------------------------------------------------------------------------------


def own_channel(folder: Path, port: int, start: str) -> dict[str, str]:
    (folder / "ciwen").mkdir()
    table = f'[mine]\nname = "我的"\nstart = ["{start}"]\nhosts = ["127.0.0.1:{port}"]\n'
    table += f'assets = ["intranet.example.cn:{port}"]\n'
    (folder / "ciwen" / "channels.toml").write_text(table, "utf-8")
    return NOBODY | {"XDG_CONFIG_HOME": str(folder)}


def test_name_that_leads_into_a_private_network_is_not_followed_there(tmp_path: Path) -> None:
    """Though the channel's table names it; the start page alone may lie there."""
    with Channel() as channel:
        local, hidden = f"127.0.0.1:{channel.port}", f"http://intranet.example.cn:{channel.port}/pic.jpg"
        article = Article(43000001, "有图", (picture(hidden), "看图。", "再看。"), host=local)
        channel.pages[article.url] = article.page()
        channel.pages[hidden] = b"\xff\xd8"
        channel.log.clear()
        env = own_channel(tmp_path, channel.port, article.url)
        archive = tmp_path / "archive"
        ciwen("crawl", "mine", archive=archive, env=env, names="intranet.example.cn=127.0.0.1")
        assert set(channel.requested()) == {f"http://{local}/robots.txt", article.url}
    assert stats(archive)["private"] == {"count": 1, "urls": [hidden]}
    assert "failed" not in stats(archive)
    assert stats(archive)["verdicts"] == {"new": 1}


def test_start_page_may_lie_in_a_private_network(tmp_path: Path) -> None:
    with Channel() as channel:
        article = Article(43000001, "内网", host=f"intranet.example.cn:{channel.port}")
        channel.pages[article.url] = article.page()
        names = "intranet.example.cn=127.0.0.1"
        ciwen("crawl", "--start", article.url, archive=tmp_path, env=NOBODY, names=names)
    assert stats(tmp_path)["verdicts"] == {"new": 1}
