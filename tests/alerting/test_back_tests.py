"""Back-tests: what a threshold would have done on recorded observations, and suggested limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metrics.poisson import find_poisson_tail
from metrics.thresholds import Threshold
from service.alerting.thresholds import back_test_threshold
from service.application import Application
from service.settings import Settings
from service.warehouse.database import read_sql
from service.web.app import make_app
from tests.alerting.conftest import BREACHES, NOW, Put, Report, read, threshold
from tests.bench.data import World, make_warehouse, store_thresholds, write_catalogue
from tests.conftest import Clock


# Tried on history
def try_it(application: Application, requested: Threshold, suggest: bool = False) -> Any:
    with application.warehouse.cursor() as cursor:
        return back_test_threshold(cursor, application.definitions, requested, suggest)


def test_a_back_test_shows_past_breaches(application: Application, report: Report) -> None:
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125), ("UNIFIL", 4, 101), ("UNIFIL", 5, "O"))
    back_test = try_it(application, threshold())
    assert [(tested.mission, tested.value, tested.excess, tested.is_newest) for tested in back_test.fired] == [
        ("UNMISS", 125, 25, True), ("UNIFIL", 101, 1, False),
    ]  # fmt: skip
    assert len(back_test.tested) == 3
    assert read(application, "from threshold_history") == []


def test_a_back_test_shows_breaches_that_start_and_end(application: Application, put: Put, report: Report) -> None:
    put(limit=100)
    put(limit=10, mission="UNIFIL")
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125), ("UNIFIL", 5, 20))
    lower = try_it(application, threshold(limit=80))
    assert [tested.value for tested in lower.started] == [90]
    assert lower.cleared == []
    higher = try_it(application, threshold(limit=130))
    assert (higher.started, [tested.value for tested in higher.cleared]) == ([], [125])
    own = try_it(application, threshold(limit=30, mission="UNIFIL"))
    assert [tested.value for tested in own.cleared] == [20]


def test_a_back_test_lists_the_missions_with_another_limit(application: Application, put: Put, report: Report) -> None:
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43))
    put(limit=60, mission="UNIFIL")
    back_test = try_it(application, threshold(limit=40))
    assert [str(exclusion) for exclusion in back_test.excluded] == ["UNIFIL is excluded: its own limit 60 applies"]
    assert [tested.mission for tested in back_test.tested] == ["UNMISS"]
    assert try_it(application, threshold(limit=40, severity="info")).excluded == ()
    assert try_it(application, threshold(limit=40, mission="UNIFIL")).excluded == ()


def test_a_threshold_in_force_names_the_missions_that_their_own_limit_governs(
    application: Application, put: Put, report: Report
) -> None:
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43))
    put(limit=60, mission="UNIFIL")
    put(limit=50, mission="MINUSCA", severity="info")
    assert put(limit=40).exclusions == ("UNIFIL is excluded: its own limit 60 applies",)
    application.refresh()
    client = make_app(application).test_client()
    assert "UNIFIL is excluded: its own limit 60 applies" in client.get("/thresholds").get_data(as_text=True)
    rows = client.get("/api/v1/thresholds").get_json()["rows"]
    assert {(row["mission"], row["severity"]): row["excluded_missions"] for row in rows} == {
        ("*", "warning"): ["UNIFIL"],
        ("UNIFIL", "warning"): [],
        ("MINUSCA", "info"): [],
    }


def test_a_back_test_shows_the_effect_of_setting_it(application: Application, put: Put, report: Report) -> None:
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43), ("UNIFIL", 4, 44))
    now = {tested.mission for tested in try_it(application, threshold(limit=40)).fired if tested.is_newest}
    put(limit=40)
    assert now == {row[0] for row in read(application, BREACHES)}


def test_rare_events_come_with_the_chance_of_such_a_value(application: Application, report: Report) -> None:
    row = {"indicator": "serious_misconduct_allegations", "mission": "ALL"}
    years = {2020: 10, 2021: 14, 2022: 30}
    report(*({**row, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31", "value": n} for year, n in years.items()))
    back_test = try_it(application, threshold("serious_misconduct_allegations", 11))
    found = {tested.period_end.year: (tested.earlier_mean, tested.chance) for tested in back_test.governed}
    assert found[2020] == (None, None)
    assert found[2021] == (10, pytest.approx(find_poisson_tail(14, 10)))
    assert found[2022] == (12, pytest.approx(find_poisson_tail(30, 12)))
    assert all(tested.chance is None for tested in try_it(application, threshold(limit=1)).governed)


def test_suggested_limits_say_how_often_they_would_have_fired(application: Application, report: Report) -> None:
    missions = ["MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA", "UNMISS"]
    report(*((mission, cycle, 10 * number) for number, mission in enumerate(missions) for cycle in (4, 5)))
    back_test = try_it(application, threshold(limit=None), suggest=True)
    values = [tested.value for tested in back_test.tested]
    assert len(values) == 16 and back_test.fired == []
    assert [(s.limit, s.fired) for s in back_test.suggestions] == [(60, 2), (70, 0)]
    assert all(s.fired == sum(value > s.limit for value in values) for s in back_test.suggestions)
    lowest = try_it(application, threshold(limit=None, comparison="below"), suggest=True).suggestions
    assert lowest[-1].limit == 0 and lowest[-1].fired == 0


def test_a_suggested_limit_of_rare_events_is_rarely_passed_by_chance(application: Application, report: Report) -> None:
    row = {"indicator": "sea_allegations", "mission": "ALL"}
    report(*({**row, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31", "value": 4} for year in range(2015, 2023)))
    limits = {s.limit: s.reason for s in try_it(application, threshold("sea_allegations", None), suggest=True).suggestions}
    assert "Poisson, mean 4" in limits[8]
    assert find_poisson_tail(9, 4) <= 0.05 < find_poisson_tail(8, 4)


def test_thousands_of_thresholds_govern_each_its_series_and_one_is_tried_against_them(tmp_path: Path) -> None:
    # Of six thresholds on each of 2,000 series, those of one metric and severity are replaced by a back-test.
    world = World(2_000, 4)
    catalogue = write_catalogue(world, tmp_path / "catalogue")
    definitions = make_warehouse(world, catalogue, tmp_path / "data", threads=1)
    store_thresholds(tmp_path / "data")
    application = Application(Settings(data_dir=tmp_path / "data", catalogue=catalogue, threads=1), definitions, Clock(NOW))
    try:
        application.refresh()
        exposed = b"".join(application.exposition.text.chunks).decode()
        with application.warehouse.cursor() as cursor:
            ((governed,),) = cursor.execute("select count(*) from latest where value is not null").fetchall()
            assert exposed.count("\na4p_threshold{") == 6 * governed > 10_000
            requested = threshold("a4p_bench_0_trained", 0, severity="warning")
            back_test = back_test_threshold(cursor, definitions, requested)
            # Each series keeps its own: the general one governs none.
            assert back_test.tested == [] and len(back_test.governed) > 700
            own = threshold("a4p_bench_0_trained", 0, mission="UNMISS", dimensions={"training": "Training 1"})
            assert back_test_threshold(cursor, definitions, own).tested == []
    finally:
        application.close()


def test_a_back_test_does_not_compare_all_pairs_of_values(application: Application, report: Report) -> None:
    # Such a join took quarters of an hour for a hundred thousand values.
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125))
    given = {"metric": "a4p_sofa_incidents_new", "mission": "*", "dimensions": {}, "comparison": "above",
            "severity": "warning", "limit_value": 100, "is_rare": True, "removes": False}  # fmt: skip
    with application.warehouse.cursor() as cursor:
        for statement in cursor.extract_statements(read_sql("thresholds/back_test")):
            bound = {name: given[name] for name in statement.named_parameters}
            plan = "".join(row[1] for row in cursor.execute(f"explain {statement.query}", bound or None).fetchall())
            assert "NL_JOIN" not in plan, plan
            cursor.execute(statement, bound or None)
