"""A channel of one's own: its name and its hosts however they are written, and a past that is no other channel's."""

from pathlib import Path
from typing import NamedTuple

import pytest
from warcio.archiveiterator import ArchiveIterator

from ciwen_crawler.channels import channel as channel_named
from ciwen_crawler.channels import start_url
from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import in_hosts
from ciwen_crawler.store import upkeep
from fixtures.markup import Article, channel_pages, list_page, list_url
from fixtures.server import Channel
from tests.chronicle import copy
from tests.database import Rows, tables
from tests.program import Ended, ciwen

HOST = "mine.example.cn"
OTHERS = [Article(number, f"第{number}篇") for number in range(43000001, 43000009)]
# Nobody signs for them.
MINE = [Article(number, f"第{number}篇", editor="", host=HOST) for number in range(53000001, 53000005)]
# As a user's editor may leave it: broken lines, blanks at the edges, an accent that is a character of its own.
CHANNELS = f'''
[mine]
name = """
  我的
  频道: Cafe\u0301\u3000ciwen-mode: replay
"""
start = ["{list_url(host=HOST)}"]
hosts = ["WWW.Mine.Example.CN"]
'''
NAME = "我的 频道: Café ciwen-mode: replay"
CONTACT = " mailto:me@example.org\r\n\tisPartOf: another\n"


class Crawled(NamedTuple):
    """An archive of the bundled channel's kind, and a crawl of another channel in it."""

    archive: Path
    ended: Ended
    asked: list[str]
    tables: dict[str, Rows]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    folder = tmp_path_factory.mktemp("channels")
    (folder / "ciwen").mkdir()
    (folder / "ciwen" / "channels.toml").write_text(CHANNELS, "utf-8")
    archive = folder / "archive"
    pages = {list_url(host=HOST): list_page([article.link for article in MINE])}
    pages |= {article.url: article.page() for article in MINE}
    with Channel(channel_pages(OTHERS) | pages) as channel:
        ciwen("crawl", archive=archive, channel=channel)
        channel.log.clear()
        own = {"XDG_CONFIG_HOME": str(folder)}
        ended = ciwen("crawl", "mine", "-s", f"CIWEN_CONTACT={CONTACT}", archive=archive, channel=channel, env=own)
        asked = channel.requested()
    return Crawled(archive, ended, asked, tables(archive))


def test_hosts_are_the_channels_in_whatever_case(crawled: Crawled) -> None:
    assert set(crawled.asked) == {
        f"http://{HOST}/robots.txt",
        list_url(host=HOST),
        *(article.url for article in MINE),
    }


def test_past_of_another_channel_makes_nobody_unhealthy(crawled: Crawled) -> None:
    """The other channel's articles all have an editor, and these have none."""
    before, run = crawled.tables["crawls"]
    assert (before["exit_code"], run["exit_code"], run["outcome"], crawled.ended.err) == (0, 0, "done", "")
    editors = [(f"//{HOST}/" in row["captured_url"], row["editor"] is None) for row in crawled.tables["versions"]]
    assert sorted(editors) == [(False, False)] * len(OTHERS) + [(True, True)] * len(MINE)


def test_name_is_one_line(crawled: Crawled) -> None:
    assert [row["channel"] for row in crawled.tables["crawls"]] == ["瓷闻天下", NAME]
    assert crawled.ended.out.startswith(f"{NAME}: done\n")


def test_rows_are_rebuilt_the_same(crawled: Crawled, tmp_path: Path) -> None:
    archive = copy(crawled.archive, tmp_path)
    upkeep.rebuild(archive)
    assert tables(archive) == crawled.tables


