"""One crawl of hosts that mean harm by what their pages hold, their robots.txt and their TLS: each trick leaves what it
must, the good pages between are all there, nothing is asked of anybody else.
"""

import json
import re
import shutil
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.markup import Article, home_page, list_page, list_url, picture
from fixtures.site import HOME
from tests.database import select, tables
from tests.hostile import Hostile, Trick, page, says
from tests.hostile_pages import (
    ASSETS,
    CUT,
    IMAGES,
    IN_PART,
    LISTS,
    PAGED,
    PAGES,
    PASSWORDS,
    QUARANTINE,
    RENAMED,
    ROBOTS,
    importing,
    paged,
    renamed,
)
from tests.hostile_wire import ARTICLE, EXCESS, FAILURE, NOISE, Case, silent_after
from tests.odd_server import certificate
from tests.program import PACE, ciwen, environment_of
from tests.rebuilt import rebuilt
from tests.weighed import MOST, Weighed, weighed

BOUNDS = (*PACE, "-s", "DOWNLOAD_TIMEOUT=5", "-s", "RETRY_TIMES=0")
LONGEST_LIST, MOST_LISTS = 8, 40  # pages; lists
TLS = ("self-signed", "expired", "plain", "noise", "silent", "refused")
SITE = "china.com.cn"

ARTICLES = [Article(43000001 + place, f"第{place}篇") for place in range(2 * len(PAGES))]
TRICKED = dict(zip(PAGES, ARTICLES[::2], strict=True))
PICTURED = Article(43100001, "图", tuple(picture(f"/pic/{name}") for name in IMAGES))
GOOD = [*ARTICLES[1::2], PICTURED]
OF_ROBOTS = {name: Article(43200001 + at, name, host=f"{name}.{SITE}") for at, name in enumerate(ROBOTS)}
OF_TLS = {name: Article(43300001 + at, name, host=f"{name}.{SITE}") for at, name in enumerate(TLS)}
OF_LISTS = {name: list_url(8200000 + at) for at, name in enumerate(LISTS)}
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Left:
    """What the crawl left. The server goes on."""

    archive: Path
    folder: Path  # the settings and the archive are all that is in it
    code: int
    told: str  # on standard output and standard error
    memory: int  # bytes at the most
    server: Hostile
    had: set[str]  # addresses of articles
    stats: dict[str, Any]
    captured: set[str]  # addresses


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """The crawl of all tricks, once."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "etc" / "ciwen").mkdir(parents=True)
    (folder / "etc" / "ciwen" / "channels.toml").write_text(_channel(), "utf-8")
    archive = folder / "archive"
    with Hostile(_pages(), _tricks(), _secure(folder / "etc")) as server:
        run = _crawl(archive, server, folder)
        (report,) = (archive / "runs").glob("*.json")
        stats = json.loads(report.read_text("utf-8"))["stats"]
        had = {row["url"] for row in select(archive, "SELECT url FROM articles")}
        captured = {row["url"] for row in select(archive, "SELECT url FROM captures")}
        told = run.out + run.err
        yield Left(archive, folder, run.code, told, run.peak, server, had, stats, captured)


def _channel() -> str:
    hosts = [f"ci.{SITE}", *(article.host for article in (*OF_ROBOTS.values(), *OF_TLS.values()))]
    return (
        f'[hostile]\nname = "敌"\nstart = ["{HOME}"]\nhosts = {json.dumps(hosts)}\nminimum_articles = 5\n'
        f'list_pages = {LONGEST_LIST}\nlists = {MOST_LISTS}\nassets = ["*.{SITE}"]\n'
    )


def _pages() -> dict[str, bytes]:
    nodes = [(list_url(), "一"), (list_url(RENAMED), "改"), (list_url(PAGED), "页")]
    nodes += [(url, name) for name, url in OF_LISTS.items()]
    of_tls = [(article.url.replace("http:", "https:"), article.title) for article in OF_TLS.values()]
    links = [article.link for article in (*ARTICLES, PICTURED, *OF_ROBOTS.values())]
    named = "".join(f"<link rel=stylesheet href='/css/{name}'>" for name in ASSETS if name.endswith(".css"))
    main = list_page(links + of_tls).replace("</head>", f"{named}<script src='/css/script.js'></script></head>", 1)
    articles = (*ARTICLES, PICTURED, *OF_ROBOTS.values(), *OF_TLS.values())
    return {
        HOME: home_page(nodes).encode(),
        list_url(): main.encode(),
        **{article.url: article.page().encode() for article in articles},
    }


def _tricks() -> dict[str, Trick]:
    return {
        **{TRICKED[name].url: case.trick for name, case in PAGES.items()},
        **{OF_LISTS[name]: case.trick for name, case in LISTS.items()},
        **{f"{HOME}css/{name}": trick for name, trick in ASSETS.items()},
        **{f"{HOME}pic/{name}": case.trick for name, case in IMAGES.items()},
        **{f"http://{name}.{SITE}/robots.txt": case.trick for name, case in ROBOTS.items()},
        f"{HOME}css/many-*": importing,
        f"{HOME}node_{RENAMED // 100000}*": renamed,
        f"{HOME}node_{PAGED // 100000}*": paged,
    }


def _secure(folder: Path) -> dict[str, ssl.SSLContext | Trick]:
    """What the hosts' ports for TLS do; that of `refused` is closed."""
    long_ago = datetime.now(UTC) - timedelta(days=400)
    contexts = {}
    for name, moment in (("self-signed", datetime.now(UTC)), ("expired", long_ago)):
        (folder / name).mkdir()
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(certificate(folder / name, f"{name}.{SITE}", moment))
    plays = {"plain": says(page(b"<h1>no TLS</h1>")), "noise": says(NOISE), "silent": silent_after(b"")}
    return {f"{name}.{SITE}": play for name, play in {**contexts, **plays}.items()}


