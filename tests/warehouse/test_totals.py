"""Totals over missions when only UNMISS has reported the next cycle: one period, covered missions, and changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.application import Application
from service.documents.report import read_cycle
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.database import read_rows, run_sql
from service.warehouse.definitions import Definitions
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
        opened.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
        load_value(opened, folder, 131)
        opened.refresh()
        yield opened


def ask(application: Application, query: str) -> list[tuple[Any, ...]]:
    assert application.read_copy
    with application.read_copy.open_session() as session:
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


def test_the_change_of_a_total_compares_the_missions_that_both_totals_cover(application: Application) -> None:
    rows = ask(
        application,
        "select value, previous_value, change, missions, missions_used, missions_expected from kpi_changes "
        "where kpi = 'sofa_incidents_longstanding' and mission = 'ALL'",
    )
    assert rows == [(640.0 - 131, 585.0 - 125, 49.0, ["UNMISS"], 1, 8)]
    assert application.read_copy
    with application.read_copy.open_session() as session:
        dates = read_rows(
            run_sql(session, "pages/list_kpi_dates", kpi="sofa_incidents_longstanding", mission="ALL", max_rows=9, skipped=0)
        )
    assert [(row["value"], row["base"], row["change"], row["change_base"]) for row in dates] == [
        (509, "1 of 8 missions", 49, "1 of 8 missions"),
        (628, "6 of 8 missions", None, None),
    ]
    client = make_app(application).test_client()
    page = client.get("/indicators/sofa_incidents_longstanding?mission=ALL").get_data(as_text=True)
    assert "change over 1 of 8 missions" in page
    answer = client.get("/api/v1/kpi_changes?kpi=sofa_incidents_longstanding&mission=ALL").get_json()
    assert [(row["change"], row["missions_used"]) for row in answer["rows"]] == [(49.0, 1)]


# The previous value of each KPI value, and the newest one before the cycle that it is in.
EARLIER = """
    with known as (
        select v.*, p.as_of as earlier, p.value as earlier_value, c.period_start
        from store.current_kpi_values as v
        join store.current_kpi_values as p
            on p.kpi = v.kpi and p.mission = v.mission and p.dimensions = v.dimensions and p.as_of < v.as_of
        left join store.cycle_calendar as c on v.as_of between c.period_start and c.period_end
    ),
    earlier as (
        select
            kpi, mission, dimensions, as_of, value, arg_max_null(earlier_value, earlier) as previous_value,
            max(earlier) as previous_as_of
        from known
        group by all
        union
        select kpi, mission, dimensions, as_of, value, arg_max_null(earlier_value, earlier), max(earlier)
        from known
        where earlier < period_start
        group by kpi, mission, dimensions, as_of, value, period_start
    )
    select kpi, mission, dimensions, as_of, previous_as_of, value, previous_value
    from earlier
    where value is not null and previous_value is not null
    order by all
"""


def test_kpi_values_are_compared_with_the_previous_one_and_with_that_before_the_cycle(application: Application) -> None:
    pairs = ask(
        application,
        "select kpi, mission, dimensions, as_of, previous_as_of, value, previous_value from store.kpi_pairs order by all",
    )
    assert pairs and pairs == ask(application, EARLIER)


def test_kpi_values_do_not_repeat_a_value_for_a_period_that_its_mission_did_not_report(application: Application) -> None:
    rows = ask(
        application,
        "select distinct as_of::varchar from kpi_values where kpi = 'sofa_incidents_longstanding' and mission = 'MINUSCA' "
        "union all select as_of::varchar from kpi_latest where kpi = 'sofa_incidents_longstanding' and mission = 'MINUSCA'",
    )
    assert rows == [("2024-04-30",), ("2024-04-30",)]


def test_the_pages_show_what_a_total_covers(application: Application) -> None:
    client = make_app(application).test_client()
    assert "1 of 8 missions" in client.get("/priorities/host_country_cooperation").get_data(as_text=True)
    indicator = client.get("/indicators/sofa_incidents_new").get_data(as_text=True)
    assert "Covers the 1 of 8 missions with a value in both periods" in indicator
    answer = client.get("/api/v1/kpi_latest?kpi=sofa_incidents_longstanding&mission=ALL").get_json()
    rows = next(value for value in answer.values() if isinstance(value, list))
    assert [(row["value"], row["missions_used"], row["missions_expected"]) for row in rows] == [(509.0, 1, 8)]


def test_metrics_and_history_show_what_a_total_covers(application: Application) -> None:
    text = b"".join(application.exposition.text.chunks).decode()
    samples = {
        (sample.name, sample.labels.get("kpi"), sample.labels.get("mission")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["a4p_kpi_missions_used", "sofa_incidents_longstanding", "ALL"] == 1
    assert samples["a4p_kpi_missions_expected", "sofa_incidents_longstanding", "ALL"] == 8
    help_line = text.split("# HELP a4p_sofa_incidents_longstanding ")[1].split("\n")[0]
    assert "missions with a value in the newest reported period" in help_line
    history = ask(
        application,
        "select value from history where metric = 'a4p_kpi_missions_used' "
        "and labels = map {'kpi': 'sofa_incidents_longstanding', 'mission': 'ALL'} order by starts",
    )
    assert history == [(6.0,), (1.0,)]


def test_the_document_of_a_cycle_shows_what_its_totals_covered(application: Application) -> None:
    assert application.read_copy
    report = read_cycle(application.read_copy, 5)
    values = {
        (kpi.kpi, value.mission): value for priority in report.priorities for kpi in priority.kpis for value in kpi.values
    }
    assert values["sofa_incidents_longstanding", "ALL"].value == 628
    assert values["sofa_incidents_longstanding", "ALL"].base == "6 of 8 missions"
    assert values["sofa_incidents_longstanding", "UNMISS"].base is None


def test_a_value_of_an_earlier_period_is_not_labelled_with_the_later_one(application: Application) -> None:
    assert application.read_copy
    with application.read_copy.open_session() as session:
        values = read_rows(
            run_sql(
                session,
                "pages/list_values",
                one="sofa_incidents_longstanding",
                priority=None,
                mission=None,
                max_rows=99,
                skipped=0,
            )
        )
        dates = read_rows(
            run_sql(
                session, "pages/list_kpi_dates", kpi="sofa_incidents_longstanding", mission="MINUSCA", max_rows=9, skipped=0
            )
        )
    assert {row["mission"]: str(row["period_end"]) for row in values if row["mission"] in ("MINUSCA", "UNMISS", "ALL")} == {
        "MINUSCA": "2024-04-30",
        "UNMISS": "2024-10-31",
        "ALL": "2024-10-31",
    }
    assert [str(row["as_of"]) for row in dates] == ["2024-04-30"]


def load_rows(application: Application, file: Path, rows: str) -> None:
    """Load rows of the columns of HEADER."""
    file.write_text(HEADER + rows)
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))


def write_suspects(mission: str, day: str, detained: int, tried: int) -> str:
    """Return the rows of a mission's suspects, cumulative to a day."""
    return "".join(
        f"crime_suspects_{name},{mission},2013-01-01,{day},{value},a test\n"
        for name, value in (("detained", detained), ("tried", tried))
    )


