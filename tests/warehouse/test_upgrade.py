"""A data directory of the previous release opens in this one, with every revision, threshold and page."""

from __future__ import annotations

import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from service.access.audit import FIRST_HASH
from service.access.backup import verify_access
from service.settings import find_in_tree
from tests.events.exports import FATALITY, name_event, write_export
from tests.service_process import ServiceProcess, call_a4p, get

# Made by release 0.1: the report, cycle 6 of UNMISS filed (97) and corrected (131), two thresholds set, then a power cut.
RELEASE = find_in_tree("tests") / "upgrade" / "release-0.1.tar.xz"


@pytest.fixture
def previous_data_dir(tmp_path: Path) -> Path:
    """The data directory that release 0.1 left, with its write-ahead log."""
    return extract_release(tmp_path / "data")


def extract_release(data_dir: Path) -> Path:
    with tarfile.open(RELEASE) as archive:
        archive.extractall(data_dir, filter="data")
    return data_dir


def query(data_dir: Path, sql: str) -> str:
    answer = call_a4p("sql", sql, "--format", "csv", A4P_DATA_DIR=str(data_dir))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def count_rows(data_dir: Path) -> dict[str, int]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        tables = ["store.observations", "store.batches", "store.thresholds", "store.kpi_values", "store.snapshots"]
        counted = (connection.execute(f"select count(*) from {table}").fetchone() for table in tables)
        return {table: row[0] for table, row in zip(tables, counted, strict=True) if row}


@dataclass(frozen=True)
class Upgraded:
    """A data directory of the previous release after the first start of this one, and what that start served."""

    data_dir: Path
    rows_before: dict[str, int]
    metrics: bytes
    statuses: dict[str, int]


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    folder = tmp_path_factory.mktemp("upgraded")
    data_dir = extract_release(folder / "data")
    before = count_rows(extract_release(folder / "before"))
    with ServiceProcess(data_dir) as service:
        url = service.wait_until_ready()
        link = next(line for line in service.output if line.startswith("first administrator")).rpartition(" ")[2]
        _, _, metrics = get(f"{url}/metrics")
        # On a loopback address, reading needs no sign-in, as before.
        paths = ["/", "/indicators/sofa_incidents_new", "/missions/UNMISS", "/thresholds", "/quality", "/cycles"]
        statuses = {path: get(url + path)[0] for path in [*paths, "/metrics", "/api/v1/missions"]}
        statuses["/setup"] = get(link)[0]
        service.stop()
    return Upgraded(data_dir, before, metrics, statuses)


def test_a_data_directory_of_the_previous_release_is_served_unchanged(upgraded: Upgraded) -> None:
    assert set(upgraded.statuses.values()) == {200}, upgraded.statuses
    assert b'a4p_sofa_incidents_new{mission="UNMISS"} 131' in upgraded.metrics
    revisions = query(
        upgraded.data_dir,
        "select value::integer as value from observation_revisions "
        "where indicator = 'sofa_incidents_new' and mission = 'UNMISS' "
        "and period_start = date '2024-05-01' order by recorded_at",
    )
    assert revisions.split() == ["value", "97", "131"]
    thresholds = query(
        upgraded.data_dir,
        "select mission, limit_value::integer as limit_value from thresholds "
        "where metric = 'a4p_sofa_incidents_new' order by 1, 2",
    )
    assert "100" in thresholds and "UNIFIL,60" in thresholds


def test_an_upgraded_directory_gets_users_and_loses_no_row(upgraded: Upgraded) -> None:
    file = upgraded.data_dir / "access.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert verify_access(file) == (0, FIRST_HASH)
    before, after = upgraded.rows_before, count_rows(upgraded.data_dir)
    assert all(after[table] >= count > 0 for table, count in before.items()), (before, after)


def test_an_upgraded_directory_opens_again_without_a_change(upgraded: Upgraded) -> None:
    with ServiceProcess(upgraded.data_dir) as service:
        service.wait_until_ready()
        code, _ = service.stop()
        assert code == 0
    counted = query(upgraded.data_dir, "select count(*) as batches, max(batch_id) as newest from batches")
    # Two files of the report have the new codes of statuses: their batches have no row.
    assert counted.split() == ["batches,newest", "14,14"]
    statuses = query(
        upgraded.data_dir,
        "select status, count(*) as n from observation_revisions where indicator not in ('fatalities', 'fatalities_by_cycle') "
        "group by status order by status",
    )
    assert statuses.split() == ["status,n", "A,283", "E,33", "M,29", "O,2", "P,53", "V,2"]
    verified = call_a4p("verify", A4P_DATA_DIR=str(upgraded.data_dir))
    assert verified.returncode == 0, verified.stderr


def test_events_are_loaded_into_an_upgraded_directory(previous_data_dir: Path, tmp_path: Path) -> None:
    before = count_rows(previous_data_dir)
    file = write_export(tmp_path / "export.csv", FATALITY, {}, {"casualty_id": name_event(2)})
    loaded = call_a4p("events", "load", str(file), "--feed", "un_fatalities", A4P_DATA_DIR=str(previous_data_dir))
    assert loaded.returncode == 0, loaded.stderr
    assert "2 new events" in loaded.stdout
    assert query(previous_data_dir, "select feed, count(*) as n from events group by feed").split() == [
        "feed,n",
        "un_fatalities,2",
    ]
    verified = call_a4p("verify", A4P_DATA_DIR=str(previous_data_dir))
    assert verified.returncode == 0, verified.stderr
    after = count_rows(previous_data_dir)
    assert all(after[table] >= count for table, count in before.items()), (before, after)
