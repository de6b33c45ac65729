"""What the commands print for people: the summary of a run, the state of an archive, an article."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ciwen_crawler.tally import Tally


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
        f"  lists     {tally.lists} pages read, {tally.found} articles found on them",
        f"  articles  {verdicts['new']} new, {verdicts['changed']} changed, {verdicts['same']} unchanged",
        f"  images    {tally.images} fetched",
        f"  traffic   {tally.exchanges} requests, {_size(tally.received)} received",
        *_troubles(tally),
    ]
    return "\n".join([*lines, *_report(archive, ended)])


def replayed(archive: Path, tally: Tally, ended: Ended) -> str:
    """The summary of a replay."""
    verdicts = tally.verdicts
    lines = [
        f"replay: {ended.outcome}",
        f"  captures  {tally.records} taken in, {tally.skipped} held already",
        f"  articles  {verdicts['new']} new, {verdicts['changed']} changed, {verdicts['same']} unchanged, "
        f"{verdicts['late']} from before what is known, {verdicts['twin']} twins",
        *_troubles(tally),
    ]
    return "\n".join([*lines, *_report(archive, ended)])


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
        yield f"  mended    {file} of a run that was killed ({_size(cut)} cut off, kept beside it)"
    if tally.budget:
        yield f"  ended by  {tally.budget}"


def _report(archive: Path, ended: Ended) -> Iterable[str]:
    yield f"  archive   {archive}"
    if ended.report:
        yield f"  report    {ended.report}"


def would_fetch(articles: Iterable[Mapping[str, Any]]) -> str:
    """What a dry run found."""
    return "\n".join(
        f"{'known' if each['known'] else 'new  '}  {each['url']}  {each['title'] or ''}".rstrip() for each in articles
    )


def state(facts: Mapping[str, Any]) -> str:
    """The state of an archive."""
    lines = [
        f"{facts['archive']}",
        f"  articles    {facts['articles']} in {facts['versions']} versions, {facts['images']} images",
        f"  published   {facts['oldest'] or '-'} to {facts['newest'] or '-'}",
        f"  captures    {facts['captures']} in {facts['warc_files']} WARC files, {_size(facts['warc_bytes'])}",
        f"  missing     {facts['missing']} articles known of and not had, {facts['quarantine']} in quarantine",
        f"  runs        {facts['crawls']}",
    ]
    for run in facts["runs"]:
        code = "" if run["exit_code"] is None else f" (exit {run['exit_code']})"
        lines.append(f"    {run['started_at'][:19]}Z  {run['mode']}  {run['outcome'] or 'has not ended'}{code}")
    return "\n".join(lines)


def as_text(article: Mapping[str, Any]) -> str:
    """An article to read."""
    names = {"source": "来源", "author": "作者", "editor": "责任编辑"}
    about = [article["published_at"], *(f"{label}：{article[key]}" for key, label in names.items() if article[key])]
    lines = [article["title"] or "", "  ".join(part for part in about if part), article["url"], ""]
    lines += (article["body"] or "").split("\n")
    if article["images"]:
        lines.append("")
    lines += [f"[{each['position']}] {each['url']}  {each['caption'] or ''}".rstrip() for each in article["images"]]
    return "\n".join(lines)


def as_evidence(article: Mapping[str, Any]) -> str:
    """Where an article's fields come from."""
    width = max(map(len, article["evidence"]), default=0)
    lines = [f"{article['id']} version {article['version']}, read by {article['extractor']}", ""]
    lines += [f"{field:<{width}}  {rule}" for field, rule in article["evidence"].items()]
    for each in article["captures"]:
        lines += [
            "",
            f"page {each['page']}: {each['url']}, {each['fetched_at']}",
            f"  record   urn:uuid:{each['id']} ({each['record_type']})",
            f"  in       warc/{each['warc_file']}, bytes {each['warc_offset']} to "
            f"{each['warc_offset'] + each['warc_length']}",
            f"  payload  {each['payload_digest']}",
        ]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} KB"
