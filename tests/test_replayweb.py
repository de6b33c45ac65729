"""ReplayWeb.page in Chromium, an outside judge: a WACZ lists its articles, finds them by Chinese words and shows them
as they were on the channel, revisits and older versions included.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.server import Channel
from tests import replayweb
from tests.browser import chromium
from tests.database import Rows, select
from tests.file_server import FileServer
from tests.program import ciwen
from tests.replayweb import REPLAYED_FROM, ReplayWeb

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page

WACZ = "channel.wacz"
HOME = "http://ci.china.com.cn/"
SEED = "http://ci.china.com.cn/2025-06/04/content_43135627.html"
EDITED = "http://ci.china.com.cn/2024-03/11/content_42685423.html"
BEFORE, AFTER = "映春山", "照春江"
WIDE = {"width": 1600, "height": 1000}
PATIENCE = 30_000  # milliseconds

# What a page looks like: the box, colours and letters of each of its elements, but for the addresses of pictures.
LOOKS = """() => [...document.body.querySelectorAll("*")].map(element => {
    const {x, y, width, height} = element.getBoundingClientRect(), style = getComputedStyle(element);
    return [element.tagName, x, y, width, height, style.display, style.color, style.backgroundColor, style.fontSize,
            style.fontFamily, style.borderTop, style.backgroundImage];
})"""
IMAGES = "() => [...document.images].map(image => [image.src, image.naturalWidth, image.naturalHeight])"


@dataclass(frozen=True)
class Shown:
    """What a reader sees of a page, without the place that it is shown from."""

    title: str
    text: str
    images: list[Any]
    looks: list[Any]


def seen(frame: "Frame | Page") -> Shown:
    """A page that has loaded."""
    return Shown(
        frame.title(),
        frame.inner_text("body"),
        at_home(frame.evaluate(IMAGES)),
        at_home(frame.evaluate(LOOKS)),
    )


def at_home(value: Any) -> Any:
    """The same with the addresses that things have on the web."""
    if isinstance(value, list):
        return [at_home(each) for each in value]
    return REPLAYED_FROM.sub("", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, shared_channel: Channel) -> Path:
    """The bundled channel, crawled twice. Between the crawls one article was changed, and after them changed back."""
    replayweb.installed()
    folder = tmp_path_factory.mktemp("replayweb") / "archive"
    ciwen("crawl", archive=folder, channel=shared_channel)
    shared_channel.edit(EDITED, BEFORE, AFTER)
    ciwen("crawl", archive=folder, channel=shared_channel)
    shared_channel.edit(EDITED, AFTER, BEFORE)
    ciwen("crawl", "--start", EDITED, archive=folder, channel=shared_channel)
    return folder


@pytest.fixture(scope="module")
def site(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """ReplayWeb.page and the WACZ on loopback."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("index.html", "ui.js", "sw.js"):
        shutil.copy(replayweb.APP / name, folder)
    ciwen("export", "wacz", "-o", folder / WACZ, archive=archive)
    with FileServer(folder) as server:
        yield server


@pytest.fixture(scope="module")
def browser(site: FileServer) -> "Iterator[Browser]":
    """Chromium, which reaches `site` and nobody else."""
    with chromium(site.url) as running:
        yield running


@pytest.fixture(scope="module")
def context(browser: "Browser", site: FileServer) -> "BrowserContext":
    """A profile that has loaded the WACZ."""
    profile = browser.new_context(viewport=WIDE)
    profile.set_default_timeout(PATIENCE)
    app = ReplayWeb(profile, site.url, WACZ)
    app.list_pages()
    app.tab.close()
    return profile


@pytest.fixture
def app(context: "BrowserContext", site: FileServer, tmp_path: Path) -> Iterator[ReplayWeb]:
    """A tab of ReplayWeb.page, which asks nobody else for anything. What it shows in the end is left as a picture."""
    app = ReplayWeb(context, site.url, WACZ)
    yield app
    app.tab.screenshot(path=tmp_path / "shown.png")
    app.tab.close()
    assert site.strangers == []


@pytest.fixture(scope="module")
def live(browser: "Browser", shared_channel: Channel) -> "Page":
    """A tab that sees the channel itself."""
    return browser.new_context(proxy={"server": shared_channel.proxy}, viewport=WIDE).new_page()


def versions(archive: Path, with_word: str = "") -> Rows:
    """Every version that has a word in its title, body or captions, in the order of their addresses."""
    query = """
        SELECT url, title, min(fetched_at) AS at FROM versions
        JOIN version_captures AS page ON page.article_id = versions.article_id AND page.version = number AND page = 1
        JOIN captures ON captures.id = capture_id
        WHERE instr(title || body || coalesce((
            SELECT group_concat(caption) FROM images
            WHERE images.article_id = versions.article_id AND images.version = number), ''), ?) OR ? = ''
        GROUP BY versions.article_id, number ORDER BY url, number"""
    return select(archive, query, with_word, with_word)


