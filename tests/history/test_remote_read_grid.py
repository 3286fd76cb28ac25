"""The grid of samples: a model of how Prometheus 2.42 and 3.x evaluate a response, over random series and requests."""

from __future__ import annotations

import bisect
import struct

import cramjam
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.history import DAY_MS, History, LabelColumn
from metrics.remote_read import ResponseWriter, encode_series
from metrics.remote_read_grid import GridTooLong, Request, make_grid, plan_samples
from metrics.remote_read_pb2 import EncodedReadResponse
from tests.history.remote_read_client import decompress

LOOKBACK = 300_000
STALE = struct.pack("<Q", 0x7FF0000000000002)
Rows = list[tuple[int, float | None]]
FIRST_DAY = 17_000


def make_history(series: list[Rows], grows: list[bool] | None = None) -> History:
    rows = [row for one in series for row in one]
    return History(
        labels={"__name__": LabelColumn.make(np.arange(1, len(series) + 1), [f"m{n:02}" for n in range(len(series))])},
        offsets=np.cumsum([0, *map(len, series)]),
        starts=np.array([day for day, _ in rows], np.int32),
        values=np.array([np.nan if value is None else value for _, value in rows]),
        grows=np.array(grows or [False] * len(series)),
    )


def answer(history: History, request: Request) -> list[list[tuple[int, bytes]]]:
    """Return the samples of each series as Prometheus decodes them, values as bits."""
    plan = plan_samples(request, history.series_count, LOOKBACK, history.first_ms, 10_000_000)
    writer = ResponseWriter()
    writer.write_result(part for part, _, _ in encode_series(history, np.arange(history.series_count), plan))
    response = decompress(b"".join(writer.finish()))
    reported: list[list[tuple[int, bytes]]] = [[] for _ in range(history.series_count)]
    for series in response.results[0].timeseries:
        (name,) = (label.value for label in series.labels if label.name == "__name__")
        reported[int(name[1:])] = [(s.timestamp, struct.pack("<d", s.value)) for s in series.samples]
    return reported


def look_up(samples: list[tuple[int, bytes]], instant: int, is_left_open: bool) -> float | None:
    """Return what PromQL finds at an instant: the newest sample within the look-back, unless it is a stale marker."""
    place = bisect.bisect_right(samples, instant, key=lambda sample: sample[0]) - 1
    if place < 0:
        return None
    timestamp, bits = samples[place]
    if timestamp < instant - LOOKBACK + is_left_open or bits == STALE:
        return None
    return float(struct.unpack("<d", bits)[0])


