"""Each KPI with tests/kpis/<kpi>.yaml: given observations and exactly the expected rows.

A case is `case` (a sentence), `as_of`, `given` and `expected`; `missions: 1 of 8` in an expected row is what a total covers.
`events` has rows of an export of the feed of a KPI over events.
`given: report` means metrics/observations, or, with
`indicators`, the rows of these indicators only: a KPI about every indicator then need not change with the catalogue.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.kpi_file import Kpi
from service.events.export import Export
from service.events.load import load_events
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.snapshots.snapshot import check_values, compute_kpi, compute_kpis, prepare_latest
from service.warehouse.database import Connection, Warehouse, read_clock, run_sql
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue, store_feeds, store_kpis
from tests.conftest import forget_cache
from tests.events.exports import FATALITY, INCIDENT, write_export

TABLES = (
    "observations", "series", "batches", "batch_digests", "load_warnings", "events", "event_batches", "event_faults",
    "count_runs",
)  # fmt: skip
STANDARD_EVENTS = {"un_fatalities": FATALITY, "sofa_incidents": INCIDENT}
COLUMNS = ["indicator", "mission", "dimensions", "period_start", "period_end", "value", "status", "source", "page", "note"]
DEFINITIONS = read_definitions(find_in_tree("metrics"))
KPIS = {kpi.kpi: kpi for kpi in DEFINITIONS.kpis}
FILES = sorted(find_in_tree("tests").joinpath("kpis").glob("*.yaml"))
CASES = [
    pytest.param(file.stem, case, id=f"{file.stem}: {case['case']}")
    for file in FILES
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]
CYCLE_5_END = date(2024, 4, 30)

Row = dict[str, Any]
Values = dict[tuple[tuple[str, str], ...], float]


def make_warehouse(directory: Path) -> Warehouse:
    """Return a warehouse that knows the shipped catalogue and KPIs."""
    warehouse = open_warehouse(directory / "warehouse.duckdb", threads=1, memory_limit="1GB")
    store_catalogue(warehouse, DEFINITIONS.catalogue, read_clock())
    store_kpis(warehouse, DEFINITIONS.kpis, read_clock())
    store_feeds(warehouse, DEFINITIONS.feeds, read_clock())
    return warehouse


def load_rows(warehouse: Warehouse, directory: Path, rows: list[Row]) -> None:
    """Load `rows`, keyed like a CSV file, in place of what the warehouse holds."""
    with warehouse.write() as cursor:
        forget_cache(cursor)
        for table in TABLES:
            cursor.execute(f"delete from store.{table}")
    file = directory / "given.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    load_files(warehouse, LoadRequest(files=(file,), loaded_by="test", status_codes="sdmx"))


def write_given(given: Row) -> Row:
    """Return a row as given in a case as a row of a file."""
    dimensions = given.get("dimensions", {})
    assert isinstance(dimensions, dict)
    written = ";".join(f"{name}={value}" for name, value in dimensions.items())
    return {"status": "A", "source": "given", **given, "dimensions": written}


def load_case_events(warehouse: Warehouse, directory: Path, feed: str, rows: list[dict[str, str]]) -> None:
    """Load an export of events, each the standard one of its feed but for what it names."""
    file = write_export(directory / "events.csv", STANDARD_EVENTS[feed], *rows)
    load_events(warehouse, DEFINITIONS.feeds, Export(file, file.name, feed), "test")


def read_report(indicators: list[str] | None = None) -> list[Row]:
    rows: list[Row] = []
    for file in DEFINITIONS.observation_files:
        with file.open(encoding="utf-8", newline="") as stream:
            rows += [row for row in csv.DictReader(stream) if indicators is None or row["indicator"] in indicators]
    return rows


def compute(cursor: Connection, kpi: Kpi, as_of: date) -> Values:
    """Return the values of a KPI by their labels, from the temporary tables."""
    run_sql(cursor, "snapshot/prepare_kpis", as_of=as_of)
    compute_kpi(cursor, kpi, as_of)
    check_values(cursor, (kpi,))
    rows = cursor.execute("select mission, dimensions, value from kpi_computed").fetchall()
    return {tuple(sorted({"mission": mission, **dimensions}.items())): value for mission, dimensions, value in rows}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Holds the report; nobody writes in it."""
    directory = tmp_path_factory.mktemp("report")
    with closing(make_warehouse(directory)) as warehouse:
        load_rows(warehouse, directory, read_report())
        yield warehouse


