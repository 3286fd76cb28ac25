"""A service with the report, and users with the roles of a round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.application import Application
from service.client.rounds import RoundsClient
from service.warehouse.definitions import Definitions
from tests.published_report import publish_report

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
