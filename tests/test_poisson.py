"""The Poisson tail against sums of exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from metrics.poisson import find_poisson_limit, find_poisson_tail


def add_exactly(count: int, mean: int) -> float:
    """Return P(X >= count) from the sum of mean^k / k! as fractions; only e^-mean is a float."""
    below = sum((Fraction(mean**k, math.factorial(k)) for k in range(count)), Fraction())
    beyond = sum((Fraction(mean**k, math.factorial(k)) for k in range(count, count + 400)), Fraction())
    return float(beyond / (below + beyond))


@pytest.mark.parametrize("mean", [1, 3, 20, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 60, 150])
def test_the_tail_is_exact(count: int, mean: int) -> None:
    assert find_poisson_tail(count, mean) == pytest.approx(add_exactly(count, mean), rel=1e-10, abs=1e-300)


def test_a_small_chance_keeps_its_digits() -> None:
    assert find_poisson_tail(50, 1.0) == pytest.approx(1.2345e-65, rel=1e-3)


def test_where_nothing_ever_happened_any_event_is_impossible_and_none_is_certain() -> None:
    assert (find_poisson_tail(0, 0), find_poisson_tail(1, 0)) == (1.0, 0.0)


def test_large_counts_do_not_overflow() -> None:
    assert 0.4 < find_poisson_tail(100_000, 100_000.0) < 0.6


@pytest.mark.parametrize("mean", [0.1, 2.0, 314.0])
def test_the_limit_is_the_smallest_that_chance_rarely_passes(mean: float) -> None:
    limit = find_poisson_limit(mean, 0.05)
    assert find_poisson_tail(limit + 1, mean) <= 0.05 < find_poisson_tail(limit, mean)
