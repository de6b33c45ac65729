"""The command line: what each command prints and where, and what it says where it cannot be obeyed."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ciwen_crawler import __version__
from ciwen_crawler.channels import channel as channel_named
from ciwen_crawler.channels import start_url
from ciwen_crawler.errors import UsageError
from ciwen_crawler.store import queries
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.database import counts
from tests.program import PACE, ROOT, Ended, ciwen
from tests.terminal import read_all

CIWEN = Path(sys.executable).with_name("ciwen")
ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]
PASSING = {"at", "disk_free"}  # facts that are others a moment later
ONE = "china.com.cn:43000001"
COMMANDS = "crawl replay rebuild verify status show history diff export".split()
COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3|4|9)[0-7]")
TURKISH = "Kadıköy"  # letters that GBK lacks


@pytest.fixture(scope="module")
def channel() -> Iterator[Channel]:
    pages = [*ARTICLES[1:], Article(43000001, f"第一篇：{TURKISH}")]
    with Channel(channel_pages(pages)) as running:
        yield running


@pytest.fixture(scope="module")
def archive(channel: Channel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that tests read."""
    folder = tmp_path_factory.mktemp("archived") / "archive"
    ciwen("crawl", archive=folder, channel=channel)
    return folder


def told(ended: Ended) -> str:
    """The one line on standard error, without who speaks; nothing else was printed."""
    assert not ended.out
    assert ended.err.startswith("ciwen: ")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("ciwen: ").rstrip("\n")


