"""The whole history as one OpenMetrics text with timestamps, written in parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TypeVar

import duckdb

from metrics.exposition import render_header
from metrics.families import Family, list_families
from metrics.history import DAY_MS, JOB
from service.errors import UnknownMetric
from service.history.series import prepare_recorded
from service.system.progress import Progress
from service.warehouse.database import Connection, read_sql, run_sql
from service.warehouse.definitions import Definitions

Result = TypeVar("Result")

# Series whose samples are rendered at once: 3 MB of text with ten observations each.
PART_SERIES = 2_500
END = b"# EOF\n"
# Without it DuckDB would use most of the memory of the machine. Larger tables are written to temporary files.
# A step that needs more is repeated with the larger limit, which then remains.
MEMORY_LIMIT, LARGE_MEMORY_LIMIT = "150MB", "1GB"
THREADS = 2
CHANGE = "a4p_indicator_change"


def render_openmetrics(
    copy: Connection,
    definitions: Definitions,
    metrics: Sequence[str],
    first: date | None,
    last: date | None,
    progress: Progress,
) -> Iterator[bytes]:
    """Yield the text, family after family. Each value appears once, at the instant from which it is valid.

    `metrics` limits the metrics, and `first` and `last` the dates from which values are valid. OpenMetrics cannot express
    the end of a series, so it is left out. Raises UnknownMetric before anything is yielded.
    https://prometheus.io/docs/specs/om/open_metrics_spec/
    """
    copy.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    copy.execute(f"set threads = {THREADS}")
    # Every relevant order is explicit.
    copy.execute("set preserve_insertion_order = false")
    progress("reading", None)
    families = {family.name: family for family in list_families(definitions.catalogue, definitions.kpis)}
    unknown = sorted(set(metrics) - set(families))
    if unknown:
        raise UnknownMetric(f"unknown metric {', '.join(unknown)}; docs/metrics.md lists the names")
    period = {
        "first_ms": _count_days(first or date(1, 1, 1)) * DAY_MS,
        "last_ms": (_count_days(last or date(9999, 12, 31)) + 1) * DAY_MS - 1,
        "job": JOB,
    }
    yield from _render_reported(copy, families, metrics, {**period, "tick_ms": DAY_MS}, progress)
    _run_within_memory(copy, partial(prepare_recorded, copy))
    yield from _render_prepared(copy, families, metrics, {**period, "tick_ms": 1}, progress)
    yield END


def _render_reported(
    copy: Connection,
    families: Mapping[str, Family],
    metrics: Sequence[str],
    parameters: Mapping[str, object],
    progress: Progress,
) -> Iterator[bytes]:
    """Yield the reported values, metric after metric. Those of series are read in parts, so that few are in memory."""
    for step in ("derived", "series", "rows"):
        _run_within_memory(copy, partial(run_sql, copy, f"remote_read/prepare_{step}"))
    parts: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    total = done = 0
    for metric, indicator, first, last, count in run_sql(copy, "remote_read/list_parts", part_series=PART_SERIES).fetchall():
        for name in (metric, CHANGE):
            if not metrics or name in metrics:
                parts[name].append((indicator, first, last))
                total += count
    known = copy.execute("select distinct metric from history_series").fetchall()
    derived = {metric for (metric,) in known if not metrics or metric in metrics}
    for metric in sorted(derived | parts.keys()):
        if metric in derived:
            yield from _render_prepared(copy, families, [metric], parameters, progress)
        header: bytes | None = _render_header(families, metric)
        for indicator, first, last in parts[metric]:
            is_change = metric == CHANGE
            numbers = {"indicator": indicator, "first": first, "last": last, "is_change": is_change}
            _run_within_memory(copy, partial(run_sql, copy, "remote_read/prepare_part", **numbers))
            text = _render_part(copy, "part", 0, PART_SERIES, parameters)
            if text:
                yield (header or b"") + text
                header = None
            done += PART_SERIES
            progress("writing", min(1.0, done / max(1, total)))


def _render_prepared(
    copy: Connection,
    families: Mapping[str, Family],
    metrics: Sequence[str],
    parameters: Mapping[str, object],
    progress: Progress,
) -> Iterator[bytes]:
    known = copy.execute(
        "select metric, min(number), max(number) from history_series group by metric order by metric"
    ).fetchall()
    series_count = known[-1][2] + 1 if known else 0
    for metric, lowest, highest in known:
        if metrics and metric not in metrics:
            continue
        header: bytes | None = _render_header(families, metric)
        for number in range(lowest, highest + 1, PART_SERIES):
            text = _render_part(copy, "history", number, min(highest, number + PART_SERIES - 1), parameters)
            if text:
                yield (header or b"") + text
                header = None
            progress("writing", min(1.0, (number + PART_SERIES) / series_count))


def _run_within_memory(copy: Connection, work: Callable[[], Result]) -> Result:
    """Return the result of a step that may be repeated."""
    try:
        return work()
    except duckdb.OutOfMemoryException:
        copy.execute(f"set memory_limit = '{LARGE_MEMORY_LIMIT}'")
        return work()


def _render_header(families: Mapping[str, Family], metric: str) -> bytes:
    return render_header(families.get(metric, Family(metric, "", "")), is_openmetrics=True)


def _render_part(copy: Connection, tables: str, first: int, last: int, parameters: Mapping[str, object]) -> bytes:
    """Return the text of the series with these numbers in `<tables>_series` and `<tables>_rows`."""
    query = read_sql("remote_read/render_openmetrics").replace("history_", f"{tables}_")
    bound = {"first": first, "last": last, **parameters}
    row = _run_within_memory(copy, lambda: copy.execute(query, bound).fetchone())
    return (row[0] or "").encode() if row else b""


def _count_days(day: date) -> int:
    return (day - date(1970, 1, 1)).days
