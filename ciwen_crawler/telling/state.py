"""The state of an archive."""

from collections.abc import Mapping
from typing import Any

from ciwen_crawler.telling.amounts import counted, sized


def state(facts: Mapping[str, Any]) -> str:
    """The state of an archive."""
    lines = [
        f"{facts['archive']}",
        f"  articles    {facts['articles']} in {counted(facts['versions'], 'version')}, "
        f"{counted(facts['images'], 'image')}",
        f"  published   {facts['oldest'] or '-'} to {facts['newest'] or '-'}",
        f"  captures    {facts['captures']} in {counted(facts['warc_files'], 'WARC file')}, "
        f"{sized(facts['warc_bytes'])}",
        f"  missing     {counted(facts['missing'], 'article')} known of and not had, "
        f"{facts['quarantine']} in quarantine",
        f"  runs        {facts['crawls']}",
    ]
    for run in facts["runs"]:
        code = "" if run["exit_code"] is None else f" (exit {run['exit_code']})"
        lines.append(f"    {run['started_at'][:19]}Z  {run['mode']}  {run['outcome'] or 'has not ended'}{code}")
    return "\n".join(lines)
