"""What an archive held before a run, as far as the run's health is judged by it. Bounded, whatever it holds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, tuple_

from ciwen_crawler import clock
from ciwen_crawler.crawl import Crawl
from ciwen_crawler.health.course import WINDOW
from ciwen_crawler.health.looked import told
from ciwen_crawler.health.past import Earlier, Past
from ciwen_crawler.health.sample import QUARANTINED, Sample, sample_of
from ciwen_crawler.items import Article, Image
from ciwen_crawler.pages import extractor_digest
from ciwen_crawler.store import schema
from ciwen_crawler.store.articles import CHANGED, NEW, SAME
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.rows import Row
from ciwen_crawler.store.runs import ended_runs

_VERSIONS = 300
_AMONG = 20_000  # of the newest versions, whatever channel they are of
_RUNS = 30
_AMONG_RUNS = 2000  # hourly for twelve weeks
_DATED = 100

_a, _v, _i, _p = schema.articles.c, schema.versions.c, schema.images.c, schema.version_captures.c
_c, _q, _r, _d = schema.captures.c, schema.quarantine.c, schema.crawls.c, schema.decisions.c
_COLUMNS = (
    *(_v.article_id, _v.number, _v.captured_at, _v.captured_url, _v.title, _v.published_at, _v.published_precision),
    *(_v.source, _v.author, _v.editor, _v.body, _v.keywords, _v.summary, _v.extractor, _v.evidence),
)


class Lookback:
    """What was before one run."""

    def __init__(self, database: Database, crawl: Crawl) -> None:
        self._database = database
        self._crawl = crawl

    def observed(self, article: Article, verdict: str, reasons: tuple[str, ...] = ()) -> Sample | None:
        """What a look of the run says, before it is stored; None where it says nothing: it is another rendering, older
        than what is held, or a page that is in quarantine already for the same.
        """
        if verdict == QUARANTINED:
            found = sample_of(article, verdict, reasons, self._newest(article.id))
            return None if found.lacks() & self._quarantined_for(article.id) else found
        if verdict not in (NEW, CHANGED, SAME):
            return None
        return sample_of(article, verdict, before=self._newest(article.id) if verdict != NEW else None)

    def past(self) -> Past:
        """All that the run is judged by."""
        reported = list(self._reported())
        ids = {look.capture_id for look in reported}
        rows = self._versions()
        stored = [*self._samples(rows), *self._refused(min((row["captured_at"] for row in rows), default=""))]
        looks = [*reported, *(look for look in stored if look.capture_id not in ids)]
        looks.sort(key=lambda look: (look.captured_at, look.capture_id))
        dated = (clock.written(clock.read(row["published_at"])) for row in rows if row["number"] == 1)
        decided = self._decided(look.capture_id for look in looks)
        return Past(tuple(looks), decided, tuple(self._runs()), tuple(sorted(dated, reverse=True)[:_DATED]))

    def _newest(self, article_id: str) -> Sample | None:
        query = select(*_COLUMNS).join_from(schema.articles, schema.versions, schema.IS_NEWEST)
        return next(self._samples(self._rows(query.where(_a.id == article_id))), None)

    def _quarantined_for(self, article_id: str) -> frozenset[str]:
        """The columns that an earlier run's last look at an article lacked, where that went to quarantine."""
        whole = select(_a.last_captured_at).where(_a.id == article_id).scalar_subquery()
        query = (
            select(_q.reasons)
            .join_from(schema.captures, schema.quarantine, _q.capture_id == _c.id)
            .where(_c.article_id == article_id, _c.crawl_id != self._crawl.id, _c.fetched_at > func.coalesce(whole, ""))
            .order_by(_c.fetched_at.desc())
            .limit(1)
        )
        reasons = next((row["reasons"] for row in self._rows(query)), ())
        return frozenset(reason.partition(":")[0] for reason in reasons)

    # Looks

    def _versions(self) -> Sequence[RowMapping]:
        """The newest versions that crawls of the channel made."""
        # Their keys alone: a body is read where it counts, not twenty thousand times.
        newest = (
            select(_v.article_id, _v.number, _v.captured_at)
            .where(_v.captured_at < self._crawl.started_at)
            .order_by(_v.captured_at.desc())
            .limit(_AMONG)
            .subquery()
        )
        n = newest.c
        first = (_p.article_id == n.article_id) & (_p.version == n.number) & (_p.page == 1)
        own = (
            select(n.article_id, n.number, _c.id.label("capture_id"))
            .join_from(newest, schema.version_captures, first)
            .join(schema.captures, _c.id == _p.capture_id)
            .join(schema.crawls, _r.id == _c.crawl_id)
            .where(_r.channel == self._crawl.channel)
            .order_by(n.captured_at.desc())
            .limit(_VERSIONS)
            .subquery()
        )
        whole = (_v.article_id == own.c.article_id) & (_v.number == own.c.number)
        query = (
            select(*_COLUMNS, own.c.capture_id).join_from(own, schema.versions, whole).order_by(_v.captured_at.desc())
        )
        return self._rows(query)

    def _samples(self, rows: Sequence[RowMapping]) -> Iterator[Sample]:
        keys = [(row["article_id"], row["number"]) for row in rows]
        pictures: dict[tuple[str, int], list[Image]] = {key: [] for key in keys}
        query = select(_i.article_id, _i.version, _i.url, _i.caption).where(tuple_(_i.article_id, _i.version).in_(keys))
        for row in self._rows(query) if keys else ():
            pictures[row["article_id"], row["version"]].append(Image(row["url"], None, row["caption"]))
        return (sample_of(_article(row, pictures[key]), NEW) for key, row in zip(keys, rows, strict=True))

    def _refused(self, since: str) -> Iterator[Sample]:
        """Of each article that went to quarantine, and not by a decision, the first such look."""
        query = (
            select(_q.capture_id, _q.url, _q.reasons, _c.article_id, _c.fetched_at)
            .join_from(schema.quarantine, schema.captures, _c.id == _q.capture_id)
            .join(schema.crawls, _r.id == _c.crawl_id)
            .where(_r.channel == self._crawl.channel, _c.fetched_at >= since, _c.fetched_at < self._crawl.started_at)
            .where(_q.capture_id.not_in(select(_d.capture_id)))
            .order_by(_c.fetched_at)
        )
        met = set()
        for row in self._rows(query):
            if row["article_id"] not in met:
                met.add(row["article_id"])
                place = (row["article_id"], row["capture_id"], row["url"], row["fetched_at"])
                yield Sample(*place, QUARANTINED, reasons=tuple(row["reasons"]))

    def _reported(self) -> Iterator[Sample]:
        """The last looks that reports tell of."""
        lately = self._ended().limit(_AMONG_RUNS).subquery()
        samples = func.json_extract(lately.c.stats, "$.samples", type_=schema.crawls.c.stats.type)
        has_samples = func.json_type(lately.c.stats, "$.samples").is_not(None)
        query = select(samples.label("samples")).where(has_samples).order_by(lately.c.id.desc()).limit(WINDOW)
        extractor = extractor_digest()
        count = 0
        for row in self._rows(query):
            for look in told(row["samples"], extractor):
                count += 1
                yield look
            if count >= WINDOW:
                return

    def _decided(self, captures: Iterable[str]) -> frozenset[str]:
        query = select(_d.capture_id).where(_d.capture_id.in_(list(captures)))
        return frozenset(row["capture_id"] for row in self._rows(query))

    # Runs

    def _runs(self) -> Iterator[Earlier]:
        for row in self._rows(self._ended().limit(_RUNS)):
            counts = (row["stats"].get(name, 0) for name in ("asked", "failed", "lists", "listed"))
            yield Earlier(row["finished_at"], *(count if isinstance(count, int) else 0 for count in counts))

    def _ended(self) -> Select[Any]:
        fields = (_r.id, _r.finished_at, _r.stats)
        return ended_runs(self._crawl.channel, self._crawl.id, *fields).where(_r.stats.is_not(None))

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        return self._database.connection.execute(query).mappings().all()


def _article(row: Row | RowMapping, images: Iterable[Image]) -> Article:
    """As much of an article as a sample is made of."""
    return Article(
        id=row["article_id"],
        url=row["captured_url"],
        channel=None,
        captured_at=row["captured_at"],
        title=row["title"],
        published_at=row["published_at"],
        published_precision=row["published_precision"],
        source=row["source"],
        author=row["author"],
        editor=row["editor"],
        body=row["body"],
        body_html=None,
        breadcrumb=(),
        keywords=tuple(row["keywords"] or ()),
        summary=row["summary"],
        images=tuple(images),
        extractor=row["extractor"],
        evidence=row["evidence"],
        captures=(row["capture_id"],) if "capture_id" in row else (),
    )
