"""Verification of a warehouse file, and restoring a backup."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from service.application import Application
from service.errors import WarehouseError
from service.settings import Settings
from service.warehouse.backups.restore import restore_backup
from service.warehouse.backups.verify import verify_file
from service.warehouse.definitions import Definitions
from tests.conftest import load_value, publish_report
from tests.service_process import ServiceProcess, run_a4p
from tests.shipped import OBSERVATION_FILES, SHIPPED_OBSERVATIONS

NOW = datetime(2024, 6, 1, tzinfo=UTC)
BLOCK_BYTES = 1 << 18


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def backup(report_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the report, to be copied before it is damaged."""
    file = tmp_path_factory.mktemp("backup") / "backup.duckdb"
    shutil.copyfile(report_dir / "warehouse-read.duckdb", file)
    return file


def count_observations(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as connection:
        (rows,) = connection.execute("select count(*) from store.observations").fetchone() or (0,)
        return int(rows)


def change(file: Path, statement: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(statement)


def test_a_backup_without_faults_is_verified(backup: Path) -> None:
    found = verify_file(backup)
    assert found.faults == ()
    assert found.observations == SHIPPED_OBSERVATIONS
    assert found.rows > SHIPPED_OBSERVATIONS


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "update store.observations set value = 126 where value = 125",
            "batch 7: the observations differ from the digest recorded when they were loaded",
        ),
        ("delete from store.observations where batch_id = 3", "batch 3 recorded"),
        ("delete from store.batches where batch_id = 3", "but does not exist"),
        ("delete from store.series where series_id = 5", "series 5 has"),
        ("insert into store.series from store.series where series_id = 5", "series 5 exists 2 times"),
        ("insert into store.observations from store.observations where batch_id = 3", "in batch 3"),
    ],
)
def test_a_changed_row_is_found(backup: Path, tmp_path: Path, statement: str, fault: str) -> None:
    changed = tmp_path / "changed.duckdb"
    shutil.copyfile(backup, changed)
    change(changed, statement)
    assert any(fault.split(" ", 2)[2] in found and fault.split()[0] in found for found in verify_file(changed).faults)


def test_a_warehouse_whose_upgrade_was_interrupted_is_verified(backup: Path, tmp_path: Path) -> None:
    interrupted = tmp_path / "interrupted.duckdb"
    shutil.copy(backup, interrupted)
    with duckdb.connect(str(interrupted)) as connection:
        # Migrations are committed before the macros.
        connection.execute("drop macro table store.digest_batches")
    assert verify_file(interrupted).faults == ()


def test_a_damaged_backup_is_never_restored(backup: Path, tmp_path: Path) -> None:
    """Every block damaged in turn: a restored warehouse is whole, or the restore is refused and nothing changed."""
    intact = backup.read_bytes()
    generator = random.Random(1)
    refused = 0
    for position in range(0, len(intact), BLOCK_BYTES):
        damaged = bytearray(intact)
        for _ in range(8):
            at = min(position + generator.randrange(BLOCK_BYTES), len(intact) - 1)
            damaged[at] ^= 0xFF
        file = tmp_path / "damaged.duckdb"
        file.write_bytes(damaged)
        warehouse_file = tmp_path / str(position) / "warehouse.duckdb"
        try:
            restored = restore_backup(file, warehouse_file, NOW)
        except WarehouseError:
            refused += 1
            assert not warehouse_file.exists()
            continue
        assert restored.verification.observations == SHIPPED_OBSERVATIONS
        assert verify_file(warehouse_file).faults == ()
    assert refused > len(intact) // BLOCK_BYTES // 2


def test_restore_replaces_the_warehouse_and_retains_the_previous_one(application: Application, tmp_path: Path) -> None:
    settings = application.settings
    backup = tmp_path / "backup.duckdb"
    application.back_up(backup)
    load_value(application, tmp_path, 97)
    application.close()
    restored = restore_backup(backup, settings.warehouse_file, NOW)
    assert count_observations(settings.warehouse_file) == SHIPPED_OBSERVATIONS
    assert count_observations(settings.read_copy_file) == SHIPPED_OBSERVATIONS
    assert restored.earlier is not None
    assert count_observations(restored.earlier) == SHIPPED_OBSERVATIONS + 1


def test_a_restored_older_state_opens_at_the_next_start(
    application: Application, tmp_path: Path, definitions: Definitions
) -> None:
    settings = application.settings
    backup = tmp_path / "backup.duckdb"
    application.back_up(backup)
    load_value(application, tmp_path, 97)
    application.refresh()
    application.close()
    restore_backup(backup, settings.warehouse_file, datetime.now(UTC))
    with publish_report(settings.data_dir, definitions) as reopened, reopened.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from store.observations").fetchone() == (SHIPPED_OBSERVATIONS,)


def test_an_uncheckpointed_log_is_retained_with_the_previous_warehouse(tmp_path: Path, backup: Path) -> None:
    data_dir = tmp_path / "data"
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
        service.kill()
    assert (data_dir / "warehouse.duckdb.wal").stat().st_size > 0
    restored = restore_backup(backup, data_dir / "warehouse.duckdb", NOW)
    assert not (data_dir / "warehouse.duckdb.wal").exists()
    assert restored.earlier is not None
    assert count_observations(restored.earlier) == SHIPPED_OBSERVATIONS


def test_restore_fails_while_the_warehouse_is_in_use(application: Application, tmp_path: Path) -> None:
    backup = tmp_path / "backup.duckdb"
    application.back_up(backup)
    held = subprocess.run(
        [sys.executable, "-m", "service.cli", "restore", str(backup), "--data-dir", str(application.settings.data_dir)],
        capture_output=True,
        text=True,
    )
    assert held.returncode == 1
    assert f"is in use by process {os.getpid()}" in held.stderr


@pytest.mark.parametrize("kind", ["missing", "garbage", "other", "empty", "directory"])
def test_restore_rejects_a_file_that_is_not_a_warehouse(tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy.duckdb"
    match kind:
        case "garbage":
            copy.write_bytes(b"not a database" * 1000)
        case "empty":
            copy.touch()
        case "directory":
            copy.mkdir()
        case "other":
            with duckdb.connect(str(copy)) as connection:
                connection.execute("create table t (i integer)")
    with pytest.raises(WarehouseError):
        restore_backup(copy, tmp_path / "data" / "warehouse.duckdb", NOW)
    assert not (tmp_path / "data" / "warehouse.duckdb").exists()


def test_verify_reads_the_warehouse_while_the_service_runs_and_while_it_does_not(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ServiceProcess(settings.data_dir) as service:
        service.wait_until_ready()
        running = run_a4p("verify", "--data-dir", str(settings.data_dir))
        service.stop()
    stopped = run_a4p("verify", "--data-dir", str(settings.data_dir))
    for answer in (running, stopped):
        assert answer.returncode == 0, answer.stderr
        assert (
            answer.stdout.count(f"{len(OBSERVATION_FILES)} batches, {SHIPPED_OBSERVATIONS:,} observations, 0 of them revisions")
            == 2
        )
    change(settings.read_copy_file, "update store.observations set value = 126 where value = 125")
    faulty = run_a4p("verify", str(settings.read_copy_file))
    assert faulty.returncode == 1
    assert "the observations differ from the digest" in faulty.stderr
