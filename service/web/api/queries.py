"""What each resource of the API may be asked, and how the query of a URL is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict

from service.definitions import Definitions
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
from service.web.problems import Fault, list_faults, mend_name, refuse_faults

MAX_ROWS = 10_000
USUAL_ROWS = 1_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?)?")


def _read_date(written: object) -> date:
    text = str(written)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError("is no date; write it like 2023-10-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is a day that does not exist") from None


def _read_time(written: object) -> datetime:
    matched = _TIME.fullmatch(str(written))
    try:
        if matched is None:
            raise ValueError
        day, clock, offset = matched.groups()
        return datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or 'Z').upper()}").astimezone(UTC)
    except OverflowError:
        # By its own clock within the years 1 to 9999, in UTC not.
        edge = datetime.min if str(written).startswith("0001") else datetime.max
        return edge.replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("is no time; write it like 2024-07-01T12:00:00Z, or 2024-07-01 for its first instant, UTC") from None


def _read_flag(written: object) -> bool:
    if written not in ("true", "false", True, False):
        raise ValueError("is true or false")
    return written in ("true", True)


def _read_number(written: object) -> object:
    if isinstance(written, str) and not re.fullmatch(r"\d{1,9}", written, re.ASCII):
        raise ValueError("is no whole number")
    return written


Day = Annotated[date, BeforeValidator(_read_date)]
Instant = Annotated[
    datetime,
    BeforeValidator(_read_time),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Count = Annotated[int, BeforeValidator(_read_number)]
Dimension = Annotated[str, Field(pattern=r"^[^=]+=")]


class Query(BaseModel):
    """What every list may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Count = Field(USUAL_ROWS, ge=1, le=MAX_ROWS, description="Most rows of a page.")
    cursor: str | None = Field(None, description="Where the page begins, as `next` of the page before it says.")


class KnownQuery(Query):
    known_at: Instant | None = Field(None, description="Only what was recorded up to this instant.")


class MomentQuery(KnownQuery):
    as_of: Day | None = Field(None, description="Only periods that ended up to this date; that of the snapshot unless given.")


class IndicatorsQuery(Query):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators; may be given more than once.")
    priority: tuple[PriorityName, ...] = Field((), description="Only these priorities.")


class SeriesQuery(MomentQuery):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators; may be given more than once.")
    mission: tuple[MissionName, ...] = Field((), description="Only these missions; ALL is peacekeeping as a whole.")
    dimension: tuple[Dimension, ...] = Field((), description="Only series with this dimension value, written name=value.")


class LatestQuery(SeriesQuery):
    status: tuple[Status, ...] = Field((), description="Only observations of these statuses.")


class ObservationsQuery(LatestQuery):
    start: Day | None = Field(None, alias="from", description="Only periods that begin on or after this date.")
    end: Day | None = Field(None, alias="to", description="Only periods that end on or before this date.")
    revisions: Flag = Field(False, description="Every revision, and not only the newest.")


class KpisQuery(Query):
    kpi: tuple[KpiName, ...] = Field((), description="Only these KPIs.")
    priority: tuple[PriorityName, ...] = Field((), description="Only these priorities; all is a priority of some KPIs.")


class KpiLatestQuery(MomentQuery):
    kpi: tuple[KpiName, ...] = Field((), description="Only these KPIs.")
    mission: tuple[MissionName, ...] = Field((), description="Only these missions; ALL is peacekeeping as a whole.")
    dimension: tuple[Dimension, ...] = Field((), description="Only series with this dimension value, written name=value.")


class KpiChangesQuery(KpiLatestQuery):
    start: Day | None = Field(None, alias="from", description="Only figures as of this date or later.")
    end: Day | None = Field(None, alias="to", description="Only figures as of this date or earlier.")


class KpiValuesQuery(KpiChangesQuery):
    revisions: Flag = Field(False, description="Every time a figure was computed, and not only the last.")


class CompletenessQuery(KnownQuery):
    indicator: tuple[IndicatorName, ...] = Field((), description="Only these indicators.")


class ReconciliationQuery(KnownQuery):
    agrees: Flag | None = Field(None, description="Only comparisons that agree, or that do not.")


class LoadWarningsQuery(KnownQuery):
    is_current: Flag | None = Field(None, description="Only warnings about current values, or about corrected ones.")


class ThresholdsQuery(KnownQuery):
    metric: tuple[MetricName, ...] = Field((), description="Only thresholds on these metrics.")
    mission: tuple[ThresholdMission, ...] = Field((), description="Only thresholds for these missions; * is for every mission.")


class AlertsQuery(Query):
    mission: tuple[MissionName, ...] = Field((), description="Only alerts on these missions.")
    severity: tuple[Severity, ...] = Field((), description="Only alerts of these severities.")


class JobsQuery(Query):
    job: tuple[str, ...] = Field((), description="Only runs of these jobs.")
    status: tuple[RunStatus, ...] = Field((), description="Only runs that ended so, or that are running.")


class ItemQuery(BaseModel):
    """One row by its name is asked nothing further."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# Of each kind of name, by its schema in the document, the known values.
Names = Mapping[str, Collection[str]]
Asked = TypeVar("Asked", bound=BaseModel)


def list_names(definitions: Definitions) -> Names:
    """Return the known values of each kind of name that a query may have."""
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


def read_query(model: type[Asked], arguments: MultiDict[str, str], names: Names) -> Asked:
    """Return the query of a URL; `names` are the known values of each kind of name.

    Raises Refused (400) naming each fault with its mend.
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
                faults.append({"name": name, "detail": "is given more than once"})
    try:
        query = model.model_validate(given)
    except ValidationError as error:
        raise refuse_faults([*list_faults(error, fields), *faults]) from None
    if faults:
        raise refuse_faults(faults)
    return query


def _find_kind(field: FieldInfo) -> str:
    """Return which kind of name the values of a field are, such as IndicatorName; empty where they are none."""
    (value, *_) = get_args(field.annotation)
    (_, *metadata) = get_args(value) or ("",)
    return next((str((entry.json_schema or {}).get(KIND, "")) for entry in metadata if isinstance(entry, WithJsonSchema)), "")


def _find_unknown(name: str, values: Iterable[str], known: Collection[str] | None) -> list[Fault]:
    unknown = [value for value in values if known is not None and value not in known]
    return [{"name": name, "detail": f"{value!r} is not known; {mend_name(value, known or ())}"} for value in unknown]


def bind_query(query: BaseModel) -> dict[str, object]:
    """Return what a query binds: by the name in the URL, None for what was not given."""
    values = query.model_dump(by_alias=True)
    return {name: (list(value) or None) if isinstance(value, tuple) else value for name, value in values.items()}
