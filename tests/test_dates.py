"""Dates as pages print them."""

import warnings
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciwen_crawler.dates import DAY, MINUTE, SECOND, in_url, machine, printed

# Texts that look like dates, so that the patterns are entered and not only passed by.
PIECES = [
    *"2024 05 20 31 99 0000 9999 00 24 60 - / . : ： 年 月 日 时 分 秒 T Z".split(),
    *"+08:00 -2400 +99:99 Jan May UTC GMT+8 EST CST , pm ١ ２ 发布时间： \u3000".split(" "),
    " ",
]
DATELIKE = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
TEXTS = st.one_of(st.text(max_size=80), DATELIKE, st.datetimes().map(str), st.datetimes().map(datetime.ctime))


@given(TEXTS)
@settings(max_examples=800, deadline=None)
def test_any_text_is_a_date_or_none(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for stamp in (printed(text), machine(text), in_url(text)):
            if stamp:
                moment = datetime.fromisoformat(stamp.iso)
                assert moment.utcoffset() is not None
                assert stamp.precision in (SECOND, MINUTE, DAY)
                assert stamp.day == moment.date().isoformat()


@given(st.datetimes(min_value=datetime(1994, 1, 1), max_value=datetime(2100, 1, 1)))
@settings(max_examples=100, deadline=None)
def test_every_printed_second_is_read_back(moment: datetime) -> None:
    for line in (
        f"{moment:%Y-%m-%d %H:%M:%S}:671",
        f"发布时间：{moment:%Y年%m月%d日 %H:%M:%S}",
        f"{moment:%Y/%m/%d %H:%M:%S}.0",
    ):
        stamp = printed(line)
        assert stamp is not None
        assert (stamp.iso, stamp.precision) == (f"{moment:%Y-%m-%dT%H:%M:%S}+08:00", SECOND)


@pytest.mark.parametrize(
    ("line", "iso", "precision"),
    [
        ("2024-05-20 09:37", "2024-05-20T09:37:00+08:00", MINUTE),
        ("2024-05-20 09:37:12:671", "2024-05-20T09:37:12+08:00", SECOND),
        ("2017-03-10 09:58:03.0", "2017-03-10T09:58:03+08:00", SECOND),
        (" 2024-05-13", "2024-05-13T00:00:00+08:00", DAY),
        ("发布时间：2018年3月1日 8:05 | 来源：中国网", "2018-03-01T08:05:00+08:00", MINUTE),
        ("2018年3月1日8时5", None, None),
        ("2018年3月1日8时05分", "2018-03-01T08:05:00+08:00", MINUTE),
        ("2018年3月1日\u30008时05分09秒", "2018-03-01T08:05:09+08:00", SECOND),
        ("２０２４-０５-２０", "2024-05-20T00:00:00+08:00", DAY),
        ("08-01 09:05", None, None),
        ("昨天 09:05", None, None),
        ("2024-06-31", None, None),
        ("2024-05-20 25:00", None, None),
        ("2024-05/20", None, None),
        ("12024-05-20", None, None),
        ("192.168.2024.05.20", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_printed(line: str | None, iso: str | None, precision: str | None) -> None:
    stamp = printed(line)
    assert (stamp.iso if stamp else None, stamp.precision if stamp else None) == (iso, precision)


@pytest.mark.parametrize(
    ("line", "iso", "precision"),
    [
        ("2025-06-04T08:35:12Z", "2025-06-04T16:35:12+08:00", SECOND),
        ("2025-06-04T16:35:12+08:00", "2025-06-04T16:35:12+08:00", SECOND),
        ("2025-06-04 16:35", "2025-06-04T16:35:00+08:00", MINUTE),
        ("Oct. 21, 2022", "2022-10-21T00:00:00+08:00", DAY),
        ("Fri, 21 Oct 2022 01:44:58 GMT", "2022-10-21T09:44:58+08:00", SECOND),
        ("Fri, 21 Oct 2022 01:44 +0100", "2022-10-21T08:44:00+08:00", MINUTE),
        # Java's way of writing a date on a server whose zone is China Standard Time.
        ("Wed Jun 04 16:35:12 CST 2025", "2025-06-04T16:35:12+08:00", SECOND),
        # What EST means depends on whom one asks.
        ("Fri, 21 Oct 2022 01:44:58 EST", None, None),
        ("October 2022", None, None),
        ("08-01 09:05", None, None),
        ("2025年6月4日", None, None),
        (None, None, None),
    ],
)
def test_machine(line: str | None, iso: str | None, precision: str | None) -> None:
    stamp = machine(line)
    assert (stamp.iso if stamp else None, stamp.precision if stamp else None) == (iso, precision)


@pytest.mark.parametrize(
    ("url", "iso"),
    [
        ("http://ci.china.com.cn/2025-06/04/content_43135627.html", "2025-06-04T00:00:00+08:00"),
        ("http://ci.china.com.cn/m/2025-06/04/content_43135627.html", "2025-06-04T00:00:00+08:00"),
        ("http://ci.china.com.cn/2025-13/04/content_43135627.html", None),
        ("http://ci.china.com.cn/node_8010001.html", None),
    ],
)
def test_day_in_url(url: str, iso: str | None) -> None:
    stamp = in_url(url)
    assert (stamp.iso if stamp else None) == iso
