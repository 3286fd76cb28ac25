"""Every query of every dashboard, run on a real Prometheus that scrapes the service and reads its history."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
import yaml

from metrics.dashboards.labels import CELL_LABELS, IMPOSSIBLE_CODE
from metrics.families import list_families
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from tests.grafana_dashboard import GrafanaDashboard, Series, Target, tabulate
from tests.prometheus_process import PrometheusProcess
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, get, wait_for

pytestmark = pytest.mark.stack

DASHBOARDS = {file.stem: GrafanaDashboard(file) for file in sorted((find_in_tree("grafana") / "dashboards").glob("*.json"))}
METRIC = re.compile(r"\ba4p_[a-z0-9_]+")
START_SECONDS = 60
# Panels that are empty with the report alone, by the reason. Everything else has data.
EMPTY = {
    "Every mission reported on the accountability of peacekeepers": {
        ("a4p-priority", "Not reported"),
        ("a4p-priority", "Reporting gaps by mission"),
    },
    "Nothing failed and nothing was refused": {("a4p-service", "Failed jobs"), ("a4p-service", "Refused remote reads")},
    "Nothing was submitted": {("a4p-rounds", "Waiting for a decision"), ("a4p-rounds", "Messages not sent")},
    "Nothing worsened in UNMISS": {("a4p-mission", "Worsened"), ("a4p-mission", "Indicators that worsened")},
    "The report has one cycle of incidents": {
        ("a4p-host-country", "Worsened"),
        ("a4p-host-country", "Improved"),
        ("a4p-indicator", "Worsened"),
        ("a4p-indicator", "Improved"),
    },
    "Every mission reported new incidents": {("a4p-indicator", "Not reported"), ("a4p-indicator", "Provisional or estimated")},
    "No events are loaded": {
        ("a4p-safety", "Malicious acts within 30 days, by active mission"),
        ("a4p-safety", "Missions with malicious acts within 30 days"),
    },
}


# An indicator that has parts, and a priority with values of every mission. The defaults of the variables have neither.
COLUMNS_ALL_THERE = {"a4p-indicator": {"indicator": "tpp_trainees"}, "a4p-priority": {"priority": "host_country_cooperation"}}
# Changes up by indicators of the one direction, and down by those of the other.
TURNED = """
    select count(*)
    from changes as c
    join indicators as i using (indicator)
    where c.missions_used is null and (c.change > 0 and i.better = ? or c.change < 0 and i.better = ?)
        and coalesce(c.dimensions['training'], 'All') = 'All' and coalesce(c.dimensions['personnel'], 'All') = 'All'
