"""Row models of the resources of the API. The comments on the views describe the columns."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema

# Key in the schema of a name: the schema of the OpenAPI document that lists its values (pydantic refers to its own only).
KIND = "x-kind"


def _name_schema(kind: str) -> WithJsonSchema:
    return WithJsonSchema({KIND: kind})


# The values come from the catalogue. The OpenAPI document lists them.
IndicatorName = Annotated[str, _name_schema("IndicatorName")]
MissionName = Annotated[str, _name_schema("MissionName")]
KpiName = Annotated[str, _name_schema("KpiName")]
MetricName = Annotated[str, _name_schema("MetricName")]
PriorityName = Annotated[str, _name_schema("PriorityName")]
ThresholdMission = Annotated[str, _name_schema("ThresholdMission")]

Date = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Dimensions = dict[str, str]
Status = Literal["A", "E", "P", "V", "O", "L", "M"]
Comparison = Literal["above", "below"]
Severity = Literal["info", "warning", "critical"]
AuditResult = Literal["done", "refused", "failed", "interrupted"]
RunStatus = Literal["running", "succeeded", "failed", "missed", "interrupted"]


class Row(BaseModel):
    """A row. The comments on the columns of `view` describe its fields."""

    model_config = ConfigDict(extra="forbid")
    view: ClassVar[str] = ""


class Indicator(Row):
    view = "indicators"
    indicator: str
    title: str
    description: str
    priority: str
    unit: str
    better: Literal["higher", "lower", "neutral"]
    source: str
    metric: str
    expected_missions: list[str]


class Mission(Row):
    view = "missions"
    mission: str
    name: str
    location: str
    has_political_mandate: bool | None
    host_agreement: str | None
    status: str
    opened_on: Date | None
    closed_on: Date | None
    latitude: float | None
    longitude: float | None


class Priority(Row):
    view = "priorities"
    priority: str
    title: str
    number: int | None
    cross_cutting: bool


class Period(Row):
    view = "cycles"
    period: str
    cycle: int | None
    period_start: Date
    period_end: Date
    observations: int


class Observation(Row):
    view = "observations"
    indicator: str
    mission: str
    dimensions: Dimensions
    period_start: Date
    period_end: Date
    value: float | None
    status: Status
    source: str
    page: str | None
    note: str | None
    batch_id: int
    recorded_at: Time


class Series(Row):
    view = "observations"
    indicator: str
    mission: str
    dimensions: Dimensions
    metric: str | None
    first_day: Date
    last_day: Date
    observations: int


class Kpi(Row):
    view = "kpis"
    kpi: str
    title: str
    description: str
    unit: str
    better: Literal["higher", "lower", "neutral"]
    priority: str
    metric: str
    maximum: float | None


class KpiValue(Row):
    view = "kpi_values"
    kpi: str
    mission: str
    dimensions: Dimensions
    as_of: Date
    value: float | None
    computed_at: Time
    missions: list[str] | None
    missions_used: int | None
    missions_expected: int | None


class KpiChange(Row):
    view = "kpi_changes"
    kpi: str
    mission: str
    dimensions: Dimensions
    as_of: Date
    value: float
    previous_as_of: Date
    previous_value: float
    change: float
    missions: list[str] | None
    missions_used: int | None
    missions_expected: int | None


class Completeness(Row):
    view = "completeness"
    period: str
    indicator: str
    missions_expected: int
    missions_reported: int


class Reconciliation(Row):
    view = "reconciliation"
    check_name: str
    expected: float | None
    computed: float | None
    difference: float | None
    agrees: bool | None
    note: str | None


class Threshold(Row):
    view = "thresholds"
    metric: str
    mission: str
    dimensions: Dimensions
    comparison: Comparison
    severity: Severity
    limit_value: float
    note: str | None
    set_by: str | None
    recorded_at: Time
    excluded_missions: list[str]


class ThresholdSetting(Row):
    view = "threshold_history"
    metric: str
    mission: str
    dimensions: Dimensions
    comparison: Comparison
    severity: Severity
    limit_value: float | None
    replaced_limit: float | None
    note: str | None
    set_by: str | None
    recorded_at: Time


class FiringAlert(Row):
    view = "firing_alerts"
    fingerprint: str
    alert: str
    metric: str | None
    mission: str | None
    severity: str | None
    value: float | None
    limit_value: float | None
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Time
    acknowledged_by: str | None
    acknowledgement: str | None
    acknowledged_at: Time | None
    value_now: float | None
    limit_now: float | None
    period_end_now: Date | None


class Silence(Row):
    view = "silences"
    silence_id: str
    alert: str | None
    metric: str | None
    mission: str
    severity: Severity | None
    dimensions: Dimensions
    starts_at: Time
    ends_at: Time
    note: str | None
    set_by: str
    ended_by: str | None
    alertmanager_id: str | None
    is_delivered: bool
    recorded_at: Time


class Snapshot(Row):
    view = "snapshot_info"
    snapshot_id: str
    as_of: Date
    made_at: Time
    batch_id: int
    series_count: int


class JobRun(Row):
    view = "job_runs"
    run_id: int
    job: str
    due: Time
    started: Time | None
    ended: Time | None
    status: RunStatus
    row_count: int | None
    error: str | None


class Batch(Row):
    view = "batches"
    batch_id: int
    file_name: str
    sha256: str
    loaded_by: str
    recorded_at: Time
    row_count: int
    new_observations: int
    revisions: int
    unchanged: int


class Feed(Row):
    view = "feeds"
    feed: str
    title: str
    description: str
    source: str
    licence: str
    attribution: str


class Event(Row):
    view = "events"
    feed: str
    event_id: str
    kind: str
    occurred_on: Date
    mission: MissionName
    attributes: dict[str, str]
    state: str
    recorded_at: Time
    batch_id: int


class EventLoad(Row):
    view = "event_loads"
    batch_id: int
    feed: str
    file_name: str
    loaded_by: str
    recorded_at: Time
    exported_at: Time | None
    row_count: int
    new_events: int
    changed_events: int
    unchanged_events: int
    older_events: int
    withdrawn_events: int
    duplicate_rows: int
    unreadable_rows: int
    left_out_rows: int
    notes: list[str]


class LoadWarning(Row):
    view = "load_warnings"
    batch_id: int
    file_name: str
    file_row: int
    indicator: str
    mission: str
    dimensions: Dimensions
    period_start: Date
    period_end: Date
    rule: str
    message: str
    recorded_at: Time
    is_current: bool


def page_model(row: type[Row]) -> dict[str, Any]:
    """Return the JSON schema of a page of rows."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["snapshot", "as_of", "known_at", "rows", "next"],
        "properties": {
            **moment_schema(),
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{row.__name__}"}},
            "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last page."},
        },
    }


def item_model(row: type[Row]) -> dict[str, Any]:
    """Return the JSON schema of a single row."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["snapshot", "as_of", "known_at", "row"],
        "properties": {**moment_schema(), "row": {"$ref": f"#/components/schemas/{row.__name__}"}},
    }


def moment_schema() -> dict[str, Any]:
    """Return the JSON schema of the members of every answer."""
    return {
        "snapshot": {"type": "string", "description": "Snapshot of the answer: the id of a4p_snapshot_info in /metrics."},
        "as_of": {"type": "string", "format": "date", "description": "As-of date of the values."},
        "known_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Known-at instant of the values; null for all recorded values.",
        },
    }
