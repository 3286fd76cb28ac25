"""The history of all series as columns: labels, and values with the time from which they are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

DAY_MS = 86_400_000
METRIC_LABEL = "__name__"
JOB_LABEL = "job"
JOB = "a4p-history"

Codes = npt.NDArray[np.unsignedinteger]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
# Pattern and values -> whether each value matches, with Prometheus' rules.
MatchRegex = Callable[[str, Sequence[str]], Sequence[bool]]


@dataclass(frozen=True)
class Matcher:
    """A condition on one label; a missing label has an empty value."""

    name: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True)
class LabelColumn:
    """One label of all series: `codes[series]` is an index of `values`; value 0 is the empty value of a missing label."""

    codes: Codes
    values: tuple[str, ...]
    code_of: Mapping[str, int]
    is_sorted: bool = False

    @classmethod
    def make(cls, codes: npt.NDArray[np.integer], values: Sequence[str], is_sorted: bool = False) -> LabelColumn:
        """Return the column; `values` are those of code 1 and on."""
        smallest = np.min_scalar_type(len(values))
        all_values = ("", *values)
        return cls(codes.astype(smallest), all_values, {value: code for code, value in enumerate(all_values)}, is_sorted)


@dataclass(frozen=True)
class History:
    """The content of /metrics at any instant: series with labels, and rows of (start in ticks since 1970, value).

    The rows of series n are `offsets[n]` to `offsets[n + 1]`; each is valid from its start until the next, and NaN ends the
    series. A tick is a day for reported values, and a millisecond for values recorded at an instant. A series in `grows`
    increases by one per day. A history is never modified.

    `series_ids` has the number in the warehouse of each series with values of observations, and -1 for others; it is empty
    where that is not needed. `batch_id` and `catalogue_version` are the newest that the history includes.
    """

    labels: Mapping[str, LabelColumn]
    offsets: Integers
    starts: npt.NDArray[np.signedinteger]
    values: npt.NDArray[np.float64]
    grows: Booleans
    tick_ms: int = DAY_MS
    state: str = ""
    series_ids: npt.NDArray[np.signedinteger] = field(default_factory=lambda: np.empty(0, np.int32))
    batch_id: int = 0
    catalogue_version: int = 0
    distinct_starts: npt.NDArray[np.signedinteger] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "distinct_starts", _find_distinct(self.starts))

    @property
    def first_ms(self) -> int:
        """The first instant with a value; 1970 if there is none."""
        return int(self.distinct_starts[0]) * self.tick_ms if len(self.distinct_starts) else 0

    @property
    def series_count(self) -> int:
        return len(self.grows)

    def select(self, matchers: Iterable[Matcher], match_regex: MatchRegex) -> Integers:
        """Return the numbers of the series that match all matchers, ascending."""
        selected: Integers | None = None
        # Equality first, and the metric before others, so that few series are left for regular expressions.
        for matcher in sorted(matchers, key=lambda m: (m.operator != "=", m.name != METRIC_LABEL)):
            if matcher.name == JOB_LABEL:
                if not _match_values(matcher, (JOB,), {JOB: 0}, match_regex)[0]:
                    return np.empty(0, np.int64)
                continue
            column = self.labels.get(matcher.name)
            if column is None:
                if not _match_values(matcher, ("",), {"": 0}, match_regex)[0]:
                    return np.empty(0, np.int64)
                continue
            if selected is None and matcher.operator == "=" and column.is_sorted:
                code = column.code_of.get(matcher.value)
                if code is None:
                    return np.empty(0, np.int64)
                searched = column.codes.dtype.type(code)
                selected = np.arange(np.searchsorted(column.codes, searched), np.searchsorted(column.codes, searched, "right"))
                continue
            accepted = _match_values(matcher, column.values, column.code_of, match_regex)
            if selected is None:
                selected = np.flatnonzero(accepted[column.codes])
            else:
                selected = selected[accepted[column.codes[selected]]]
            if not selected.size:
                break
        return np.arange(self.series_count) if selected is None else selected


@dataclass(frozen=True)
class WholeHistory:
    """The history for PromQL: reported values by day, and values recorded at an instant by millisecond.

    After a small change `changed` has the series that differ from those of `reported`, and `replaced` is true for their series
    there, which are not read. `snapshot` is the number and time of the newest snapshot that the history includes.
    """

    reported: History
    recorded: History
    snapshot: tuple[int, datetime] | None = None
    changed: History | None = None
    replaced: Booleans | None = None

    @property
    def parts(self) -> tuple[History, ...]:
        return (self.reported, self.recorded) if self.changed is None else (self.reported, self.changed, self.recorded)

    @property
    def reported_state(self) -> str:
        """The state of the warehouse that the reported values, with those that changed, are of."""
        return self.reported.state if self.changed is None else self.changed.state

    @property
    def first_ms(self) -> int:
        """The first instant with a value."""
        return min(part.first_ms for part in self.parts)

    @property
    def series_count(self) -> int:
        replaced = 0 if self.replaced is None else int(np.count_nonzero(self.replaced))
        return sum(part.series_count for part in self.parts) - replaced

    def select(self, matchers: Sequence[Matcher], match_regex: MatchRegex) -> list[tuple[History, Integers]]:
        """Return each part with the numbers of its series that match all matchers."""
        selected = [(part, part.select(matchers, match_regex)) for part in self.parts]
        if self.replaced is not None:
            numbers = selected[0][1]
            selected[0] = (self.reported, numbers[~self.replaced[numbers]])
        return selected


def _find_distinct(starts: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    """Return the distinct values, ascending."""
    if not len(starts):
        return starts
    first, last = int(starts.min()), int(starts.max())
    if last - first > len(starts):
        return np.unique(starts)
    # Counting days takes a twentieth of the time of sorting 20 million of them.
    is_used = np.zeros(last - first + 1, np.bool_)
    is_used[starts - first] = True
    return (np.flatnonzero(is_used) + first).astype(starts.dtype)


def _match_values(matcher: Matcher, values: Sequence[str], code_of: Mapping[str, int], match_regex: MatchRegex) -> Booleans:
    if matcher.operator in ("=", "!="):
        accepted = np.zeros(len(values), np.bool_)
        if matcher.value in code_of:
            accepted[code_of[matcher.value]] = True
    else:
        accepted = np.array(match_regex(matcher.value, values), np.bool_)
    return ~accepted if matcher.operator in ("!=", "!~") else accepted
