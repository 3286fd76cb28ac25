"""The data structure A4P:INDICATORS of a read copy: its dimensions, attributes and codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metrics.values import STATUS_TEXT
from service.warehouse.database import Connection, read_rows, run_sql

AGENCY = "A4P"
STRUCTURE_ID = "INDICATORS"
VERSION = "1.0"
SDMX = "SDMX"
NOT_APPLICABLE = "_Z"
TIME_PERIOD, OBS_VALUE, OBS_STATUS = "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"
# Columns of SDMX-CSV that are no components.
CSV_COLUMNS = frozenset(
    ["STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "DATAFLOW", "ACTION", "SERIES_KEY", "OBS_KEY", "VALID_FROM", "VALID_TO"]
)
PREFIX = "DIM_"


@dataclass(frozen=True)
class Code:
    """A code with its name."""

    id: str
    name: str
    description: str = ""


@dataclass(frozen=True)
class Codelist:
    """A codelist; of those of SDMX only the codes in use (`is_partial`)."""

    id: str
    name: str
    codes: tuple[Code, ...]
    agency: str = AGENCY
    version: str = VERSION
    is_partial: bool = False


@dataclass(frozen=True)
class Component:
    """A dimension, measure or attribute. `dimension` is the name of the disaggregation in the catalogue, if it is one.

    `depends_on` are the dimensions that the value of an attribute depends on; none means all of them.
    """

    id: str
    name: str
    codelist: Codelist | None = None
    dimension: str | None = None
    is_mandatory: bool = False
    depends_on: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Structure:
    """The components in the order of the data structure. `dimensions` are those of a series, without TIME_PERIOD."""

    dimensions: tuple[Component, ...]
    attributes: tuple[Component, ...]
    # Of each indicator: the codes of its frequency and of its disaggregations, by the id of the dimension.
    values_of_indicators: tuple[tuple[str, dict[str, tuple[str, ...]]], ...] = ()
    time: Component = Component(TIME_PERIOD, "Time period")
    measure: Component = Component(OBS_VALUE, "Observation value")

    @property
    def codelists(self) -> tuple[Codelist, ...]:
        """The codelists in use, each once, sorted by their id."""
        found = {part.codelist.id: part.codelist for part in (*self.dimensions, *self.attributes) if part.codelist}
        return tuple(found[key] for key in sorted(found))

    @property
    def component_ids(self) -> tuple[str, ...]:
        """The ids of all components in their order."""
        parts = (*self.dimensions, self.time, self.measure, *self.attributes)
        return tuple(part.id for part in parts)


FREQUENCIES = Codelist(
    "CL_FREQ",
    "Frequency",
    (Code("A", "Annual"), Code("S", "Half-yearly, semester"), Code("_O", "Other")),
    SDMX,
    "2.1",
    is_partial=True,
)
STATUSES = Codelist(
    "CL_OBS_STATUS",
    "Observation status",
    tuple(Code(code, text.capitalize()) for code, text in STATUS_TEXT.items()),
    SDMX,
    "2.3",
    is_partial=True,
)
MULTIPLIERS = Codelist("CL_UNIT_MULT", "Unit multiplier", (Code("0", "Units"),), SDMX, "1.1", is_partial=True)
UNITS = Codelist(
    "CL_UNIT_MEASURE",
    "Unit of measure",
    (
        Code("NUMBER", "Number"),
        Code("RO", "Ratio", "A share from 0 to 1, not a percentage."),
        Code("BOOL", "Boolean", "1 yes, 0 no."),
        Code("DAYS", "Days"),
        Code("MTR", "Metres"),
        Code("MTK", "Square metres"),
        Code("LEVEL", "Level", "1 low, 2 medium, 3 high."),
    ),
)
ATTRIBUTES = (
    Component(OBS_STATUS, "Observation status", STATUSES, is_mandatory=True),
    Component("UNIT_MEASURE", "Unit of measure", UNITS, is_mandatory=True, depends_on=("INDICATOR",)),
    Component("UNIT_MULT", "Unit multiplier", MULTIPLIERS, depends_on=("INDICATOR",)),
    Component("SOURCE_DETAIL", "Source", is_mandatory=True, description="The document with the value."),
    Component("SOURCE_PAGE", "Page of the source"),
    Component("COMMENT_OBS", "Comment on the observation"),
)
RESERVED = frozenset(
    {"FREQ", "INDICATOR", "MISSION", TIME_PERIOD, OBS_VALUE, *CSV_COLUMNS, *(attribute.id for attribute in ATTRIBUTES)}
)


def name_dimension(name: str) -> str:
    """Return the SDMX id of a disaggregation: its name in upper case, with a prefix where that id has another meaning."""
    written = name.upper()
    return PREFIX + written if written in RESERVED or written.startswith(PREFIX) else written


def read_structure(session: Connection) -> Structure:
    """Return the structure of the current catalogue of a warehouse or read copy."""
    run_sql(session, "sdmx/prepare")
    indicators = read_rows(run_sql(session, "sdmx/list_indicators"))
    missions = read_rows(run_sql(session, "sdmx/list_missions"))
    values: dict[str, list[Code]] = {}
    for row in read_rows(run_sql(session, "sdmx/list_values")):
        values.setdefault(row["dimension"], []).append(Code(row["id"], row["name"]))
    indicator_codes = tuple(Code(row["id"], row["name"], row["description"]) for row in indicators)
    dimensions = (
        Component("FREQ", "Frequency", FREQUENCIES),
        Component("INDICATOR", "Indicator", Codelist("CL_INDICATOR", "Indicators of A4P+", indicator_codes)),
        Component("MISSION", "Mission", Codelist("CL_MISSION", "Missions", tuple(Code(**row) for row in missions))),
        *(_make_dimension(name, codes) for name, codes in sorted(values.items())),
    )
    codes = {(name, code.name): code.id for name, listed in values.items() for code in listed}

    def list_codes(row: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {"FREQ": (row["frequency"],)}
        for part in dimensions:
            if name := part.dimension:
                known = row["dimensions"].get(name)
                found[part.id] = tuple(codes[name, value] for value in known) if known else (NOT_APPLICABLE,)
        return found

    return Structure(dimensions, ATTRIBUTES, tuple((row["id"], list_codes(row)) for row in indicators))


def _make_dimension(name: str, values: Sequence[Code]) -> Component:
    title = name.replace("_", " ").capitalize()
    component_id = name_dimension(name)
    codes = (*values, Code(NOT_APPLICABLE, "Not applicable"))
    return Component(component_id, title, Codelist(f"CL_{component_id}", title, codes), name)
