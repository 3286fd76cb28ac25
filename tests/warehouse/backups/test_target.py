"""A backup is never written onto a file that the service uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application import Application
from service.errors import WarehouseError
from service.settings import Settings
from service.warehouse.backups.target import list_used_files
from service.warehouse.definitions import Definitions
from tests.conftest import publish_report
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p

USED = [name for name, _ in list_used_files(Settings())]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The published report in a directory of this module; each file that a service uses exists."""
    with publish_report(tmp_path_factory.mktemp("used") / "data", definitions) as opened:
        for _, used in list_used_files(opened.settings):
            used.touch()
        yield opened


@pytest.mark.parametrize("name", USED)
@pytest.mark.parametrize("way", ["path", "dots", "symbolic link", "hard link", "linked directory"])
def test_a_backup_onto_a_used_file_is_refused(application: Application, tmp_path: Path, name: str, way: str) -> None:
    used = dict(list_used_files(application.settings))[name]
    with pytest.raises(WarehouseError, match=f"is the {name} of the service"):
        application.back_up(point_to(used, way, tmp_path))


def point_to(file: Path, way: str, tmp_path: Path) -> Path:
    link = tmp_path / "link"
    match way:
        case "dots":
            return file.parent / "tmp" / ".." / file.name
        case "symbolic link":
            link.symlink_to(file)
            return link
        case "hard link":
            os.link(file, link)
            return link
        case "linked directory":
            link.symlink_to(file.parent, target_is_directory=True)
            return link / file.name
    return file


def test_a_backup_into_the_scratch_directory_or_onto_a_device_is_refused(application: Application) -> None:
    with pytest.raises(WarehouseError, match="which the service empties"):
        application.back_up(application.settings.data_dir / "tmp" / "copy.duckdb")
    with pytest.raises(WarehouseError, match="is not a regular file"):
        application.back_up(Path("/dev/null"))


def test_an_answered_load_survives_an_attempt_to_back_up_onto_the_warehouse(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with ServiceProcess(copy_report(data_dir)) as service:
        service.wait_until_ready()
        file = tmp_path / "unmiss.csv"
        file.write_text(
            "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"
            "sofa_incidents_new,UNMISS,,2024-05-01,2024-10-31,97,A,UNMISS submission,2,\n"
        )
        assert call_a4p("load", str(file), "--data-dir", str(data_dir)).returncode == 0
        refused = call_a4p("backup", str(data_dir / "warehouse.duckdb"), "--data-dir", str(data_dir))
        assert refused.returncode == 1
        assert "is the warehouse of the service; choose another file" in refused.stderr
        service.kill()
    with ServiceProcess(data_dir) as service:
        service.wait_until_ready()
    held = call_a4p(
        "sql", "select value::integer as value from observations where source = 'UNMISS submission'",
        "--format", "csv", "--data-dir", str(data_dir),
    )  # fmt: skip
    assert held.stdout.split() == ["value", "97"]
