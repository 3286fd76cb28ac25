"""The table of resources of the API, from which routes and the OpenAPI document are generated."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from service.web.api import queries, rows


@dataclass(frozen=True)
class Resource:
    """A resource: GET /api/v1/<path> returns the rows of `sql/api/<sql>.sql`.

    A path with a name in braces returns the row with that name. With `is_live`, rows come from the warehouse and not from the
    read copy of the snapshot.
    """

    path: str
    sql: str
    summary: str
    query: type[BaseModel]
    row: type[rows.Row]
    is_live: bool = False

    @property
    def item(self) -> str | None:
        """The column named in braces."""
        return self.path.partition("{")[2].rstrip("}") or None

    @property
    def item_kind(self) -> str:
        """The kind of name of that column, such as IndicatorName."""
        return f"{self.item.title()}Name" if self.item else ""

    @property
    def operation(self) -> str:
        """The name of the operation, such as list_observations or get_indicator."""
        return f"get_{self.item}" if self.item else f"list_{self.path}"


_LIVE = "Current state, independent of the snapshot."

RESOURCES = (
    Resource("indicators", "indicators", "The indicators of the catalogue", queries.IndicatorsQuery, rows.Indicator),
    Resource("indicators/{indicator}", "indicators", "One indicator", queries.ItemQuery, rows.Indicator),
    Resource("missions", "missions", "The missions", queries.Query, rows.Mission),
    Resource("priorities", "priorities", "The priorities and cross-cutting themes", queries.Query, rows.Priority),
    Resource("periods", "periods", "The periods with observations, and their cycles", queries.MomentQuery, rows.Period),
    Resource("series", "series", "The series that have observations", queries.SeriesQuery, rows.Series),
    Resource("observations", "observations", "Observations, or their revisions", queries.ObservationsQuery, rows.Observation),
    Resource("latest", "latest", "The latest observation of each series", queries.LatestQuery, rows.Observation),
    Resource("kpis", "kpis", "The KPIs", queries.KpisQuery, rows.Kpi),
    Resource("kpis/{kpi}", "kpis", "One KPI", queries.ItemQuery, rows.Kpi),
    Resource("kpi_values", "kpi_values", "KPI values as of each date", queries.KpiValuesQuery, rows.KpiValue),
    Resource("kpi_latest", "kpi_latest", "The latest value of each KPI", queries.KpiLatestQuery, rows.KpiValue),
    Resource(
        "kpi_changes",
        "kpi_changes",
        "Changes of KPIs; changes of totals cover the missions with a value at both dates",
        queries.KpiChangesQuery,
        rows.KpiChange,
    ),
    Resource("completeness", "completeness", "Completeness of reports", queries.CompletenessQuery, rows.Completeness),
    Resource(
        "reconciliation",
        "reconciliation",
        "Comparisons of printed totals with their parts",
        queries.ReconciliationQuery,
        rows.Reconciliation,
    ),
    Resource("thresholds", "thresholds", "The current thresholds", queries.ThresholdsQuery, rows.Threshold),
    Resource(
        "threshold_history", "threshold_history", "The history of thresholds", queries.ThresholdsQuery, rows.ThresholdSetting
    ),
    Resource("alerts", "alerts", f"The firing alerts. {_LIVE}", queries.AlertsQuery, rows.FiringAlert, is_live=True),
    Resource("silences", "silences", f"The silences. {_LIVE}", queries.SilencesQuery, rows.Silence, is_live=True),
    Resource("snapshots", "snapshots", "The snapshots", queries.Query, rows.Snapshot),
    Resource("jobs", "jobs", f"The runs of jobs. {_LIVE}", queries.JobsQuery, rows.JobRun, is_live=True),
    Resource("feeds", "feeds", "The feeds of events", queries.Query, rows.Feed),
    Resource("events", "events", "The events of feeds", queries.EventsQuery, rows.Event),
    Resource("event_loads", "event_loads", "The loads of exports of feeds", queries.KnownQuery, rows.EventLoad),
    Resource("batches", "batches", "The loads", queries.KnownQuery, rows.Batch),
    Resource(
        "load_warnings", "load_warnings", "Implausible values that were loaded", queries.LoadWarningsQuery, rows.LoadWarning
    ),
)
