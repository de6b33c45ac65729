"""Chromium without a head, that reaches nobody but 127.0.0.1."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests import judges

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What Chromium asks its makers for unbidden goes nowhere, so that what reaches the proxy is of a page's doing.
_QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--gaia-url=http://127.0.0.1:9",
    "--component-updater=url-source=http://127.0.0.1:9/",
    # The last --disable-features counts: the driver's own are in here.
    "--disable-features=AutofillServerCommunication,AvoidUnnecessaryBeforeUnloadCheckSync,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,"
    "PreconnectToSearch",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextmanager
def chromium(proxy: str) -> Iterator["Browser"]:
    """A browser with an empty profile; `proxy` gets whatever is not addressed to 127.0.0.1."""
    name = os.environ.get("CHROMIUM", "chromium")
    program = shutil.which(name)
    if not program:
        judges.missing(name, "apt-get install chromium, or CHROMIUM=… for another of its names")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        judges.missing("playwright", "make browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*_QUIET, f"--proxy-server={proxy}"])
        yield browser
        browser.close()
