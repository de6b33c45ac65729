"""A crawl with nothing new costs about as much in an archive of 100,000 articles as in one of 1,000.

`python -m bench.growth` measures the seconds; these are the costs that are the same on any machine.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from bench import WORK
from bench.grown import CHANNEL, grown, lists
from fixtures.server import Channel
from tests.program import ROOT, UNPACED, ciwen

pytestmark = pytest.mark.torture

SMALL, LARGE = 1000, 100_000
MOST_MB = 200
MOST_TIMES = 3


class Cost(NamedTuple):
    """What a run cost."""

    requests: int
    steps: int  # of SQLite, in thousands
    peak_mb: float


def costs(count: int, folder: Path) -> list[Cost]:
    """A walk of the whole list, as one is due once a week, and two runs with nothing new."""
    archive = grown(WORK / "grown" / str(count), count)
    (folder / "ciwen").mkdir(exist_ok=True)
    (folder / "ciwen" / "channels.toml").write_text(CHANNEL, encoding="utf-8")
    told = folder / "cost.json"
    environment = {"XDG_CONFIG_HOME": str(folder), "CIWEN_COST": str(told)}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "counting")
    found = []
    with Channel(lists(count)) as channel:
        for _ in range(3):
            channel.log.clear()
            ciwen("crawl", "grown", "--quiet", archive=archive, channel=channel, pace=UNPACED, env=environment)
            cost = json.loads(told.read_text(encoding="ascii"))
            found.append(Cost(len(channel.log.settled()), cost["steps"], cost["peak"] / 1024))
    return found


def test_a_crawl_with_nothing_new_is_as_cheap_in_a_large_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small, large = costs(SMALL, tmp_path), costs(LARGE, tmp_path)
    with capsys.disabled():
        for count, found in ((SMALL, small), (LARGE, large)):
            print(f"\n{count:,}: {'; '.join(map(str, found))}")
    for before, now in zip(small[1:], large[1:], strict=True):
        assert now.requests == before.requests
        assert now.steps < MOST_TIMES * before.steps
    assert max(cost.peak_mb for cost in large) < MOST_MB
