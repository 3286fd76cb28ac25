"""The dashboard of the service: snapshots, jobs, loads, scrapes, remote reads and alerts."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common, timeseries

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, BAD_CELL, CLEAR, GOOD, SERIES_COLOURS, WARNING, Contents
from metrics.dashboards.layout import Line, Page
from metrics.dashboards.panels import (
    Column,
    PanelBuilder,
    Query,
    colour_queries,
    count,
    draw_steps,
    map_titles,
    map_values,
    override,
    plain_thresholds,
    show_snapshot,
    tabulate,
)
from metrics.dashboards.queries import ANY_METRIC, NO_FAMILY, Queries, equal, name_metric, select_scraped
from metrics.dashboards.summary_panels import SEVERITIES

NOT_INFO = 'severity!="info"'
RANGE = ("now-24h", "now")
OUTCOMES = {1: ("succeeded", CLEAR), 0: ("failed", BAD_CELL)}


def build_page(contents: Contents) -> Page:
    """Return the dashboard of the service."""
    return Page(
        uids.SERVICE,
        "A4P+ service",
        "Health of the service: snapshots, jobs, loads, scrapes, remote reads and firing alerts.",
        [
            Line(3, [(8, panel) for panel in [*_count()[:2], show_snapshot()]]),
            Line(3, [(6, panel) for panel in _count()[2:]]),
            Line(9, [(12, _tabulate_alerts(contents)), (12, _tabulate_jobs())]),
            Line(8, [(8, _draw_snapshots()), (8, _draw_scrapes()), (8, _draw_reads())]),
            Line(8, [(8, _draw_loads()), (8, _draw_sizes()), (8, _draw_process())]),
        ],
        range=RANGE,
        shows_cycles=False,
        pages=(("Jobs", "/jobs"), ("Alerts", "/alerts"), ("Thresholds", "/thresholds")),
    )


def _count() -> list[PanelBuilder]:
    firing = select_scraped("ALERTS", equal("alertstate", "firing"), NOT_INFO)
    return [
        count(
            "Scraped",
            "Whether the latest scrape by Prometheus succeeded.",
            f"max({select_scraped('up')})",
            "Never scraped",
            GOOD,
        )
        .mappings([map_values({1: ("the latest scrape succeeded", GOOD), 0: ("the latest scrape failed", BAD)})])
        .text(common.VizTextDisplayOptions().value_size(20)),
        count(
            "Snapshot age",
            "Age of the published snapshot. A snapshot is computed every hour and after each load.",
            f"max(time() - {select_scraped('a4p_snapshot_timestamp_seconds')})",
            "No snapshot",
            "text",
        )
        .unit("s")
        .thresholds(plain_thresholds((None, "text"), (3 * 3600, BAD))),
        count(
            "Failed jobs",
            "Jobs whose latest run failed. `a4p jobs --failed` shows why.",
            f"count({select_scraped('a4p_job_last_run_success')} == 0)",
            "Every job succeeded",
            BAD,
            "job failed",
            "jobs failed",
        ),
        count(
            "Refused loads",
            "Loads refused in the time range. Unknown until Prometheus has scraped the service twice.",
            f"round(sum(increase({select_scraped('a4p_load_refused_total')}[$__range])))",
            "Not known yet",
            WARNING,
            "load was refused",
            "loads were refused",
        ),
        count(
            "Refused remote reads",
            "Remote reads in the time range that were refused because they exceed a limit.",
            f"round(sum(increase({select_scraped('a4p_remote_read_refused_total')}[$__range])))",
            "No remote read was refused",
            WARNING,
            "remote read was refused",
            "remote reads were refused",
        ),
        count(
            "Firing alerts",
            "Alerts firing at the end of the time range, without severity info.",
            f"count({firing})",
            "No alert is firing",
            BAD,
            "alert is firing",
            "alerts are firing",
        ),
    ]


def _tabulate_alerts(contents: Contents) -> PanelBuilder:
    queries = Queries(contents)
    firing = select_scraped("ALERTS", equal("alertstate", "firing"), NOT_INFO)
    on_metrics = select_scraped("ALERTS", equal("alertstate", "firing"), 'metric!=""', NOT_INFO)
    # The product of an alert and zero, plus a value, has the labels of the alert and the value.
    value = (
        f"{on_metrics} * 0 + ignoring (alertname, alertstate, priority, comparison, severity) group_left () "
        f"({name_metric(select_scraped('', ANY_METRIC, NO_FAMILY))} or {select_scraped('a4p_unreported_last_value')})"
    )
    limit = f"{on_metrics} * 0 + ignoring (alertname, alertstate, priority) group_left () {select_scraped('a4p_threshold')}"

    titles = {subject.metric: subject.short_title or subject.title for subject in contents.subjects}

    def name_where(query: str) -> str:
        # Mission and part share a column: an empty part would show the text for an empty table.
        named = f'label_join({queries.add_part(query)}, "mission", " ", "mission", "part")'
        # An alert about an indicator has its metric, whose title is shown; other alerts have their name.
        return f'label_replace(label_replace({named}, "subject", "$1", "alertname", "(.+)"), "subject", "$1", "metric", "(.+)")'

    return tabulate(
        "Alerts",
        "Alerts firing at the end of the time range, with value and limit at that time in the unit of the metric. `a4p "
        "alerts` also shows value and limit at firing. The data quality dashboard shows overdue reports (severity info).",
        [f"max by (subject, mission, severity, priority) ({name_where(query)})" for query in (firing, value, limit)],
        [
            Column("subject", "Alert", mappings=[map_titles(titles)]),
            Column("mission", "Mission", 208),
            Column("Value #B", "Value now", 84, unit="locale", align="right"),
            Column("Value #C", "Limit now", 84, unit="locale", align="right"),
            Column("severity", "Severity", 100, mappings=[map_values(SEVERITIES)], is_coloured=True, align="center"),
        ],
        "No firing alerts",
        sort_by="Severity",
    )


def _tabulate_jobs() -> PanelBuilder:
    def of(metric: str) -> str:
        return f'max by (task) (label_replace({select_scraped(metric)}, "task", "$1", "exported_job", "(.+)"))'

    return tabulate(
        "Latest job runs",
        "Outcome and duration of the latest run of each job, and time since its last success. `a4p jobs` lists all runs.",
        [
            of("a4p_job_last_run_success"),
            of("a4p_job_last_run_duration_seconds"),
            f"time() - {of('a4p_job_last_success_timestamp_seconds')}",
        ],
        [
            Column("task", "Job"),
            Column("Value #A", "Latest run", 130, mappings=[map_values(OUTCOMES)], is_coloured=True, align="center"),
            Column("Value #B", "Duration", 110, unit="s"),
            Column("Value #C", "Last success", 130, unit="s"),
        ],
        "No job has run since the service started",
        sort_by="Job",
    )


def _draw_snapshots() -> PanelBuilder:
    panel = draw_steps(
        "Snapshot duration",
        "Duration of the snapshot being served.",
        [Query(f"max({select_scraped('a4p_snapshot_duration_seconds')})", "snapshot")],
        "No scrapes in the time range",
        unit="s",
    )
    return colour_queries(panel, 1).interval("1m")


def _draw_scrapes() -> PanelBuilder:
    rate = f"rate({select_scraped('a4p_exposition_scrapes_total')}[$__rate_interval])"
    panel = draw_steps(
        "Scrapes per minute",
        "Scrapes per minute, by format and encoding.",
        [Query(f"60 * sum by (format, encoding) ({rate})", "{{format}}, {{encoding}}")],
        "No scrapes in the time range",
    )
    return _colour_formats(panel).interval("1m")


def _draw_reads() -> PanelBuilder:
    buckets = f"rate({select_scraped('a4p_remote_read_duration_seconds_bucket')}[$__rate_interval])"
    panel = draw_steps(
        "Remote-read duration",
        "Median and 95th percentile of the duration of remote-read requests.",
        [
            Query(f"histogram_quantile(0.5, sum by (le) ({buckets}))", "median"),
            Query(f"histogram_quantile(0.95, sum by (le) ({buckets}))", "95th percentile"),
        ],
        "No remote reads in the time range",
        unit="s",
    )
    return colour_queries(panel, 2).interval("1m")


def _draw_loads() -> PanelBuilder:
    panel = draw_steps(
        "Observations in the warehouse",
        "Observations in the warehouse, including all revisions.",
        [Query(f"max({select_scraped('a4p_warehouse_observations')})", "observations")],
        "No scrapes in the time range",
    )
    return colour_queries(panel, 1).interval("1m")


def _draw_sizes() -> PanelBuilder:
    panel = draw_steps(
        "Size of warehouse and scrape",
        "Size of the warehouse file, and of the exposition by format.",
        [
            Query(f"max({select_scraped('a4p_warehouse_size_bytes')})", "warehouse"),
            Query(f"max by (format) ({select_scraped('a4p_exposition_size_bytes')})", "scrape, {{format}}"),
        ],
        "No scrapes in the time range",
        unit="bytes",
    )
    return _colour_formats(colour_queries(panel, 1)).interval("1m")


def _colour_formats(panel: timeseries.Panel) -> timeseries.Panel:
    for text_format, colour in zip(("openmetrics", "text"), SERIES_COLOURS[1:], strict=False):
        panel.with_override(*override("byRegexp", f"/{text_format}/", color={"mode": "fixed", "fixedColor": colour}))
    return panel


def _draw_process() -> PanelBuilder:
    panel = draw_steps(
        "Resident memory",
        "Resident memory of the service process.",
        [Query(f"max({select_scraped('process_resident_memory_bytes')})", "resident memory")],
        "No scrapes in the time range",
        unit="bytes",
    )
    return colour_queries(panel, 1).interval("1m")