def read(rows: Rows, instant: int, grows: bool = False) -> float | None:
    held = [(day, value) for day, value in rows if day * DAY_MS <= instant]
    if not held or held[-1][1] is None:
        return None
    return held[-1][1] + (instant // DAY_MS - held[-1][0] if grows else 0)


days = st.integers(FIRST_DAY, FIRST_DAY + 1500)
values = st.none() | st.integers(0, 500).map(float)
rows = st.dictionaries(days, values, min_size=1, max_size=12).map(lambda held: sorted(held.items()))
steps = st.sampled_from(
    [1, 15_000, 60_000, 269_999, 299_999, 300_000, 300_001, 3_600_000, DAY_MS, DAY_MS + 1, 7 * DAY_MS, 30 * DAY_MS]
)


@st.composite
def instants(draw: st.DrawFn) -> int:
    """An instant at, beside or far from a midnight."""
    return draw(days) * DAY_MS + draw(
        st.sampled_from([0, 0, -1, 1, -LOOKBACK, LOOKBACK, 43_200_000]) | st.integers(-DAY_MS, DAY_MS)
    )


@settings(max_examples=100, deadline=None)
@given(series=st.lists(rows, min_size=1, max_size=3), instant=instants(), is_left_open=st.booleans())
def test_an_instant_query(series: list[Rows], instant: int, is_left_open: bool) -> None:
    reported = answer(make_history(series), Request(instant - LOOKBACK + is_left_open, instant, 0, 0, "", True))
    assert [look_up(samples, instant, is_left_open) for samples in reported] == [read(one, instant) for one in series]
    assert all(len(samples) <= 1 for samples in reported)


@settings(max_examples=150, deadline=None)
@given(
    series=st.lists(rows, min_size=1, max_size=3), grows=st.booleans(), start=instants(), step=steps,
    count=st.integers(0, 80), rest=st.integers(0, 10**9), function=st.sampled_from(["", "sum"]), is_left_open=st.booleans(),
)  # fmt: skip
def test_a_range_query(
    series: list[Rows], grows: bool, start: int, step: int, count: int, rest: int, function: str, is_left_open: bool
) -> None:
    end = start + count * step + rest % step
    history = make_history(series, [grows] * len(series))
    reported = answer(history, Request(start - LOOKBACK + is_left_open, end, step, 0, function, True))
    for instant in range(start, end + 1, step):
        for samples, one in zip(reported, series, strict=True):
            assert look_up(samples, instant, is_left_open) == read(one, instant, grows)


@settings(max_examples=150, deadline=None)
@given(
    series=st.lists(rows, min_size=1, max_size=3), evaluated=instants(), step=steps.filter(lambda step: step >= 15_000),
    count=st.integers(1, 80), offset_days=st.integers(-400, 800), function=st.sampled_from(["", "sum", "max_over_time"]),
    is_left_open=st.booleans(),
)  # fmt: skip
def test_a_subquery_with_an_offset_of_whole_days_inside(
    series: list[Rows], evaluated: int, step: int, count: int, offset_days: int, function: str, is_left_open: bool
) -> None:
    offset = offset_days * DAY_MS if step % DAY_MS == 0 or DAY_MS % step == 0 else offset_days * step
    begin = evaluated - count * step
    start = begin - offset - LOOKBACK + 2 * is_left_open
    reported = answer(make_history(series), Request(start, evaluated - offset, step, 0, function, True))
    for instant in range(-(-begin // step) * step + 0, evaluated + 1, step):
        if is_left_open and instant <= begin:
            continue
        for samples, one in zip(reported, series, strict=True):
            assert look_up(samples, instant - offset, is_left_open) == read(one, instant - offset)


@settings(max_examples=100, deadline=None)
@given(series=st.lists(rows, min_size=1, max_size=3), start=instants(), length=st.integers(0, 800 * DAY_MS), step=steps)
def test_samples_are_always_correct(series: list[Rows], start: int, length: int, step: int) -> None:
    """An evaluation at any instant finds the current value or no value."""
    end = start + length
    if length // max(step, LOOKBACK) > 5_000:
        step = DAY_MS
    reported = answer(make_history(series), Request(start, end, step, 0, "", True))
    beside = {
        sample[0] + nudge for samples in reported for sample in samples[:500] for nudge in (-1, 0, 1, LOOKBACK - 1, LOOKBACK)
    }
    for instant in beside:
        if start <= instant <= end:
            for samples, one in zip(reported, series, strict=True):
                assert look_up(samples, instant, True) in (None, read(one, instant))


@settings(max_examples=200, deadline=None)
@given(series=st.lists(rows, min_size=1, max_size=3), end=instants(), length=st.integers(1, 1500 * DAY_MS), step=steps)
def test_a_range_selector_sees_each_value_once(series: list[Rows], end: int, length: int, step: int) -> None:
    reported = answer(make_history(series), Request(end - length, end, step, length, "sum_over_time", True))
    for samples, one in zip(reported, series, strict=True):
        assert [(t, struct.unpack("<d", bits)[0]) for t, bits in samples] == [
            (day * DAY_MS, value) for day, value in one if value is not None and end - length <= day * DAY_MS <= end
        ]


def test_an_offset_inside_a_subquery_is_supported_by_hour_or_millisecond_within_the_size_limit() -> None:
    year = 365 * DAY_MS
    begin = FIRST_DAY * DAY_MS
    dense = make_grid(begin, begin + year, Request(begin, begin + year, DAY_MS, 0, "max_over_time", True), 1, LOOKBACK)
    hourly = make_grid(begin, begin + 10 * year, Request(begin, begin, DAY_MS, 0, "max_over_time", True), 5, LOOKBACK)
    daily = make_grid(begin, begin + 10 * year, Request(begin, begin, 30 * DAY_MS, 0, "max_over_time", True), 400, LOOKBACK)
    whole = make_grid(begin, begin + 10 * year, Request(begin, begin, 30 * DAY_MS, 0, "max_over_time", True), 9000, LOOKBACK)
    assert np.diff(dense).max() < LOOKBACK
    assert [int(np.diff(grid).max()) for grid in (hourly, daily, whole)] == [3_600_000, DAY_MS, 30 * DAY_MS]


def test_a_range_query_on_whole_steps_has_one_sample_for_each() -> None:
    """As Grafana asks: the subqueries' instants are then within reach of the range query's."""
    end = (FIRST_DAY + 3000) * DAY_MS
    start = end - 2000 * DAY_MS
    for is_left_open in (False, True):
        request = Request(start - LOOKBACK + is_left_open, end, DAY_MS, 0, "", True)
        assert len(make_grid(request.start_ms, end, request, 100, LOOKBACK)) == 2001


@settings(max_examples=50, deadline=None)
@given(results=st.lists(st.lists(st.binary(max_size=300), max_size=4), max_size=4), times=st.sampled_from([1, 40_000]))
def test_a_response_built_in_parts_equals_the_whole(results: list[list[bytes]], times: int) -> None:
    writer = ResponseWriter()
    for parts in results:
        writer.write_result(part * times for part in parts)
    whole = EncodedReadResponse(results=[b"".join(part * times for part in parts) for parts in results])
    assert bytes(cramjam.snappy.decompress_raw(b"".join(writer.finish()))) == whole.SerializeToString()


def test_too_many_instants_are_rejected_before_they_are_computed() -> None:
    with pytest.raises(GridTooLong):
        plan_samples(Request(0, 2**62, 1, 0, "", True), 1, LOOKBACK, 0, 1_000_000)
