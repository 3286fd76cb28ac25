"""A service with the report, users with the roles of a round, and an empty warehouse that stages workbooks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.application import Application
from service.client.rounds import RoundsClient
from service.errors import LoadError
from service.loading.load import open_staging, stage_files
from service.loading.request import LoadRequest
from service.queries.sandbox.workbook import Refused
from service.queries.sandbox.xlsx_worker import MODES
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import NewWarehouse
from tests.published_report import publish_report
from tests.rounds.staging import Stage, Staged
from tests.rounds.workbooks import write_template_of

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,note"
CYCLE_6 = "2024-05-01,2024-10-31"
WriteFile = Callable[..., Path]
ROLES = {
    "mary": (Grant(Role.CONTRIBUTOR, "UNMISS"),),
    "paul": (Grant(Role.APPROVER, "UNMISS"),),
    "ruth": (Grant(Role.APPROVER),),
    "lena": (Grant(Role.CONTRIBUTOR, "UNIFIL"),),
    "adam": (Grant(Role.ADMINISTRATOR),),
    "rita": (Grant(Role.READER),),
}


@pytest.fixture
def service(definitions: Definitions, tmp_path: Path) -> Iterator[Application]:
    """A service with the report, which a test may change."""
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


@pytest.fixture
def act_as(service: Application) -> Callable[[str], RoundsClient]:
    """Returns the client of a user by name; see ROLES."""
    return lambda name: RoundsClient(service, False, Identity(name, ROLES[name], "password"))


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Writes a file of new SOFA incidents, by default one value of UNMISS for cycle 6."""

    def write(*rows: str, name: str = "unmiss.csv", value: int = 140) -> Path:
        file = tmp_path / name
        lines = rows or (f"sofa_incidents_new,UNMISS,,{CYCLE_6},{value},A,UNMISS return,the total follows",)
        file.write_text("\n".join([HEADER, *lines]) + "\n")
        return file

    return write


@pytest.fixture(scope="module")
def staging_warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty warehouse with the shipped catalogue; nothing is loaded, files are staged only."""
    with new_warehouse(tmp_path_factory.mktemp("staging") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def templates(application: Application) -> dict[str, bytes]:
    """The templates of three missions for cycle 6, and of one for cycle 5."""
    made = {mission: write_template_of(application, mission) for mission in ("UNMISS", "UNIFIL", "ALL")}
    return {**made, "cycle 5": write_template_of(application, cycle=5)}


def run_here(source: IO[bytes], file_name: str, target: IO[bytes], mode: str, *arguments: str) -> dict[str, Any]:
    """Do what the process that reads workbooks does, in this process: starting one takes longer than a test."""
    try:
        with os.fdopen(os.dup(target.fileno()), "wb") as output:
            return json.loads(json.dumps(MODES[mode](source, output, *arguments)))  # type: ignore[no-any-return]
    except Refused as refused:
        raise LoadError(f"{file_name} {refused}") from None


@pytest.fixture
def stage(stage_by_process: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Stages files without the process. Raises LoadError."""
    monkeypatch.setattr("service.loading.readers.xlsx.run_workbook_process", run_here)
    return stage_by_process


@pytest.fixture
def stage_by_process(staging_warehouse: Warehouse) -> Stage:
    """Stages files. Raises LoadError."""

    def stage_all(*files: Path) -> Staged:
        with open_staging(staging_warehouse) as cursor:
            stage_files(cursor, LoadRequest(files=tuple(files), names=tuple(file.name for file in files)))
            rows = cursor.execute(
                "select s.indicator, array_to_string(map_values(s.written_dimensions), ', '), c.value, c.status, c.note "
                "from staged_cells as c join staged_series as s using (staged_series_id) order by all"
            ).fetchall()
            notes = cursor.execute("select unnest(notes) from staged_files order by file_ordinal").fetchall()
        return Staged({(row[0], row[1]): row[2:] for row in rows}, [note for (note,) in notes])

    return stage_all
