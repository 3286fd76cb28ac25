"""Query parameters of the resources of the API, and their parsing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict

from service.names import suggest_names
from service.queries.moments import parse_as_of, parse_date, parse_instant
from service.warehouse.definitions import Definitions
from service.web.api.rows import (
    KIND,
    IndicatorName,
    KpiName,
    MetricName,
    MissionName,
    PriorityName,
    RunStatus,
    Severity,
    Status,
    ThresholdMission,
)
from service.web.problems import Fault, list_faults, refuse_faults

MAX_ROWS = 10_000
DEFAULT_ROWS = 1_000
ALL_NAMES = "/api/v1/openapi.json lists all names."


def _read_date(given: object) -> date:
    return parse_date(str(given))


def _read_as_of(given: object) -> date:
    return parse_as_of(str(given))


def _read_instant(given: object) -> datetime:
    return parse_instant(str(given))


def _read_flag(written: object) -> bool:
    if written not in ("true", "false", True, False):
        raise ValueError("must be true or false.")
    return written in ("true", True)


def _read_number(written: object) -> object:
    if isinstance(written, str) and not re.fullmatch(r"\d{1,9}", written, re.ASCII):
        raise ValueError("not a whole number.")
    return written


Day = Annotated[date, BeforeValidator(_read_date)]
AsOf = Annotated[date, BeforeValidator(_read_as_of)]
Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Count = Annotated[int, BeforeValidator(_read_number)]
Dimension = Annotated[str, Field(pattern=r"^[^=]+=")]


class Query(BaseModel):
    """Parameters of all lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Count = Field(DEFAULT_ROWS, ge=1, le=MAX_ROWS, description="Maximum number of rows of a page.")
    cursor: str | None = Field(None, description="Start of the page, from `next` of the previous page.")


class KnownQuery(Query):
    known_at: Instant | None = Field(None, description="Only values recorded up to this instant.")


class MomentQuery(KnownQuery):
    as_of: AsOf | None = Field(
        None, description="Only periods that ended by this date, ten years ahead at most. Default: date of the snapshot."
    )


class IndicatorsQuery(Query):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators; can be repeated.")
    priority: tuple[PriorityName, ...] = Field((), description="Only these priorities.")


class SeriesQuery(MomentQuery):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators; can be repeated.")
    mission: tuple[MissionName, ...] = Field((), description="Only these missions; ALL is peacekeeping as a whole.")
    dimension: tuple[Dimension, ...] = Field((), description="Only series with this dimension value, written name=value.")


class LatestQuery(SeriesQuery):
    status: tuple[Status, ...] = Field((), description="Only observations of these statuses.")


class ObservationsQuery(LatestQuery):
    start: Day | None = Field(None, alias="from", description="Only periods that begin on or after this date.")
    end: Day | None = Field(None, alias="to", description="Only periods that end on or before this date.")
    revisions: Flag = Field(False, description="Return all revisions, not only the latest.")


class KpisQuery(Query):
    kpi: tuple[KpiName, ...] = Field((), description="Only these KPIs.")
    priority: tuple[PriorityName, ...] = Field((), description="Only these priorities; some KPIs have the priority all.")


class KpiLatestQuery(MomentQuery):
    kpi: tuple[KpiName, ...] = Field((), description="Only these KPIs.")
    mission: tuple[MissionName, ...] = Field((), description="Only these missions; ALL is peacekeeping as a whole.")
    dimension: tuple[Dimension, ...] = Field((), description="Only series with this dimension value, written name=value.")


class KpiChangesQuery(KpiLatestQuery):
    start: Day | None = Field(None, alias="from", description="Only values as of this date or later.")
    end: Day | None = Field(None, alias="to", description="Only values as of this date or earlier.")


class KpiValuesQuery(KpiChangesQuery):
    revisions: Flag = Field(False, description="Return every computation of a value, not only the last.")


class CompletenessQuery(KnownQuery):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators.")


class ReconciliationQuery(KnownQuery):
    agrees: Flag | None = Field(None, description="Only comparisons that agree (true) or disagree (false).")


class LoadWarningsQuery(KnownQuery):
    is_current: Flag | None = Field(None, description="Only warnings about current values (true) or corrected values (false).")


