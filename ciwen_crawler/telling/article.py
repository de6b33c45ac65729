"""An article: to read, and with where each of its fields comes from."""

from collections.abc import Iterable, Mapping
from typing import Any

from ciwen_crawler.telling.amounts import counted

_FIELDS = "url title published_at source author editor channel breadcrumb keywords summary body".split()


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


def as_evidence(article: Mapping[str, Any]) -> str:
    """Where an article's fields come from."""
    width = max(map(len, article["evidence"]), default=0)
    lines = [f"{article['id']} version {article['version']}, read by {article['extractor']}", ""]
    found = {field: article["evidence"][field] for field in _FIELDS if field in article["evidence"]}
    lines += [f"{field:<{width}}  {rule}" for field, rule in (found | article["evidence"]).items()]
    if article["images"]:
        lines.append(
            f"{'images':<{width}}  {counted(len(article['images']), 'image')} with their captions, from the body"
        )
    for each in article["captures"]:
        lines += ["", f"page {each['page']}: {each['url']}, {each['fetched_at']}", *_record(each)]
    of_version = {each["id"] for each in article["captures"]}
    others = [each for each in article["looks"] if each["id"] not in of_version]
    if others:
        lines += ["", f"looked at besides, in {counted(len(others), 'capture')}:"]
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
