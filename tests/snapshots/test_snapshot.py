"""Snapshots: values computed, stored and exposed as of a date."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from metrics.kpi_file import read_kpi
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.snapshots.snapshot import (
    Snapshot,
    compute_history,
    compute_kpi,
    find_as_of_date,
    prepare_latest,
    render_as_of,
)
from service.warehouse.connection import open_copy
from service.warehouse.database import run_sql
from service.warehouse.definitions import Definitions

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"
CYCLE_6 = "2024-05-01,2024-10-31"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2024, 11, 20, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextmanager
def open_directory(directory: Path, definitions: Definitions, clock: Clock) -> Iterator[Application]:
    with closing(Application(Settings(data_dir=directory, threads=1), definitions, clock)) as opened:
        yield opened


@pytest.fixture(scope="module")
def loaded_dir(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Path:
    """A data directory with the report and without a snapshot; tests copy it."""
    directory = tmp_path_factory.mktemp("loaded") / "data"
    with open_directory(directory, definitions, Clock()) as opened:
        opened.loads.load_shipped()
    return directory


@pytest.fixture(scope="module")
def published_dir(tmp_path_factory: pytest.TempPathFactory, loaded_dir: Path, definitions: Definitions) -> Path:
    """A data directory with the report and its first snapshot; tests copy it."""
    directory = tmp_path_factory.mktemp("published") / "data"
    shutil.copytree(loaded_dir, directory)
    with open_directory(directory, definitions, Clock()) as opened:
        refresh(opened)
    return directory


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, published_dir: Path, definitions: Definitions) -> Iterator[Application]:
    """The report and its snapshot, for tests that only read."""
    directory = tmp_path_factory.mktemp("read") / "data"
    shutil.copytree(published_dir, directory)
    with open_directory(directory, definitions, Clock()) as opened:
        refresh(opened)
        yield opened


@pytest.fixture
def loaded(tmp_path: Path, loaded_dir: Path, definitions: Definitions, clock: Clock) -> Iterator[Application]:
    """The report before its first snapshot, for one test."""
    shutil.copytree(loaded_dir, tmp_path / "data")
    with open_directory(tmp_path / "data", definitions, clock) as opened:
        yield opened


@pytest.fixture
def application(tmp_path: Path, published_dir: Path, definitions: Definitions, clock: Clock) -> Iterator[Application]:
    """The report and its first snapshot, for one test that changes them."""
    shutil.copytree(published_dir, tmp_path / "data")
    with open_directory(tmp_path / "data", definitions, clock) as opened:
        yield opened


def refresh(application: Application) -> Snapshot:
    """Make a snapshot, without the history for PromQL, which has tests of its own."""
    return application.refresh(with_history=False)


def load(application: Application, tmp_path: Path, *rows: str) -> None:
    file = tmp_path / f"{abs(hash(rows))}.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))


def exposed(application: Application, metric: str) -> dict[frozenset[tuple[str, str]], float]:
    return parse_samples(b"".join(application.exposition.text.chunks).decode())[metric]


@cache
def parse_samples(text: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Return the value of each sample by its labels, by metric."""
    samples: dict[str, dict[frozenset[tuple[str, str]], float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name][frozenset(sample.labels.items())] = sample.value
    return samples


def of_mission(application: Application, metric: str, mission: str) -> float | None:
    return exposed(application, metric).get(frozenset({("mission", mission)}))


def kpi_rows(application: Application, kpi: str, mission: str) -> list[tuple[object, ...]]:
    with application.warehouse.cursor() as cursor:
        return cursor.execute(
            "select as_of, round(value, 6), computed_at from kpi_values where kpi = ? and mission = ? order by all",
            [kpi, mission],
        ).fetchall()


def test_the_report_is_exposed_as_printed(published: Application) -> None:
    assert of_mission(published, "a4p_sofa_incidents_new", "UNMISS") == 125
    assert of_mission(published, "a4p_sofa_incidents_total", "UNMISS") == 585
    assert of_mission(published, "a4p_crime_suspects_convicted", "ALL") == 85
    assert of_mission(published, "a4p_serious_misconduct_allegations", "ALL") == 364
    assert exposed(published, "a4p_tpp_trainees")[frozenset({("mission", "ALL"), ("training", "C4ISR")})] == 119


def test_a_value_under_validation_has_a_status_and_no_sample(published: Application) -> None:
    assert of_mission(published, "a4p_sofa_incidents_total", "UNIFIL") is None
    labels = {("indicator", "sofa_incidents_total"), ("mission", "UNIFIL"), ("status", "V")}
    assert exposed(published, "a4p_indicator_status")[frozenset(labels)] == 1


def test_series_are_unique(published: Application) -> None:
    names = [line.rsplit(" ", 1)[0] for line in b"".join(published.exposition.text.chunks).decode().splitlines()]
    series = [name for name in names if not name.startswith("#")]
    assert len(series) == len(set(series)) == published.snapshot.series_count


def test_a_change_is_since_the_previous_period(published: Application) -> None:
    changes = exposed(published, "a4p_indicator_change")
    assert changes[frozenset({("indicator", "conduct_trainings"), ("mission", "ALL")})] == 914 - 511
    assert changes[frozenset({("indicator", "crime_suspects_tried"), ("mission", "MINUSCA")})] == 4
    assert changes[frozenset({("indicator", "serious_misconduct_allegations"), ("mission", "ALL")})] == 364 - 283
    assert frozenset({("indicator", "sofa_incidents_new"), ("mission", "UNMISS")}) not in changes


def test_a_series_without_a_row_is_absent_from_the_next_snapshot(application: Application, tmp_path: Path) -> None:
    load(application, tmp_path, f"sofa_incidents_new,UNMISS,,{CYCLE_6},,O,UNMISS submission,,not sent")
    refresh(application)
    assert of_mission(application, "a4p_sofa_incidents_new", "UNMISS") is None
    labels = {("indicator", "sofa_incidents_new"), ("mission", "UNMISS"), ("status", "O")}
    assert frozenset(labels) in exposed(application, "a4p_indicator_status")


def test_an_observation_is_valid_from_midnight_after_its_period(loaded: Application, tmp_path: Path, clock: Clock) -> None:
    load(loaded, tmp_path, f"sofa_incidents_new,UNMISS,,{CYCLE_6},97,A,UNMISS submission,,")
    clock.now = datetime(2024, 10, 31, 23, 59, 59, tzinfo=UTC)
    refresh(loaded)
    assert of_mission(loaded, "a4p_sofa_incidents_new", "UNMISS") == 125
    clock.now = datetime(2024, 11, 1, tzinfo=UTC)
    refresh(loaded)
    assert of_mission(loaded, "a4p_sofa_incidents_new", "UNMISS") == 97
    assert find_as_of_date(clock.now) == date(2024, 10, 31)


def test_a_kpi_has_its_whole_history(published: Application) -> None:
    days = [row[:2] for row in kpi_rows(published, "serious_misconduct_change_ratio", "ALL")]
    trainings = {2017: 268, 2018: 286, 2019: 373, 2020: 284, 2021: 340, 2022: 283, 2023: 364}
    assert days == [(date(year, 12, 31), round(trainings[year] / trainings[year - 1] - 1, 6)) for year in range(2018, 2024)]


def test_a_correction_adds_a_kpi_row_and_the_earlier_row_remains(
    application: Application, tmp_path: Path, clock: Clock
) -> None:
    first = clock.now
    clock.now = datetime(2024, 11, 21, 9, tzinfo=UTC)
    load(application, tmp_path, "serious_misconduct_allegations,ALL,,2022-01-01,2022-12-31,300,A,correction,,")
    refresh(application)
    rows = [row for row in kpi_rows(application, "serious_misconduct_change_ratio", "ALL") if row[0].year >= 2022]  # type: ignore[attr-defined]
    assert rows == sorted(
        [
            (date(2022, 12, 31), round(283 / 340 - 1, 6), first),
            (date(2022, 12, 31), round(300 / 340 - 1, 6), clock.now),
            (date(2023, 12, 31), round(364 / 283 - 1, 6), first),
            (date(2023, 12, 31), round(364 / 300 - 1, 6), clock.now),
        ]
    )


def test_a_snapshot_without_changes_adds_only_ages(application: Application, clock: Clock) -> None:
    clock.now = datetime(2024, 11, 20, 10, tzinfo=UTC)
    refresh(application)
    with application.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from kpi_values where computed_at = ?", [clock.now]).fetchone() == (0,)
        clock.now = datetime(2024, 11, 21, 10, tzinfo=UTC)
        refresh(application)
        changed = cursor.execute("select distinct kpi from kpi_values where computed_at = ?", [clock.now]).fetchall()
    assert changed == [("indicator_age_days",)]


def test_sql_and_metrics_have_the_same_kpi_values(published: Application) -> None:
    with published.warehouse.cursor() as cursor:
        cursor.execute(f"set variable as_of = date '{published.snapshot.as_of}'")
        rows = cursor.execute(
            "select k.metric, l.mission, l.dimensions, l.value from kpi_latest as l join kpis as k using (kpi)"
        ).fetchall()
    assert len(rows) > 100
    for metric, mission, dimensions, value in rows:
        assert exposed(published, metric)[frozenset({("mission", mission), *dimensions.items()})] == value


def test_the_history_of_many_dates_in_one_query_equals_that_of_each_date(
    published: Application, definitions: Definitions
) -> None:
    with published.warehouse.cursor() as cursor:
        days = [day for (day,) in cursor.execute("select distinct period_end from store.observations order by all").fetchall()]
        run_sql(cursor, "snapshot/prepare_kpis", as_of=days[-1])
        for day in days:
            prepare_latest(cursor, day)
            for kpi in definitions.kpis:
                compute_kpi(cursor, kpi, day)
        one_by_one = set(map(str, cursor.execute("from kpi_computed").fetchall()))
        cursor.execute("drop table latest; drop table changes; delete from kpi_computed")
        run_sql(cursor, "snapshot/prepare_latest_history", first=date(1, 1, 1), indicators=None)
        for kpi in definitions.kpis:
            compute_history(cursor, kpi, days)
        at_once = set(map(str, cursor.execute("from kpi_computed").fetchall()))
    assert len(one_by_one) > 1000
    assert at_once == one_by_one


@pytest.mark.parametrize(
    ("query", "reported"),
    [
        ("select mission, value from nowhere", "the query failed"),
        ("select mission, value as amount from latest", "the query's columns are mission, amount; they must be mission, value"),
        ("select mission, value from latest where value is not null", "occurs more than once; group by the labels"),
        ("select 'ALL' as mission, 1 / 0.0 as value", "is not finite; use nullif in the division"),
        ("select null::varchar as mission, 1 as value", "has no mission"),
    ],
)
def test_a_failed_kpi_is_left_out_and_reported(
    application: Application, definitions: Definitions, tmp_path: Path, query: str, reported: str
) -> None:
    file = tmp_path / "broken.sql"
    file.write_text(
        "-- kpi: broken\n-- title: Broken\n-- description: Broken.\n-- unit: count  better: lower  priority: all\n"
        f"-- labels: mission\n-- inputs: *\n{query}\n"
    )
    application.definitions = replace(definitions, kpis=(*definitions.kpis, read_kpi(file)))
    snapshot = refresh(application)
    (failure,) = snapshot.failures
    assert failure.kpi == "broken"
    assert str(file) in str(failure)
    assert reported in str(failure)
    text = b"".join(application.exposition.text.chunks)
    assert b"a4p_broken{" not in text
    assert b'a4p_crime_investigation_ratio{mission="ALL"}' in text
    get_value = application.self_metrics.registry.get_sample_value
    assert get_value("a4p_snapshot_success") == 1
    assert get_value("a4p_kpi_success", {"kpi": "broken"}) == 0
    assert get_value("a4p_kpi_success", {"kpi": "crime_investigation_ratio"}) == 1


def test_the_history_of_a_failed_kpi_remains_and_continues_after_a_fix(
    application: Application, definitions: Definitions
) -> None:
    def read_values() -> list[tuple[object, ...]]:
        with application.warehouse.cursor() as cursor:
            return cursor.execute(
                "select mission, as_of, value from kpi_values where kpi = 'crime_investigation_ratio' order by all"
            ).fetchall()

    good = read_values()
    assert good
    broken = tuple(
        replace(kpi, query="select mission, value from nowhere") if kpi.kpi == "crime_investigation_ratio" else kpi
        for kpi in definitions.kpis
    )
    application.definitions = replace(definitions, kpis=broken)
    assert [failure.kpi for failure in refresh(application).failures] == ["crime_investigation_ratio"]
    assert read_values() == good
    application.definitions = definitions
    assert refresh(application).failures == ()
    assert read_values() == good


def test_metrics_can_be_printed_as_of_any_date(published: Application, definitions: Definitions) -> None:
    with open_copy(published.settings.read_copy_file) as copy:
        exposition, count = render_as_of(copy, definitions, date(2019, 12, 31))
    text = b"".join(exposition.text.chunks).decode()
    assert 'a4p_serious_misconduct_allegations{mission="ALL"} 373\n' in text
    assert "a4p_sofa_incidents_new{" not in text
    assert count > 80


def test_the_view_holdings_agrees_with_latest_and_changes(published: Application) -> None:
    with published.warehouse.cursor() as cursor:
        days = [day for (day,) in cursor.execute("select distinct period_end from store.observations").fetchall()]
        for day in [*days, date(2016, 1, 1), date(2023, 7, 1), date(2026, 1, 1)]:
            cursor.execute(f"set variable as_of = date '{day}'")
            held = "from holdings where holds_from <= as_of_date() and (holds_until is null or holds_until > as_of_date())"
            latest = "select indicator, mission, dimensions::varchar, period_start, value, status"
            assert sorted(cursor.execute(f"{latest} {held}").fetchall(), key=str) == sorted(
                cursor.execute(f"{latest} from latest").fetchall(), key=str
            )
            changes = "select indicator, mission, dimensions::varchar, previous_period_end, previous_value"
            assert sorted(
                cursor.execute(f"{changes} {held} and value is not null and previous_value is not null").fetchall(), key=str
            ) == sorted(cursor.execute(f"{changes} from store.series_changes").fetchall(), key=str)