class ThresholdsQuery(KnownQuery):
    metric: tuple[MetricName, ...] = Field((), description="Only thresholds on these metrics.")
    mission: tuple[ThresholdMission, ...] = Field((), description="Only thresholds for these missions; * means all missions.")


class AlertsQuery(Query):
    mission: tuple[MissionName, ...] = Field((), description="Only alerts on these missions.")
    severity: tuple[Severity, ...] = Field((), description="Only alerts of these severities.")


class SilencesQuery(Query):
    mission: tuple[ThresholdMission, ...] = Field((), description="Only silences of these missions; * means all missions.")
    active_at: Instant | None = Field(None, description="Only silences that apply at this instant.")


class EventsQuery(KnownQuery):
    feed: tuple[str, ...] = Field((), description="Only events of these feeds.")
    kind: tuple[str, ...] = Field((), description="Only events of these kinds.")
    state: tuple[str, ...] = Field((), description="Only events in these states.")
    mission: tuple[MissionName, ...] = Field((), description="Only events of these missions; can be repeated.")
    start: Day | None = Field(None, alias="from", description="Only events on or after this date.")
    end: Day | None = Field(None, alias="to", description="Only events on or before this date.")


class JobsQuery(Query):
    job: tuple[str, ...] = Field((), description="Only runs of these jobs.")
    status: tuple[RunStatus, ...] = Field((), description="Only runs with these statuses.")


class ItemQuery(BaseModel):
    """A single row has no parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# The known values of each kind of name, by the name of its schema in the OpenAPI document.
Names = Mapping[str, Collection[str]]
Parsed = TypeVar("Parsed", bound=BaseModel)


def list_names(definitions: Definitions) -> Names:
    """Return the known values of each kind of name."""
    catalogue = definitions.catalogue
    missions = [mission.mission for mission in catalogue.missions]
    indicators = [indicator for _, indicator in catalogue.indicators]
    return {
        "IndicatorName": [indicator.indicator for indicator in indicators],
        "MissionName": missions,
        "ThresholdMission": ["*", *missions],
        "KpiName": [kpi.kpi for kpi in definitions.kpis],
        "MetricName": [*(indicator.metric for indicator in indicators), *(kpi.metric for kpi in definitions.kpis)],
        "PriorityName": [*(priority.priority for priority in catalogue.priorities), "all"],
    }


def read_query(model: type[Parsed], arguments: MultiDict[str, str], names: Names) -> Parsed:
    """Return the parsed query of a URL. `names` are the known values of each kind of name.

    Raises Refused (400) with all faults and a fix for each.
    """
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    faults: list[Fault] = []
    given: dict[str, Any] = {}
    for name, values in arguments.lists():
        if name in fields and isinstance(fields[name].default, tuple):
            given[name] = values
            faults += _find_unknown(name, values, names.get(_find_kind(fields[name])))
        else:
            given[name] = values[0]
            if len(values) > 1:
                faults.append({"name": name, "detail": "given more than once."})
    try:
        query = model.model_validate(given)
    except ValidationError as error:
        raise refuse_faults([*list_faults(error, fields), *faults]) from None
    if faults:
        raise refuse_faults(faults)
    return query


def _find_kind(field: FieldInfo) -> str:
    """Return the kind of name of a field, such as IndicatorName, or an empty string."""
    (value, *_) = get_args(field.annotation)
    (_, *metadata) = get_args(value) or ("",)
    return next((str((entry.json_schema or {}).get(KIND, "")) for entry in metadata if isinstance(entry, WithJsonSchema)), "")


def _find_unknown(name: str, values: Iterable[str], known: Collection[str] | None) -> list[Fault]:
    unknown = [value for value in values if known is not None and value not in known]
    return [
        {"name": name, "detail": f"unknown value {value!r}. {suggest_names(value, known or (), ALL_NAMES)}"}
        for value in unknown
    ]


def bind_query(query: BaseModel) -> dict[str, object]:
    """Return the bound parameters by their name in the URL, None for those not given."""
    values = query.model_dump(by_alias=True)
    return {name: (list(value) or None) if isinstance(value, tuple) else value for name, value in values.items()}
