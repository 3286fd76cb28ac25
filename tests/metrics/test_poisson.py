"""The Poisson tail, compared with scipy and with sums of exact fractions, and its bounded time at extreme values."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import norm, poisson

from metrics.poisson import LARGE, _add_terms, _expand_tail, find_poisson_limit, find_poisson_tail

SMALLEST = 1e-290


def add_exactly(count: int, mean: int) -> float:
    """Return P(X >= count) from the sum of mean^k / k! as fractions."""
    below = sum((Fraction(mean**k, math.factorial(k)) for k in range(count)), Fraction())
    beyond = sum((Fraction(mean**k, math.factorial(k)) for k in range(count, count + 400)), Fraction())
    return float(beyond / (below + beyond))


@pytest.mark.parametrize("mean", [1, 3, 20, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 60, 150])
def test_the_tail_is_exact(count: int, mean: int) -> None:
    assert find_poisson_tail(count, mean) == pytest.approx(add_exactly(count, mean), rel=1e-10, abs=1e-300)


@given(st.integers(0, 5_000), st.floats(0.001, 5_000))
@example(300, 10.0)
@example(2680, 314.0)
def test_the_tail_is_that_of_scipy(count: int, mean: float) -> None:
    assert find_poisson_tail(count, mean) == pytest.approx(float(poisson.sf(count - 1, mean)), rel=1e-8, abs=SMALLEST)


@given(st.floats(LARGE, 4 * LARGE), st.floats(-6, 30))
def test_both_methods_agree_where_one_takes_over_from_the_other(mean: float, deviations: float) -> None:
    count = int(mean + deviations * math.sqrt(mean))
    added = _add_terms(count, mean, step=1) if count > mean else 1 - _add_terms(count - 1, mean, step=-1)
    assert _expand_tail(count, mean) == pytest.approx(added, rel=1e-6, abs=SMALLEST)


@given(st.floats(1e12, 1e15), st.floats(-4, 4))
def test_a_very_large_mean_has_the_tail_of_the_normal_distribution(mean: float, deviations: float) -> None:
    count = int(mean + deviations * math.sqrt(mean))
    standard = (count - 0.5 - mean) / math.sqrt(mean)
    assert find_poisson_tail(count, mean) == pytest.approx(float(norm.sf(standard)), rel=1e-3)


@given(st.integers(0, 10**308), st.floats(0, 1e308))
@example(300, 10.0)
@example(1, 1e-320)
@example(10**308, 5e-324)
@example(999_999, 999_999.0)
def test_every_probability_is_computed_within_a_bounded_time(count: int, mean: float) -> None:
    started = time.process_time()
    assert 0 <= find_poisson_tail(count, mean) <= 1
    # Ten thousand terms take a few milliseconds; the loop that never ended took for ever.
    assert time.process_time() - started < 5


@given(st.integers(1, 100_000), st.floats(0.01, 100_000))
def test_more_events_are_never_more_likely(count: int, mean: float) -> None:
    assert find_poisson_tail(count + 1, mean) <= find_poisson_tail(count, mean) * (1 + 1e-9)


def test_a_probability_too_small_for_a_double_is_0() -> None:
    assert find_poisson_tail(300, 10) == pytest.approx(1.5344e-319, rel=1e-3)
    assert find_poisson_tail(3000, 10) == 0.0


def test_with_a_mean_of_0_any_event_is_impossible_and_none_is_certain() -> None:
    assert (find_poisson_tail(0, 0), find_poisson_tail(1, 0)) == (1.0, 0.0)


@given(st.floats(0.01, 1e9), st.sampled_from([0.2, 0.05, 0.01, 1e-6]))
def test_the_limit_is_the_smallest_that_is_rarely_exceeded(mean: float, chance: float) -> None:
    limit = find_poisson_limit(mean, chance)
    assert find_poisson_tail(limit + 1, mean) <= chance
    assert limit == 0 or find_poisson_tail(limit, mean) > chance


@given(st.floats(0.01, 10_000), st.sampled_from([0.2, 0.05, 0.01]))
def test_the_limit_is_that_of_scipy(mean: float, chance: float) -> None:
    assert find_poisson_limit(mean, chance) == max(0, int(poisson.isf(chance, mean)))
