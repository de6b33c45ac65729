"""Crawl: one run of Ciwen over a channel or over saved pages, as its warcinfo record tells of it."""

import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ciwen_crawler import __version__, clock
from ciwen_crawler.warc.record import Record, bare_id, described, moment

CRAWL, REPLAY = "crawl", "replay"
SOFTWARE = f"Ciwen/{__version__}"
KILLED = "killed"
CONTINUES = "ciwen-continues"  # in a file that a run began on its way: the warcinfo that opened the run,
STARTED_AT = "ciwen-started-at"  # and when that was

_ID = re.compile(r"\d{17}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Crawl:
    """What is known of a run when it begins."""

    id: str  # 20250604083512123-1a2b3c: start in UTC to the millisecond, six random hex digits
    mode: str  # crawl or replay
    started_at: str
    channel: str | None  # name of the channel
    software: str
    warcinfo_id: str

    @property
    def moment(self) -> datetime:
        """When it began, UTC."""
        return clock.read(self.started_at)

    def description(self, about: Mapping[str, str]) -> dict[str, str]:
        """The fields of its warcinfo record (WARC/1.1 section 6.3); `about` says how it fetched."""
        fields = {
            "software": self.software,
            "format": "WARC file version 1.1",
            "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "isPartOf": self.id,
            "hostname": socket.gethostname(),
            "ciwen-mode": self.mode,
            **about,
        }
        return fields | ({"ciwen-channel": self.channel} if self.channel else {})

    def row(self) -> dict[str, object]:
        """Its row of `crawls` while it runs."""
        return {
            "id": self.id,
            "mode": self.mode,
            "started_at": self.started_at,
            "finished_at": None,
            "outcome": None,
            "exit_code": None,
            "software": self.software,
            "stats": None,
            "warcinfo_id": self.warcinfo_id,
            "channel": self.channel,
        }


def begin(mode: str, channel: str | None, warcinfo_id: str) -> Crawl:
    """A run that begins now."""
    now = clock.moment()
    stamp = now.strftime("%Y%m%d%H%M%S") + f"{now.microsecond // 1000:03d}"
    return Crawl(f"{stamp}-{secrets.token_hex(3)}", mode, clock.written(now), channel, SOFTWARE, warcinfo_id)


def continued_by(warcinfo: Record) -> str:
    """The id of the warcinfo that opened the run which this one goes on with in another file; '' where it opens one."""
    return bare_id(described(warcinfo).get(CONTINUES))


def told_by(warcinfo: Record) -> Crawl | None:
    """The run that a warcinfo record opened, or goes on with in another file; None where another program wrote it."""
    fields = described(warcinfo)
    crawl_id, mode = fields.get("isPartOf", ""), fields.get("ciwen-mode")
    opened_by = continued_by(warcinfo) or warcinfo.id
    started_at = moment(fields.get(STARTED_AT) or warcinfo.field("WARC-Date") or "")
    if mode not in (CRAWL, REPLAY) or not _ID.fullmatch(crawl_id) or not started_at or not warcinfo.id:
        return None
    channel = fields.get("ciwen-channel") or None
    return Crawl(crawl_id, mode, started_at, channel, fields.get("software", ""), opened_by)
