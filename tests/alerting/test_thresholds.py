"""Thresholds: what is set and refused, which one governs, what breaches, and what one tried on history says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from metrics.catalogue import CatalogueError
from metrics.poisson import find_poisson_tail
from metrics.thresholds import Threshold, make_threshold, read_default_thresholds
from service.alerting.thresholds import check_defaults, remove_threshold, set_threshold, store_default_thresholds, try_threshold
from service.application import Application
from service.errors import ThresholdError
from service.settings import Settings, find_in_tree
from service.warehouse.database import read_sql
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.bench.data import World, make_warehouse, store_thresholds, write_catalogue
from tests.conftest import Clock, WriteCsv

NOW = datetime(2024, 9, 10, 12, tzinfo=UTC)
CYCLES = {4: ("2023-05-01", "2023-10-31"), 5: ("2023-11-01", "2024-04-30"), 6: ("2024-05-01", "2024-10-31")}
Set = Callable[..., Any]


def threshold(metric: str = "a4p_sofa_incidents_new", limit: float | None = 100, **said: Any) -> Threshold:
    said = {"mission": "*", "dimensions": {}, "comparison": "above", "severity": "warning", "note": None, **said}
    return make_threshold(metric=metric, limit=limit, **said)


@pytest.fixture
def bare(definitions: Definitions) -> Definitions:
    """The shipped definitions without default thresholds."""
    return replace(definitions, thresholds=())


@pytest.fixture
def application(tmp_path: Path, bare: Definitions) -> Iterator[Application]:
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), bare, Clock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def put(application: Application) -> Set:
    """Sets a threshold."""

    def put_one(metric: str = "a4p_sofa_incidents_new", limit: float = 100, **said: Any) -> Any:
        return set_threshold(
            application.warehouse, application.definitions, threshold(metric, limit, **said), "A. Analyst", application.clock
        )

    return put_one


@pytest.fixture
def report(application: Application, write_csv: WriteCsv) -> Callable[..., None]:
    """Loads figures given as (mission, cycle, value) of new incidents, or as rows, and makes a snapshot."""

    def load(*figures: Any) -> None:
        rows = []
        for number, figure in enumerate(figures):
            if isinstance(figure, tuple):
                mission, cycle, value = figure
                status = value if isinstance(value, str) else "A"
                value = "" if isinstance(value, str) else value
                start, end = CYCLES[cycle]
                figure = {"mission": mission, "period_start": start, "period_end": end, "value": value, "status": status}
            rows.append({"note": f"row {number} of {application.clock()}", **figure})
        application.load([write_csv(f"figures-{application.clock():%H%M%S}.csv", *rows)], "the tests")
        application.refresh()

    return load


def read(application: Application, query: str, as_of: str = "2025-01-01") -> list[tuple[Any, ...]]:
    with application.warehouse.cursor() as cursor:
        cursor.execute(f"set variable as_of = date '{as_of}'")
        return cursor.execute(query).fetchall()


BREACHES = "select mission, dimensions, severity, limit_value, value, excess from threshold_breaches order by all"


def test_a_threshold_that_is_set_is_in_force_and_in_the_history(application: Application, put: Set) -> None:
    changed = put(note="Talk to the host state")
    assert (changed.text, changed.replaced_limit) == ("a4p_sofa_incidents_new above 100 (warning)", None)
    assert put(limit=90).replaced_limit == 100
    assert read(application, "select metric, mission, limit_value, set_by from thresholds") == [
        ("a4p_sofa_incidents_new", "*", 90, "A. Analyst")
    ]
    assert read(application, "select limit_value, replaced_limit, note from threshold_history order by recorded_at") == [
        (100, None, "Talk to the host state"),
        (90, 100, None),
    ]


def test_a_removed_threshold_is_no_longer_in_force_and_stays_in_the_history(application: Application, put: Set) -> None:
    put()
    remove_threshold(
        application.warehouse, application.definitions, threshold(note="Too strict"), ["above"], ["warning"], "B", Clock(NOW)
    )
    assert read(application, "from thresholds") == []
    assert read(
        application, "select limit_value, replaced_limit, note, set_by from threshold_history order by recorded_at"
    ) == [
        (100, None, None, "A. Analyst"),
        (None, 100, "Too strict", "B"),
    ]


def test_the_clock_standing_still_keeps_the_order(application: Application, bare: Definitions) -> None:
    for limit in range(5):
        set_threshold(application.warehouse, bare, threshold(limit=limit), "A", lambda: NOW)
    assert read(application, "select limit_value, replaced_limit from threshold_history order by recorded_at") == [
        (0, None), (1, 0), (2, 1), (3, 2), (4, 3),
    ]  # fmt: skip


def test_removing_what_is_not_clear_says_what_there_is(application: Application, put: Set) -> None:
    def remove(comparisons: list[str], severities: list[str], mission: str = "*") -> str:
        with pytest.raises(ThresholdError) as caught:
            wanted = threshold(mission=mission)
            remove_threshold(application.warehouse, application.definitions, wanted, comparisons, severities, "B")
        return str(caught.value)

    assert "a4p_sofa_incidents_new has none" in remove(["above"], ["warning"])
    put()
    put(limit=200, severity="critical")
    told = remove(["above", "below"], ["info", "warning", "critical"])
    assert "more than one matches" in told and "above 200 (critical)" in told
    assert "no such threshold is in force; there is" in remove(["above"], ["warning"], mission="UNMISS")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"metric": "sofa_incident_new"}, "a4p_sofa_incidents_new"),
        ({"metric": "a4p_indicator_info"}, "unknown metric"),
        ({"mission": "unmis"}, "UNMISS"),
        ({"metric": "hospital_outage_days", "dimensions": {"caus": "Equipment"}}, "cause"),
        ({"metric": "hospital_outage_days", "dimensions": {"cause": "equip"}}, "Equipment"),
        ({"dimensions": {"cause": "Equipment"}}, "its only label is mission"),
        ({"metric": "a4p_indicator_change", "dimensions": {"indicator": "sofa_incidents"}}, "sofa_incidents_new"),
        ({"metric": "a4p_missions_reporting_ratio", "dimensions": {"indicator": "hospital"}}, "hospitals"),
    ],
)
def test_what_is_unknown_is_answered_with_the_nearest_known_names(put: Set, said: dict[str, Any], told: str) -> None:
    with pytest.raises(ThresholdError, match=told):
        put(**said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"metric": "patrols_with_women_ratio", "limit": 3}, "can never fire"),
        ({"metric": "patrols_with_women_ratio", "limit": 1}, "can never fire"),
        ({"metric": "patrols_with_women_ratio", "limit": -0.1}, "always fires"),
        ({"metric": "patrols_with_women_ratio", "limit": 1.5, "comparison": "below"}, "always fires"),
        ({"metric": "sofa_incidents_new", "limit": 0, "comparison": "below"}, "can never fire"),
        ({"metric": "sofa_incidents_new_share", "limit": 1}, "can never fire"),
        ({"metric": "crime_trial_ratio", "limit": 30}, "for 30 % give 0.3"),
        ({"metric": "a4p_indicator_change", "dimensions": {"indicator": "patrols_with_women_ratio"}, "limit": 1}, "never fire"),
        ({"metric": "sofa_incidents_new", "limit": 100}, None),
        ({"metric": "sofa_incidents_new", "limit": 0}, None),
        ({"metric": "sea_allegations_change_ratio", "limit": -0.5, "comparison": "below"}, None),
    ],
)
def test_a_limit_that_can_never_or_always_fire_is_a_warning(put: Set, said: dict[str, Any], told: str | None) -> None:
    warnings = put(**said).warnings
    assert told in warnings[0] if told else warnings == ()


def test_a_mission_s_own_threshold_goes_before_the_general_one(application: Application, put: Set, report: Set) -> None:
    put(limit=10)
    put(limit=200, mission="UNMISS")
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43), ("MINUSCA", 5, 10))
    assert read(application, BREACHES) == [("UNIFIL", {}, "warning", 10, 43, 33)]


def test_severities_stand_beside_each_other(application: Application, put: Set, report: Set) -> None:
    put(limit=10)
    put(limit=40, severity="critical")
    report(("UNMISS", 5, 45), ("UNIFIL", 5, 20))
    assert [(row[0], row[2]) for row in read(application, BREACHES)] == [
        ("UNIFIL", "warning"), ("UNMISS", "critical"), ("UNMISS", "warning"),
    ]  # fmt: skip


def test_dimension_values_given_go_before_none(application: Application, put: Set, report: Set) -> None:
    put("hospital_outage_days", 10)
    put("hospital_outage_days", 50, dimensions={"cause": "Equipment"})
    put("hospital_outage_days", 1, mission="UNMISS", severity="critical")
    put("hospital_outage_days", 90, mission="UNMISS", severity="critical", dimensions={"cause": "Equipment"})
    row = {"indicator": "hospital_outage_days", "value": 60}
    report({**row, "dimensions": "cause=Equipment"}, {**row, "dimensions": "cause=Personnel"})
    assert read(application, BREACHES) == [
        ("UNMISS", {"cause": "Equipment"}, "warning", 50, 60, 10),
        ("UNMISS", {"cause": "Personnel"}, "critical", 1, 60, 59),
        ("UNMISS", {"cause": "Personnel"}, "warning", 10, 60, 50),
    ]


def test_every_mission_is_not_peacekeeping_as_a_whole(application: Application, put: Set, report: Set) -> None:
    put("crime_investigation_ratio", 0.9, comparison="below")
    rows = [
        {"indicator": name, "mission": mission, "value": value}
        for mission in ("MINUSCA", "ALL")
        for name, value in (("crime_cases_reported", 10), ("crime_cases_investigated", 5))
    ]
    report(*rows)
    assert [row[0] for row in read(application, BREACHES)] == ["MINUSCA"]
    put("crime_investigation_ratio", 0.9, comparison="below", mission="ALL")
    assert [row[0] for row in read(application, BREACHES)] == ["ALL", "MINUSCA"]


def test_a_metric_of_peacekeeping_as_a_whole_needs_no_mission(put: Set) -> None:
    assert put("sea_allegations", 90).text == "a4p_sea_allegations{mission=ALL} above 90 (warning)"


@pytest.mark.parametrize(
    ("comparison", "value", "fires"), [("above", 100, False), ("above", 101, True), ("below", 100, False), ("below", 99, True)]
)
def test_a_figure_at_the_limit_does_not_breach(
    application: Application, put: Set, report: Set, comparison: str, value: int, fires: bool
) -> None:
    put(comparison=comparison)
    report(("UNMISS", 5, value))
    assert bool(read(application, BREACHES)) is fires


def test_breaches_are_those_as_of_the_date(application: Application, put: Set, report: Set) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNMISS", 5, 80), ("UNMISS", 6, 130))
    fired = {
        day: bool(read(application, BREACHES, day))
        for day in ("2023-10-30", "2023-10-31", "2024-04-29", "2024-04-30", "2024-10-31")
    }
    assert list(fired.values()) == [False, True, True, False, True]


def test_breaches_are_those_known_at_the_time(application: Application, put: Set, report: Set) -> None:
    put()
    report(("UNMISS", 5, 120))
    told = read(application, "select max(recorded_at) from observation_revisions")[0][0]
    report(("UNMISS", 5, 90))
    assert read(application, BREACHES) == []
    with application.warehouse.cursor() as cursor:
        cursor.execute(f"set variable known_at = timestamptz '{told.isoformat()}'")
        assert cursor.execute("select value from threshold_breaches").fetchall() == [(120,)]


@pytest.mark.parametrize("status", ["M", "U"])
def test_an_unreported_period_neither_fires_nor_clears(application: Application, put: Set, report: Set, status: str) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNIFIL", 4, 20), ("UNMISS", 5, status), ("UNIFIL", 5, status))
    rows = read(application, "select mission, value, period_end, unreported_period_end from threshold_breaches")
    assert rows == [("UNMISS", 120, date(2023, 10, 31), date(2024, 4, 30))]
    report(("UNMISS", 6, 60))
    assert read(application, BREACHES) == []


def test_not_applicable_clears(application: Application, put: Set, report: Set) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNMISS", 5, "N"))
    assert read(application, BREACHES) == []


def test_changes_and_kpis_have_thresholds_too(application: Application, put: Set, report: Set) -> None:
    put("a4p_indicator_change", 20, dimensions={"indicator": "sofa_incidents_new"})
    put("sofa_incidents_new_share", 0.7)
    report(("UNMISS", 4, 50), ("UNMISS", 5, 75), ("UNIFIL", 4, 10), ("UNIFIL", 5, 25))
    assert [(row[0], row[1], row[4]) for row in read(application, BREACHES)] == [
        ("UNMISS", {}, 0.75), ("UNMISS", {"indicator": "sofa_incidents_new"}, 25),
    ]  # fmt: skip


def test_every_column_of_the_view_says_what_it_means(application: Application) -> None:
    columns = read(application, "select comment from duckdb_columns() where table_name = 'threshold_breaches'")
    assert columns and all(comment for (comment,) in columns)


# Defaults


def test_a_default_is_set_by_a4p_and_changes_with_an_upgrade(application: Application, bare: Definitions) -> None:
    for limit in (50, 50, 60):
        store_default_thresholds(application.warehouse, replace(bare, thresholds=(threshold(limit=limit),)), NOW)
    assert read(application, "select limit_value, set_by from threshold_history order by recorded_at") == [
        (50, "a4p"), (60, "a4p"),
    ]  # fmt: skip
    store_default_thresholds(application.warehouse, bare, NOW)
    assert read(application, "from thresholds") == []


def test_a_user_s_setting_survives_an_upgrade(application: Application, bare: Definitions, put: Set) -> None:
    shipped = replace(bare, thresholds=(threshold(limit=50),))
    store_default_thresholds(application.warehouse, shipped, NOW)
    put(limit=70)
    store_default_thresholds(application.warehouse, replace(bare, thresholds=(threshold(limit=60),)), NOW)
    store_default_thresholds(application.warehouse, bare, NOW)
    assert read(application, "select limit_value from thresholds") == [(70,)]


def test_a_default_that_a_user_removed_stays_removed(application: Application, bare: Definitions) -> None:
    shipped = replace(bare, thresholds=(threshold(limit=50),))
    store_default_thresholds(application.warehouse, shipped, NOW)
    remove_threshold(application.warehouse, bare, threshold(), ["above"], ["warning"], "a4p")
    store_default_thresholds(application.warehouse, shipped, NOW)
    assert read(application, "from thresholds") == []


def test_the_shipped_defaults_are_known_and_can_fire(definitions: Definitions) -> None:
    check_defaults(definitions)
    assert definitions.thresholds
    text = (find_in_tree("metrics") / "thresholds.yaml").read_text()
    assert text.count("\n# ") >= len(definitions.thresholds), "each says in a comment why it is what it is"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metric: a4p_sofa_incidents_new", "must be a list"),
        ("- {metric: a, severity: warning, note: n}", "above or below"),
        ("- {metric: a, above: 1, below: 2, severity: warning, note: n}", "above or below"),
        ("- {metric: a, above: 1, severity: dire, note: n}", "entry 1: severity"),
        ("- {metric: a, above: 1, severity: info, note: n, why: x}", "'why' is unknown"),
        ("- &t {metric: a, above: 1, severity: info, note: n}\n- *t", "given twice"),
    ],
)
def test_a_default_that_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "thresholds.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=told):
        read_default_thresholds(tmp_path / "thresholds.yaml")


# Tried on history


def try_it(application: Application, wanted: Threshold, suggest: bool = False) -> Any:
    with application.warehouse.cursor() as cursor:
        return try_threshold(cursor, application.definitions, wanted, suggest)


def test_a_tried_threshold_shows_what_would_have_fired(application: Application, report: Set) -> None:
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125), ("UNIFIL", 4, 101), ("UNIFIL", 5, "M"))
    trial = try_it(application, threshold())
    assert [(figure.mission, figure.value, figure.excess, figure.is_newest) for figure in trial.fired] == [
        ("UNMISS", 125, 25, True), ("UNIFIL", 101, 1, False),
    ]  # fmt: skip
    assert len(trial.tried) == 3
    assert read(application, "from threshold_history") == []


def test_a_tried_threshold_shows_what_starts_and_clears(application: Application, put: Set, report: Set) -> None:
    put(limit=100)
    put(limit=10, mission="UNIFIL")
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125), ("UNIFIL", 5, 20))
    lower = try_it(application, threshold(limit=80))
    assert [figure.value for figure in lower.started] == [90]
    assert lower.cleared == []
    higher = try_it(application, threshold(limit=130))
    assert (higher.started, [figure.value for figure in higher.cleared]) == ([], [125])
    own = try_it(application, threshold(limit=30, mission="UNIFIL"))
    assert [figure.value for figure in own.cleared] == [20]


def test_a_tried_threshold_names_the_missions_that_another_limit_governs(
    application: Application, put: Set, report: Set
) -> None:
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43))
    put(limit=60, mission="UNIFIL")
    trial = try_it(application, threshold(limit=40))
    assert [str(exclusion) for exclusion in trial.excluded] == ["UNIFIL is excluded: its own limit 60 applies"]
    assert [figure.mission for figure in trial.tried] == ["UNMISS"]
    assert try_it(application, threshold(limit=40, severity="info")).excluded == ()
    assert try_it(application, threshold(limit=40, mission="UNIFIL")).excluded == ()


def test_a_threshold_in_force_names_the_missions_that_their_own_limit_governs(
    application: Application, put: Set, report: Set
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


def test_a_tried_threshold_says_what_setting_it_then_does(application: Application, put: Set, report: Set) -> None:
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43), ("UNIFIL", 4, 44))
    now = {figure.mission for figure in try_it(application, threshold(limit=40)).fired if figure.is_newest}
    put(limit=40)
    assert now == {row[0] for row in read(application, BREACHES)}


def test_rare_events_come_with_the_chance_of_such_a_figure(application: Application, report: Set) -> None:
    row = {"indicator": "serious_misconduct_allegations", "mission": "ALL"}
    years = {2020: 10, 2021: 14, 2022: 30}
    report(*({**row, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31", "value": n} for year, n in years.items()))
    trial = try_it(application, threshold("serious_misconduct_allegations", 11))
    found = {figure.period_end.year: (figure.earlier_mean, figure.chance) for figure in trial.figures}
    assert found[2020] == (None, None)
    assert found[2021] == (10, pytest.approx(find_poisson_tail(14, 10)))
    assert found[2022] == (12, pytest.approx(find_poisson_tail(30, 12)))
    assert all(figure.chance is None for figure in try_it(application, threshold(limit=1)).figures)


def test_suggested_limits_say_how_often_they_would_have_fired(application: Application, report: Set) -> None:
    missions = ["MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA", "UNMISS"]
    report(*((mission, cycle, 10 * number) for number, mission in enumerate(missions) for cycle in (4, 5)))
    trial = try_it(application, threshold(limit=None), suggest=True)
    values = [figure.value for figure in trial.tried]
    assert len(values) == 16 and trial.fired == []
    assert [(s.limit, s.fired) for s in trial.suggestions] == [(60, 2), (70, 0)]
    assert all(s.fired == sum(value > s.limit for value in values) for s in trial.suggestions)
    lowest = try_it(application, threshold(limit=None, comparison="below"), suggest=True).suggestions
    assert lowest[-1].limit == 0 and lowest[-1].fired == 0


def test_a_suggested_limit_of_rare_events_is_rarely_passed_by_chance(application: Application, report: Set) -> None:
    row = {"indicator": "sea_allegations", "mission": "ALL"}
    report(*({**row, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31", "value": 4} for year in range(2015, 2023)))
    limits = {s.limit: s.reason for s in try_it(application, threshold("sea_allegations", None), suggest=True).suggestions}
    assert "Poisson, mean 4" in limits[8]
    assert find_poisson_tail(9, 4) <= 0.05 < find_poisson_tail(8, 4)


def test_thousands_of_thresholds_govern_each_its_series_and_one_is_tried_against_them(tmp_path: Path) -> None:
    # Of six thresholds on each of 2,000 series, those of one metric and severity are what a trial replaces.
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
            wanted = threshold("a4p_bench_0_trained", 0, severity="warning")
            trial = try_threshold(cursor, definitions, wanted)
            # Each series keeps its own: the general one governs none.
            assert trial.tried == [] and len(trial.figures) > 700
            own = threshold("a4p_bench_0_trained", 0, mission="UNMISS", dimensions={"training": "Training 1"})
            assert try_threshold(cursor, definitions, own).tried == []
    finally:
        application.close()


def test_a_trial_compares_no_figure_with_every_other(application: Application, report: Set) -> None:
    # Such a join took quarters of an hour for a hundred thousand figures.
    report(("UNMISS", 4, 90), ("UNMISS", 5, 125))
    said = {"metric": "a4p_sofa_incidents_new", "mission": "*", "dimensions": {}, "comparison": "above",
            "severity": "warning", "limit_value": 100, "is_rare": True}  # fmt: skip
    with application.warehouse.cursor() as cursor:
        for statement in cursor.extract_statements(read_sql("thresholds/try")):
            bound = {name: said[name] for name in statement.named_parameters}
            plan = "".join(row[1] for row in cursor.execute(f"explain {statement.query}", bound or None).fetchall())
            assert "NL_JOIN" not in plan, plan
            cursor.execute(statement, bound or None)
