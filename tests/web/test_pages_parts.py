"""Long tables in parts: all parts together are the whole table, and totals count what other parts show."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from metrics.standing import judge_priorities
from metrics.summaries import summarize_values
from service.alerting.alerts import Notification, list_firing, record_notification
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import read_settings
from service.snapshots.read_copy import ReadCopy, open_published
from service.warehouse.database import Connection, read_rows, read_sql, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.migrations import list_sql
from service.web.app import make_app
from service.web.pages import alerts, indicators, missions, overview, priorities, thresholds
from tests.published_report import publish_report

EVERY = 10**9
Row = dict[str, Any]


@pytest.fixture(scope="module")
def copy(report_dir: Path) -> ReadCopy:
    return open_published(read_settings(data_dir=report_dir))


@pytest.fixture(params=[(None, None), ("2023-10-31", "2030-01-01T00:00:00+00:00")], ids=str)
def session(copy: ReadCopy, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The report as of its snapshot, and as of another date as known at a time."""
    as_of, known_at = request.param
    moment = date.fromisoformat(as_of) if as_of else None, datetime.fromisoformat(known_at) if known_at else None
    with copy.open_session(*moment) as opened:
        yield opened


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("parts") / "data", definitions, anonymous="read") as opened:
        yield opened


def read_parts(session: Connection, query: str, size: int, **parameters: object) -> list[list[Row]]:
    """Return the rows of each part."""
    parts = []
    while rows := read_rows(run_sql(session, query, skipped=len(parts) * size, max_rows=size, **parameters)):
        parts.append(rows)
    return parts


def name_series(row: Row) -> str:
    return repr((row["name"], row["mission"], row["dimensions"]))


