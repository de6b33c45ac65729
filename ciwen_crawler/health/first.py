"""At the first: what one page alone tells, in an archive that knows its channel."""

from collections.abc import Collection, Iterator, Sequence

from ciwen_crawler.health.finding import Finding, examples
from ciwen_crawler.health.sample import QUARANTINED, Sample


def at_the_first(run: Sequence[Sample], unwatched: Collection[str] = ()) -> Iterator[Finding]:
    """A page without body, another page in a known article's place, a known article of which half is gone.

    Of a page that is in quarantine already the run has no sample: it is told of once, not every hour.
    """
    hollow = [look for look in run if look.verdict == QUARANTINED and "body" in look.lacks()]
    others = [look for look in run if look.error_page]
    halved = [look for look in run if look.halved_from and not look.error_page]
    if hollow and "body" not in unwatched:
        yield Finding("page", "body", None, 0, f"absent in {_articles(hollow)}", examples(_urls(hollow)))
    if others:
        captures = tuple(look.capture_id for look in others)
        said = f"another page in the place of {_articles(others, 'known ')}"
        yield Finding("page", "body", 0.0, len(others), said, examples(_urls(others)), captures)
    if halved and "body" not in unwatched:
        before, after = halved[0].halved_from, halved[0].counts.get("body", 0)
        said = f"{after} characters left of {before}"
        if len(halved) > 1:
            said = f"half or less is left in {_articles(halved, 'known ')}"
        yield Finding("length", "body", before, after, said, examples(_urls(halved)))


def _articles(looks: Sequence[Sample], kind: str = "") -> str:
    return f"{len(looks)} {kind}article{'' if len(looks) == 1 else 's'}"


def _urls(looks: Sequence[Sample]) -> Iterator[str]:
    return (look.url for look in looks)
