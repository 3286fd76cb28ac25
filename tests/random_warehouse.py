"""Random observations, closings and limits for property tests, and a warehouse that is emptied and filled with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from service.warehouse.database import Connection, Warehouse, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue, store_kpis
from tests.conftest import STORED_AT, forget_cache

HALF_YEARS = [
    (date(2022, 5, 1), date(2022, 10, 31)), (date(2022, 11, 1), date(2023, 4, 30)), (date(2023, 5, 1), date(2023, 10, 31)),
    (date(2023, 11, 1), date(2024, 4, 30)), (date(2024, 5, 1), date(2024, 10, 31)),
]  # fmt: skip
YEARS = [(date(year, 1, 1), date(year, 12, 31)) for year in (2021, 2022, 2023, 2024)]
CUMULATIVE = [(date(2022, 1, 1), end) for end in (date(2022, 10, 31), date(2023, 4, 30), date(2024, 4, 30))]
# An indicator, its further labels, and the periods in which it is reported: also several that end on one day.
SERIES = [
    ("sofa_incidents_new", {}, HALF_YEARS),
    ("tpp_trainees", {"training": "Medical", "personnel": "police"}, HALF_YEARS),
    ("tpp_trainees", {"training": "Medical", "personnel": "military"}, HALF_YEARS),
    ("serious_misconduct_allegations", {}, YEARS),
    ("explosive_incidents", {}, [*HALF_YEARS, *CUMULATIVE]),
    ("hospitals", {}, HALF_YEARS),
    ("hospitals_reporting", {}, HALF_YEARS),
]
MISSIONS = ["UNMISS", "UNIFIL", "MINUSMA", "ALL"]
WRITTEN_TABLES = [
    "observations", "series", "batches", "kpi_values", "kpi_histories", "kpi_changes", "snapshots", "thresholds",
    "reconciliations", "reconciliation_runs",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One observation to store."""

    series: int
    mission: str
    period: int
    status: str
    value: int

    @property
    def span(self) -> tuple[date, date]:
        periods = SERIES[self.series][2]
        return periods[self.period % len(periods)]

    @property
    def cell(self) -> tuple[int, str, tuple[date, date]]:
        return self.series, self.mission, self.span


@dataclass(frozen=True)
class Dates:
    """Whether a mission is closed, and its first and last day where they are recorded."""

    is_closed: bool
    opened_on: date | None
    closed_on: date | None


rows = st.builds(
    Row,
    st.integers(0, len(SERIES) - 1),
    st.sampled_from(MISSIONS),
    st.integers(0, 7),
    st.sampled_from("AAAEPVOLM"),
    st.integers(0, 9),
)
batch = st.lists(rows, min_size=1, max_size=12, unique_by=lambda row: row.cell)
batches = st.lists(batch, max_size=4)
days = st.dates(date(2022, 1, 1), date(2025, 6, 30))
dates = st.builds(
    lambda is_closed, opened_on, closed_on: Dates(
        is_closed, opened_on, closed_on if opened_on is None or closed_on is None or opened_on <= closed_on else None
    ),
    st.booleans(), st.none() | days, st.none() | days,
)  # fmt: skip
limits = st.lists(
    st.tuples(
        st.sampled_from(["a4p_sofa_incidents_new", "a4p_indicator_change", "a4p_hospital_reporting_coverage_ratio"]),
        st.sampled_from(["*", "UNMISS"]),
        st.none() | st.integers(0, 9),
    ),
    max_size=3,
)


def set_dates(definitions: Definitions, unmiss: Dates) -> Definitions:
    """Return the definitions with these dates of UNMISS."""
    catalogue = definitions.catalogue
    status = "closed" if unmiss.is_closed else "active"
    change = {"status": status, "opened_on": unmiss.opened_on, "closed_on": unmiss.closed_on}
    missions = tuple(
        mission.model_copy(update=change) if mission.mission == "UNMISS" else mission for mission in catalogue.missions
    )
    return replace(definitions, catalogue=replace(catalogue, missions=missions))


def empty_warehouse(warehouse: Warehouse) -> None:
    """Delete everything that an example recorded, and number every series."""
    with warehouse.write() as cursor:
        forget_cache(cursor)
        for table in WRITTEN_TABLES:
            cursor.execute(f"delete from store.{table}")
        for number, (indicator, dimensions, _) in enumerate(SERIES):
            for place, mission in enumerate(MISSIONS):
                cursor.execute(
                    "insert into store.series values (?, ?, ?, ?)",
                    [number * len(MISSIONS) + place, indicator, mission, dimensions],
                )


def record_limits(cursor: Connection, set_limits: list[tuple[str, str, int | None]], first: datetime) -> None:
    """Record limits, a minute after another."""
    for number, (metric, mission, limit) in enumerate(set_limits):
        run_sql(
            cursor, "thresholds/record", metric=metric, mission=mission, dimensions={}, comparison="above", severity="warning",
            limit_value=limit, note=None, set_by="the tests", now=first + timedelta(minutes=number), is_default=False,
        )  # fmt: skip


def store_batch(warehouse: Warehouse, number: int, batch: list[Row]) -> None:
    """Record observations as one batch."""
    recorded_at = STORED_AT + timedelta(minutes=number)
    with warehouse.write() as cursor:
        cursor.execute(
            "insert into store.batches values (?, 'made', ?, 'the tests', ?, 0, 0, 0, 0)", [number, str(number), recorded_at]
        )
        for row in batch:
            has_value = row.status in "AEP"
            cursor.execute(
                "insert into store.observations by name select ? as series_id, ? as period_start, ? as period_end, ? as value, "
                "? as status, 'made' as source, ? as batch_id, ? as recorded_at",
                [row.series * len(MISSIONS) + MISSIONS.index(row.mission), *row.span, row.value if has_value else None,
                 row.status, number, recorded_at],
            )  # fmt: skip


def start_warehouse(warehouse: Warehouse, definitions: Definitions) -> None:
    """Empty a warehouse and store the catalogue and the KPIs."""
    empty_warehouse(warehouse)
    store_catalogue(warehouse, definitions.catalogue, STORED_AT)
    store_kpis(warehouse, definitions.kpis, STORED_AT)
