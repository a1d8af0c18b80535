import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.serving.timeframe import epoch_seconds, iso, timeframe_name, timeframe_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("15min", 900), ("4h", 14_400), ("1d", 86_400), ("1w", 604_800)]
)
def test_timeframes_by_hand(text, seconds):
    assert timeframe_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "0d", "1.5h", "1 d", "-1d", "1y", "1D", "٣d"])
def test_other_spellings_are_refused(text):
    with pytest.raises(ValueError, match="must be written as 30s, 15m, 4h, 1d or 1w"):
        timeframe_seconds(text)


@given(st.integers(1, 9_999_999))
@settings(max_examples=50)
def test_the_name_of_a_timeframe_reads_back(seconds):
    assert timeframe_seconds(timeframe_name(seconds)) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-02T00:00:00Z", 86_400),
        ("1970-01-02T00:00:00", 86_400),  # UTC unless it says otherwise
        ("1970-01-02T02:00:00+02:00", 86_400),
        ("1970-01-01T00:00:01.9Z", 1),  # fractions are dropped
        (86_400, 86_400),
        (86_400.9, 86_400),
        (0, 0),
    ],
)
def test_times_by_hand(value, seconds):
    assert epoch_seconds(value) == seconds
    assert epoch_seconds(iso(seconds)) == seconds


@pytest.mark.parametrize(
    "value",
    ["yesterday", "", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", True, None, [1], float("nan"), float("inf"),
     -1, 1_769_806_800_000_000, 10**400],
)  # fmt: skip
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match="must be an ISO 8601 time such as 2026-01-31T21:00:00Z, or seconds since"):
        epoch_seconds(value)
