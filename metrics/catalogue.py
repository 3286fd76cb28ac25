"""The catalogue of priorities, missions, cycles and indicators, read from YAML and validated."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from metrics.counting import FREQUENCIES, CountedFrom
from metrics.cycles import Cycles, explain_old_form

try:
    # The parser of libyaml takes a tenth of the time, which each command and each start of the service spend.
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

METRIC_PREFIX = "a4p_"
# The mission of values about peacekeeping as a whole.
ALL_MISSIONS = "ALL"
# In expected_missions of an indicator: every mission of the catalogue, also closed ones.
EVERY_MISSION = "EVERY"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Labels set by the service, Prometheus or a rule.
RESERVED_LABELS = frozenset(
    [
        "mission",
        "indicator",
        "kpi",
        "metric",
        "status",
        "job",
        "instance",
        "severity",
        "comparison",
        "alertname",
        "priority",
        "unit",
        "better",
        "source",
        "page",
        "period_end",
        "cycle",
        "title",
        "unreported_period_end",
        "le",
        "quantile",
    ]
)
# The name of a metric ends with its unit; counts, levels and booleans have none.
UNIT_SUFFIX = {
    "ratio": "_ratio",
    "days": "_days",
    "meters": "_meters",
    "square_meters": "_square_meters",
    "count": "",
    "boolean": "",
    "level": "",
}
# Suffixes with a special meaning in OpenMetrics.
RESERVED_SUFFIXES = ("_total", "_count", "_sum", "_bucket", "_created", "_info", "_gcount", "_gsum")

Unit = Literal["count", "ratio", "days", "meters", "square_meters", "boolean", "level"]
Better = Literal["higher", "lower", "neutral"]


class CatalogueError(Exception):
    """A definition that cannot be used; the text names file, entry and fix, one line per error."""


def find_name_fault(name: str, unit: str) -> str | None:
    """Return the error in the name of an indicator or KPI of this unit, or None.

    The rules are those of Prometheus (https://prometheus.io/docs/practices/naming/) and OpenMetrics.
    """
    if not NAME.fullmatch(name):
        return f"the name {name!r} must be lower_snake_case: letters, digits and single underscores, a letter first"
    suffix = UNIT_SUFFIX[unit]
    # sofa_incidents_new_share is the contract's name for a ratio, so a ratio may end in _share too.
    if suffix and not name.endswith(suffix) and not (unit == "ratio" and name.endswith("_share")):
        return f"the unit is {unit!r}, so the name must end in {suffix!r}: rename it to {name}{suffix} or correct the unit"
    if unit == "meters" and name.endswith("_square_meters"):
        return "the name ends in '_square_meters' but the unit is 'meters': correct the unit"
    if not suffix:
        for other in filter(None, UNIT_SUFFIX.values()):
            if name.endswith(other):
                return f"the name ends in {other!r} but the unit is {unit!r}: use unit {other[1:]!r} or rename it"
        for reserved in RESERVED_SUFFIXES:
            # sofa_incidents_total is a gauge by contract; OpenMetrics forbids _total only in family names of counters.
            if reserved != "_total" and name.endswith(reserved):
                return f"the name ends in {reserved!r}, which is reserved by OpenMetrics: rename it"
    return None


def _check_text(text: str) -> str:
    if not text.strip() or text != text.strip():
        raise ValueError("must not be empty or begin or end with a space")
    if any(ord(character) < 32 for character in text):
        raise ValueError("must be one line, without control characters")
    return text


def _check_dimension_value(value: str) -> str:
    if ";" in value or "=" in value or value.startswith("{"):
        raise ValueError("a dimension value must not contain ';' or '=' or begin with '{', which CSV files cannot represent")
    return _check_text(value)


Line = Annotated[str, AfterValidator(_check_text)]
DimensionValue = Annotated[str, AfterValidator(_check_dimension_value)]


class Definition(BaseModel):
    """An entry of the catalogue; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Texts(Definition):
    """The texts of an entry in another language, by the keys of the entry."""

    title: Line | None = None
    short_title: Line | None = None
    name: Line | None = None
    location: Line | None = None
    description: Line | None = None
    term: Line | None = None
    text: Line | None = None
    note: Line | None = None


class TranslatedDefinition(Definition):
    """An entry with optional texts in French. They are not stored in the warehouse, and change no digest."""

    fr: Texts | None = Field(default=None, exclude=True)

    def list_texts(self, language: str) -> dict[str, str]:
        """Return the texts in a language by English text."""
        texts: Texts | None = getattr(self, language, None)
        given = texts.model_dump(exclude_none=True) if texts else {}
        return {getattr(self, key): text for key, text in given.items() if getattr(self, key, None)}

    @model_validator(mode="after")
    def _check_texts(self) -> TranslatedDefinition:
        for key in self.fr.model_dump(exclude_none=True) if self.fr else ():
            if getattr(self, key, None) is None:
                raise ValueError(f"fr has {key}, which the entry itself does not have: add {key} or remove it from fr")
        return self


class Term(TranslatedDefinition):
    """A text of terms.yaml: a dimension value, a source or another text of several entries, with its translations."""

    text: Line


class Priority(TranslatedDefinition):
    priority: Line
    title: Line
    description: Line | None = None
    number: int | None = Field(default=None, ge=1)
    cross_cutting: bool


class Mission(TranslatedDefinition):
    mission: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    name: Line
    location: Line
    has_political_mandate: bool | None
    host_agreement: Literal["SOFA", "SOMA", "none"] | None
    status: Literal["active", "closed", "aggregate"]
    opened_on: date | None = None
    closed_on: date | None = None
    # First and last day between two missions of one name, such as UNEF I and II.
    interrupted_from: date | None = None
    interrupted_until: date | None = None
    # Of the headquarters, in degrees. A mission without them is not on the map.
    latitude: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check_place(self) -> Mission:
        if (self.latitude is None) != (self.longitude is None):
            given, absent = ("latitude", "longitude") if self.longitude is None else ("longitude", "latitude")
            raise ValueError(f"has {given} without {absent}: add {absent} or remove {given}")
        return self

    @model_validator(mode="after")
    def _check_dates(self) -> Mission:
        if (self.interrupted_from is None) != (self.interrupted_until is None):
            raise ValueError("give both interrupted_from and interrupted_until, or neither")
        if self.opened_on and self.closed_on and self.opened_on > self.closed_on:
            raise ValueError("opened_on is after closed_on: swap them")
        return self


class Limits(Definition):
    series_budget: int = Field(ge=1)


class Indicator(TranslatedDefinition):
    indicator: Line
    title: Line
    # For rows of dashboards, where a long title is cut off.
    short_title: Line | None = None
    description: Line
    unit: Unit
    better: Better
    frequency: Literal["half_yearly", "annual", "irregular"]
    source: Line
    # [EVERY]: every mission, also closed ones, which are expected while they are open.
    expected_missions: tuple[str, ...] = Field(min_length=1)
    dimensions: dict[str, tuple[DimensionValue, ...]] = Field(default_factory=dict)
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    maximum: float | None = Field(default=None, allow_inf_nan=False)
    whole: bool
    rare_event: bool = False
    cumulative: bool = False
    due_days: int | None = Field(default=None, ge=0)
    counted_from: CountedFrom | None = None

    @property
    def metric(self) -> str:
        return METRIC_PREFIX + self.indicator

    @model_validator(mode="after")
    def _check(self) -> Indicator:
        if fault := find_name_fault(self.indicator, self.unit):
            raise ValueError(fault)
        for dimension, values in self.dimensions.items():
            if not NAME.fullmatch(dimension):
                raise ValueError(f"the dimension {dimension!r} must be lower_snake_case")
            if dimension in RESERVED_LABELS:
                raise ValueError(f"the dimension {dimension!r} is a reserved label: choose another name")
            if not values or len(set(values)) != len(values):
                raise ValueError(f"the values of dimension {dimension!r} must be given, each once")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        if self.due_days is not None and self.frequency == "irregular":
            raise ValueError("an irregular indicator is never due: remove due_days or change the frequency")
        if self.counted_from is not None:
            frequency = FREQUENCIES[self.counted_from.periods]
            if (self.unit, self.frequency, self.whole) != ("count", frequency, True):
                raise ValueError(f"an indicator counted from events needs unit count, whole true and frequency {frequency}")
        return self


@dataclass(frozen=True)
class Catalogue:
    """All definitions, each tuple in the order of its file; indicators follow the order of priorities."""

    priorities: tuple[Priority, ...]
    missions: tuple[Mission, ...]
    cycles: Cycles
    indicators: tuple[tuple[str, Indicator], ...]
    series_budget: int
    terms: tuple[Term, ...] = ()

    @property
    def indicator_names(self) -> frozenset[str]:
        return frozenset(indicator.indicator for _, indicator in self.indicators)

    @property
    def current_missions(self) -> tuple[str, ...]:
        """Names of the missions that are not closed, with ALL."""
        return tuple(entry.mission for entry in self.missions if entry.status != "closed")

    @property
    def closed_missions(self) -> tuple[str, ...]:
        """Names of the closed missions."""
        return tuple(entry.mission for entry in self.missions if entry.status == "closed")

    def count_series(self) -> int:
        """Return the maximum number of series: missions x dimension values, summed over indicators.

        A closed mission has series of cumulative indicators and of those that name it in `expected_missions`.
        """
        return sum(
            (
                len(self.current_missions)
                + sum(indicator.cumulative or name in indicator.expected_missions for name in self.closed_missions)
            )
            * math.prod(len(values) for values in indicator.dimensions.values())
            for _, indicator in self.indicators
        )

    def to_json(self) -> str:
        """Return the definitions as a JSON object of lists of rows, the form stored in the warehouse."""
        rows: dict[str, list[dict[str, Any]]] = {
            "priorities": [entry.model_dump(mode="json") for entry in self.priorities],
            "missions": [entry.model_dump(mode="json") for entry in self.missions],
            "cycle_rules": [{**self.cycles.rule.model_dump(mode="json"), "due_days": self.cycles.due_days}],
            "cycles": [entry.model_dump(mode="json") for entry in self.cycles.exceptions],
            "indicators": [
                {
                    **entry.model_dump(mode="json"),
                    "priority": priority,
                    "metric": entry.metric,
                    "counted_from": entry.counted_from.to_row() if entry.counted_from else None,
                }
                for priority, entry in self.indicators
            ],
        }
        for kind in rows.values():
            for ordinal, row in enumerate(kind):
                row["ordinal"] = ordinal
        return json.dumps(rows, sort_keys=True)

    def digest(self) -> str:
        """Return the SHA-256 of `to_json`; equal catalogues have equal digests."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


class _StrictLoader(SafeLoader):
    """A YAML loader that rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(file: Path) -> Any:
    """Return the content of a YAML file. Raises CatalogueError with file and line."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        raise CatalogueError(f"{file}: the file is missing; a catalogue directory needs it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise CatalogueError(f"{where}: {getattr(error, 'problem', None) or error}") from None


D = TypeVar("D", bound=BaseModel)


def _parse_entry(model: type[D], entry: Any, where: str) -> tuple[D | None, list[str]]:
    try:
        return model.model_validate(entry), []
    except ValidationError as error:
        return None, [f"{where}: {describe_fault(fault)}" for fault in error.errors()]


def describe_fault(fault: Any) -> str:
    """Return one sentence for an error of pydantic, with its fix."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"the key {key!r} is missing; add it"
    if fault["type"] == "extra_forbidden":
        return f"the key {key!r} is unknown; remove it or correct its spelling"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message} (got {fault['input']!r})" if key else message


