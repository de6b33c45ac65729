"""A template that changes is found in the first run that brings ten pages of it, by the right field; ordinary variety
never is.
"""

import copy
import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.decision import Decision
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.health.finding import Finding
from ciwen_crawler.health.judgement import judged
from ciwen_crawler.health.sample import QUARANTINED
from ciwen_crawler.pages import extractor_digest, missing, read_article
from ciwen_crawler.warc.record import new_id
from fixtures.markup import home_page, list_page, list_url
from fixtures.server import Channel
from fixtures.site import HOME
from tests.database import counts, select, tables
from tests.drift import Drift, Ordinary, Page, Watch, changes
from tests.program import UNPACED, ciwen
from tests.rebuilt import rebuilt

SEED = 7
HELD = 80  # articles that the archive has read before
CHANGES = {drift.name: drift for drift in changes()}


@cache
def archive(seed: int) -> tuple[Watch, Sequence[Page], Sequence[Page]]:
    """What an archive knows, the pages that it has read, and the next texts."""
    channel, watch = Ordinary(seed), Watch()
    read = channel.pages(HELD)
    assert watch.run(read) == []
    return watch, read, channel.texts(20)


def watch_of(seed: int = SEED) -> Watch:
    return copy.deepcopy(archive(seed)[0])


def one_a_run(watch: Watch, pages: Sequence[Page]) -> Iterator[list[Finding]]:
    """What each run found, until one has found what is more than a single page's fault."""
    for page in pages:
        found = watch.run([page])
        yield found
        if any(finding.captures or finding.monitor not in ("page", "length") for finding in found):
            return


def test_there_are_changes_of_every_kind() -> None:
    assert len(CHANGES) >= 24
    assert len({drift.field for drift in CHANGES.values()}) >= 11
    assert {drift.monitor for drift in CHANGES.values()} >= {
        "filled", "length", "precision", "rule", "same", "swapped", "writing"
    }  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_ten_new_pages_in_one_run(name: str) -> None:
    drift = CHANGES[name]
    first, *others = watch_of().run(drift(archive(SEED)[2][: drift.pages]))
    assert drift.is_named_by(first), first
    assert others == [], "one fault, one finding"


@pytest.mark.parametrize("name", CHANGES)
def test_ten_new_pages_one_a_run(name: str) -> None:
    drift = CHANGES[name]
    *_, last = one_a_run(watch_of(), drift(archive(SEED)[2][: drift.pages]))
    assert last and drift.is_named_by(last[0]), last


@pytest.mark.parametrize("name", CHANGES)
def test_ten_known_pages_in_one_run(name: str) -> None:
    drift = CHANGES[name]
    found = watch_of().run(drift(archive(SEED)[1][-10:]))
    assert found and found[0].field in drift.field.split(), found


def test_a_hundred_runs_of_ordinary_variety() -> None:
    assert lived(SEED, 100, 20) == []


def test_what_is_written_again_as_it_was_is_no_change() -> None:
    assert watch_of().run(archive(SEED)[1]) == []


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 110))
def test_every_change_in_ten_channels(seed: int) -> None:
    _, read, new = archive(seed)
    for drift in CHANGES.values():
        in_one = watch_of(seed).run(drift(new[: drift.pages]))
        *_, in_ten = one_a_run(watch_of(seed), drift(new[: drift.pages]))
        again = watch_of(seed).run(drift(read[-10:]))
        assert in_one and drift.is_named_by(in_one[0]), (drift.name, in_one)
        assert in_ten and drift.is_named_by(in_ten[0]), (drift.name, in_ten)
        assert again and again[0].field in drift.field.split(), (drift.name, again)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(200, 210))
def test_a_hundred_runs_each_in_ten_channels(seed: int) -> None:
    assert lived(seed, 100, HELD) == []


def lived(seed: int, runs: int, held: int) -> list[list[str]]:
    """The alarms of so many runs: of one new article or of a dozen, beside some that are looked at again."""
    chance, channel, watch = random.Random(seed), Ordinary(seed), Watch()
    seen = channel.pages(held)
    found = [watch.run(seen)]
    for _ in range(runs):
        new = channel.pages(chance.choice([1, 1, 1, 2, 3, 5, 12]))
        found.append(watch.run([*new, *chance.sample(seen[-20:], 2)]))
        seen += new
    return [[finding.line for finding in each] for each in found if each]


# --- Over the network -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crawled:
    """An archive after a sound crawl, and one of a changed template."""

    archive: Path
    err: str
    report: dict[str, Any]
    again: dict[str, Any]  # the tables as the WARC files give them