# --- What cannot be obeyed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["nosuch"], "No such command 'nosuch': `ciwen --help` tells how"),
        (["--nosuch"], "No such option: --nosuch: `ciwen --help` tells how"),
        (["crawl", "--nosuch"], "No such option: --nosuch: `ciwen crawl --help` tells how"),
        (["crawl", "ciwen", "ciwen"], "Got unexpected extra argument(s) (ciwen): `ciwen crawl --help` tells how"),
        (["crawl", "--max-articles", "0"], "'--max-articles'"),
        (["crawl", "--max-articles"], "'--max-articles' requires an argument"),
        (["rebuild", "--jobs", "0"], "'--jobs'"),
        (["show"], "Missing argument 'article': `ciwen show --help` tells how"),
        (["replay"], "Missing argument 'SOURCE…': `ciwen replay --help` tells how"),
        (["status", "--archive", ""], "--archive is empty: it must name a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_told_in_a_line(tmp_path: Path, line: list[str], says: str) -> None:
    assert says in told(ciwen(line[0], *line[1:], pace=(), cwd=tmp_path, code=2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nosuch"], "unknown channel 'nosuch': known are ciwen (add yours to "),
        (["--start", "ht!tp"], "malformed start URL 'ht!tp': it must be like http://ci.china.com.cn/"),
        (["-s", "DOWNLOAD_DELAY"], "-s takes NAME=VALUE, not 'DOWNLOAD_DELAY'"),
        (["-s", "=1"], "-s takes NAME=VALUE, not '=1'"),
        (["-s", "CIWEN_CONTCT=a@b.cn"], "-s CIWEN_CONTCT: no setting has that name"),
        (["-s", "ITEM_PIPELINES=what"], "cannot begin with -s ITEM_PIPELINES=what (JSONDecodeError: "),
        (["-s", "LOG_LEVEL=LOUD", "-v"], "cannot begin with -s LOG_LEVEL=LOUD (ValueError: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_crawl_that_cannot_begin_leaves_no_trace(tmp_path: Path, options: list[str], says: str) -> None:
    assert told(ciwen("crawl", *options, archive=tmp_path / "archive", pace=(), code=2)).startswith(says)
    assert not list(tmp_path.iterdir())


def test_setting_that_breaks_the_crawler_is_named(tmp_path: Path, channel: Channel) -> None:
    asked = len(channel.log)
    refused = ciwen("crawl", "-s", "DOWNLOAD_TIMEOUT=long", archive=tmp_path, channel=channel, pace=(), code=2)
    assert told(refused).startswith("cannot begin with -s DOWNLOAD_TIMEOUT=long (ValueError: ")
    assert len(channel.log) == asked
    assert counts(tmp_path)["crawls"] == 1  # the archive had been opened by then, and was closed in order
    assert not list(tmp_path.rglob("*.open"))


@pytest.mark.parametrize(
    "url",
    [
        *("", "ht!tp", "http://", "http:", "http:///node.html", "//ci.china.com.cn/", "ci.china.com.cn", "/node.html"),
        *("ftp://ci.china.com.cn/", "javascript:alert(1)", "file:///etc/passwd", "http://http://ci.china.com.cn/"),
        *("http://ci china.com.cn/", "http://ci.china.com.cn/a b", "http://ci.china.com.cn/\n/", "http://ci..cn/"),
        *("http://.cn/", "http://../", "http://[::1/", "http://ci.china.com.cn:web/", "http://ci.china.com.cn:65536/"),
    ],
)
def test_start_page_that_nobody_can_ask_for(url: str) -> None:
    with pytest.raises(UsageError, match="malformed start URL"):
        start_url(url)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("http://ci.china.com.cn", "http://ci.china.com.cn/"),
        (" https://ci.china.com.cn/node_1.html#top\n", "https://ci.china.com.cn/node_1.html"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("http://中国.cn/新闻/", "http://中国.cn/新闻/"),
    ],
)
def test_start_page(url: str, meant: str) -> None:
    assert start_url(url) == meant


CHANNEL = '[mine]\nname = "我的"\nstart = ["http://mine.example.cn/"]\nhosts = ["mine.example.cn"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mine\n", r"cannot read \S+channels\.toml: "),
        ("mine = 1\n", "channel 'mine' needs name, start and hosts"),
        ('[mine]\nname = "我的"\n', "channel 'mine' needs name, start and hosts"),
        (CHANNEL + "speed = 3\n", "channel 'mine' needs name, start and hosts, and may have assets, delay, "),
        (CHANNEL.replace('["http://mine.example.cn/"]', '"http://mine.example.cn/"'), "start is 'http://mine"),
        (CHANNEL.replace('["http://mine.example.cn/"]', "[]"), r"start is \[\], which is no list of texts"),
        (CHANNEL.replace('"http://mine.example.cn/"', '"mine.example.cn"'), "malformed start URL 'mine.example.cn'"),
        (CHANNEL.replace('["mine.example.cn"]', "[1]"), r"hosts is \[1\], which is no list of texts"),
        (CHANNEL.replace('"我的"', "7"), "name is 7, which is no text"),
        (CHANNEL + 'delay = "slow"\n', "delay is 'slow', which is no number from 0"),
        (CHANNEL + "list_pages = -1\n", "list_pages is -1, which is no whole number from 0"),
        (CHANNEL + "minimum_articles = true\n", "minimum_articles is True, which is no whole number from 0"),
    ],
)
def test_channel_of_ones_own_that_cannot_be_understood(own_file: Path, text: str, says: str) -> None:
    own_file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        channel_named("mine")


def test_channel_of_ones_own(own_file: Path) -> None:
    own_file.write_text(CHANNEL + "delay = 0.5\nminimum_articles = 3\n", encoding="utf-8")
    mine = channel_named("mine")
    assert (mine.name, mine.start, mine.scope) == ("我的", ("http://mine.example.cn/",), {"mine.example.cn"})
    assert (mine.delay, mine.minimum_articles) == (0.5, 3)
    assert channel_named("ciwen").hosts == ("ci.china.com.cn",)


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's channels are read from, for this test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ciwen").mkdir()
    return tmp_path / "ciwen" / "channels.toml"


@pytest.mark.parametrize("command", ["status", "show"])
def test_where_no_archive_is(tmp_path: Path, command: str) -> None:
    asked = ["43000001"] if command == "show" else []
    refused = ciwen(command, *asked, archive=tmp_path / "archive", code=2)
    assert told(refused).startswith(f"{tmp_path / 'archive'} holds no archive: name another by --archive")
    assert not list(tmp_path.iterdir())


def test_nothing_to_rebuild_from(tmp_path: Path) -> None:
    assert told(ciwen("rebuild", archive=tmp_path, code=2)).startswith(f"{tmp_path} holds no archive: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("http://ci.china.com.cn/2025-06/04/content_99999999.html", None, "no article 'http://ci.china.com.cn/"),
        ("what", None, "no article 'what' in "),
        ("", None, "no article '' in "),
        ("43000001", 2, "article '43000001' has versions 1 to 1, not 2"),
    ],
)
def test_article_that_is_not_there(archive: Path, name: str, version: int | None, says: str) -> None:
    with closing(queries.opened(archive)) as database, pytest.raises(UsageError, match=says):
        queries.article(database, name, version)


def test_article_that_is_not_there_is_told_in_a_line(archive: Path) -> None:
    assert told(ciwen("show", "99999999", archive=archive, code=2)) == f"no article '99999999' in {archive}"


def test_no_command_shows_what_there_is() -> None:
    ended = ciwen("--help", pace=())
    bare = subprocess.run([CIWEN], capture_output=True, text=True, check=False, cwd=ROOT)
    assert bare.returncode == 2
    assert bare.stderr == "ciwen: no command given: `ciwen --help` tells how\n"
    for text in (bare.stdout, ended.out):
        assert all(command in text for command in ("crawl", "replay", "rebuild", "status", "show"))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_in_our_words(command: str) -> None:
    shown = ciwen(*([command] if command else []), "--help", pace=(), env={"COLUMNS": "120"}).out
    assert "Print this and leave." in shown
    for theirs in ("Show this message", "Install completion", "<bool>", "BOOLEAN"):
        assert theirs not in shown
    rows = [line.strip("│ \n") for line in shown.splitlines() if line.startswith("│ --")]
    assert all(re.search(r"  \S", row) for row in rows)


def test_help_of_what_runs_tells_the_exit_codes() -> None:
    for command in ("crawl", "replay"):
        shown = ciwen(command, "--help", pace=(), env={"COLUMNS": "300"}).out
        assert all(f" {code} " in shown for code in (0, 1, 2, 3, 4, 6, 130))


def test_version() -> None:
    assert ciwen("--version", pace=()).out == f"ciwen {__version__}\n"


# --- What is printed, and where -------------------------------------------------------------------------------------


def test_crawl_prints_its_summary_and_nothing_else(tmp_path: Path, channel: Channel) -> None:
    ended = ciwen("crawl", archive=tmp_path, channel=channel)
    assert ended.out.startswith("瓷闻天下: done\n")
    assert not ended.err


def test_verbose_prints_the_log_beside_it(tmp_path: Path, channel: Channel) -> None:
    ended = ciwen("crawl", "-v", "--max-articles", "1", archive=tmp_path, channel=channel)
    assert ended.out.startswith("瓷闻天下: done\n")
    assert "[scrapy.core.engine] INFO: Spider opened" in ended.err


def test_quiet_prints_nothing_where_all_is_well(tmp_path: Path, channel: Channel, archive: Path) -> None:
    for command in (["crawl"], ["replay", archive], ["rebuild"]):
        ended = ciwen(*command, "--quiet", archive=tmp_path / "archive", channel=channel)
        assert (ended.out, ended.err) == ("", "")


def test_quiet_says_why_where_it_is_not(tmp_path: Path) -> None:
    crawled = ciwen("crawl", "--quiet", archive=tmp_path, code=3)
    assert told(crawled).startswith("no start page answered (http://ci.china.com.cn/: ")


def test_json_of_everything_parses(tmp_path: Path, channel: Channel, archive: Path) -> None:
    dry = json.loads(ciwen("crawl", "--dry-run", "--json", "--no-images", archive=tmp_path, channel=channel).out)
    assert {each["id"] for each in dry} == {f"china.com.cn:{article.number}" for article in ARTICLES}
    crawled = json.loads(ciwen("crawl", "--json", "--max-articles", "2", archive=tmp_path, channel=channel).out)
    assert (crawled["outcome"], crawled["exit_code"], crawled["stats"]["verdicts"]) == ("done", 0, {"new": 2})
    replayed = json.loads(ciwen("replay", "--json", archive, archive=tmp_path).out)
    assert (replayed["mode"], replayed["exit_code"]) == ("replay", 0)
    rebuilt = json.loads(ciwen("rebuild", "--json", archive=tmp_path).out)
    state = json.loads(ciwen("status", "--json", archive=tmp_path).out)
    assert {name: rebuilt[name] for name in rebuilt.keys() - PASSING} == {
        name: state[name] for name in state.keys() - PASSING
    }
    assert (rebuilt["articles"], rebuilt["crawls"]) == (len(ARTICLES), len(rebuilt["runs"]))
    shown = json.loads(ciwen("show", "--json", ONE, archive=tmp_path).out)
    assert (shown["id"], shown["version"]) == (ONE, 1)


@pytest.mark.parametrize("name", ["43000001", ONE, ARTICLES[0].url, ARTICLES[0].url + "#top"])
def test_article_by_each_of_its_names(archive: Path, name: str) -> None:
    with closing(queries.opened(archive)) as database:
        assert queries.article(database, name)["id"] == ONE


def test_article_to_read(archive: Path) -> None:
    assert ciwen("show", "43000001", archive=archive).out.startswith(f"第一篇：{TURKISH}\n")


def test_html_and_evidence_of_an_article(archive: Path) -> None:
    assert ciwen("show", ONE, "--html", archive=archive).out.startswith("<p>")
    evidence = ciwen("show", ONE, "--evidence", archive=archive).out
    assert re.search(r"^title +\S", evidence, re.MULTILINE)
    assert re.search(r"in +warc/ciwen-\S+\.warc\.gz, bytes \d+ to \d+", evidence)


def test_works_from_any_folder(tmp_path: Path, channel: Channel) -> None:
    ciwen("crawl", channel=channel, cwd=tmp_path)
    assert counts(tmp_path / "archive")["articles"] == len(ARTICLES)
    (tmp_path / "below").mkdir()
    named = {"CIWEN_ARCHIVE": "../archive"}
    assert ciwen("status", cwd=tmp_path / "below", env=named).out.startswith(
        "../archive\n  articles    6 in 6 versions"
    )
    assert ciwen("rebuild", archive=Path("../archive"), cwd=tmp_path / "below").out.startswith("../archive\n")


# --- Who reads ------------------------------------------------------------------------------------------------------


def test_reader_that_has_read_enough(archive: Path) -> None:
    line = f"'{CIWEN}' show {ONE} --json --archive '{archive}'; echo $? >&2"
    read = subprocess.run(["sh", "-c", f"({line}) | head -c 1"], capture_output=True, text=True, check=True)
    assert (read.stdout, read.stderr) == ("{", "0\n")


def test_reader_that_is_gone_changes_no_exit_code(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    line = [CIWEN, "crawl", "--archive", tmp_path, "--start", "http://127.0.0.1:9/", *PACE]
    assert subprocess.run(line, stdout=writing, stderr=writing, check=False).returncode == 3
    os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written(archive: Path) -> None:
    with Path("/dev/full").open("w") as full:
        line = [CIWEN, "status", "--archive", archive]
        ended = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 6
    assert ended.stderr == "ciwen: cannot write to standard output: No space left on device\n"


def test_terminal_that_lacks_letters(archive: Path) -> None:
    line = [CIWEN, "show", ONE, "--archive", archive]
    ended = subprocess.run(line, capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "gbk"})
    assert ended.stdout.decode("gbk").startswith("第一篇：Kad\\u0131k")
    assert not ended.stderr


@pytest.mark.parametrize("no_color", [True, False])
def test_colours_on_a_terminal(tmp_path: Path, channel: Channel, no_color: bool) -> None:
    ours, theirs = pty.openpty()
    line = [CIWEN, "crawl", "--archive", tmp_path, "--no-images", *PACE]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"http_proxy": channel.proxy, "no_proxy": "", "TERM": "xterm-256color"}
    environment |= {"NO_COLOR": "1"} if no_color else {}
    with subprocess.Popen(line, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0
    assert "瓷闻天下: done".encode() in shown
    assert bool(COLOUR.search(shown)) is not no_color
