"""Which reports are expected, reported and overdue: the views of sql/views/46_reports.sql, given and expected rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from service.application import Application
from service.settings import Settings
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Load, WriteCsv

ReadAsOf = Callable[[str, str], list[tuple[Any, ...]]]
CYCLE_5 = {"period_start": "2023-11-01", "period_end": "2024-04-30"}
CYCLE_6 = {"period_start": "2024-05-01", "period_end": "2024-10-31"}
SOFA = ["MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA", "UNMISS"]


@pytest.fixture
def read_as_of(warehouse: Warehouse) -> ReadAsOf:
    def read(query: str, as_of: str) -> list[tuple[Any, ...]]:
        with warehouse.cursor() as cursor:
            cursor.execute(f"set variable as_of = date '{as_of}'")
            return cursor.execute(query).fetchall()

    return read


STATES = (
    "select mission, state, is_overdue from report_states where cycle = 6 and indicator = 'sofa_incidents_new' order by mission"
)


def test_a_mission_without_an_agreement_is_not_expected_to_report_sofa_incidents(
    read_as_of: ReadAsOf, load: Load, write_csv: WriteCsv
) -> None:
    load(write_csv("cycle-5.csv", CYCLE_5))
    missions = {row[0] for row in read_as_of(STATES, "2025-01-31")}
    assert missions == {"MINURSO", *SOFA}


def test_a_report_is_overdue_only_from_its_deadline(read_as_of: ReadAsOf, load: Load, write_csv: WriteCsv) -> None:
    load(write_csv("cycle-5.csv", CYCLE_5))
    count = "select count(*) from overdue_reports where cycle = 6"
    assert [read_as_of(count, day) for day in ("2024-10-31", "2024-12-29", "2024-12-30")] == [[(0,)], [(0,)], [(8,)]]


def test_only_a_report_for_the_period_counts(read_as_of: ReadAsOf, load: Load, write_csv: WriteCsv) -> None:
    given = [("UNMISS", "3", "A"), ("UNIFIL", "", "M"), ("UNDOF", "", "V"), ("UNISFA", "", "O")]
    load(
        write_csv("cycle-5.csv", *({"mission": mission, **CYCLE_5} for mission in SOFA)),
        write_csv("cycle-6.csv", *({"mission": m, "value": v, "status": s, **CYCLE_6} for m, v, s in given)),
    )
    assert read_as_of(STATES, "2025-01-31") == [
        ("MINURSO", "not reported", True),
        ("MINUSCA", "not reported", True),
        ("MONUSCO", "not reported", True),
        ("UNDOF", "under validation", False),
        ("UNFICYP", "not reported", True),
        ("UNIFIL", "reported", False),
        ("UNISFA", "missing", True),
        ("UNMISS", "reported", False),
    ]
    completeness = "from completeness where indicator = 'sofa_incidents_new' and period = 'cycle 6'"
    assert read_as_of(completeness, "2025-01-31") == [("cycle 6", "sofa_incidents_new", 8, 2)]


def test_alerts_cover_the_newest_period_past_its_deadline(read_as_of: ReadAsOf, load: Load, write_csv: WriteCsv) -> None:
    load(write_csv("cycle-5.csv", CYCLE_5))
    cycles = "select distinct cycle from overdue_reports order by all"
    assert [read_as_of(cycles, day) for day in ("2024-12-29", "2024-12-30", "2026-11-25")] == [[(5,)], [(6,)], [(9,)]]
    older = "select distinct cycle from report_states where is_overdue order by all"
    assert read_as_of(older, "2026-11-25") == [(5,), (6,), (7,), (8,), (9,)]


def test_a_mission_is_expected_when_it_was_open_on_the_last_day(
    read_as_of: ReadAsOf,
    warehouse: Warehouse,
    definitions: Definitions,
    load: Load,
    write_csv: WriteCsv,
) -> None:
    dates = {"UNMISS": {"closed_on": date(2024, 10, 30)}, "UNIFIL": {"closed_on": date(2024, 10, 31)},
             "UNDOF": {"opened_on": date(2024, 10, 31)}, "UNISFA": {"opened_on": date(2024, 11, 1)}}  # fmt: skip
    missions = tuple(entry.model_copy(update=dates.get(entry.mission, {})) for entry in definitions.catalogue.missions)
    store_catalogue(warehouse, replace(definitions.catalogue, missions=missions), STORED_AT)
    load(write_csv("cycle-5.csv", CYCLE_5))
    expected = {row[0] for row in read_as_of(STATES, "2025-01-31")}
    assert expected & dates.keys() == {"UNIFIL", "UNDOF"}


def test_an_indicator_may_have_its_own_deadline(
    read_as_of: ReadAsOf,
    warehouse: Warehouse,
    definitions: Definitions,
) -> None:
    indicators = tuple(
        (priority, entry.model_copy(update={"due_days": 90}) if entry.indicator == "sofa_incidents_new" else entry)
        for priority, entry in definitions.catalogue.indicators
    )
    cycles = definitions.catalogue.cycles.model_copy(update={"exceptions": ()})
    store_catalogue(warehouse, replace(definitions.catalogue, indicators=indicators, cycles=cycles), STORED_AT)
    due = (
        "select distinct indicator, due_on from expected_reports where period_end = '2026-04-30' "
        "and indicator in ('sofa_incidents_new', 'hospitals') order by all"
    )
    assert read_as_of(due, "2026-11-25") == [("hospitals", date(2026, 6, 29)), ("sofa_incidents_new", date(2026, 7, 29))]


def test_irregular_indicators_are_never_due(read_as_of: ReadAsOf, definitions: Definitions) -> None:
    irregular = {entry.indicator for _, entry in definitions.catalogue.indicators if entry.frequency == "irregular"}
    assert irregular
    assert not irregular & {row[0] for row in read_as_of("select distinct indicator from expected_reports", "2026-11-25")}


def test_history_shows_what_metrics_shows_once_a_deadline_passes_without_a_load(
    tmp_path: Path, definitions: Definitions
) -> None:
    now = datetime(2024, 12, 30, 23, 59, tzinfo=UTC)
    application = Application(Settings(data_dir=tmp_path, threads=1), definitions, lambda: now)

    def read_overdue() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
        application.refresh()
        assert application.read_copy is not None
        with application.read_copy.open_session() as session:
            shown = session.execute("select indicator, mission, cycle::varchar from overdue_reports order by all").fetchall()
            recorded = session.execute(
                "select labels['indicator'], labels['mission'], labels['cycle'] from history "
                "where metric = 'a4p_indicator_overdue' and starts <= $now and ends > $now order by all",
                {"now": now},
            ).fetchall()
        text = b"".join(application.exposition.text.chunks).decode()
        assert text.count("\na4p_indicator_overdue{") == len(shown)
        return shown, recorded

    try:
        application.loads.load_shipped()
        shown, recorded = read_overdue()
        assert recorded == shown
        assert {row[2] for row in shown} == {"5"}
        before = application.history
        now = datetime(2024, 12, 31, tzinfo=UTC)
        shown, recorded = read_overdue()
        assert recorded == shown
        assert {row[2] for row in shown} == {"6"}
        assert application.history is not None
        assert before is not None
        assert application.history.reported is not before.reported
    finally:
        application.close()
