"""What the commands print for people: the summary of a run, the state of an archive, an article."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ciwen_crawler.tally import Tally

_FIELDS = "url title published_at source author editor channel breadcrumb keywords summary body".split()


class Ended(Protocol):
    """What a summary needs of how a run ended."""

    @property
    def outcome(self) -> str: ...
    @property
    def report(self) -> Path | None: ...


def crawled(channel: str, archive: Path, tally: Tally, ended: Ended) -> str:
    """The summary of a crawl."""
    verdicts = tally.verdicts
    lines = [
        f"{channel}: {ended.outcome}",
        f"  lists     {_counted(tally.lists, 'page')} read, {_counted(tally.found, 'article')} found",
        f"  articles  {verdicts['new']} new, {verdicts['changed']} changed, {verdicts['same']} unchanged"
        + (f", {tally.resting} not due" if tally.resting else ""),
        f"  images    {tally.images} fetched",
        *_assets(tally),
        f"  traffic   {_counted(tally.exchanges, 'request')}"
        + (f", {tally.revisits} of them answered with what is held already" if tally.revisits else "")
        + f", {_size(tally.received)} received",
        *_troubles(tally),
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
        "too large": tally.oversized,
        "without id": tally.without_id,
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if told:
        yield f"  left out  {told}"
    for file, cut in tally.repaired.items():
        what = f"{_size(cut)} cut off, kept beside it" if cut else "nothing was cut off"
        yield f"  mended    {file} of a run that was killed ({what})"
    if tally.budget:
        yield f"  ended by  {tally.budget}"


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


def state(facts: Mapping[str, Any]) -> str:
    """The state of an archive."""
    lines = [
        f"{facts['archive']}",
        f"  articles    {facts['articles']} in {_counted(facts['versions'], 'version')}, "
        f"{_counted(facts['images'], 'image')}",
        f"  published   {facts['oldest'] or '-'} to {facts['newest'] or '-'}",
        f"  captures    {facts['captures']} in {_counted(facts['warc_files'], 'WARC file')}, "
        f"{_size(facts['warc_bytes'])}",
        f"  missing     {_counted(facts['missing'], 'article')} known of and not had, "
        f"{facts['quarantine']} in quarantine",
        f"  runs        {facts['crawls']}",
    ]
    for run in facts["runs"]:
        code = "" if run["exit_code"] is None else f" (exit {run['exit_code']})"
        lines.append(f"    {run['started_at'][:19]}Z  {run['mode']}  {run['outcome'] or 'has not ended'}{code}")
    return "\n".join(lines)


def as_text(article: Mapping[str, Any]) -> str:
    """An article to read."""
    names = {"source": "来源", "author": "作者", "editor": "责任编辑"}
    published_at = article["published_at"]
    if article["published_precision"] == "day":
        published_at = published_at.partition("T")[0]  # the page says no more
    about = [published_at, *(f"{label}：{article[key]}" for key, label in names.items() if article[key])]
    lines = [article["title"] or "", "  ".join(part for part in about if part), article["url"], ""]
    lines += (article["body"] or "").split("\n")
    if article["images"]:
        lines.append("")
    lines += [f"[{each['position']}] {each['url']}  {each['caption'] or ''}".rstrip() for each in article["images"]]
    return "\n".join(lines)


def exported(file: str, captures: int, size: int, pages: int | None) -> str:
    """What an export came to; without pages where its form has none."""
    told = "" if pages is None else f", {_counted(pages, 'page')}"
    return f"{file}: {_counted(captures, 'capture')}{told}, {_size(size)}"


def as_evidence(article: Mapping[str, Any]) -> str:
    """Where an article's fields come from."""
    width = max(map(len, article["evidence"]), default=0)
    lines = [f"{article['id']} version {article['version']}, read by {article['extractor']}", ""]
    found = {field: article["evidence"][field] for field in _FIELDS if field in article["evidence"]}
    lines += [f"{field:<{width}}  {rule}" for field, rule in (found | article["evidence"]).items()]
    if article["images"]:
        lines.append(
            f"{'images':<{width}}  {_counted(len(article['images']), 'image')} with their captions, from the body"
        )
    for each in article["captures"]:
        lines += ["", f"page {each['page']}: {each['url']}, {each['fetched_at']}", *_record(each)]
    of_version = {each["id"] for each in article["captures"]}
    others = [each for each in article["looks"] if each["id"] not in of_version]
    if others:
        lines += ["", f"looked at besides, in {_counted(len(others), 'capture')}:"]
    for each in others:
        lines += ["", f"{each['url']}, {each['fetched_at']}, status {each['status']}", *_record(each)]
    return "\n".join(lines)


def _record(capture: Mapping[str, Any]) -> Iterable[str]:
    """Where a capture's bytes are."""
    end = capture["warc_offset"] + capture["warc_length"]
    yield f"  record   urn:uuid:{capture['id']} ({capture['record_type']})"
    if capture["refers_to"]:
        yield f"  of       urn:uuid:{capture['refers_to']}"
    yield f"  in       warc/{capture['warc_file']}, bytes {capture['warc_offset']} to {end}"
    yield f"  payload  {capture['payload_digest']}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _size(count: int) -> str:
    if count < 1000:
        return _counted(count, "byte")
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} KB"