"""


class Asked:
    """The answers to every query, so that each is asked once."""

    def __init__(self, prometheus: PrometheusProcess) -> None:
        self.prometheus = prometheus
        self.now = time.time()
        self._answers: dict[object, list[dict[str, Any]]] = {}

    def ask(self, target: Target, range_seconds: int) -> list[dict[str, Any]]:
        """Return the series of a query; an error or a warning fails."""
        key = target.expression, target.is_instant, target.step_seconds
        if key not in self._answers:
            if target.is_instant:
                self._answers[key] = self.prometheus.query(target.expression, self.now)
            else:
                # A step ends at the end, as a service that has just started is seen nowhere else.
                start = self.now - range_seconds // target.step_seconds * target.step_seconds
                self._answers[key] = self.prometheus.query_range(target.expression, start, self.now, target.step_seconds)
        return self._answers[key]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServiceProcess, str]]:
    with ServiceProcess(copy_report(tmp_path_factory.mktemp("service"))) as process:
        yield process, process.wait_until_ready()


@pytest.fixture
def copy(service: tuple[ServiceProcess, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(service[0].data_dir / "warehouse-read.duckdb"), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def asked(service: tuple[ServiceProcess, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with PrometheusProcess(tmp_path_factory.mktemp("prometheus"), service_url=service[1], scrapes=True) as running:
        running.query('a4p_indicator_info{job="a4p-history"}', time.time())
        wait_for(
            lambda: running.query('count_over_time(a4p_exposition_scrapes_total{job="a4p"}[1m]) > 2', time.time()),
            START_SECONDS,
        )
        wait_for(lambda: running.query('ALERTS{alertstate="firing"}', time.time()), START_SECONDS)
        yield Asked(running)


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_query_returns_series_with_unique_names(asked: Asked, uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    answered: dict[str, int] = {}
    for target in dashboard.list_targets(dashboard.choose()):
        series = asked.ask(target, dashboard.range_seconds)
        answered[target.panel] = answered.get(target.panel, 0) + len(series)
        if not target.is_table and target.legend != "__auto":
            names = [target.name_series(one["metric"]) for one in series]
            assert all(names) and len(set(names)) == len(names), (target.panel, target.ref_id, names)
    empty = {(uid, panel) for panel, series in answered.items() if not series}
    assert empty == {(where, panel) for panels in EMPTY.values() for where, panel in panels if where == uid}


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_tables_have_the_columns_of_their_transformations_and_overrides(asked: Asked, uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    values = dashboard.choose(**COLUMNS_ALL_THERE.get(uid, {}))
    for panel in dashboard.panels:
        if panel["type"] != "table":
            continue
        targets = [one for one in dashboard.list_targets(values) if one.panel == panel["title"]]
        answers: dict[str, list[Series]] = {
            one.ref_id: [series["metric"] for series in asked.ask(one, dashboard.range_seconds)] for one in targets
        }
        if any(answers.values()):
            columns = tabulate(panel, answers)
            assert columns, panel["title"]
            renamed = panel["transformations"][-1]["options"]["renameByName"]
            for override in panel["fieldConfig"]["overrides"]:
                assert override["matcher"]["options"] in renamed.values(), panel["title"]


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_queries_use_only_metrics_of_the_service(
    service: tuple[ServiceProcess, str], definitions: Definitions, uid: str
) -> None:
    dashboard = DASHBOARDS[uid]
    known = {family.name for family in list_families(definitions.catalogue, definitions.kpis)}
    scraped = get(f"{service[1]}/metrics")[2].decode()
    known |= set(re.findall(r"^(?:# HELP )?(a4p_[a-z0-9_]+)", scraped, re.MULTILINE))
    for target in dashboard.list_targets(dashboard.choose()):
        # A name that is followed by ( or . begins a pattern, which the test of answers covers.
        named = {found[0] for found in METRIC.finditer(target.expression) if target.expression[found.end()] not in "(.+"}
        assert named - {"a4p_"} <= known, target.panel


def test_every_data_source_is_provisioned() -> None:
    provisioned = yaml.safe_load((find_in_tree("grafana") / "provisioning" / "datasources" / "a4p.yml").read_text())
    uids = {source["uid"]: source["type"] for source in provisioned["datasources"]}
    for dashboard in DASHBOARDS.values():
        variables = {name: one for name, one in dashboard.variables.items() if one["type"] == "datasource"}
        for name, variable in variables.items():
            assert uids[variable["current"]["value"]] == variable["query"], name
        for panel in dashboard.panels:
            for one in [panel, *panel.get("targets", [])]:
                if "datasource" in one:
                    assert one["datasource"]["uid"].strip("${}") in variables, panel["title"]


def test_every_indicator_and_kpi_is_on_a_panel(asked: Asked, definitions: Definitions) -> None:
    priority = DASHBOARDS["a4p-priority"]
    shown: set[str] = set()
    for value in priority.list_options("priority"):
        targets = priority.list_targets(priority.choose(priority=value))
        (matrix,) = [one for one in targets if one.panel == "Values by mission"]
        shown |= {series["metric"]["indicator"] for series in asked.ask(matrix, priority.range_seconds)}
    expected = set(definitions.catalogue.indicator_names)
    # A KPI over events has no values, because no events are loaded.
    expected |= {kpi.kpi for kpi in definitions.kpis if "indicator" not in kpi.labels and kpi.feed is None}
    assert shown == expected


def test_a_range_that_ends_in_the_past_shows_the_values_of_that_time(asked: Asked, copy: duckdb.DuckDBPyConnection) -> None:
    overview = DASHBOARDS["a4p-overview"]
    (target,) = [one for one in overview.list_targets(overview.choose()) if one.panel == "Worsened"]
    (series,) = asked.prometheus.query(target.expression, datetime(2020, 6, 1, tzinfo=UTC).timestamp())
    copy.execute("set variable as_of = date '2020-05-31'")
    assert float(series["value"][1]) == copy.execute(TURNED, ["lower", "higher"]).fetchall()[0][0] > 0


Show = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def show(asked: Asked) -> Show:
    """Returns the answer to a query of a panel, with the variables of its dashboard."""

    def ask(uid: str, title: str, ref_id: str = "A", **values: str) -> list[dict[str, Any]]:
        dashboard = DASHBOARDS[uid]
        targets = dashboard.list_targets(dashboard.choose(**values))
        (target,) = [one for one in targets if (one.panel, one.ref_id) == (title, ref_id)]
        return asked.ask(target, dashboard.range_seconds)

    return ask


def by(label: str, series: list[dict[str, Any]]) -> dict[str, float]:
    return {one["metric"][label]: float(one["value"][1]) for one in series}


@pytest.mark.parametrize(
    ("uid", "title", "query"),
    [
        (
            "a4p-overview",
            "Values",
            """
            select (select count(*) from latest where value is not null)
                + (select count(*) from kpi_latest join kpis using (kpi) where priority <> 'all')
            """,
        ),
        ("a4p-overview", "Worsened", TURNED.replace("?", "'lower'", 1).replace("?", "'higher'")),
        ("a4p-overview", "Improved", TURNED.replace("?", "'higher'", 1).replace("?", "'lower'")),
        ("a4p-overview", "Breaches", "select count(*) from threshold_breaches"),
        (
            "a4p-overview",
            "Latest period",
            """
            select 1000 * epoch(max(period_end))
            from latest
            join indicators using (indicator)
            -- Nothing is expected of an indicator that the service counts.
            where len(expected_missions) > 0
            """,
        ),
        ("a4p-data-quality", "Totals that disagree", "select count(*) from reconciliation where not agrees"),
        (
            "a4p-data-quality",
            "Never reported",
            """
            select count(*)
            from (select indicator, unnest(expected_missions) as mission from indicators) as e
            where indicator in (select indicator from observations)
                and (indicator, mission) not in (select (indicator, mission) from observations)
            """,
        ),
        (
            "a4p-data-quality",
            "Provisional or estimated",
            "select count(*) from (select distinct indicator, mission from latest where status in ('E', 'P'))",
        ),
    ],
)
def test_counts_equal_those_of_sql(show: Show, copy: duckdb.DuckDBPyConnection, uid: str, title: str, query: str) -> None:
    (series,) = show(uid, title)
    assert float(series["value"][1]) == copy.execute(query).fetchall()[0][0] > 0


@pytest.mark.parametrize(
    ("uid", "title", "ref_id", "query"),
    [
        (
            "a4p-host-country",
            "New incidents by mission",
            "A",
            "select mission, value from latest where indicator = 'sofa_incidents_new' and value is not null",
        ),
        (
            "a4p-accountability",
            "Justice process by mission",
            "C",
            "select mission, value from kpi_latest where kpi = 'crime_investigation_ratio'",
        ),
        (
            "a4p-accountability",
            "Action on substantiated sexual exploitation and abuse",
            "A",
            "select dimensions['action'], value from latest where indicator = 'misconduct_sanctions'",
        ),
        (
            "a4p-overview",
            "Reporting gaps by mission",
            "E",
            """
            select mission, count(*)
            from (select unnest(expected_missions) as mission from indicators)
            where mission <> 'ALL'
            group by mission
            """,
        ),
    ],
)
def test_values_equal_those_of_sql(
    show: Show, copy: duckdb.DuckDBPyConnection, uid: str, title: str, ref_id: str, query: str
) -> None:
    label = "action" if "abuse" in title else "mission"
    shown = by(label, show(uid, title, ref_id))
    expected = dict(copy.execute(query).fetchall())
    assert shown == {key: pytest.approx(value) for key, value in expected.items()}


def test_a_cell_of_the_matrix_is_a_percentage_a_text_or_a_reason(show: Show) -> None:
    title = "Values by mission"
    cells = {
        (one["metric"]["row"], one["metric"]["mission"]): float(one["value"][1])
        for one in show("a4p-priority", title, priority="host_country_cooperation")
    }
    assert cells["sofa_incidents_new_share|", "UNMISS"] == 60.7
    assert cells["sofa_incidents_new|", "UNDOF"] == 0
    assert CELL_LABELS[cells["sofa_impact_level|Mandated tasks", "UNISFA"]][0] == "High"
    assert CELL_LABELS[cells["coordination_mechanism_in_place|", "UNMISS"]][0] == "Yes"
    assert CELL_LABELS[cells["sofa_incidents_total|", "UNIFIL"]][0] == "under validation"
    assert CELL_LABELS[cells["sofa_incidents_new|", "UNMIK"]][0] == "not applicable"
    assert CELL_LABELS[cells["sofa_impact_level|", "UNMISS"]][0] == "not reported"


def test_a_bar_covers_its_year_and_none_follows_the_last(asked: Asked) -> None:
    dashboard = DASHBOARDS["a4p-accountability"]
    (target,) = [
        one for one in dashboard.list_targets(dashboard.choose()) if one.panel == "Serious misconduct allegations by year"
    ]
    for year, value in ((2016, None), (2017, 268), (2019, 373), (2023, 364), (2024, None), (2026, None)):
        answer = asked.prometheus.query(target.expression, datetime(year, 6, 1, tzinfo=UTC).timestamp())
        assert [float(one["value"][1]) for one in answer] == ([] if value is None else [value]), year


def test_reporting_cycles_are_regions_with_their_dates(asked: Asked, definitions: Definitions) -> None:
    for dashboard in DASHBOARDS.values():
        for annotation in dashboard.list_annotations("Reporting cycles"):
            for cycle in (4, 5, 6, 12):
                start, end = definitions.catalogue.cycles.find_period(cycle)
                days = (start - timedelta(days=1), start, end, end + timedelta(days=1))
                instants = [datetime.combine(day, datetime.min.time(), UTC).timestamp() for day in days]
                shown = [
                    [one["metric"]["cycle"] for one in asked.prometheus.query(annotation["target"]["expr"], instant)]
                    for instant in instants
                ]
                assert shown == [[str(number)] for number in (cycle - 1, cycle, cycle, cycle + 1)]
                assert annotation["titleFormat"] == "Cycle {{cycle}}"


def test_years_with_many_deaths_are_marked(asked: Asked) -> None:
    (annotation,) = DASHBOARDS["a4p-safety"].list_annotations("30 or more deaths of one cause")
    for year, marked in ((1960, []), (1961, [("ONUC", "Malicious act")]), (2010, [("MINUSTAH", "Accident")]), (2012, [])):
        answer = asked.prometheus.query(annotation["target"]["expr"], datetime(year, 6, 1, tzinfo=UTC).timestamp())
        assert [(one["metric"]["mission"], one["metric"]["cause"]) for one in answer] == marked, year


def test_an_indicator_that_has_a_limit_shows_it_over_the_whole_range(show: Show) -> None:
    dashboard = DASHBOARDS["a4p-host-country"]
    (limit,) = show("a4p-host-country", "New incidents by cycle", "B")
    assert {value for _, value in limit["values"]} == {"50"}
    assert limit["values"][-1][0] - limit["values"][0][0] > 0.98 * dashboard.range_seconds


def test_an_impossible_ratio_is_flagged_in_the_table_and_does_not_set_the_scale_of_the_charts(asked: Asked) -> None:
    dashboard = DASHBOARDS["a4p-indicator"]
    values = dashboard.choose(indicator="crime_trial_ratio")
    reported = asked.prometheus.query('max(a4p_crime_trial_ratio{job="a4p-history"})', asked.now)
    assert float(reported[0]["value"][1]) > 1
    (certainty,) = [
        one for one in dashboard.list_targets(values) if one.panel == "Latest value by mission" and one.ref_id == "E"
    ]
    codes = {one["metric"]["mission"]: float(one["value"][1]) for one in asked.ask(certainty, dashboard.range_seconds)}
    assert [mission for mission, code in codes.items() if code == IMPOSSIBLE_CODE] == ["UNIFIL"]
    drawn = {}
    for target in dashboard.list_targets(values):
        if target.panel in ("Values by period", "Corrections: scraped and current values"):
            answers = asked.ask(target, dashboard.range_seconds)
            points = [float(value) for series in answers for _, value in series["values"]]
            drawn[target.panel] = max([*points, drawn.get(target.panel, 0)])
    assert drawn == {"Values by period": 1, "Corrections: scraped and current values": 1}