def _crawl(archive: Path, server: Hostile, folder: Path) -> Weighed:
    line = [Path(sys.executable).with_name("ciwen"), "crawl", "hostile", "--archive", archive, *BOUNDS]
    own = {"http_proxy": server.proxy, "https_proxy": server.proxy, "XDG_CONFIG_HOME": str(folder / "etc")}
    return weighed(line, environment_of(None) | own)


def assert_left(left: Left, case: Case, url: str) -> None:
    """See that a trick is told of where it must be, and only there."""
    kept = {"failures": {FAILURE}, "excesses": {EXCESS, CUT, IN_PART}, "quarantines": {QUARANTINE, CUT}}
    for place, kinds in kept.items():
        told = [json.dumps(each, ensure_ascii=False) for each in left.stats.get(place, ()) if each["url"] == url]
        assert bool(told) == (case.leaves in kinds), (place, told)
        assert all(case.says in each for each in told)


def test_run_ends_well(left: Left) -> None:
    assert (left.code, left.server.faults) == (0, [])
    assert "Traceback" not in left.told
    assert 0 < left.memory < MOST


def test_good_pages_are_all_there(left: Left) -> None:
    assert {article.url for article in GOOD} <= left.had


@pytest.mark.parametrize("name", PAGES)
def test_page_leaves(left: Left, name: str) -> None:
    url = TRICKED[name].url
    assert url in left.captured
    assert (url in left.had) == (PAGES[name].leaves in (ARTICLE, IN_PART))
    assert_left(left, PAGES[name], url)


@pytest.mark.parametrize("name", LISTS)
def test_list_leaves(left: Left, name: str) -> None:
    assert OF_LISTS[name] in left.captured
    assert_left(left, LISTS[name], OF_LISTS[name])


@pytest.mark.parametrize("name", IMAGES)
def test_image_leaves(left: Left, name: str) -> None:
    assert f"{HOME}pic/{name}" in left.captured
    assert_left(left, IMAGES[name], f"{HOME}pic/{name}")