@pytest.fixture(scope="module")
def given_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Holds the rows of one case at a time."""
    with closing(make_warehouse(tmp_path_factory.mktemp("given"))) as warehouse:
        yield warehouse


@pytest.mark.parametrize("kpi", KPIS)
def test_every_kpi_has_its_expected_rows(kpi: str) -> None:
    assert kpi in {file.stem for file in FILES}, f"write tests/kpis/{kpi}.yaml"


def test_every_file_of_expected_rows_belongs_to_a_kpi() -> None:
    assert {file.stem for file in FILES} <= KPIS.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_kpi_is_tested_on_constructed_values_and_on_the_report(file: Path) -> None:
    cases = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {case["given"] == "report" for case in cases} == {True, False}
    assert len({case["case"] for case in cases}) == len(cases)


@pytest.mark.parametrize(("kpi", "case"), CASES)
def test_a_kpi_gives_the_expected_rows(kpi: str, case: Row, given_warehouse: Warehouse, tmp_path: Path) -> None:
    given, expected, as_of = case["given"], case["expected"], case["as_of"]
    assert isinstance(expected, list) and isinstance(as_of, date)
    if given == "report":
        rows = read_report(case.get("indicators"))
    else:
        assert isinstance(given, list)
        rows = [write_given(row) for row in given]
    load_rows(given_warehouse, tmp_path, rows)
    if "events" in case:
        load_case_events(given_warehouse, tmp_path, KPIS[kpi].feed or "", case["events"])
    with closing(given_warehouse.cursor()) as cursor:
        prepare_latest(cursor, as_of)
        computed = compute(cursor, KPIS[kpi], as_of)
        bases = dict(
            cursor.execute("select mission, len(missions) || ' of ' || missions_expected from kpi_computed").fetchall()
        )
    requested = {
        tuple(sorted((name, label) for name, label in row.items() if name not in ("value", "missions"))): row["value"]
        for row in expected
    }
    assert len(requested) == len(expected)
    assert computed == pytest.approx(requested, rel=1e-12, abs=1e-12)
    for row in expected:
        if "missions" in row:
            assert bases[row["mission"]] == row["missions"]


@pytest.mark.parametrize("kpi", [kpi for kpi in KPIS.values() if not kpi.reads_everything], ids=lambda kpi: kpi.kpi)
@pytest.mark.parametrize("as_of", [date(2022, 12, 31), date(2023, 10, 31), CYCLE_5_END], ids=str)
def test_a_kpi_reads_only_its_inputs(kpi: Kpi, as_of: date, report: Warehouse) -> None:
    with closing(report.cursor()) as cursor:
        prepare_latest(cursor, as_of)
        whole = compute(cursor, kpi, as_of)
        cursor.execute("create temp table observations as select * from main.observations")
        for table in ("latest", "changes", "observations"):
            cursor.execute(
                f"delete from temp.{table} where not list_contains($inputs, indicator)", {"inputs": list(kpi.inputs)}
            )
        assert compute(cursor, kpi, as_of) == whole


@pytest.mark.parametrize(
    ("kpi", "dropped"),
    [
        pytest.param(kpi, name, id=f"{kpi.kpi}: {name}")
        for kpi in KPIS.values()
        if not kpi.reads_everything
        for name in kpi.inputs
    ],
)
def test_a_kpi_needs_each_of_its_inputs(kpi: Kpi, dropped: str, report: Warehouse) -> None:
    with closing(report.cursor()) as cursor:
        prepare_latest(cursor, CYCLE_5_END)
        whole = compute(cursor, kpi, CYCLE_5_END)
        for table in ("latest", "changes"):
            cursor.execute(f"delete from temp.{table} where indicator = $dropped", {"dropped": dropped})
        assert compute(cursor, kpi, CYCLE_5_END) != whole


def test_the_history_of_kpis_is_the_same_in_one_query_and_date_by_date(report: Warehouse) -> None:
    query = "select kpi, mission, dimensions::varchar, as_of, missions, missions_expected, value from kpi_computed order by all"
    with closing(report.cursor()) as at_once, closing(report.cursor()) as by_date:
        compute_kpis(at_once, DEFINITIONS.kpis, CYCLE_5_END)
        run_sql(by_date, "snapshot/prepare_kpis", as_of=CYCLE_5_END)
        dates: dict[date, set[str]] = {}
        for kpi, day in by_date.execute("select kpi, as_of from kpi_dates").fetchall():
            dates.setdefault(day, set()).add(kpi)
        for day, due in dates.items():
            prepare_latest(by_date, day)
            for kpi in due:
                compute_kpi(by_date, KPIS[kpi], day)
        one, other = at_once.execute(query).fetchall(), by_date.execute(query).fetchall()
    assert len(dates) > 2
    assert [labels for *labels, _ in one] == [labels for *labels, _ in other]
    assert [value for *_, value in one] == pytest.approx([value for *_, value in other], rel=1e-12)


def test_a_cursor_can_prepare_one_date_after_another(report: Warehouse) -> None:
    newest = "select max(period_end) from latest"
    with closing(report.cursor()) as cursor:
        for day in (CYCLE_5_END, date(2023, 10, 31), CYCLE_5_END):
            prepare_latest(cursor, day)
            assert cursor.execute(newest).fetchone() == (day,)
