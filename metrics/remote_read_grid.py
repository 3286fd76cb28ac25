"""The instants of samples in a remote-read response, so that PromQL finds the current value at every evaluation.

docs/decisions/remote-read-grid.md has the reasons and the proof.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.history import DAY_MS, Integers

HOUR_MS = 3_600_000
# Instants are limited to these (May 2109 and year 1800); Prometheus requests series until the year 292277025. Up to the later
# one a timestamp takes 6 bytes, so that samples can be encoded as records of one size.
LATEST_MS = (1 << 42) - 1
EARLIEST_MS = -5_364_662_400_000
# Functions of a range. Around a selector without a range they imply a subquery.
RANGE_FUNCTIONS = frozenset(
    "absent_over_time avg_over_time changes count_over_time delta deriv double_exponential_smoothing first_over_time "
    "holt_winters idelta increase irate last_over_time mad_over_time max_over_time min_over_time predict_linear "
    "present_over_time quantile_over_time rate resets stddev_over_time stdvar_over_time sum_over_time "
    "ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time".split()
)
# The maximum number of additional samples for offsets inside a subquery, which the request does not contain: for any offset and
# whole hours, and for whole days; first if it may be a range query, then if it is certainly a subquery.
SPARE_SAMPLES, SPARE_DAILY_SAMPLES = 20_000, 200_000
SPARE_SAMPLES_OF_SUBQUERY, SPARE_DAILY_SAMPLES_OF_SUBQUERY = 1_000_000, 2_000_000


@dataclass(frozen=True)
class Request:
    """The time parameters of one query of a remote-read request. `has_hints` is false for a client that sends no hints."""

    start_ms: int
    end_ms: int
    step_ms: int
    range_ms: int
    function: str
    has_hints: bool


@dataclass(frozen=True)
class Plan:
    """The samples to send for a series.

    `grid`: one at each of these instants (ms, ascending) at which the series has a value. `changes`: one at each instant
    in `start_ms`..`end_ms` from which a value is valid. `ends`: a stale marker at each instant there at which the
    series ends.
    """

    start_ms: int
    end_ms: int
    grid: Integers
    changes: bool
    ends: bool
    kind: Literal["samples", "series"] = "samples"


NO_GRID: Integers = np.empty(0, np.int64)


class GridTooLong(Exception):
    """A request needs more instants than a series may have samples."""


def plan_samples(request: Request, series_count: int, lookback_ms: int, first_ms: int, max_instants: int) -> Plan:
    """Return the samples for a request of this number of series, with a look-back of `lookback_ms` in Prometheus.

    No value is valid before `first_ms`. Raises GridTooLong when there would be more than `max_instants`.
    """
    start = min(max(request.start_ms, EARLIEST_MS), LATEST_MS)
    end = min(max(request.end_ms, EARLIEST_MS), LATEST_MS)
    if request.function == "series":
        return Plan(start, end, NO_GRID, changes=False, ends=False, kind="series")
    if request.range_ms > 0:
        return Plan(start, end, NO_GRID, changes=True, ends=False)
    if not request.has_hints:
        return Plan(start, end, np.array([start]), changes=True, ends=True)
    if request.step_ms <= 0:
        return Plan(end, end, np.array([end]), changes=False, ends=False)
    step = request.step_ms
    # Whole steps are left out, so that the instants stay those of the request.
    begin = start + max(0, -(-(first_ms - start) // step) - 1) * step
    if (end - begin) // max(step, lookback_ms) > max_instants:
        raise GridTooLong
    return Plan(start, end, make_grid(begin, end, request, series_count, lookback_ms), changes=True, ends=True)


def make_grid(start: int, end: int, request: Request, series_count: int, lookback_ms: int) -> Integers:
    """Return the instants that, with every change between them, serve each look-up of a range query or subquery."""
    step = request.step_ms
    # Shorter than the look-back, so that there is a sample within it at any instant.
    dense = max(1, lookback_ms * 9 // 10)
    if step <= dense:
        return np.arange(start, end + 1, dense)
    is_subquery = request.function in RANGE_FUNCTIONS
    spare, spare_daily = (
        (SPARE_SAMPLES_OF_SUBQUERY, SPARE_DAILY_SAMPLES_OF_SUBQUERY) if is_subquery else (SPARE_SAMPLES, SPARE_DAILY_SAMPLES)
    )
    duration = (end - start) * max(1, series_count)
    if duration // dense <= spare:
        return np.arange(start, end + 1, dense)
    hours, days = math.gcd(step, HOUR_MS), math.gcd(step, DAY_MS)
    spacing = hours if duration // hours <= spare else days if duration // days <= spare_daily else step
    of_subquery = np.arange(-(-start // spacing) * spacing, end + 1, spacing)
    if is_subquery:
        return of_subquery
    # The request starts a look-back before the first evaluation (a millisecond less in 3.x), so a sample just after the start
    # is within the look-back of the first evaluation.
    of_range = np.arange(start + 1, end + 1, step)
    unreached = of_subquery[(of_subquery - (start + 1)) % step >= lookback_ms]
    return np.union1d(of_range, unreached)
