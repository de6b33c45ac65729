"""What an hourly crawl costs while nothing changes: requests, bytes and rows."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.log import Entry
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import UNPACED, ciwen
from tests.rebuilt import rebuilt

RUNS = 10
EXCHANGE, RUN = 1300, 4096  # bytes that each may add


@dataclass
class Hours:
    """A first crawl, and what ten further ones of the unchanged channel added."""

    archive: Path
    first: list[Entry] = field(default_factory=list)
    further: list[Entry] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # bytes of warc/ after each run


def size_of(archive: Path) -> int:
    """What the WARC files take."""
    return sum(path.stat().st_size for path in (archive / "warc").iterdir())


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Hours:
    found = Hours(tmp_path_factory.mktemp("hours"))
    with Channel() as channel:
        for run in range(1 + RUNS):
            channel.log.clear()
            ciwen("crawl", archive=found.archive, channel=channel, pace=UNPACED)
            (found.further if run else found.first).extend(channel.log.settled())
            found.sizes.append(size_of(found.archive))
    return found


@pytest.fixture(scope="module")
def rows(hours: Hours) -> dict[str, Rows]:
    return tables(hours.archive)


def test_only_robots_and_lists_are_asked_for(hours: Hours, rows: dict[str, Rows]) -> None:
    kinds = {row["url"]: row["kind"] for row in rows["captures"]}
    asked = [entry.url for entry in hours.further]
    assert {kinds[url] for url in asked} == {"robots", "list"}
    lists = {url for url, kind in kinds.items() if kind == "list"}
    assert {url: asked.count(url) for url in lists} == dict.fromkeys(lists, RUNS)
    assert len(asked) < len(hours.first) * RUNS / 5


def test_what_a_further_crawl_adds_is_small(hours: Hours) -> None:
    first, added = hours.sizes[0], hours.sizes[-1] - hours.sizes[0]
    most = len(hours.further) * EXCHANGE + RUNS * RUN
    print(
        f"{RUNS} further crawls: {len(hours.further)} exchanges, {added} bytes, {added / len(hours.further):.0f} "
        f"an exchange (at most {most} may be), {added / RUNS / first:.2%} of the first crawl's {first} each"
    )
    assert 0 < added <= most


def test_a_single_run_keeps_to_it_too(hours: Hours) -> None:
    exchanges = len(hours.further) / RUNS
    growth = [after - before for before, after in zip(hours.sizes, hours.sizes[1:], strict=False)]
    assert max(growth) <= exchanges * EXCHANGE + RUN


def test_rebuilt_is_crawled(hours: Hours, rows: dict[str, Rows], tmp_path: Path) -> None:
    assert rebuilt(hours.archive, tmp_path / "rebuilt") == rows
    assert len(rows["crawls"]) == 1 + RUNS