def read_entries(file: Path, model: type[D], key: str, faults: list[str]) -> list[D]:
    """Return the valid entries of a YAML list; errors are appended to `faults`."""
    try:
        raw = read_yaml(file)
    except CatalogueError as error:
        faults.append(str(error))
        return []
    if not isinstance(raw, list):
        faults.append(f"{file}: must be a list of entries, each beginning with '- {key}:'")
        return []
    entries: list[D] = []
    seen: dict[object, int] = {}
    for position, item in enumerate(raw, 1):
        name = item.get(key) if isinstance(item, dict) else None
        where = f"{file}, entry {position}" + (f" ({name})" if name is not None else "")
        entry, wrong = _parse_entry(model, item, where)
        faults.extend(wrong)
        if entry is None:
            continue
        if name in seen:
            faults.append(f"{where}: {key} {name!r} is already entry {seen[name]}; remove one or rename it")
            continue
        seen[name] = position
        entries.append(entry)
    return entries


def _read_missions(directory: Path, faults: list[str]) -> list[Mission]:
    """Return the missions of missions.yaml and closed_missions.yaml, ALL last; errors are appended to `faults`."""
    missions = read_entries(directory / "missions.yaml", Mission, "mission", faults)
    file = directory / "closed_missions.yaml"
    if not file.exists():
        return missions
    known = {entry.mission for entry in missions}
    closed = read_entries(file, Mission, "mission", faults)
    for entry in closed:
        if entry.mission in known:
            faults.append(f"{file}, mission {entry.mission}: is already in missions.yaml; remove one")
        if entry.status != "closed" or entry.closed_on is None:
            faults.append(
                f"{file}, mission {entry.mission}: needs status closed and closed_on; add them or move it to missions.yaml"
            )
    # Pages and dashboards show the totals last.
    return sorted(missions + closed, key=lambda entry: entry.status == "aggregate")


