"""/metrics and remote read return the same series and values now, whatever was loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import cramjam
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.families import INDICATOR_FAMILIES
from metrics.remote_read_pb2 import ReadResponse
from service.history.remote_read import RemoteReader
from service.history.series import HistoryReader
from service.jobs.self_metrics import SelfMetrics
from service.settings import Settings
from service.snapshots.snapshot import make_snapshot
from service.warehouse.database import Connection, Warehouse, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue, store_kpis
from tests.conftest import STORED_AT, NewWarehouse, forget_cache
from tests.fuzz import count_examples
from tests.history.remote_read_client import JOB, at, write_request
from tests.history.test_remote_read import ONLY_SCRAPED

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
Labels = frozenset[tuple[str, str]]


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
batches = st.lists(st.lists(rows, min_size=1, max_size=12, unique_by=lambda row: row.cell), max_size=4)
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


# Every family about indicators: a change, a status, KPI totals, a printed total, and a limit.
COMPLETE: list[list[Row]] = [
    [
        Row(0, "UNMISS", 3, "A", 3), Row(0, "UNMISS", 4, "P", 5),
        Row(5, "UNMISS", 4, "A", 4), Row(5, "UNIFIL", 4, "A", 2), Row(5, "ALL", 4, "A", 6),
        Row(6, "UNMISS", 4, "A", 1), Row(6, "UNIFIL", 4, "A", 2),
    ]
]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("agreement")) as opened:
        yield opened


# Each example makes up to five snapshots.
@settings(max_examples=count_examples(5), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stored=batches, unmiss=dates, day=days, set_limits=limits)
# Without any observation, and with one whose period has not ended yet.
@example(stored=[], unmiss=Dates(False, None, None), day=date(2024, 6, 1), set_limits=[])
@example(stored=[[Row(0, "UNMISS", 4, "A", 3)]], unmiss=Dates(False, None, None), day=date(2024, 6, 1), set_limits=[])
def test_metrics_and_remote_read_return_the_same_series_and_values(
    warehouse: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    unmiss: Dates,
    day: date,
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    shown, history = _read_both(warehouse, definitions, stored, unmiss, day, set_limits)
    assert history == shown


def test_the_comparison_covers_every_family_about_indicators(warehouse: Warehouse, definitions: Definitions) -> None:
    """A family that no example has would be compared as nothing with nothing."""
    set_limits: list[tuple[str, str, int | None]] = [("a4p_sofa_incidents_new", "*", 1)]
    shown, history = _read_both(warehouse, definitions, COMPLETE, Dates(False, None, None), date(2025, 3, 1), set_limits)
    assert history == shown
    names = {name for labels in shown for label, name in labels if label == "__name__"}
    assert {family.name for family in INDICATOR_FAMILIES} - ONLY_SCRAPED <= names
    assert {"a4p_indicator_age_days", "a4p_sofa_incidents_new"} <= names


def _read_both(
    warehouse: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    unmiss: Dates,
    day: date,
    set_limits: list[tuple[str, str, int | None]],
) -> tuple[dict[Labels, float], dict[Labels, float]]:
    """Return the series of /metrics and those of remote read, for the same observations and the same instant."""
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    dated = set_dates(definitions, unmiss)
    empty_warehouse(warehouse)
    store_catalogue(warehouse, dated.catalogue, STORED_AT)
    store_kpis(warehouse, dated.kpis, STORED_AT)
    with warehouse.write() as cursor:
        record_limits(cursor, set_limits, now - timedelta(hours=1))
    # The snapshots before compute a part of the history of KPIs, as those of a service do.
    for number, batch in enumerate(stored, 1):
        store_batch(warehouse, number, batch)
        make_snapshot(warehouse, dated, now - timedelta(minutes=30 - number))
    shown = _read_metrics(make_snapshot(warehouse, dated, now).exposition.text.finish_plain(b""))
    return shown, _read_history(warehouse, now + timedelta(seconds=1))


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


def _read_metrics(chunks: list[bytes]) -> dict[Labels, float]:
    """Return the series of an exposition that remote read returns too."""
    return {
        frozenset({"__name__": sample.name, **sample.labels}.items()): pytest.approx(sample.value)
        for family in parse_text(b"".join(chunks).decode())
        for sample in family.samples
        if sample.name not in ONLY_SCRAPED
    }


def _read_history(warehouse: Warehouse, instant: datetime) -> dict[Labels, float]:
    """Return the newest sample of each series that remote read returns for an instant."""
    history = HistoryReader(warehouse).read()
    reader = RemoteReader(Settings(), warehouse.cursor, SelfMetrics(), lambda _: history)
    answer = b"".join(reader.answer(write_request(at(int(instant.timestamp() * 1000), JOB)), "the tests"))
    response = ReadResponse.FromString(bytes(cramjam.snappy.decompress_raw(answer)))
    return {
        frozenset((label.name, label.value) for label in series.labels if label.name != "job"): series.samples[-1].value
        for result in response.results
        for series in result.timeseries
    }
