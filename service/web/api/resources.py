"""The resources of the API, one table that routes and document are made from: path, SQL, what may be asked, what a row is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from service.web.api import queries, rows


@dataclass(frozen=True)
class Resource:
    """What GET /api/v1/<path> answers: the rows of `sql/api/<sql>.sql`.

    A path with a name in braces answers the one row of that name. `is_live` reads the warehouse as it stands, and not the
    snapshot's copy.
    """

    path: str
    sql: str
    summary: str
    query: type[BaseModel]
    row: type[rows.Row]
    is_live: bool = False

    @property
    def item(self) -> str | None:
        """The name in braces: the column that it is the value of."""
        return self.path.partition("{")[2].rstrip("}") or None

    @property
    def item_kind(self) -> str:
        """Which kind of name that is, such as IndicatorName."""
        return f"{self.item.title()}Name" if self.item else ""

    @property
    def operation(self) -> str:
        """The name of the operation, such as list_observations or get_indicator."""
        return f"get_{self.item}" if self.item else f"list_{self.path}"


_LIVE = "As it stands now, and not as of the snapshot."

RESOURCES = (
    Resource("indicators", "indicators", "The indicators of the catalogue", queries.IndicatorsQuery, rows.Indicator),
    Resource("indicators/{indicator}", "indicators", "One indicator", queries.ItemQuery, rows.Indicator),
    Resource("missions", "missions", "The missions", queries.Query, rows.Mission),
    Resource("priorities", "priorities", "The priorities and cross-cutting themes", queries.Query, rows.Priority),
    Resource("periods", "periods", "The periods that figures are for, and which are cycles", queries.MomentQuery, rows.Period),
    Resource("series", "series", "The series that have observations", queries.SeriesQuery, rows.Series),
    Resource("observations", "observations", "Observations, or their revisions", queries.ObservationsQuery, rows.Observation),
    Resource("latest", "latest", "What holds of each series", queries.LatestQuery, rows.Observation),
    Resource("kpis", "kpis", "The KPIs", queries.KpisQuery, rows.Kpi),
    Resource("kpis/{kpi}", "kpis", "One KPI", queries.ItemQuery, rows.Kpi),
    Resource("kpi_values", "kpi_values", "KPI figures as of each date", queries.KpiValuesQuery, rows.KpiValue),
    Resource("kpi_latest", "kpi_latest", "What holds of each KPI", queries.KpiLatestQuery, rows.KpiValue),
    Resource(
        "kpi_changes",
        "kpi_changes",
        "Changes of KPIs; those of totals are over the missions with a value at both dates",
        queries.KpiChangesQuery,
        rows.KpiChange,
    ),
    Resource("completeness", "completeness", "Who reported what", queries.CompletenessQuery, rows.Completeness),
    Resource(
        "reconciliation",
        "reconciliation",
        "Printed totals beside their parts",
        queries.ReconciliationQuery,
        rows.Reconciliation,
    ),
    Resource("thresholds", "thresholds", "The thresholds in force", queries.ThresholdsQuery, rows.Threshold),
    Resource(
        "threshold_history", "threshold_history", "Who set which threshold when", queries.ThresholdsQuery, rows.ThresholdSetting
    ),
    Resource("alerts", "alerts", f"The alerts that fire. {_LIVE}", queries.AlertsQuery, rows.FiringAlert, is_live=True),
    Resource("snapshots", "snapshots", "The snapshots that were made", queries.Query, rows.Snapshot),
    Resource("jobs", "jobs", f"The runs of jobs. {_LIVE}", queries.JobsQuery, rows.JobRun, is_live=True),
    Resource("batches", "batches", "The loads", queries.KnownQuery, rows.Batch),
    Resource(
        "load_warnings", "load_warnings", "Implausible values that were loaded", queries.LoadWarningsQuery, rows.LoadWarning
    ),
)