def _read_cycles(file: Path, faults: list[str]) -> Cycles | None:
    """Read the calendar of cycles; errors are appended to `faults`."""
    try:
        raw = read_yaml(file)
    except CatalogueError as error:
        faults.append(str(error))
        return None
    if isinstance(raw, list):
        faults.append(explain_old_form(file, raw))
        return None
    cycles, wrong = _parse_entry(Cycles, raw, str(file))
    faults.extend(wrong)
    return cycles


def read_catalogue(directory: Path) -> Catalogue:
    """Return the catalogue in `directory`: priorities, missions, cycles, limits, indicators/<priority>.yaml, and
    closed_missions.yaml and terms.yaml if they exist.

    Raises CatalogueError with all errors, one line each, with file, entry and fix.
    """
    faults: list[str] = []
    priorities = read_entries(directory / "priorities.yaml", Priority, "priority", faults)
    missions = _read_missions(directory, faults)
    cycles = _read_cycles(directory / "cycles.yaml", faults)
    budget = 0
    limits_file = directory / "limits.yaml"
    try:
        limits, wrong = _parse_entry(Limits, read_yaml(limits_file), str(limits_file))
        faults.extend(wrong)
        budget = limits.series_budget if limits else 0
    except CatalogueError as error:
        faults.append(str(error))

    known_missions = {mission.mission for mission in missions}
    known_priorities = {priority.priority for priority in priorities}
    indicators: list[tuple[str, Indicator]] = []
    place: dict[str, Path] = {}
    files = {file.stem: file for file in sorted((directory / "indicators").glob("*.yaml"))}
    for stem in sorted(files.keys() - known_priorities):
        faults.append(f"{files[stem]}: no priority is named {stem!r}; rename the file or add it to priorities.yaml")
    for priority in priorities:
        if priority.priority not in files:
            continue
        file = files[priority.priority]
        for entry in read_entries(file, Indicator, "indicator", faults):
            where = f"{file}, indicator {entry.indicator}"
            if entry.indicator in place:
                faults.append(f"{where}: is already defined in {place[entry.indicator]}; remove one or rename it")
                continue
            place[entry.indicator] = file
            if entry.expected_missions == (EVERY_MISSION,):
                every = tuple(mission.mission for mission in missions if mission.status != "aggregate")
                entry = entry.model_copy(update={"expected_missions": every})
            unknown = [mission for mission in entry.expected_missions if mission not in known_missions]
            if unknown:
                faults.append(f"{where}: expected_missions names {', '.join(unknown)}, not in missions.yaml; correct or add")
            indicators.append((priority.priority, entry))
    if not indicators and not faults:
        faults.append(f"{directory / 'indicators'}: contains no indicator; add one file per priority")
    if cycles is None:
        raise CatalogueError("\n".join(faults))
    terms = read_entries(directory / "terms.yaml", Term, "text", faults) if (directory / "terms.yaml").exists() else []
    catalogue = Catalogue(tuple(priorities), tuple(missions), cycles, tuple(indicators), budget, tuple(terms))
    if budget and catalogue.count_series() > budget:
        faults.append(
            f"{limits_file}: the catalogue can have {catalogue.count_series():,} series, over the series_budget of {budget:,}; "
            "raise the budget or remove dimension values"
        )
    if faults:
        raise CatalogueError("\n".join(faults))
    return catalogue