CRAWLED = ("source and editor swapped", "less than half of the body", "consent wall", "title wrapped")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of forty articles, to be copied."""
    folder = tmp_path_factory.mktemp("sound") / "archive"
    with Channel(served(archive(SEED)[1][-40:])) as channel:
        ciwen("crawl", "--no-images", archive=folder, channel=channel)
    return folder


@pytest.fixture(scope="module", params=CRAWLED)
def crawled(
    request: pytest.FixtureRequest, sound: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Drift, Crawled]:
    """Ten more articles come, and the template has changed for them."""
    drift, folder = CHANGES[request.param], tmp_path_factory.mktemp("crawled")
    copied = Path(shutil.copytree(sound, folder / "archive"))
    with Channel(served([*drift(archive(SEED)[2][: drift.pages]), *archive(SEED)[1][-5:]])) as channel:
        ended = ciwen("crawl", "--no-images", archive=copied, channel=channel, code=3, pace=UNPACED)
    return drift, Crawled(copied, ended.err, newest_report(copied), rebuilt(copied, folder / "again"))


def served(pages: Sequence[Page]) -> dict[str, str]:
    """A channel by address."""
    listed = list_page(page.article.link for page in pages)
    return {HOME: home_page([(list_url(), "瓷闻天下")]), list_url(): listed} | {page.url: page.html for page in pages}


def test_crawl_ends_with_the_line(crawled: tuple[Drift, Crawled]) -> None:
    drift, run = crawled
    (finding,) = run.report["health"]
    assert (finding["field"], finding["monitor"]) == (drift.field, drift.monitor)
    assert run.err == f"ciwen: {finding['line']}\n"
    assert len(finding["examples"]) == 3
    assert set(finding) == {"monitor", "field", "before", "after", "examples", "line"}


def test_what_was_decided_is_in_quarantine_and_a_rebuild_gives_the_same(crawled: tuple[Drift, Crawled]) -> None:
    drift, run = crawled
    assert run.again == tables(run.archive)
    refused = counts(run.archive)["quarantine"]
    assert refused == counts(run.archive)["decisions"]
    assert refused == 0 if drift.monitor == "rule" else refused >= 7
    assert counts(run.archive)["articles"] == 40 + drift.pages - refused


def test_code_that_has_learned_reads_again_what_was_decided_against(
    crawled: tuple[Drift, Crawled], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("store.store", "store.upkeep"):
        monkeypatch.setattr(f"ciwen_crawler.{module}.extractor_digest", lambda: "learned")
    drift, run = crawled
    assert len(rebuilt(run.archive, tmp_path / "learned")["articles"]) == 40 + drift.pages


# --- On a disk, run after run ---------------------------------------------------------------------------------------


def test_ten_runs_of_one_page_each_are_judged_by_their_reports(sound: Path, tmp_path: Path) -> None:
    """What the last one finds is decided for all of them, and the next one's page goes the same way."""
    copied = Path(shutil.copytree(sound, tmp_path / "archive"))
    pages = CHANGES["source emptied"](archive(SEED)[2][:10])
    outcomes = [taken(copied, [page]) for page in pages]
    told = [outcome for outcome in outcomes if outcome]
    assert outcomes[0] == [] and 1 < len(told) < 10
    assert all(finding.field == "source" for (finding,) in told)
    urls = {row["captured_url"] for row in select(copied, "SELECT captured_url FROM versions")}
    assert len(urls) == 40 and urls.isdisjoint(page.url for page in pages)
    assert rebuilt(copied, tmp_path / "again") == tables(copied)
    assert taken(copied, archive(SEED)[2][:1]) == [], "a sound page raises no alarm for those before it"


def test_page_without_body_is_told_once(sound: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(sound, tmp_path / "archive"))
    hollow = CHANGES["markers emptied"](archive(SEED)[2][:1])
    (finding,) = taken(copied, hollow)
    assert finding.line == f"body: absent in 1 article ({hollow[0].url})"
    assert taken(copied, hollow) == []
    assert taken(copied, archive(SEED)[2][:1]) == [], "it has its body"


def taken(folder: Path, pages: Sequence[Page]) -> list[Finding]:
    """What a crawl does that has fetched these pages, and its findings."""
    run = Archive(folder, begin(CRAWL, "瓷闻天下", new_id()), {})
    for page in pages:
        body = page.html.encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        asked = b"GET / HTTP/1.1\r\nHost: ci.china.com.cn\r\n\r\n"
        capture = run.keep(Exchange(page.url, clock.now(), asked, answer, kind=ARTICLE, via=list_url()))
        assert capture
        article = run.store.looks.add(capture, read_article(capture))
        assert article
        run.tally.read_article(article)
        reasons = missing(article)
        run.observe(article, QUARANTINED if reasons else run.store.articles.judge(article), reasons)
        run.store.decide(article)
    past = run.past()
    tally = replace(run.tally, starts_asked=1, starts_answered=1)
    found = judged(tally, run.looked.samples, past, clock.moment())
    for each in found:
        if each.captures:
            run.decide(Decision(each.monitor, each.field or "", each.reason, each.captures))
    run.finish("done", 0, tally.as_dict() | run.looked.as_dict(extractor_digest()))
    return found


def newest_report(folder: Path) -> dict[str, Any]:
    """What the newest run says of itself."""
    report: dict[str, Any] = json.loads(max((folder / "runs").glob("*.json")).read_text())
    return report
