"""A warehouse that is missing, older or truncated is not opened, and no file is changed."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import WarehouseLost
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from service.warehouse.manifest import find_manifest, read_manifest
from tests.conftest import load_value, publish_report
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, run_a4p
from tests.shipped import SHIPPED_OBSERVATIONS

Damage = Callable[[Path], None]


def digest_directory(directory: Path) -> dict[str, str]:
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def killed_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose service was killed: the newest load is in the write-ahead log alone."""
    # A copy: after the first load of the report, DuckDB writes a log of 16 MB into the file as soon as no query runs, on a busy
    # machine only after the load below.
    directory = copy_report(tmp_path_factory.mktemp("killed") / "data")
    with ServiceProcess(directory) as service:
        service.wait_until_ready()
        file = directory.parent / "unmiss.csv"
        file.write_text(
            "indicator,mission,period_start,period_end,value,source\n"
            "sofa_incidents_new,UNMISS,2024-05-01,2024-10-31,97,a test\n"
        )
        assert call_a4p("load", str(file), "--data-dir", str(directory)).returncode == 0
        service.kill()
    (directory / "a4p.sock").unlink(missing_ok=True)
    return directory


def find_log(directory: Path) -> Path:
    return directory / "warehouse.duckdb.wal"


def delete_warehouse(directory: Path) -> None:
    (directory / "warehouse.duckdb").unlink()
    find_log(directory).unlink()


def delete_warehouse_alone(directory: Path) -> None:
    (directory / "warehouse.duckdb").unlink()


def leave_only_backups(directory: Path) -> None:
    delete_warehouse(directory)
    (directory / "warehouse-read.duckdb").unlink()
    find_manifest(directory / "warehouse.duckdb").unlink()


def delete_log(directory: Path) -> None:
    find_log(directory).unlink()


def zero_log(directory: Path) -> None:
    log = find_log(directory)
    log.write_bytes(bytes(log.stat().st_size))


def cut_log(directory: Path) -> None:
    log = find_log(directory)
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])


def cut_end_of_log(directory: Path) -> None:
    log = find_log(directory)
    log.write_bytes(log.read_bytes()[: log.stat().st_size - 100])


def lose_log_and_manifest(directory: Path) -> None:
    delete_log(directory)
    find_manifest(directory / "warehouse.duckdb").unlink()


def put_older_backup(directory: Path) -> None:
    delete_warehouse(directory)
    shutil.copyfile(sorted((directory / "backups").iterdir())[0], directory / "warehouse.duckdb")


@pytest.mark.parametrize(
    "damage",
    [
        delete_warehouse, delete_warehouse_alone, leave_only_backups, delete_log, zero_log, cut_log, cut_end_of_log,
        lose_log_and_manifest, put_older_backup,
    ],
)  # fmt: skip
def test_a_warehouse_that_lost_data_is_not_opened(killed_dir: Path, tmp_path: Path, damage: Damage) -> None:
    directory = tmp_path / "data"
    shutil.copytree(killed_dir, directory)
    damage(directory)
    found = digest_directory(directory)
    for run, command in ((run_a4p, ["serve", "--port", "0"]), (call_a4p, ["load", str(killed_dir.parent / "unmiss.csv")])):
        refused = run(*command, "--data-dir", str(directory))
        assert refused.returncode == 1, refused.stdout
        assert "a4p restore" in refused.stderr and "--accept-loss" in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr
    assert digest_directory(directory) == found


def test_the_read_copy_is_restored_and_the_load_is_there(killed_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    shutil.copytree(killed_dir, directory)
    delete_warehouse(directory)
    restored = run_a4p("restore", str(directory / "warehouse-read.duckdb"), "--data-dir", str(directory))
    assert restored.returncode == 0, restored.stderr
    with ServiceProcess(directory) as service:
        service.wait_until_ready()
    answer = call_a4p("sql", "select count(*) as rows from observations", "--format", "csv", "--data-dir", str(directory))
    assert answer.stdout.split() == ["rows", str(SHIPPED_OBSERVATIONS + 1)]


def test_accepting_a_loss_is_needed_once_and_retains_the_backups(killed_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    shutil.copytree(killed_dir, directory)
    delete_warehouse(directory)
    backups = {file.name for file in (directory / "backups").iterdir()}
    with ServiceProcess(directory, "--accept-loss") as service:
        service.wait_until_ready()
        assert any(line.startswith("new warehouse") for line in service.output)
        service.stop()
    with ServiceProcess(directory) as service:
        service.wait_until_ready()
        assert not any("new warehouse" in line for line in service.output)
    assert backups <= {file.name for file in (directory / "backups").iterdir()}


def test_a_first_start_reports_a_new_warehouse(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path / "data") as service:
        service.wait_until_ready()
        assert any(line.startswith("new warehouse") for line in service.output)


def test_a_directory_of_the_previous_release_gets_a_manifest_and_is_checked_before(tmp_path: Path) -> None:
    with tarfile.open(find_in_tree("tests") / "upgrade" / "release-0.1.tar.xz") as archive:
        archive.extractall(tmp_path / "whole", filter="data")
        archive.extractall(tmp_path / "cut", filter="data")
    with ServiceProcess(tmp_path / "whole") as service:
        service.wait_until_ready()
    manifest = read_manifest(find_manifest(tmp_path / "whole" / "warehouse.duckdb"))
    # The 13 batches of that release, and that of the fatalities, which ship since.
    assert manifest is not None and manifest.newest_batch == 14
    delete_log(tmp_path / "cut")
    refused = run_a4p("serve", "--port", "0", "--data-dir", str(tmp_path / "cut"))
    assert refused.returncode == 1
    assert "has lost data" in refused.stderr


def test_a_manifest_that_cannot_be_read_counts_as_none(tmp_path: Path, definitions: Definitions) -> None:
    with publish_report(tmp_path / "data", definitions) as application:
        manifest = application.settings.manifest_file
    for content in ("", "{", "[]", '{"tables": 1, "accepted_at": null}', "\x00" * 40):
        manifest.write_text(content)
        with publish_report(tmp_path / "data", definitions):
            assert read_manifest(manifest) is not None


def test_after_a_deletion_of_the_file_writes_fail_and_its_content_can_be_saved(
    tmp_path: Path, definitions: Definitions
) -> None:
    with publish_report(tmp_path / "data", definitions) as application:
        load_value(application, tmp_path, 97)
        application.settings.warehouse_file.unlink()
        with pytest.raises(WarehouseLost, match="was deleted or replaced while the service ran"):
            load_value(application, tmp_path, 98)
        application.back_up(tmp_path / "rescued.duckdb")
    restored = call_a4p("restore", str(tmp_path / "rescued.duckdb"), "--data-dir", str(tmp_path / "data"))
    assert restored.returncode == 0, restored.stderr
    answer = call_a4p("verify", str(tmp_path / "data" / "warehouse.duckdb"))
    assert f"{SHIPPED_OBSERVATIONS + 1:,} observations" in answer.stdout


def test_a_deleted_log_causes_no_loss(tmp_path: Path, definitions: Definitions) -> None:
    with publish_report(tmp_path / "data", definitions) as application:
        load_value(application, tmp_path, 97)
        find_log(tmp_path / "data").unlink()
        assert application.warehouse.restore_log()
        assert not application.warehouse.restore_log()
        shutil.copyfile(application.settings.warehouse_file, tmp_path / "after.duckdb")
    assert f"{SHIPPED_OBSERVATIONS + 1:,} observations" in call_a4p("verify", str(tmp_path / "after.duckdb")).stdout
