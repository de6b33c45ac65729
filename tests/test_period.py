"""Periods: what `--since` and `--until` mean."""

import pytest

from ciwen_crawler.errors import UsageError
from ciwen_crawler.period import Period, parse_since, parse_until, period


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2025-06-04", "2025-06-04T00:00:00.000000Z", "2025-06-04T23:59:59.999999Z"),
        ("2025-06-04T16:35+08:00", "2025-06-04T08:35:00.000000Z", "2025-06-04T08:35:00.000000Z"),
        ("2025-06-04T08:35:12.123456Z", "2025-06-04T08:35:12.123456Z", "2025-06-04T08:35:12.123456Z"),
        (" 2025-06-04 08:35 ", "2025-06-04T08:35:00.000000Z", "2025-06-04T08:35:00.000000Z"),
    ],
)
def test_a_day_is_whole_and_a_moment_is_itself(text: str, since: str, until: str) -> None:
    assert (parse_since(text), parse_until(text)) == (since, until)


@pytest.mark.parametrize("text", ["", "2025", "2025-02-30", "04.06.2025", "0001-01-01T00:00+08:00", "昨天"])
def test_what_is_no_date(text: str) -> None:
    for parse in (parse_since, parse_until):
        with pytest.raises(UsageError, match="is no date: write it like 2025-06-04"):
            parse(text)


def test_a_period_may_be_a_day_or_without_end() -> None:
    assert period("2025-06-04", "2025-06-04") == Period("2025-06-04T00:00:00.000000Z", "2025-06-04T23:59:59.999999Z")
    assert period(None, None).is_all
    assert not period(None, "2025-06-04").is_all
    with pytest.raises(UsageError, match="no moment is between"):
        period("2025-06-05", "2025-06-04")