def test_warcinfo_has_one_field_a_line(crawled: Crawled) -> None:
    *_, block = _warcinfos(crawled.archive)
    lines = [line.partition(": ") for line in block.decode().removesuffix("\r\n").split("\r\n")]
    fields = {name: value for name, _, value in lines}
    assert len(fields) == len(lines), "none stands twice"
    assert fields["ciwen-channel"] == NAME
    assert fields["operator"] == "mailto:me@example.org isPartOf: another"
    assert fields["ciwen-mode"] == "crawl"
    assert fields["isPartOf"] == crawled.tables["crawls"][1]["id"]
    assert not [line for line in block.decode().splitlines() if not line.partition(":")[0].strip()]


def _warcinfos(archive: Path) -> list[bytes]:
    found = []
    for path in sorted((archive / "warc").iterdir()):
        with path.open("rb") as file:
            records = ArchiveIterator(file, no_record_parse=True)
            found += [record.raw_stream.read() for record in records if record.rec_type == "warcinfo"]
    return found


def test_bundled_channel_names_the_hosts_of_its_assets() -> None:
    hosts = channel_named("ciwen").asset_scope
    theirs = ("images.china.cn", "www.china.com.cn", "t.m.china.cn")
    assert all(in_hosts(f"http://{host}/a.css", hosts) for host in theirs)
    elsewhere = ("china.cn.example.com", "xchina.cn", "example.cn", "")
    assert not any(in_hosts(f"http://{host}/", hosts) for host in elsewhere)


@pytest.mark.parametrize("hosts", ['"images.china.cn"', "[]", "[1]", "true"])
def test_hosts_of_assets_are_a_list_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ciwen").mkdir()
    table = f'[mine]\nname = "我的"\nstart = ["http://{HOST}/"]\nhosts = ["{HOST}"]\nassets = {hosts}\n'
    (tmp_path / "ciwen" / "channels.toml").write_text(table, "utf-8")
    with pytest.raises(UsageError, match=r"^channel 'mine': assets is .* which is no list of texts"):
        channel_named("mine")


@pytest.mark.parametrize("name", ['""', '" \\n\\t"', '"\\u200B\\u00AD"'])
def test_name_that_nobody_can_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ciwen").mkdir()
    table = f'[mine]\nname = {name}\nstart = ["http://{HOST}/"]\nhosts = ["{HOST}"]\n'
    (tmp_path / "ciwen" / "channels.toml").write_text(table, "utf-8")
    with pytest.raises(UsageError, match="channel 'mine': name is empty"):
        channel_named("mine")


# --- Credentials ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@ci.china.com.cn/",
        " https://secret@ci.china.com.cn/node_1.html",
        "HTTP://me:sec%72et@secret@ci.china.com.cn",
        "http:\\\\me:secret@ci.china.com.cn/",
    ],
)
def test_start_page_with_credentials_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"^a start URL must not hold a user name or password") as refused:
        start_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("http://me:secret@/", "ht\ntp://me:secret@ci.china.com.cn/", "x+y://me:secret@ci.china.com.cn/"),
        *(
            "//me:secret@ci.china.com.cn/",
            "http:/me:secret@ci.china.com.cn/",
            "me:secret@ci.china.com.cn",
            "http://me:se/secret@ci.china.com.cn/",
        ),
    ],
)
def test_malformed_start_page_with_credentials_is_refused_and_they_are_not_told(url: str) -> None:
    with pytest.raises(UsageError, match=r"^malformed start URL: it must be like") as refused:
        start_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://ci.china.com.cn/@me/", "http://ci.china.com.cn/?at=a@b"])
def test_at_sign_behind_the_host_is_no_credential(url: str) -> None:
    assert start_url(url) == url


def test_crawl_with_credentials_is_refused(tmp_path: Path) -> None:
    start = "http://me:secret@ci.china.com.cn/"
    refused = ciwen("crawl", "--start", start, archive=tmp_path / "archive", cwd=tmp_path, code=2)
    assert refused.err.startswith("ciwen: a start URL must not hold a user name or password")
    assert (refused.out, refused.err.count("\n"), "secret" in refused.err) == ("", 1, False)
    assert not list(tmp_path.iterdir())
