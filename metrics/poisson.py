"""The Poisson distribution, for counts of rare events."""

from __future__ import annotations

import math

# From this mean or count on, terms are not summed: their number is about nine times the square root of the mean.
LARGE = 1_000_000
# Terms below this share of the sum do not change it.
NEGLIGIBLE = 1e-18


def find_poisson_tail(count: int, mean: float) -> float:
    """Return P(X >= count) for a Poisson variable of this mean: the one-sided probability of at least as many events.

    The terms e^-mean mean^k / k! are summed from the smaller side, so that a small probability keeps its precision. Source:
    https://www.itl.nist.gov/div898/handbook/eda/section3/eda366j.htm. From a million on Temme's uniform expansion of the
    incomplete gamma function is used (https://dlmf.nist.gov/8.12), with a relative error below 1e-6. A probability below
    the smallest double, about 1e-308, is 0. The time is bounded by about 10,000 terms.
    """
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if max(count, mean) >= LARGE:
        return _expand_tail(float(count), mean)
    if count > mean:
        return min(1.0, _add_terms(count, mean, step=1))
    return max(0.0, 1.0 - _add_terms(count - 1, mean, step=-1))


def _add_terms(start: int, mean: float, step: int) -> float:
    """Return the sum of the terms from `start` on, away from the mean, until one adds nothing.

    They are added relative to the first, which may be too small for a double.
    """
    term = total = 1.0
    count = start
    while term > total * NEGLIGIBLE and count + step >= 0:
        term *= mean / (count + 1) if step > 0 else count / mean
        total += term
        count += step
    log_first = start * math.log(mean) - mean - math.lgamma(start + 1)
    return math.exp(log_first + math.log(total))


def _expand_tail(count: float, mean: float) -> float:
    """Return the tail by the first term of Temme's expansion: P(X >= count) is the incomplete gamma ratio P(count, mean)."""
    excess = (mean - count) / count
    # excess - log(1 + excess), whose digits cancel for a small excess: the series of the logarithm, from its second term.
    if abs(excess) < 0.01:
        half_square = sum((-1) ** k * excess**k / k for k in range(2, 9))
    else:
        half_square = excess - (math.log(mean) - math.log(count))
    eta = math.copysign(math.sqrt(2 * half_square), excess)
    # 1/excess - 1/eta, by its Taylor series where its digits cancel (https://dlmf.nist.gov/8.12.E12).
    correction = -1 / 3 + eta / 12 - eta**2 * 23 / 540 if abs(eta) < 0.01 else 1 / excess - 1 / eta
    density = math.exp(-count * half_square) / math.sqrt(2 * math.pi * count)
    tail = math.erfc(-eta * math.sqrt(count / 2)) / 2 - density * correction
    return min(1.0, max(0.0, tail))


def find_poisson_limit(mean: float, chance: float) -> int:
    """Return the smallest count with P(X > count) of at most `chance`."""
    low = -1
    high = max(0, math.floor(mean))
    step = max(1, math.isqrt(high))
    while find_poisson_tail(high + 1, mean) > chance:
        low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        if find_poisson_tail(middle + 1, mean) > chance:
            low = middle
        else:
            high = middle
    return high
