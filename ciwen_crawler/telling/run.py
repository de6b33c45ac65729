"""A run: how it went, told in a few lines once it has ended."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ciwen_crawler.tally import Tally
from ciwen_crawler.telling.amounts import counted, sized

_UNHEALTHY = "unhealthy"


class Ended(Protocol):
    """What a summary needs of how a run ended."""

    @property
    def outcome(self) -> str: ...
    @property
    def lines(self) -> Sequence[str]: ...
    @property
    def report(self) -> Path | None: ...


def crawled(channel: str, archive: Path, tally: Tally, ended: Ended) -> str:
    """The summary of a crawl."""
    verdicts = tally.verdicts
    lines = [
        f"{channel}: {ended.outcome}",
        f"  lists     {counted(tally.lists, 'page')} read, {counted(tally.found, 'article')} found",
        f"  articles  {verdicts['new']} new, {verdicts['changed']} changed, {verdicts['same']} unchanged"
        + (f", {tally.absent} not there" if tally.absent else "")
        + (f", {tally.resting} not due" if tally.resting else ""),
        f"  images    {tally.images} fetched",
        *_assets(tally),
        f"  traffic   {counted(tally.exchanges, 'request')}"
        + (f", {tally.revisits} of them answered with what is held already" if tally.revisits else "")
        + f", {sized(tally.received)} received",
        *_troubles(tally),
        *_hosts(tally),
        *_next_time(tally),
        *_health(ended),
    ]
    return "\n".join([*lines, *_report(archive, ended)])


def replayed(archive: Path, tally: Tally, ended: Ended) -> str:
    """The summary of a replay."""
    verdicts = tally.verdicts
    lines = [
        f"replay: {ended.outcome}",
        f"  captures  {tally.records} taken in, {tally.skipped} held already",
        f"  articles  {', '.join(_told(verdicts))}",
        *_troubles(tally),
    ]
    return "\n".join([*lines, *_report(archive, ended)])


def _told(verdicts: Mapping[str, int]) -> Iterable[str]:
    yield f"{verdicts['new']} new, {verdicts['changed']} changed, {verdicts['same']} unchanged"
    if verdicts["late"]:
        yield f"{verdicts['late']} older than what is held"
    if verdicts["twin"]:
        yield f"{verdicts['twin']} other renderings of what is held"


def _assets(tally: Tally) -> Iterable[str]:
    if tally.assets or tally.assets_failed:
        lost = f", {tally.assets_failed} could not be had" if tally.assets_failed else ""
        yield f"  assets    {tally.assets} fetched{lost}"


def _troubles(tally: Tally) -> Iterable[str]:
    counts = {
        "quarantined": tally.quarantined,
        "incomplete": len(tally.incomplete),
        "failed": tally.failed,
        "disallowed": tally.disallowed,
        "off the channel": tally.off_hosts.count,
        "at private addresses": tally.private.count,
        "too large": tally.oversized,
        "without id": tally.without_id,
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if told:
        yield f"  left out  {told}"
    for file, cut in tally.repaired.items():
        what = f"{sized(cut)} cut off, kept beside it" if cut else "nothing was cut off"
        yield f"  mended    {file} of a run that was killed ({what})"
    if tally.budget:
        yield f"  ended by  {tally.budget}"


def _hosts(tally: Tally) -> Iterable[str]:
    for host, answers in tally.slowed.items():
        if host not in tally.given_up:
            yield f"  slow      {host} asked {counted(answers, 'time')} for less haste"
    yield from (f"  given up  {why}" for why in tally.given_up.values())


def _next_time(tally: Tally) -> Iterable[str]:
    """What the next run has to make up for."""
    for name, walk in tally.walks.items():
        if walk["gap"]:
            yield f"  gap       {name}: {walk['gap']}; the next run walks all of it"
    pending = len(tally.pending) + tally.pending_untold
    if pending:
        yield f"  pending   {counted(pending, 'article')} to be tried again"


def _health(ended: Ended) -> Iterable[str]:
    """The findings without their examples, which stand on standard error and in the report."""
    if ended.outcome == _UNHEALTHY:
        yield from (f"  health    {line.partition(' (http')[0]}" for line in ended.lines)


def _report(archive: Path, ended: Ended) -> Iterable[str]:
    yield f"  archive   {archive}"
    if ended.report:
        yield f"  report    {ended.report}"


def would_fetch(articles: Iterable[Mapping[str, Any]]) -> str:
    """What a dry run found. An article that rests is known, and it is too soon for another look at it."""
    return "\n".join(f"{_standing(each):<5}  {each['url']}  {each['title'] or ''}".rstrip() for each in articles)


def _standing(article: Mapping[str, Any]) -> str:
    if not article["due"]:
        return "rests"
    return "known" if article["known"] else "new"