def read_trial_change(application: Application) -> Any:
    """Publish, and return the change of the crime trial ratio over all missions with the missions it covers."""
    application.refresh()
    rows = ask(
        application,
        "select previous_value, value, missions from kpi_changes "
        "where kpi = 'crime_trial_ratio' and mission = 'ALL' and as_of = date '2024-10-31'",
    )
    return rows[0] if rows else None


def test_the_change_of_a_ratio_of_sums_is_computed_anew_over_the_missions_in_common(
    tmp_path: Path, definitions: Definitions
) -> None:
    with closing(Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)) as application:
        load_rows(
            application,
            tmp_path / "cycle_5.csv",
            write_suspects("MINUSCA", "2024-04-30", 100, 50)
            + write_suspects("MONUSCO", "2024-04-30", 20, 10)
            + write_suspects("UNMISS", "2024-04-30", 80, 8),
        )
        load_rows(application, tmp_path / "unifil.csv", write_suspects("UNIFIL", "2024-10-31", 4, 2))
        assert read_trial_change(application) is None, "no mission has both periods"

        load_rows(
            application,
            tmp_path / "cycle_6.csv",
            write_suspects("MINUSCA", "2024-10-31", 100, 60) + write_suspects("MONUSCO", "2024-10-31", 50, 40),
        )
        assert read_trial_change(application) == ((50 + 10) / 120, (60 + 40) / 150, ["MINUSCA", "MONUSCO"])

        load_rows(application, tmp_path / "correction.csv", write_suspects("MONUSCO", "2024-04-30", 20, 16))
        assert read_trial_change(application) == ((50 + 16) / 120, (60 + 40) / 150, ["MINUSCA", "MONUSCO"])

        load_rows(application, tmp_path / "unmiss.csv", write_suspects("UNMISS", "2024-10-31", 80, 20))
        assert read_trial_change(application) == (
            (50 + 16 + 8) / 200, (60 + 40 + 20) / 230, ["MINUSCA", "MONUSCO", "UNMISS"],
        )  # fmt: skip


def test_a_total_is_not_repeated_for_a_period_that_none_of_its_missions_reported(
    tmp_path: Path, definitions: Definitions
) -> None:
    with closing(Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)) as application:
        load_rows(application, tmp_path / "cycle_5.csv", write_suspects("MINUSCA", "2024-04-30", 100, 50))
        load_rows(application, tmp_path / "part.csv", "crime_suspects_detained,UNIFIL,2013-01-01,2024-10-31,4,a test\n")
        application.refresh()
        rows = ask(
            application,
            "select as_of, value from kpi_values where kpi = 'crime_trial_ratio' and mission = 'ALL' "
            "union all select as_of, value from kpi_latest where kpi = 'crime_trial_ratio' and mission = 'ALL'",
        )
    assert rows == [(date(2024, 4, 30), 0.5), (date(2024, 4, 30), 0.5)]


def test_a_change_does_not_expect_a_mission_that_closed_before_the_period_ended(
    tmp_path: Path, definitions: Definitions
) -> None:
    closed = {"UNIFIL": {"status": "closed", "closed_on": date(2024, 6, 30)}}
    missions = tuple(entry.model_copy(update=closed.get(entry.mission, {})) for entry in definitions.catalogue.missions)
    settings = Settings(data_dir=tmp_path / "data", threads=1)
    with closing(
        Application(settings, replace(definitions, catalogue=replace(definitions.catalogue, missions=missions)))
    ) as application:
        application.loads.load_shipped()
        load_value(application, tmp_path, 131)
        application.refresh()
        rows = ask(
            application,
            "select missions_used, missions_expected from changes where mission = 'ALL' and indicator = 'sofa_incidents_new'",
        )
    assert rows == [(1, 7)]