@pytest.mark.parametrize("name", ASSETS)
def test_asset_is_kept(left: Left, name: str) -> None:
    assert f"{HOME}css/{name}" in left.captured


@pytest.mark.parametrize("name", ROBOTS)
def test_robots_txt_leaves(left: Left, name: str) -> None:
    url = OF_ROBOTS[name].url
    assert (url in left.had) == (ROBOTS[name].leaves == ARTICLE)
    assert (url in left.server.asked) == (url in left.had)
    assert_left(left, ROBOTS[name], url)


@pytest.mark.parametrize("name", TLS)
def test_host_that_is_not_who_it_says_gives_nothing(left: Left, name: str) -> None:
    url = OF_TLS[name].url.replace("http:", "https:")
    assert f"CONNECT {OF_TLS[name].host}" in left.server.asked
    assert url not in left.server.asked
    assert not {url, OF_TLS[name].url} & (left.had | left.captured)
    assert [each["url"] for each in left.stats["failures"] if each["url"] == url] == [url]


def test_what_never_ends_is_followed_up_to_a_bound(left: Left) -> None:
    lists = {url for url in left.server.asked if f"/node_{RENAMED // 100000}" in url}
    pages = {url for url in left.server.asked if f"/node_{PAGED}" in url}
    sheets = {url for url in left.server.asked if "/css/many-" in url}
    assert 1 < len(lists) < MOST_LISTS
    assert len(pages) == LONGEST_LIST
    assert 1 < len(sheets) < 100


def test_nobody_else_is_asked(left: Left) -> None:
    hosts = {url.removeprefix("CONNECT ").removeprefix("http://").partition("/")[0] for url in left.server.asked}
    assert {host for host in hosts if not host.endswith(f".{SITE}")} == set()
    heads = b"\n".join(left.server.requests).lower()
    for secret in (b"cookie:", b"authorization:", b"secret"):
        assert secret not in heads


def test_no_file_is_read_and_none_written_elsewhere(left: Left) -> None:
    passwords = Path(PASSWORDS).read_text("utf-8").splitlines()[0]
    assert passwords not in json.dumps(tables(left.archive), ensure_ascii=False, default=str)
    assert {path.name for path in left.folder.iterdir()} == {"archive", "etc"}
    ours = re.compile(r"warc|runs|\.lock|ciwen\.sqlite|MANIFEST\.sha256|ciwen-[\w.-]+\.warc\.gz|\d+-[0-9a-f]+\.json")
    assert [path.name for path in left.archive.rglob("*") if not ours.fullmatch(path.name)] == []


def test_archive_is_whole(left: Left, tmp_path: Path) -> None:
    ciwen("verify", archive=left.archive)
    assert rebuilt(left.archive, tmp_path / "again") == tables(left.archive)


@pytest.mark.parametrize("name", ["controls", "odd characters", "links of controls"])
@pytest.mark.parametrize("form", [(), ("--html",), ("--evidence",), ("--json",)], ids=" ".join)
def test_what_is_shown_commands_no_terminal(left: Left, name: str, form: tuple[str, ...]) -> None:
    shown = ciwen("show", TRICKED[name].url, *form, archive=left.archive).out
    assert shown
    assert _COMMANDS.search(shown) is None


def test_a_dry_run_commands_no_terminal(left: Left, tmp_path: Path) -> None:
    start = ("--start", OF_LISTS["odd addresses"])
    told = ciwen("crawl", "--dry-run", *start, archive=tmp_path, env={"http_proxy": left.server.proxy})
    assert "x[2Jy" in told.out, "a title without what commands"
    assert _COMMANDS.search(told.out + told.err) is None
    assert _COMMANDS.search(left.told) is None


@pytest.mark.torture
def test_next_run_ends_well_too(left: Left, tmp_path: Path) -> None:
    archive = Path(shutil.copytree(left.archive, tmp_path / "archive"))
    run = _crawl(archive, left.server, left.folder)
    assert run.code == 0
    assert "Traceback" not in run.out + run.err
    assert run.peak < MOST
    ciwen("verify", archive=archive)
