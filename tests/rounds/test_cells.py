"""The cells that a mission has to fill in a cycle."""

from __future__ import annotations

from datetime import date

import pytest

from service.application import Application
from service.errors import RoundUnknown
from service.rounds.cells import Cell, list_cells


def read_cells(application: Application, cycle: int, mission: str) -> list[Cell]:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        return list_cells(session, cycle, mission)


def test_a_cell_has_the_value_of_the_cycle_before(application: Application) -> None:
    cells = {cell.indicator: cell for cell in read_cells(application, 6, "UNMISS")}
    cell = cells["sofa_incidents_new"]
    assert (cell.period_start, cell.period_end, cell.due_on) == (date(2024, 5, 1), date(2024, 10, 31), date(2024, 12, 30))
    assert (cell.previous_value, cell.previous_status, cell.previous_period) == (125, "A", "2023-11-01/2024-04-30")
    assert (cell.current_value, cell.current_status) == (None, None)


def test_a_cell_of_a_reported_cycle_has_the_published_value(application: Application) -> None:
    cells = {cell.indicator: cell for cell in read_cells(application, 5, "UNMISS")}
    cell = cells["sofa_incidents_new"]
    assert (cell.current_value, cell.current_status, cell.previous_value) == (125, "A", None)


def test_an_indicator_with_dimensions_has_a_cell_for_each_value(application: Application) -> None:
    cells = [cell for cell in read_cells(application, 6, "UNMISS") if cell.indicator == "hospital_outage_days"]
    assert [cell.dimensions for cell in cells] == [{"cause": "Equipment"}, {"cause": "Personnel"}]


def test_every_expected_report_has_cells_and_no_other_indicator_has(application: Application) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        expected = session.execute(
            "select distinct indicator from expected_reports where cycle = 6 and mission = 'UNMISS'"
        ).fetchall()
        cells = list_cells(session, 6, "UNMISS")
    assert {cell.indicator for cell in cells} == {name for (name,) in expected}
    assert len({(cell.indicator, *cell.dimensions.items(), cell.period_start) for cell in cells}) == len(cells)


def test_the_totals_of_departments_are_cells_of_all(application: Application) -> None:
    cells = [cell for cell in read_cells(application, 6, "ALL") if cell.indicator == "tpp_trainees"]
    assert [cell.dimensions["training"] for cell in cells] == ["Engineering", "Medical", "C4ISR", "All"]


def test_annual_indicators_belong_to_the_cycle_in_which_their_year_ends(application: Application) -> None:
    cells = [cell for cell in read_cells(application, 7, "ALL") if cell.indicator == "serious_misconduct_allegations"]
    assert [(cell.period_start, cell.period_end) for cell in cells] == [(date(2024, 1, 1), date(2024, 12, 31))]


@pytest.mark.parametrize(
    ("cycle", "mission", "message"),
    [
        (999, "UNMISS", "unknown cycle 999. Rounds exist for the cycles "),
        (6, "UNMSS", "unknown mission 'UNMSS'. Did you mean UNMISS"),
        (6, "MINUSMA", "no report is expected from MINUSMA for cycle 6"),
    ],
)
def test_an_unknown_round_is_an_error(application: Application, cycle: int, mission: str, message: str) -> None:
    with pytest.raises(RoundUnknown) as refused:
        read_cells(application, cycle, mission)
    assert str(refused.value).startswith(message)
