"""A mission that closed within the year: reports that pages and KPIs no longer expect."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from service.loading.request import LoadRequest
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import WriteCsv, publish_report

CLOSED_ON = date(2024, 6, 30)
CYCLE_6 = {"period_start": "2024-05-01", "period_end": "2024-10-31"}


def close_mission(definitions: Definitions, mission: str) -> Definitions:
    """Return definitions in which a mission closed within cycle 6."""
    missions = tuple(
        entry.model_copy(update={"status": "closed", "closed_on": CLOSED_ON}) if entry.mission == mission else entry
        for entry in definitions.catalogue.missions
    )
    return replace(definitions, catalogue=replace(definitions.catalogue, missions=missions))


def test_the_share_of_missions_that_reported_is_of_those_open_at_the_end_of_the_period(
    tmp_path: Path, definitions: Definitions, write_csv: WriteCsv
) -> None:
    with publish_report(tmp_path / "data", close_mission(definitions, "UNISFA")) as application:
        application.loads.load(
            LoadRequest(files=(write_csv("cycle 6.csv", {"mission": "UNMISS", **CYCLE_6}),), loaded_by="a test")
        )
        application.refresh()
        text = b"".join(application.exposition.text.chunks).decode()
    assert f'a4p_missions_reporting_ratio{{mission="ALL",indicator="sofa_incidents_new"}} {1 / 7}' in text


def test_the_page_of_a_closed_mission_lists_no_report_as_missing_after_it_closed(
    tmp_path: Path, definitions: Definitions
) -> None:
    with publish_report(tmp_path / "data", close_mission(definitions, "UNMIK")) as application:
        client = make_app(application).test_client()
        assert 'id="unreported"' in client.get("/missions/UNMIK?as_of=2024-06-30").get_data(as_text=True)
        assert 'id="unreported"' not in client.get("/missions/UNMIK?as_of=2024-07-01").get_data(as_text=True)
