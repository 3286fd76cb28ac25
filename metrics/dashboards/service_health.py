"""The service itself: snapshots, jobs, loads, scrapes and history queries, and what fires."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.briefs import SEVERITIES
from metrics.dashboards.frame import Line, Page
from metrics.dashboards.panels import (
    Column,
    PanelBuilder,
    Query,
    count,
    draw_steps,
    map_values,
    plain_thresholds,
    show_snapshot,
    tabulate,
)
from metrics.dashboards.queries import ANY_METRIC, NO_FAMILY, Queries, equal, name_metric, select_scraped
from metrics.dashboards.words import BAD, BAD_CELL, CLEAR, GOOD, LOOK, Vocabulary

NOT_INFO = 'severity!="info"'
RANGE = ("now-24h", "now")
OUTCOMES = {1: ("succeeded", CLEAR), 0: ("failed", BAD_CELL)}


def build_page(words: Vocabulary) -> Page:
    """Return the dashboard of the service."""
    return Page(
        uids.SERVICE,
        "A4P+ service",
        "Whether the service is well: snapshots, jobs, loads, scrapes, history queries, and the alerts that fire.",
        [
            Line(4, list(zip((3, 3, 4, 3, 4, 4, 3), [show_snapshot(), *_count()], strict=True))),
            Line(9, [(12, _tabulate_alerts(words)), (12, _tabulate_jobs())]),
            Line(8, [(8, _draw_snapshots()), (8, _draw_scrapes()), (8, _draw_reads())]),
            Line(8, [(8, _draw_loads()), (8, _draw_sizes()), (8, _draw_process())]),
        ],
        range=RANGE,
        shows_cycles=False,
    )


def _count() -> list[PanelBuilder]:
    firing = select_scraped("ALERTS", equal("alertstate", "firing"), NOT_INFO)
    return [
        count(
            "Is it scraped?",
            "Whether Prometheus got an answer at its newest scrape.",
            f"max({select_scraped('up')})",
            "Never scraped",
            GOOD,
        ).mappings([map_values({1: ("yes", GOOD), 0: ("no", BAD)})]),
        count(
            "Snapshot age?",
            "Age of the snapshot that is served; one is due each hour, and after each load.",
            f"max(time() - {select_scraped('a4p_snapshot_timestamp_seconds')})",
            "No snapshot",
            "text",
        )
        .unit("s")
        .thresholds(plain_thresholds((None, "text"), (3 * 3600, BAD))),
        count(
            "Failed jobs?",
            "Jobs whose newest run did not succeed; `a4p jobs --failed` says why.",
            f"count({select_scraped('a4p_job_last_run_success')} == 0)",
            "None",
            BAD,
        ),
        count(
            "Refused loads?",
            "Loads that were refused whole within the time range; whoever loaded was told each error. Unknown until "
            "Prometheus has scraped the service twice.",
            f"round(sum(increase({select_scraped('a4p_load_refused_total')}[$__range])))",
            "Unknown",
            LOOK,
        ),
        count(
            "Refused reads?",
            "Queries of the history within the time range that would have taken more than the limits allow.",
            f"round(sum(increase({select_scraped('a4p_remote_read_refused_total')}[$__range])))",
            "None",
            LOOK,
        ),
        count(
            "Alerts firing?",
            "Alerts that fire at the end of the time range, of every severity but info.",
            f"count({firing})",
            "None",
            BAD,
        ),
    ]


def _tabulate_alerts(words: Vocabulary) -> PanelBuilder:
    queries = Queries(words)
    firing = select_scraped("ALERTS", equal("alertstate", "firing"), NOT_INFO)
    on_metrics = select_scraped("ALERTS", equal("alertstate", "firing"), 'metric!=""', NOT_INFO)
    # Zero times an alert plus a value has the labels of the alert and the value.
    value = (
        f"{on_metrics} * 0 + ignoring (alertname, alertstate, priority, comparison, severity) group_left () "
        f"({name_metric(select_scraped('', ANY_METRIC, NO_FAMILY))} or {select_scraped('a4p_unreported_last_value')})"
    )
    limit = f"{on_metrics} * 0 + ignoring (alertname, alertstate, priority) group_left () {select_scraped('a4p_threshold')}"

    def name_where(query: str) -> str:
        # In one column: a column of parts would show the text of an empty table where an alert is about no part.
        return f'label_join({queries.add_part(query)}, "mission", " ", "mission", "part")'

    return tabulate(
        "Which alerts fire?",
        "Alerts that fire at the end of the time range, as Prometheus evaluates the rules, with the value that is compared and "
        "the limit at that time, in the unit of the metric; `a4p alerts` shows those at firing too. Alerts of severity info, "
        "overdue indicators, are on the dashboard of data quality.",
        [f"max by (alertname, mission, severity, priority) ({name_where(query)})" for query in (firing, value, limit)],
        [
            Column("alertname", "Alert"),
            Column("mission", "Where", 190),
            Column("Value #B", "Value now", 84, unit="locale", align="right"),
            Column("Value #C", "Limit now", 84, unit="locale", align="right"),
            Column("severity", "Severity", 100, mappings=[map_values(SEVERITIES)], is_coloured=True, align="center"),
        ],
        "No alert fires, or Prometheus evaluates no rules",
        sort_by="Severity",
    )


def _tabulate_jobs() -> PanelBuilder:
    def of(metric: str) -> str:
        return f'max by (task) (label_replace({select_scraped(metric)}, "task", "$1", "exported_job", "(.+)"))'

    return tabulate(
        "What did each job do last?",
        "How the newest run of each job ended, how long it took, and how long ago one succeeded. `a4p jobs` lists every run.",
        [
            of("a4p_job_last_run_success"),
            of("a4p_job_last_run_duration_seconds"),
            f"time() - {of('a4p_job_last_success_timestamp_seconds')}",
        ],
        [
            Column("task", "Job"),
            Column("Value #A", "Newest run", 130, mappings=[map_values(OUTCOMES)], is_coloured=True, align="center"),
            Column("Value #B", "Took", 110, unit="s"),
            Column("Value #C", "Succeeded ago", 130, unit="s"),
        ],
        "No job has run since the start",
        sort_by="Job",
    )


def _draw_snapshots() -> PanelBuilder:
    return draw_steps(
        "How long does a snapshot take?",
        "Duration of the snapshot being served.",
        [Query(f"max({select_scraped('a4p_snapshot_duration_seconds')})", "snapshot")],
        "Prometheus scraped nothing within the time range",
        unit="s",
    ).interval("1m")


def _draw_scrapes() -> PanelBuilder:
    rate = f"rate({select_scraped('a4p_exposition_scrapes_total')}[$__rate_interval])"
    return draw_steps(
        "How often is it scraped, and by whom?",
        "Scrapes a minute, by format and encoding.",
        [Query(f"60 * sum by (format, encoding) ({rate})", "{{format}}, {{encoding}}")],
        "Prometheus scraped nothing within the time range",
    ).interval("1m")


def _draw_reads() -> PanelBuilder:
    buckets = f"rate({select_scraped('a4p_remote_read_duration_seconds_bucket')}[$__rate_interval])"
    return draw_steps(
        "How long do history queries take?",
        "Time in which half and 95 of 100 history requests were answered.",
        [
            Query(f"histogram_quantile(0.5, sum by (le) ({buckets}))", "half within"),
            Query(f"histogram_quantile(0.95, sum by (le) ({buckets}))", "95 % within"),
        ],
        "No history query within the time range",
        unit="s",
    ).interval("1m")


def _draw_loads() -> PanelBuilder:
    return draw_steps(
        "How many observations does the warehouse hold?",
        "Observations in the warehouse, every revision counted.",
        [Query(f"max({select_scraped('a4p_warehouse_observations')})", "observations")],
        "Prometheus scraped nothing within the time range",
    ).interval("1m")


def _draw_sizes() -> PanelBuilder:
    return draw_steps(
        "How large are warehouse and scrape?",
        "Size of the warehouse file, and of the snapshot's text by format.",
        [
            Query(f"max({select_scraped('a4p_warehouse_size_bytes')})", "warehouse"),
            Query(f"max by (format) ({select_scraped('a4p_exposition_size_bytes')})", "scrape, {{format}}"),
        ],
        "Prometheus scraped nothing within the time range",
        unit="bytes",
    ).interval("1m")


def _draw_process() -> PanelBuilder:
    return draw_steps(
        "How much memory does the service use?",
        "Resident memory of the service's process.",
        [Query(f"max({select_scraped('process_resident_memory_bytes')})", "resident memory")],
        "Prometheus scraped nothing within the time range",
        unit="bytes",
    ).interval("1m")
