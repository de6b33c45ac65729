"""A run as its warcinfo tells of it: one field a line, and read back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.crawl import CRAWL, begin, told_by
from ciwen_crawler.text import clean
from ciwen_crawler.warc.record import described, new_id, warcinfo

# Every way in which a line can end, what stands between a name and its value, and an accent of its own.
ODD = st.sampled_from([*"\r\n\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\u3000\u00a0\u200b\u0301: ", "isPartOf: x", "瓷"])
TEXTS = st.lists(ODD | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join)


@given(name=TEXTS, contact=TEXTS)
def test_run_is_read_back_as_it_was(name: str, contact: str) -> None:
    crawl = begin(CRAWL, clean(name), new_id())
    about = {"operator": contact, "description": f"{contact}, {name}"}
    record = warcinfo(crawl.warcinfo_id, crawl.started_at, "ciwen.warc.gz", crawl.description(about))
    assert told_by(record) == crawl
    assert described(record).keys() == crawl.description(about).keys()
    assert len(record.block.split(b"\r\n")) - 1 == len(crawl.description(about))
    assert len(record.block.decode().splitlines()) == len(crawl.description(about))
