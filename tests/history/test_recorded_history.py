"""The history of series recorded at an instant: thresholds, and the reconciliation of printed totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.history import History
from metrics.thresholds import Threshold, make_threshold
from service.alerting.thresholds import remove_threshold, set_threshold
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.database import Connection, Warehouse, run_sql
from service.warehouse.definitions import Definitions
from tests.conftest import Clock, NewWarehouse, WriteCsv

METRIC = "a4p_sofa_incidents_new"
NOW = datetime(2024, 9, 10, 12, tzinfo=UTC)
Change = Callable[..., datetime]


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    settings = Settings(data_dir=tmp_path / "data", threads=1)
    opened = Application(settings, replace(definitions, thresholds=()), Clock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def report(application: Application, write_csv: WriteCsv) -> Callable[..., None]:
    """Loads new incidents given as (mission, period_start, period_end, value or status), and makes a snapshot."""

    def load(*measured: tuple[str, str, str, int | str]) -> None:
        rows = [
            {"mission": mission, "period_start": start, "period_end": end,
             "value": "" if isinstance(options, str) else options, "status": options if isinstance(options, str) else "A"}
            for mission, start, end, options in measured
        ]  # fmt: skip
        application.loads.load(
            LoadRequest(
                files=(write_csv(f"measured-{application.clock():%H%M%S}.csv", *rows),),
                loaded_by="the tests",
                status_codes="sdmx",
            )
        )
        application.refresh()

    return load


@pytest.fixture
def change(application: Application) -> Change:
    """Sets a threshold on new incidents, or removes it (None), and returns when."""

    def change_one(limit: float | None, mission: str = "*", metric: str = METRIC) -> datetime:
        threshold = make_threshold(metric, mission, {}, "above", "warning", limit, None)
        if limit is None:
            remove_threshold(
                application.warehouse,
                application.definitions,
                threshold,
                ["above"],
                ["warning"],
                "A. Analyst",
                application.clock,
            )
        else:
            set_threshold(application.warehouse, application.definitions, threshold, "A. Analyst", application.clock)
        application.refresh()
        with application.warehouse.cursor() as cursor:
            (at,) = cursor.execute("select max(recorded_at) from store.thresholds").fetchone() or (None,)
        return at

    return change_one


def list_limits(application: Application, mission: str) -> list[tuple[datetime, float | None]]:
    """Return from when on which limit governs the new incidents of a mission; None where none does any more."""
    assert application.history is not None
    return list_rows(application.history.recorded, __name__="a4p_threshold", metric=METRIC, mission=mission)


def list_rows(history: History, **labels: str) -> list[tuple[datetime, float | None]]:
    columns = {name: column.values for name, column in history.labels.items()}
    (number,) = (
        number
        for number in range(history.series_count)
        if all(columns[name][history.labels[name].codes[number]] == value for name, value in labels.items())
    )
    first, last = history.offsets[number : number + 2]
    return [
        (datetime.fromtimestamp(int(start) / 1000, UTC), None if np.isnan(value) else float(value))
        for start, value in zip(history.starts[first:last], history.values[first:last], strict=True)
    ]


def test_a_threshold_is_valid_from_its_setting_until_its_removal(application: Application, report: Any, change: Change) -> None:
    report(("UNMISS", "2023-11-01", "2024-04-30", 125))
    set_at, changed_at, removed_at = change(100), change(50), change(None)
    assert list_limits(application, "UNMISS") == [(set_at, 100), (changed_at, 50), (removed_at, None)]


def test_the_own_threshold_of_a_mission_governs_while_it_is_valid(
    application: Application, report: Any, change: Change
) -> None:
    report(("UNMISS", "2023-11-01", "2024-04-30", 125), ("UNIFIL", "2023-11-01", "2024-04-30", 43))
    general, own, own_gone = change(100), change(70, "UNMISS"), change(None, "UNMISS")
    assert list_limits(application, "UNMISS") == [(general, 100), (own, 70), (own_gone, 100)]
    assert list_limits(application, "UNIFIL") == [(general, 100)]


def test_a_threshold_has_samples_only_while_the_series_has_a_value(
    application: Application, report: Any, change: Change
) -> None:
    set_at = change(100)
    report(
        ("UNMISS", "2024-05-01", "2024-10-31", 9), ("UNMISS", "2024-11-01", "2025-04-30", "M"),
        # An unreported value ends nothing: the previous value is still compared.
        ("UNIFIL", "2023-11-01", "2024-04-30", 43), ("UNIFIL", "2024-05-01", "2024-10-31", "O"),
    )  # fmt: skip
    assert list_limits(application, "UNMISS") == [
        (datetime(2024, 11, 1, tzinfo=UTC), 100),
        (datetime(2025, 5, 1, tzinfo=UTC), None),
    ]
    assert list_limits(application, "UNIFIL") == [(set_at, 100)]


def test_setting_a_threshold_does_not_read_values_again(application: Application, report: Any, change: Change) -> None:
    report(("UNMISS", "2023-11-01", "2024-04-30", 125))
    before = application.history
    change(100)
    assert before is not None and application.history is not None
    assert application.history.reported is before.reported
    assert application.history.recorded is not before.recorded


def test_the_agreement_of_a_total_is_valid_from_the_load_that_changed_it(application: Application) -> None:
    application.loads.load_shipped()
    application.refresh()
    with application.warehouse.cursor() as cursor:
        (run_at,) = cursor.execute("select max(recorded_at) from store.reconciliation_runs").fetchone() or (None,)
        (name,) = cursor.execute("select check_name from reconciliation where not agrees limit 1").fetchone() or ("",)
    assert application.history is not None
    assert list_rows(application.history.recorded, __name__="a4p_reconciliation_agrees", check=name) == [(run_at, 0)]


def test_the_view_of_the_history_has_thresholds(application: Application, report: Any, change: Change) -> None:
    report(("UNMISS", "2023-11-01", "2024-04-30", 125))
    set_at, removed_at = change(100), change(None)
    with application.warehouse.cursor() as cursor:
        query = "select labels['mission'], starts, ends, value from history where metric = 'a4p_threshold'"
        assert cursor.execute(query).fetchall() == [("UNMISS", set_at, removed_at, 100)]


@pytest.fixture(scope="module")
def warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("limits")) as opened:
        yield opened


changes = st.lists(
    st.tuples(
        st.sampled_from(["*", "UNMISS", "ALL"]),
        st.sampled_from([{}, {"training": "Medical"}, {"personnel": "police"}, {"training": "Medical", "personnel": "police"}]),
        st.sampled_from(["above", "below"]),
        st.none() | st.integers(1, 9),
        # The same millisecond or a later one.
        st.sampled_from([timedelta(microseconds=300), timedelta(hours=7)]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(made=changes)
def test_at_every_instant_the_limit_is_that_of_the_thresholds_known_then(warehouse: Warehouse, made: list[Any]) -> None:
    """For any order of settings and removals the history agrees with the precedence of thresholds at each instant."""
    at = NOW
    instants = []
    cursor = warehouse.cursor()
    cursor.begin()
    try:
        for mission, dimensions, comparison, limit, later in made:
            at += later
            instants.append(at)
            options = Threshold("a4p_tpp_trainees", mission, dimensions, comparison, "info", limit, None)
            run_sql(
                cursor, "thresholds/record", metric=options.metric, mission=options.mission, dimensions=options.dimensions,
                comparison=options.comparison, severity=options.severity, limit_value=limit, note=None, set_by="the tests",
                now=at,
                is_default=False,
            )  # fmt: skip
        make_values(cursor)
        cursor.execute("create or replace temp table found as from store.limit_history('measured')")
        for instant in instants:
            known = "select mission, dimensions, comparison, limit_value from governing_thresholds('thresholds', 'values_of')"
            cursor.execute(f"set variable known_at = timestamptz '{instant.isoformat()}'")
            message = cursor.execute(
                "select mission, dimensions, comparison, value from found where starts <= $at and ends > $at order by all",
                {"at": instant},
            ).fetchall()
            assert message == cursor.execute(f"{known} order by all").fetchall(), instant
            cursor.execute("reset variable known_at")
    finally:
        cursor.rollback()
        cursor.close()


def make_values(cursor: Connection) -> None:
    """Make `measured`, in the form of the view holdings, of series with all, some and none of the dimensions."""
    cursor.execute("""
        create or replace temp table measured as
        select
            'tpp_trainees' as indicator, mission, dimensions, date '2020-01-01' as period_start,
            date '2020-06-30' as period_end, 5::double as value, 'A' as status, 's' as source, 'p' as page, 1 as batch_id,
            date '2020-06-30' as holds_from,
            null::date as holds_until, null::double as previous_value
        from unnest(['UNMISS', 'UNIFIL', 'ALL']) as m(mission),
            unnest([
                map([]::varchar[], []::varchar[]), map {'training': 'Medical'}, map {'personnel': 'police'},
                map {'training': 'Medical', 'personnel': 'police'}
            ]) as d(dimensions)
    """)
    cursor.execute(
        "create or replace temp table values_of as select 'a4p_tpp_trainees' as metric, mission, dimensions from measured"
    )
