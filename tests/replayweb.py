"""ReplayWeb.page with one WACZ open: its own app from the npm package, worked as a reader works it."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests import judges
from tests.program import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Locator, Page

APP = ROOT / ".replayweb"  # index.html, ui.js, sw.js
# What stands before an address that is shown from an archive.
REPLAYED_FROM = re.compile(r"http://127\.0\.0\.1:\d+/w/[^/]+/(:[^/]+/)?\d*([a-z]+_)?/")


class ReplayWeb:
    """A tab of it. `site` serves the app, and the WACZ by its name."""

    def __init__(self, context: "BrowserContext", site: str, wacz: str) -> None:
        self.tab: Page = context.new_page()
        self._home = f"{site}/?{urlencode({'source': f'{site}/{wacz}'})}"

    def list_pages(self) -> None:
        """Show what the WACZ gives out as its pages."""
        self.tab.goto(f"{self._home}#view=pages")
        self.titles.first.wait_for()

    def search(self, word: str) -> None:
        """Look for pages with a word in their address, title or text."""
        self.tab.get_by_placeholder("Search by Page URL").fill(word)

    @property
    def titles(self) -> "Locator":
        """The titles of the pages listed at the moment."""
        return self.tab.locator("wr-page-entry .page-title")

    def listed(self) -> list[tuple[str, str]]:
        """(address, title) of the pages listed at the moment."""
        texts = "elements => elements.map(each => each.querySelector('keyword-mark').textContent)"
        addresses = self.tab.locator("wr-page-entry .page-url").evaluate_all(texts)
        return list(zip(addresses, self.titles.evaluate_all(texts), strict=True))

    def replay(self, url: str, moment: str) -> "Frame":
        """A page as it was at a moment (ISO), once it is there with all that it names."""
        stamp = "".join(re.findall(r"\d", moment))[:14]
        self.tab.goto("about:blank")  # or else the app would still show what it showed for a moment
        self.tab.goto(f"{self._home}#{urlencode({'view': 'replay', 'url': url, 'ts': stamp})}")
        return self.shown()

    def shown(self) -> "Frame":
        """The archived page that is shown, once it is there with all that it names."""
        handle = self.tab.locator("wr-coll-replay iframe").element_handle()
        frame = handle.content_frame() if handle else None
        assert frame
        frame.wait_for_url(REPLAYED_FROM)
        frame.wait_for_load_state("load")
        return frame


def installed() -> None:
    """ReplayWeb.page is there."""
    if not (APP / ".installed").exists():
        judges.missing("ReplayWeb.page", "make browser, with npm and Chromium")