@pytest.mark.parametrize(
    "chosen",
    [
        {"one": "fatalities", "priority": None, "mission": None},
        {"one": "sofa_impact_level", "priority": None, "mission": None},
        {"one": None, "priority": None, "mission": "MINUSCA"},
        {"one": None, "priority": "accountability_to_peacekeepers", "mission": None},
    ],
    ids=str,
)
def test_parts_of_latest_values_are_the_whole_table(session: Connection, chosen: Row, definitions: Definitions) -> None:
    whole = read_rows(run_sql(session, "pages/list_values", skipped=0, max_rows=EVERY, **chosen))
    shown: dict[str, Row] = {}
    for rows in read_parts(session, "pages/list_values", len(whole) // 4 + 1, **chosen):
        assert rows[0]["row_count"] == len(whole)
        # A part ends with all missions of the dimensions of its last row, so a part can begin with rows of the part before.
        shown |= {name_series(row): row for row in rows if name_series(row) not in shown}
    assert list(shown.values()) == whole
    places = {entry.indicator: place for place, (_, entry) in enumerate(definitions.catalogue.indicators)}
    values = {entry.indicator: entry.dimensions for _, entry in definitions.catalogue.indicators}

    def find_place(row: Row) -> tuple[object, ...]:
        if row["kind"] == "kpi":
            return (True, row["name"])
        found = [values[row["name"]][label].index(value) for label, value in row["dimensions"].items()]
        return (False, places[row["name"]], found)

    assert whole == sorted(whole, key=find_place)


@pytest.mark.parametrize("indicator", ["fatalities_by_cycle", "sofa_impact_level", "sofa_incidents_new"])
def test_parts_of_values_by_period_are_the_whole_table(session: Connection, indicator: str) -> None:
    for mission in (None, "MINUSCA"):
        chosen = {"indicator": indicator, "mission": mission}
        whole = read_rows(run_sql(session, "pages/list_periods", skipped=0, max_rows=EVERY, **chosen))
        parts = read_parts(session, "pages/list_periods", len(whole) // 3 + 1, **chosen)
        assert [row for part in parts for row in part] == whole
        assert all(row["row_count"] == len(whole) for row in whole)


def test_counts_of_values_judge_as_all_rows_do(session: Connection, definitions: Definitions) -> None:
    catalogue = definitions.catalogue
    for mission in ("MINUSCA", "UNMISS", "ALL", "MINUSMA"):
        rows = read_rows(
            run_sql(session, "pages/list_values", skipped=0, max_rows=EVERY, one=None, priority=None, mission=mission)
        )
        counts = read_rows(run_sql(session, "pages/count_values", one=None, mission=mission))
        assert judge_priorities(catalogue.priorities, counts, [], [], []) == judge_priorities(
            catalogue.priorities, rows, [], [], []
        )
    for name in ("fatalities", "sofa_incidents_new", "sofa_impact_level", "hospital_reporting_coverage_ratio"):
        rows = read_rows(
            run_sql(session, "pages/list_values", skipped=0, max_rows=EVERY, one=name, priority=None, mission=None)
        )
        counts = read_rows(run_sql(session, "pages/count_values", one=name, mission=None))
        counts.sort(key=lambda row: [entry.mission for entry in catalogue.missions].index(row["mission"]))
        assert summarize_values(counts, 0) == summarize_values(rows, 0)


def test_the_latest_cycle_is_the_newest_one_with_values(session: Connection) -> None:
    (described,) = read_rows(run_sql(session, "pages/describe_latest_cycle"))
    (expected,) = read_rows(
        session.execute(
            """
            with reported as (
                select o.mission, c.cycle, c.period_start, c.period_end
                from observations as o
                join store.cycle_calendar as c using (period_start, period_end)
                where o.value is not null and o.period_end <= as_of_date() and o.indicator not like 'fatalities%'
            )
            select
                cycle, period_start, period_end,
                count(distinct mission) filter (mission <> 'ALL' and mission <> 'MINUSMA') as missions
            from reported
            where cycle = (select max(cycle) from reported)
            group by all
            """
        )
    )
    assert {name: described[name] for name in expected} == expected


def test_the_reconciliation_has_the_rows_of_every_comparison(session: Connection) -> None:
    expected = []
    for name in list_sql("checks/reconciliation"):
        expected += session.execute(f"select check_name, expected, computed, note from ({read_sql(name)})").fetchall()
    found = session.execute("select check_name, expected, computed, note from reconciliation").fetchall()
    assert sorted(found, key=repr) == sorted(expected, key=repr) and len(found) > 20


def test_changes_of_the_overview_are_the_largest_of_each_kind(session: Connection) -> None:
    (cycle,) = read_rows(run_sql(session, "pages/describe_latest_cycle"))
    bounds = {"cycle_start": cycle["period_start"], "cycle_end": cycle["period_end"]}
    few = read_rows(run_sql(session, "overview/list_changes", max_rows=4, **bounds))
    every = read_rows(run_sql(session, "overview/list_changes", max_rows=900, **bounds))
    (count,) = session.execute(
        """
        select count(*)
        from store.series_changes as c
        join indicators as i using (indicator)
        join missions as m using (mission)
        where i.better <> 'neutral' and c.change <> 0 and m.status <> 'closed'
        """
    ).fetchone() or (0,)
    assert len(every) == count
    for tone in ("better", "worse"):
        rows = [row for row in every if row["tone"] == tone]
        assert [row["relative_change"] for row in rows] == sorted((row["relative_change"] for row in rows), reverse=True)
        first = [row for place, row in enumerate(rows) if place < 4 or row["place"] <= 3]
        shown = [row for row in few if row["tone"] == tone]
        # The places after the third are not used.
        assert [{**row, "place": 0} for row in shown] == [{**row, "place": 0} for row in first]
        assert [row["place"] for row in shown if row["place"] <= 3] == [row["place"] for row in first if row["place"] <= 3]


def read_rows_of(text: str, anchor: str) -> list[str]:
    """Return the texts of the rows of the tables of a section of a page."""
    (section,) = re.findall(rf'<h2 id="{anchor}">(.*?)(?=<h2|</main>)', text, re.S)
    rows = re.findall(r"<tr>(?:<td[^>]*>.*?</td>)?<th scope=\"row\".*?</tr>", section, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def follow_parts(client: FlaskClient, path: str, label: str) -> Iterator[str]:
    """Yield the page and the pages that the links to next parts lead to."""
    while path:
        text = client.get(path).get_data(as_text=True)
        yield text
        navigation = re.search(rf'<nav class="parts" aria-label="Parts of: {label}">(.*?)</nav>', text, re.S)
        found = re.search(r'rel="next" href="([^"]+)"', navigation[1]) if navigation else None
        path = html.unescape(found[1]) if found else ""


def test_every_row_of_an_indicator_is_reached_by_links(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/indicators/sofa_impact_level?as_of=2024-06-30"
    whole = make_app(application).test_client().get(path).get_data(as_text=True)
    assert "Part 1 of" not in whole
    monkeypatch.setattr(indicators, "MAX_SERIES", 10)
    monkeypatch.setattr(indicators, "MAX_PERIODS", 10)
    # A new one has an empty cache of pages.
    client = make_app(application).test_client()
    latest = [row for text in follow_parts(client, path, "Latest values") for row in read_rows_of(text, "newest")]
    assert list(dict.fromkeys(latest)) == list(dict.fromkeys(read_rows_of(whole, "newest")))
    by_period = [row for text in follow_parts(client, path, "Values by period") for row in read_rows_of(text, "periods")]
    assert len(by_period) == len(read_rows_of(whole, "periods")) > 10
    summary = re.compile(r'<p class="summary">(.*?)</p>', re.S)
    assert summary.findall(client.get(path).get_data(as_text=True)) == summary.findall(whole)
    for part, status in (("0", 400), ("x", 400), ("99999999999999999999", 400), ("50", 404)):
        assert client.get(f"{path}&values={part}").status_code == status, part
    # Another date may have fewer parts, so the form that changes the date begins with the first one.
    assert 'name="values"' not in client.get(f"{path}&values=2").get_data(as_text=True)


def test_the_state_of_a_mission_counts_the_values_of_all_parts(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_standings(text: str) -> list[str]:
        return [
            " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r'<li class="standing-.*?</li>', text, re.S)
        ]

    path = "/missions/MINUSCA"
    whole = make_app(application).test_client().get(path).get_data(as_text=True)
    monkeypatch.setattr(missions, "MAX_SERIES", 12)
    texts = list(follow_parts(make_app(application).test_client(), path, "Latest values"))
    assert len(texts) > 2 and all(read_standings(text) == read_standings(whole) for text in texts)
    others = re.compile(r'<td class="others">.*?</td>', re.S)
    assert sorted(found for text in texts for found in others.findall(text)) == sorted(others.findall(whole))


def test_every_row_of_a_priority_is_complete_in_some_part(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/priorities/accountability_to_peacekeepers"
    whole = make_app(application).test_client().get(path).get_data(as_text=True)
    monkeypatch.setattr(priorities, "MAX_SERIES", 20)
    texts = list(follow_parts(make_app(application).test_client(), path, "Latest values"))
    unreported = re.compile(r'<h2 id="unreported">.*?</ul>', re.S)
    assert all(unreported.findall(text) == unreported.findall(whole) for text in texts)
    cells = [row for text in texts for row in re.findall(r'<strong.*?</strong>|<span class="">.*?</span>', text)]
    assert set(re.findall(r'<strong.*?</strong>|<span class="">.*?</span>', whole)) == set(cells)


def report_alerts(application: Application, count: int) -> None:
    now = application.clock()
    alerts_of_day = [
        {
            "status": "firing",
            "fingerprint": f"ab{number:02}",
            "labels": {
                "alertname": "A4pTest", "severity": "warning", "metric": "a4p_sofa_incidents_new", "mission": "UNMISS",
                "comparison": "above",
            },
            "annotations": {"summary": f"Alert {number}", "value": "125", "limit": "50"},
            "startsAt": (now - timedelta(hours=number + 1)).isoformat(),
        }
        for number in range(count)
    ]  # fmt: skip
    body = json.dumps({"version": "4", "alerts": alerts_of_day})
    record_notification(application.warehouse, Notification.model_validate_json(body), now)


def test_alerts_are_listed_in_parts(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    report_alerts(application, 5)
    monkeypatch.setattr(alerts, "MAX_ALERTS", 2)
    texts = list(follow_parts(make_app(application).test_client(), "/alerts?mission=UNMISS", "Firing"))
    assert [len(re.findall(r'href="/alerts/ab', text)) for text in texts] == [2, 2, 1]
    assert len(set(re.findall(r'href="/alerts/(ab\d+)"', "".join(texts)))) == 5
    # The overview links to the others.
    monkeypatch.setattr(overview, "MAX_TROUBLES", 3)
    text = make_app(application).test_client().get("/").get_data(as_text=True)
    assert len(re.findall(r'href="/alerts/ab', text)) == 3 and 'href="/alerts?mission=UNMISS"' in text


def test_a_firing_alert_has_the_value_of_a_load_without_a_snapshot(application: Application, tmp_path: Path) -> None:
    report_alerts(application, 1)
    file = tmp_path / "one.csv"
    file.write_text(
        "indicator,mission,dimensions,period_start,period_end,value,status,source\n"
        "sofa_incidents_new,UNMISS,,2024-05-01,2024-10-31,77,A,one\n",
        encoding="utf-8",
    )
    application.loads.load(LoadRequest(files=(file,), loaded_by="test"))
    with application.open_live_session() as session:
        assert {row["value_now"] for row in list_firing(session)} == {77}
        # Later queries of the session see later batches.
        assert session.execute("select getvariable('cache_is_complete')").fetchone() == (None,)


def test_parts_of_thresholds_are_the_whole_table(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_app(application).test_client()
    with application.warehouse.write() as session:
        session.execute(
            """
            insert into store.thresholds by name
            select
                'a4p_sofa_incidents_new' as metric, mission, map {} as dimensions, 'above' as comparison, 'info' as severity,
                50 as limit_value, 'A test' as note, 'a test' as set_by, now() as recorded_at
            from (select '*' as mission union all select mission from missions where mission <> 'ALL')
            """
        )
    application.refresh(False)
    whole = read_rows_of(client.get("/thresholds").text, "in-force")
    assert any("its own limit 50 applies" in row for row in whole)
    assert "Part 1 of" not in client.get("/thresholds").text
    monkeypatch.setattr(thresholds, "MAX_THRESHOLDS", 5)
    monkeypatch.setattr(thresholds, "MAX_EXCLUSIONS", 2)
    parts: list[str] = []
    number = 1
    while (answer := client.get(f"/thresholds?current={number}")).status_code == 200:
        assert f"{len(whole)} thresholds" in answer.text
        parts += read_rows_of(answer.text, "in-force")
        number += 1
    assert answer.status_code == 404
    assert number == -(-len(whole) // 5) + 1
    (cut,) = (row for row in parts if "more are excluded" in row)
    assert cut.count("its own limit") == 2
    assert [row for row in parts if row != cut] == [row for row in whole if "its own limit" not in row]
    assert client.get("/thresholds?current=0").status_code == 400


def test_latest_values_after_the_first_20_of_many_are_in_a_table_that_opens(
    application: Application, definitions: Definitions, tmp_path: Path
) -> None:
    client = make_app(application).test_client()
    page = "/indicators/sofa_impact_level"
    few = client.get(page).text
    assert 20 < len(read_rows_of(few, "newest")) <= 40
    assert "more rows" not in few
    (indicator,) = (entry for _, entry in definitions.catalogue.indicators if entry.indicator == "sofa_impact_level")
    ((dimension, values),) = indicator.dimensions.items()
    lines = [
        f"sofa_impact_level,{mission.mission},{dimension}={value},2024-05-01,2024-10-31,2,A,A test"
        for mission in definitions.catalogue.missions[:15]
        for value in values
    ]
    file = tmp_path / "levels.csv"
    file.write_text(
        "\n".join(["indicator,mission,dimensions,period_start,period_end,value,status,source", *lines]), encoding="utf-8"
    )
    application.loads.load(LoadRequest(files=(file,), loaded_by="the tests"))
    application.refresh(False)
    many = client.get(page).text
    whole = read_rows_of(many, "newest")
    assert len(whole) >= len(lines) > 40
    assert f"<summary>{len(whole) - 20} more rows</summary>" in many
    assert 'aria-label="Latest values, more rows"' in many
    assert f"<summary>{len(whole) - 20} autres lignes</summary>" in client.get(f"{page}?lang=fr").text
