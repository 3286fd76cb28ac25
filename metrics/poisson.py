"""The Poisson distribution, for counts of rare events."""

from __future__ import annotations

import math


def find_poisson_tail(count: int, mean: float) -> float:
    """Return P(X >= count) for a Poisson variable of this mean: the one-sided chance of as many events or more.

    The terms e^-mean mean^k / k! are added up, none is approximated; from the smaller side, so that a small chance keeps
    its digits. Source: https://www.itl.nist.gov/div898/handbook/eda/section3/eda366j.htm.
    """
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count > mean:
        return min(1.0, _add_terms(count, mean, step=1))
    return max(0.0, 1.0 - _add_terms(count - 1, mean, step=-1))


def _add_terms(start: int, mean: float, step: int) -> float:
    """Return the sum of the terms from `start` on, away from the mean, until one adds nothing."""
    term = math.exp(start * math.log(mean) - mean - math.lgamma(start + 1))
    total, count = 0.0, start
    while count >= 0:
        total += term
        if term < total * 1e-18:
            break
        term *= mean / (count + 1) if step > 0 else count / mean
        count += step
    return total


def find_poisson_limit(mean: float, chance: float) -> int:
    """Return the smallest count whose chance of being passed, P(X > count), is at most `chance`."""
    count = max(0, math.floor(mean))
    while find_poisson_tail(count + 1, mean) > chance:
        count += 1
    return count