def listed(app: ReplayWeb, count: int) -> list[tuple[str, str]]:
    """(address, title) of each page listed, once there are so many."""
    from playwright.sync_api import expect

    expect(app.titles).to_have_count(count, timeout=PATIENCE)
    return sorted(app.listed())


def told(rows: Rows) -> list[tuple[str, str]]:
    return sorted((row["url"], row["title"]) for row in rows)


def test_every_version_of_every_article_is_listed_with_its_title(app: ReplayWeb, archive: Path) -> None:
    rows = versions(archive)
    assert len(rows) > 40
    app.list_pages()
    assert listed(app, len(rows)) == told(rows)


@pytest.mark.parametrize("word", ["白瓷", "青瓷", "景德镇"])
def test_articles_are_found_by_a_word(app: ReplayWeb, archive: Path, word: str) -> None:
    rows = versions(archive, word)
    assert 0 < len(rows) < 25  # it shows no more of them than 25
    app.list_pages()
    app.search(word)
    assert listed(app, len(rows)) == told(rows)


def test_an_article_found_is_shown_as_it_is_on_the_channel(app: ReplayWeb, archive: Path, live: "Page") -> None:
    (row,) = versions(archive, "白瓷")
    app.list_pages()
    app.search("白瓷")
    listed(app, 1)
    app.titles.first.click()
    frame = app.shown()
    replayed = seen(frame)
    assert row["title"] in replayed.title
    assert replayed == on_the_channel(live, row["url"], frame)


def test_an_article_has_its_pictures_and_its_style(app: ReplayWeb, archive: Path, live: "Page") -> None:
    (row,) = select(archive, "SELECT fetched_at FROM captures WHERE url = ? AND record_type = 'response'", SEED)
    pictures = select(archive, "SELECT url FROM images WHERE article_id = 'china.com.cn:43135627'")
    frame = app.replay(SEED, row["fetched_at"])
    replayed = seen(frame)
    assert replayed == on_the_channel(live, SEED, frame)
    sizes = {url: (width, height) for url, width, height in replayed.images}
    assert len(pictures) > 5
    assert all(min(sizes[picture["url"]]) > 50 for picture in pictures)
    frame.evaluate("() => { for (const sheet of document.styleSheets) sheet.disabled = true; }")
    assert seen(frame).looks != replayed.looks


def test_a_page_that_had_not_changed_is_shown_at_the_moment_it_was_asked_for_again(
    app: ReplayWeb, archive: Path, live: "Page"
) -> None:
    query = "SELECT record_type, status, fetched_at FROM captures WHERE url = ? ORDER BY fetched_at"
    first, again = select(archive, query, SEED)
    assert (first["record_type"], first["status"]) == ("response", 200)
    assert (again["record_type"], again["status"]) == ("revisit", 304)
    frame = app.replay(SEED, again["fetched_at"])
    assert seen(frame) == on_the_channel(live, SEED, frame)


def test_each_version_is_shown_at_its_moment(app: ReplayWeb, archive: Path) -> None:
    rows = select(archive, "SELECT record_type, fetched_at FROM captures WHERE url = ? ORDER BY fetched_at", EDITED)
    # The third stands for the first, and what lies between must not be taken for that.
    assert [row["record_type"] for row in rows] == ["response", "response", "revisit"]
    shown = [app.replay(EDITED, row["fetched_at"]).inner_text("body") for row in rows]
    assert [(BEFORE in text, AFTER in text) for text in shown] == [(True, False), (False, True), (True, False)]


def test_a_link_leads_from_the_home_page_to_an_article(app: ReplayWeb, archive: Path) -> None:
    (row, *_) = select(archive, "SELECT fetched_at FROM captures WHERE url = ? ORDER BY fetched_at", HOME)
    frame = app.replay(HOME, row["fetched_at"])
    title = frame.locator("a[href*=content_]:visible").first.inner_text()
    frame.locator("a[href*=content_]:visible").first.click()
    frame.wait_for_url("**/content_*")
    assert title in app.shown().inner_text("body")


def on_the_channel(live: "Page", url: str, frame: "Frame") -> Shown:
    """The page as a reader of the channel sees it in a window as large as the frame."""
    width, height = frame.evaluate("() => [innerWidth, innerHeight]")
    live.set_viewport_size({"width": width, "height": height})
    live.goto(url, wait_until="load")
    return seen(live)
