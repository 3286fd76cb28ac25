"""KPIs over the events of a window: their values on every day, after corrections, and against thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.thresholds import Threshold
from service.alerting.thresholds import back_test_threshold
from service.events.export import Export
from service.events.load import load_events
from service.snapshots.snapshot import make_snapshot
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue, store_feeds, store_kpis
from tests.conftest import Clock, NewWarehouse, Read
from tests.events.counting import FEED, Casualty, store_export
from tests.events.exports import NEWER, OLDER, needs_real_files
from tests.fuzz import count_examples

KPI = "fatalities_malicious_acts_30d"
MALICIOUS, ILLNESS = "Malicious act", "Illness"
NOW = datetime(2024, 12, 1, tzinfo=UTC)
VALUES = (
    "select as_of, arg_max_null(value, computed_at) from kpi_values where kpi = ? and mission = ? group by as_of order by as_of"
)


@pytest.fixture
def one_kpi(warehouse: Warehouse, definitions: Definitions) -> Definitions:
    """The definitions with the one KPI, stored."""
    return store(warehouse, definitions)


def store(warehouse: Warehouse, definitions: Definitions) -> Definitions:
    bare = replace(definitions, kpis=tuple(kpi for kpi in definitions.kpis if kpi.kpi == KPI))
    store_kpis(warehouse, bare.kpis, read_clock())
    store_feeds(warehouse, bare.feeds, read_clock())
    return bare


def export(warehouse: Warehouse, day: date, *casualties: Casualty) -> None:
    with warehouse.write() as cursor:
        store_export(cursor, day, casualties)


def test_an_event_counts_from_its_day_for_the_days_of_the_window(
    warehouse: Warehouse, one_kpi: Definitions, read: Read
) -> None:
    export(warehouse, date(2024, 6, 30), Casualty("a", "UNMISS", "2024-01-10", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    assert read(VALUES, KPI, "UNMISS") == [
        (date(2011, 7, 8), 0),
        (date(2024, 1, 10), 1),
        (date(2024, 2, 9), 0),
        (date(2024, 7, 30), None),
    ]


def test_a_correction_is_a_new_value_and_the_earlier_one_stays_known(
    warehouse: Warehouse, one_kpi: Definitions, read: Read
) -> None:
    export(warehouse, date(2024, 6, 30), Casualty("a", "UNMISS", "2024-01-10", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    (before,) = read("select max(computed_at) from kpi_values")
    export(warehouse, date(2024, 7, 5), Casualty("a", "UNMISS", "2024-01-10", ILLNESS))
    make_snapshot(warehouse, one_kpi, NOW + timedelta(days=1))
    now = "select value from kpi_values where mission = 'UNMISS' and as_of = '2024-01-10' order by computed_at"
    assert read(now) == [(1,), (0,)]
    known = "select value from kpi_values where mission = 'UNMISS' and as_of = '2024-01-10' and computed_at <= ?"
    assert read(known, before[0]) == [(1,)]


def test_an_export_continues_a_series_that_had_ended(warehouse: Warehouse, one_kpi: Definitions, read: Read) -> None:
    export(warehouse, date(2024, 1, 1), Casualty("a", "UNMISS", "2023-12-20", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    assert read(VALUES, KPI, "UNMISS")[-1] == (date(2024, 1, 31), None)
    export(warehouse, date(2024, 3, 1), Casualty("b", "UNMISS", "2024-01-25", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    assert read(VALUES, KPI, "UNMISS")[1:] == [
        (date(2023, 12, 20), 1),
        (date(2024, 1, 19), 0),
        (date(2024, 1, 25), 1),
        # The value that had ended is valid again, and equal to the one before.
        (date(2024, 1, 31), 1),
        (date(2024, 2, 24), 0),
        (date(2024, 3, 31), None),
    ]


def test_a_value_of_a_day_on_which_the_service_did_not_run_is_recorded_later(
    warehouse: Warehouse, one_kpi: Definitions, read: Read
) -> None:
    export(warehouse, date(2024, 11, 30), Casualty("a", "UNMISS", "2024-11-03", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    assert read(VALUES, KPI, "UNMISS")[-1] == (date(2024, 11, 3), 1)
    export(warehouse, date(2024, 12, 20))
    make_snapshot(warehouse, one_kpi, datetime(2024, 12, 20, tzinfo=UTC))
    assert read(VALUES, KPI, "UNMISS")[-1] == (date(2024, 12, 3), 0)


def test_a_snapshot_without_changes_records_nothing(warehouse: Warehouse, one_kpi: Definitions, read: Read) -> None:
    export(warehouse, date(2024, 11, 30), Casualty("a", "UNMISS", "2024-11-03", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    (count,) = read("select count(*) from store.kpi_values")
    for hours in (1, 2, 30):
        make_snapshot(warehouse, one_kpi, NOW + timedelta(hours=hours))
        assert read("select count(*) from store.kpi_values") == [count]


def test_the_dates_of_a_mission_that_the_catalogue_changes_are_followed(
    warehouse: Warehouse, definitions: Definitions, one_kpi: Definitions, read: Read
) -> None:
    export(warehouse, date(2024, 11, 30), Casualty("a", "UNMISS", "2024-11-03", MALICIOUS))
    make_snapshot(warehouse, one_kpi, NOW)
    catalogue = definitions.catalogue
    closing = {"status": "closed", "closed_on": date(2024, 6, 30)}
    missions = tuple(mission.model_copy(update=closing if mission.mission == "UNMIK" else {}) for mission in catalogue.missions)
    store_catalogue(warehouse, replace(catalogue, missions=missions), read_clock())
    make_snapshot(warehouse, one_kpi, NOW + timedelta(hours=1))
    assert read(VALUES, KPI, "UNMIK")[-1] == (date(2024, 7, 1), None)


DAY = st.integers(0, 120).map(lambda days: date(2024, 1, 1) + timedelta(days=days))
CASUALTY = st.builds(
    Casualty,
    st.integers(1, 6).map(str),
    st.sampled_from(["UNMISS", "MONUSCO", "ONUC"]),
    DAY.map(str),
    st.sampled_from([MALICIOUS, ILLNESS]),
    st.booleans(),
)
EXPORTS = st.lists(st.tuples(DAY, st.lists(CASUALTY, max_size=5, unique_by=lambda one: one.event_id)), min_size=1, max_size=3)


@settings(max_examples=count_examples(6), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(exports=EXPORTS)
def test_the_history_is_the_count_of_every_day_whatever_was_loaded_in_which_order(
    new_warehouse: NewWarehouse, definitions: Definitions, tmp_path_factory: pytest.TempPathFactory,
    exports: list[tuple[date, list[Casualty]]],
) -> None:  # fmt: skip
    with new_warehouse(tmp_path_factory.mktemp("windows")) as warehouse:
        bare = store(warehouse, definitions)
        for number, (day, casualties) in enumerate(exports):
            export(warehouse, day, *casualties)
            make_snapshot(warehouse, bare, NOW + timedelta(hours=number))
        with warehouse.cursor() as cursor:
            found = {
                mission: dict(cursor.execute(VALUES, [KPI, mission]).fetchall()) for mission in ("UNMISS", "MONUSCO", "ONUC")
            }
            events = cursor.execute("select mission, occurred_on from events where kind = ?", [MALICIOUS]).fetchall()
    covered = max(day for day, _ in exports)
    for mission, values in found.items():
        for day in (date(2023, 12, 1) + timedelta(days=days) for days in range(200)):
            last = min(day, covered)
            expected: float | None = sum(
                one == mission and last - timedelta(days=30) < occurred <= last for one, occurred in events
            )
            if day >= covered + timedelta(days=30) or (mission == "ONUC" and not expected):
                expected = None
            assert next((values[one] for one in sorted(values, reverse=True) if one <= day), None) == expected, (mission, day)


@needs_real_files
def test_a_threshold_on_a_window_is_back_tested_over_decades(warehouse: Warehouse, one_kpi: Definitions, read: Read) -> None:
    clock = Clock(datetime(2025, 4, 5, tzinfo=UTC))
    for file in (OLDER, NEWER):
        load_events(warehouse, one_kpi.feeds, Export(file, file.name, FEED), "the tests", clock=clock)
        make_snapshot(warehouse, one_kpi, clock())
    with warehouse.cursor() as cursor:
        tested = back_test_threshold(cursor, one_kpi, Threshold(f"a4p_{KPI}", "*", {}, "above", "warning", 2, None))
    fired = {(row.mission, row.period_end, row.value) for row in tested.fired}
    # The days on which the count of 30 days changes to more than two, from the events alone.
    turns = read(
        """
        with malicious as (select mission, occurred_on from events where feed = ? and kind = ?),
        days as (
            select distinct mission, unnest([occurred_on, occurred_on + 30]) as day
            from malicious
        )
        select
            d.mission, d.day,
            count(*) filter (where m.occurred_on between d.day - 29 and d.day) as events,
            count(*) filter (where m.occurred_on between d.day - 30 and d.day - 1) as events_before
        from days as d
        join malicious as m using (mission)
        group by all
        having events > 2 and events <> events_before
        """,
        FEED, MALICIOUS,
    )  # fmt: skip
    assert fired == {(mission, day, events) for mission, day, events, _ in turns}
    assert ("MONUSCO", date(2025, 1, 25), 3) in fired
    assert min(day for _, day, _ in fired).year < 1970
