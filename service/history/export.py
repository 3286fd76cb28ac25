"""The whole history as one OpenMetrics text with timestamps, written in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from metrics.exposition import render_header
from metrics.families import Family, list_families
from metrics.history import DAY_MS, JOB
from service.errors import UnknownMetric
from service.history.series import prepare_recorded, prepare_reported
from service.system.progress import Progress
from service.warehouse.database import Connection, read_sql
from service.warehouse.definitions import Definitions

# Series whose samples are rendered at once: about a megabyte of text for each ten of their observations.
PART_SERIES = 10_000
END = b"# EOF\n"
# Without it DuckDB would use most of the memory of the machine.
MEMORY_LIMIT = "1GB"


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
    prepare_reported(copy, lambda share: progress("reading", share))
    yield from _render_prepared(copy, families, metrics, {**period, "tick_ms": DAY_MS}, progress)
    prepare_recorded(copy)
    yield from _render_prepared(copy, families, metrics, {**period, "tick_ms": 1}, progress)
    yield END


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
        header: bytes | None = render_header(families.get(metric, Family(metric, "", "")), is_openmetrics=True)
        for number in range(lowest, highest + 1, PART_SERIES):
            text, count = copy.execute(
                read_sql("remote_read/render_openmetrics"),
                {"first": number, "last": min(highest, number + PART_SERIES - 1), **parameters},
            ).fetchone() or (None, 0)
            if count:
                yield (header or b"") + text.encode()
                header = None
            progress("writing", min(1.0, (number + PART_SERIES) / series_count))


def _count_days(day: date) -> int:
    return (day - date(1970, 1, 1)).days
