"""Totals over missions when UNMISS alone has reported the next cycle: one period, the missions they cover, and their change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.application import Application
from service.definitions import Definitions
from service.report.figures import read_cycle
from service.warehouse import read_rows, run_sql
from service.web.app import make_app
from tests.conftest import load_value, publish_report

HEADER = "indicator,mission,period_start,period_end,value,source\n"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The report, and both counts of incidents of UNMISS for cycle 6; the new ones corrected from 97 to 131."""
    folder = tmp_path_factory.mktemp("totals")
    with publish_report(folder / "data", definitions) as opened:
        load_value(opened, folder, 97)
        file = folder / "total.csv"
        file.write_text(f"{HEADER}sofa_incidents_total,UNMISS,2024-05-01,2024-10-31,640,a test\n")
        opened.load([file], "a test")
        load_value(opened, folder, 131)
        opened.refresh()
        yield opened


def ask(application: Application, query: str) -> list[tuple[Any, ...]]:
    assert application.read_copy
    with application.read_copy.ask() as session:
        return session.execute(query).fetchall()


def test_a_total_covers_the_missions_that_reported_the_newest_cycle(application: Application) -> None:
    rows = ask(
        application,
        "select mission, value, missions, missions_used, missions_expected from kpi_latest "
        "where kpi = 'sofa_incidents_longstanding' and mission in ('ALL', 'MINUSCA')",
    )
    assert sorted(rows) == [("ALL", 509.0, ["UNMISS"], 1, 8), ("MINUSCA", 164.0, None, None, None)]


def test_a_share_is_of_the_missions_that_reported_the_newest_cycle(application: Application) -> None:
    rows = ask(
        application,
        "select mission, value, missions_used, missions_expected from kpi_latest where kpi = 'sofa_incidents_new_share'",
    )
    assert rows == [("UNMISS", 1.0, 1, 8)]


def test_a_change_over_all_missions_compares_the_same_missions(application: Application) -> None:
    rows = ask(
        application,
        "select indicator, value, previous_value, change, missions_used, missions_expected from changes "
        "where mission = 'ALL' and indicator in ('sofa_incidents_new', 'sofa_incidents_total') order by all",
    )
    assert rows == [
        ("sofa_incidents_new", 131.0, 125.0, 6.0, 1, 8),
        ("sofa_incidents_total", 640.0, 585.0, 55.0, 1, 8),
    ]


def test_a_change_of_one_series_covers_no_missions(application: Application) -> None:
    rows = ask(
        application,
        "select missions_used, missions_expected from changes where indicator = 'sofa_incidents_new' and mission = 'UNMISS'",
    )
    assert rows == [(None, None)]


def test_a_total_has_no_change_against_one_over_other_missions(application: Application) -> None:
    rows = ask(
        application,
        "select compare_totals(10, ['A', 'B'], 4, ['A', 'B']), compare_totals(10, ['A'], 4, ['A', 'B']), "
        "compare_totals(10, null, 4, null)",
    )
    assert rows == [(6, None, 6)]
    assert application.read_copy
    with application.read_copy.ask() as session:
        dates = read_rows(run_sql(session, "pages/list_kpi_dates", kpi="sofa_incidents_longstanding", mission="ALL", most=9))
    assert [(row["value"], row["base"], row["change"]) for row in dates] == [
        (509, "1 of 8 missions", None),
        (628, "6 of 8 missions", None),
    ]


def test_the_pages_show_what_a_total_covers(application: Application) -> None:
    client = make_app(application).test_client()
    assert "1 of 8 missions" in client.get("/priorities/host_country_cooperation").get_data(as_text=True)
    indicator = client.get("/indicators/sofa_incidents_new").get_data(as_text=True)
    assert "over the 1 of 8 missions with a value in both periods" in indicator
    answer = client.get("/api/v1/kpi_latest?kpi=sofa_incidents_longstanding&mission=ALL").get_json()
    rows = next(value for value in answer.values() if isinstance(value, list))
    assert [(row["value"], row["missions_used"], row["missions_expected"]) for row in rows] == [(509.0, 1, 8)]


def test_metrics_and_history_say_what_a_total_covers(application: Application) -> None:
    text = b"".join(application.exposition.text.chunks).decode()
    samples = {
        (sample.name, sample.labels.get("kpi"), sample.labels.get("mission")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["a4p_kpi_missions_used", "sofa_incidents_longstanding", "ALL"] == 1
    assert samples["a4p_kpi_missions_expected", "sofa_incidents_longstanding", "ALL"] == 8
    help_line = text.split("# HELP a4p_sofa_incidents_longstanding ")[1].split("\n")[0]
    assert "missions with a value in the newest period" in help_line
    history = ask(
        application,
        "select value from history where metric = 'a4p_kpi_missions_used' "
        "and labels = map {'kpi': 'sofa_incidents_longstanding', 'mission': 'ALL'} order by starts",
    )
    assert history == [(6.0,), (1.0,)]


def test_the_document_of_a_cycle_shows_what_its_totals_covered(application: Application) -> None:
    assert application.read_copy
    report = read_cycle(application.read_copy, 5)
    figures = {
        (kpi.kpi, figure.mission): figure for priority in report.priorities for kpi in priority.kpis for figure in kpi.figures
    }
    assert figures["sofa_incidents_longstanding", "ALL"].value == 628
    assert figures["sofa_incidents_longstanding", "ALL"].base == "6 of 8 missions"
    assert figures["sofa_incidents_longstanding", "UNMISS"].base is None


def test_a_value_of_an_earlier_period_is_not_labelled_with_the_later_one(application: Application) -> None:
    assert application.read_copy
    with application.read_copy.ask() as session:
        figures = read_rows(
            run_sql(session, "pages/list_figures", one="sofa_incidents_longstanding", priority=None, mission=None, most=99)
        )
        dates = read_rows(
            run_sql(session, "pages/list_kpi_dates", kpi="sofa_incidents_longstanding", mission="MINUSCA", most=9)
        )
    assert {row["mission"]: str(row["period_end"]) for row in figures if row["mission"] in ("MINUSCA", "UNMISS", "ALL")} == {
        "MINUSCA": "2024-04-30",
        "UNMISS": "2024-10-31",
        "ALL": "2024-10-31",
    }
    assert [str(row["as_of"]) for row in dates] == ["2024-04-30"]
