"""The JSON API: consistency with /metrics, SQL and history, pages, filters and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from metrics.history import METRIC_LABEL, History
from service.application import Application
from service.jobs.runner import Job
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.api.answer import read_page
from service.web.api.resources import RESOURCES, Resource
from service.web.app import make_app

ROW = "indicator,mission,period_start,period_end,value,source\n{},2023-11-01,2024-04-30,{},a test\n"
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def changing(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    """The report, loaded and not yet published, for tests that change it."""
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    opened.loads.load_shipped()
    yield opened
    opened.close()


def correct(application: Application, file: Path, series: str, value: int) -> None:
    file.write_text(ROW.format(series, value))
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
    application.refresh()


def ask(client: FlaskClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return cast(dict[str, Any], answer.get_json())


def collect(client: FlaskClient, path: str | None) -> list[dict[str, Any]]:
    """Return the rows of a page and of all following pages."""
    rows = []
    while path is not None:
        page = client.get(path).get_json()
        rows += page["rows"]
        path = page["next"]
    return rows


def name_value(metric: str, labels: dict[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    return metric, frozenset(labels.items())


def read_metrics(client: FlaskClient) -> tuple[str, Values]:
    """Return the snapshot id and every sample of /metrics."""
    samples: Values = {}
    snapshot = ""
    for family in text_string_to_metric_families(client.get("/metrics").get_data(as_text=True)):
        for sample in family.samples:
            samples[name_value(sample.name, sample.labels)] = sample.value
            snapshot = sample.labels["id"] if sample.name == "a4p_snapshot_info" else snapshot
    return snapshot, samples


def read_history(history: History, as_of: date) -> Values:
    """Return the values of remote read at the first instant after a date."""
    day = (as_of + timedelta(days=1) - date(1970, 1, 1)).days
    samples: Values = {}
    for number in range(history.series_count):
        first, last = history.offsets[number], history.offsets[number + 1]
        row = first + int(np.searchsorted(history.starts[first:last], day, "right")) - 1
        if row < first or np.isnan(history.values[row]):
            continue
        labels = {name: column.values[column.codes[number]] for name, column in history.labels.items()}
        metric = labels.pop(METRIC_LABEL)
        growth = day - int(history.starts[row]) if history.grows[number] else 0
        present = {name: value for name, value in labels.items() if value}
        samples[name_value(metric, present)] = float(history.values[row]) + growth
    return samples


def read_api(client: FlaskClient) -> tuple[str, Values]:
    """Return the snapshot id and the values of `latest` and `kpi_latest`, by metric and labels."""
    samples: Values = {}
    snapshots = set()
    for names, values, key in (("indicators", "latest", "indicator"), ("kpis", "kpi_latest", "kpi")):
        answer = ask(client, values, limit=10_000)
        metrics = {row[key]: row["metric"] for row in ask(client, names)["rows"]}
        snapshots.add(answer["snapshot"])
        for row in answer["rows"]:
            if row["value"] is not None:
                labels = {"mission": row["mission"], **row["dimensions"]}
                samples[name_value(metrics[row[key]], labels)] = row["value"]
    (snapshot,) = snapshots
    return snapshot, samples


def read_sql(application: Application) -> tuple[str, Values]:
    """Return the snapshot id and the values of the views of the read copy."""
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        rows = session.execute(
            "select metric, map_concat(map {'mission': mission}, dimensions), value "
            "from latest join indicators using (indicator) where value is not null union all "
            "select metric, map_concat(map {'mission': mission}, dimensions), value from kpi_latest join kpis using (kpi)"
        ).fetchall()
        (snapshot,) = session.execute("select snapshot_id::varchar from snapshot_info").fetchone() or ("",)
    return snapshot, {name_value(metric, labels): value for metric, labels, value in rows}


def test_api_metrics_sql_and_history_have_the_same_values(client: FlaskClient, application: Application) -> None:
    snapshot, samples = read_api(client)
    assert application.snapshot is not None and application.history is not None
    scraped_snapshot, scraped = read_metrics(client)
    sql_snapshot, queried = read_sql(application)
    remote = read_history(application.history.reported, application.snapshot.as_of)

    assert snapshot == scraped_snapshot == sql_snapshot
    catalogue = application.definitions.catalogue
    names = {indicator.metric for _, indicator in catalogue.indicators} | {kpi.metric for kpi in application.definitions.kpis}
    # All indicators of the report except those without a value.
    assert len({metric for metric, _ in samples}) > 90
    for values in (scraped, queried, remote):
        assert {key: value for key, value in values.items() if key[0] in names} == pytest.approx(samples)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.path)
def test_rows_have_the_columns_of_their_model_in_order(application: Application, resource: Resource) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        page = read_page(session, resource.sql, {"limit": 3, "revisions": False})
    rows = json.loads(page.rows)
    assert rows or resource.sql in ("alerts", "silences", "events", "event_loads")
    for row in rows:
        assert list(row) == list(resource.row.model_fields)
        resource.row.model_validate(row)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.path)
def test_answers_include_their_snapshot_and_unchanged_ones_are_304(
    client: FlaskClient, application: Application, resource: Resource
) -> None:
    path = "/api/v1/" + resource.path.format(indicator="sofa_incidents_new", kpi="crime_trial_ratio")
    answer = client.get(path)
    assert application.snapshot is not None
    assert answer.headers["A4P-Snapshot"] == answer.get_json()["snapshot"] == str(application.snapshot.snapshot_id)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])


def test_etag_changes_with_the_snapshot(changing: Application, tmp_path: Path) -> None:
    client = make_app(changing).test_client()
    changing.refresh()
    before = client.get("/api/v1/latest?indicator=sofa_incidents_new")
    correct(changing, tmp_path / "other.csv", "communications_support_received,UNFICYP", 1)
    after = client.get("/api/v1/latest?indicator=sofa_incidents_new", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.get_json()["rows"] == before.get_json()["rows"]
    assert after.get_json()["snapshot"] != before.get_json()["snapshot"]


@pytest.mark.parametrize(
    "path", ["observations", "kpi_values", "latest", "completeness", "reconciliation", "periods", "batches", "load_warnings"]
)
def test_pages_together_have_all_rows(client: FlaskClient, path: str) -> None:
    whole = ask(client, path, limit=10_000)["rows"]
    step = max(1, len(whole) // 4)
    assert collect(client, f"/api/v1/{path}?limit={step}") == whole
    assert len(whole) > step


def test_next_page_link_preserves_the_parameters(client: FlaskClient) -> None:
    answer = client.get("/api/v1/observations?indicator=sofa_incidents_new&limit=3")
    following = answer.get_json()["next"]
    assert answer.headers["Link"] == f'<{following}>; rel="next"'
    rows = collect(client, following)
    assert {row["indicator"] for row in rows} == {"sofa_incidents_new"}
    assert "Link" not in client.get("/api/v1/observations?indicator=sofa_incidents_new").headers


def test_new_rows_between_pages_do_not_repeat_or_hide_others(changing: Application, tmp_path: Path) -> None:
    changing.refresh()
    client = make_app(changing).test_client()
    whole = ask(client, "observations", limit=10_000)["rows"]
    first = ask(client, "observations", limit=150)
    # It sorts before the cursor.
    correct(changing, tmp_path / "new.csv", "communications_support_received,UNFICYP", 1)
    assert [*first["rows"], *collect(client, first["next"])] == whole
    assert len(ask(client, "observations", limit=10_000)["rows"]) == len(whole) + 1


def test_each_filter_selects_observations(client: FlaskClient) -> None:
    rows = ask(client, "observations", limit=10_000)["rows"]

    def expect(query: dict[str, Any], is_expected: Any) -> None:
        found = ask(client, "observations", limit=10_000, **query)["rows"]
        assert found == [row for row in rows if is_expected(row)]
        assert 0 < len(found) < len(rows)

    expect(
        {"indicator": ["sofa_incidents_new", "tpp_trainees"]},
        lambda r: r["indicator"] in ("sofa_incidents_new", "tpp_trainees"),
    )
    expect({"mission": "UNMISS"}, lambda r: r["mission"] == "UNMISS")
    expect({"status": ["O", "V", "M"]}, lambda r: r["value"] is None)
    expect({"dimension": "training=Engineering"}, lambda r: r["dimensions"].get("training") == "Engineering")
    expect({"from": "2023-11-01"}, lambda r: r["period_start"] >= "2023-11-01")
    expect({"to": "2023-10-31"}, lambda r: r["period_end"] <= "2023-10-31")
    expect({"as_of": "2023-10-31"}, lambda r: r["period_end"] <= "2023-10-31")


def test_missing_value_is_null_with_a_status(client: FlaskClient) -> None:
    rows = ask(client, "latest", status=["O", "V", "M"])["rows"]
    assert rows
    assert {row["value"] for row in rows} == {None}


def test_correction_is_visible_from_its_recording_and_revisions_remain(changing: Application, tmp_path: Path) -> None:
    changing.refresh()
    client = make_app(changing).test_client()
    series: dict[str, Any] = {"indicator": "sofa_incidents_new", "mission": "UNMISS"}
    (before,) = ask(client, "latest", **series)["rows"]
    correct(changing, tmp_path / "correction.csv", "sofa_incidents_new,UNMISS", 40)
    (after,) = ask(client, "latest", **series)["rows"]
    assert (before["value"], after["value"]) == (125, 40)
    assert ask(client, "latest", known_at=before["recorded_at"], **series)["rows"] == [before]
    assert ask(client, "observations", **series)["rows"] == [after]
    assert ask(client, "observations", revisions="true", **series)["rows"] == [before, after]
    assert ask(client, "observations", revisions="true", known_at=before["recorded_at"], **series)["rows"] == [before]
    assert ask(client, "latest", as_of="2024-04-29", **series)["rows"] == []


def test_jobs_and_alerts_show_the_current_state(changing: Application) -> None:
    changing.refresh()
    client = make_app(changing).test_client()

    def fail() -> int:
        raise RuntimeError("the disk is full")

    changing.runner.run(Job("failing", "", fail))
    (run,) = ask(client, "jobs", job="failing")["rows"]
    assert (run["status"], run["error"]) == ("failed", "the disk is full")
    assert ask(client, "jobs")["rows"][0] == run
    assert ask(client, "jobs", status="failed")["rows"] == [run]

    token = (changing.settings.data_dir / "alerts-token").read_text().strip()
    alert = {
        "status": "firing", "fingerprint": "c0ffee", "startsAt": "2024-05-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        "labels": {"alertname": "A4PThreshold", "mission": "UNMISS", "severity": "critical"},
        "annotations": {"value": "NaN", "limit": "100"},
    }  # fmt: skip
    posted = client.post(
        "/api/v1/alerts", json={"version": "4", "alerts": [alert]}, headers={"Authorization": f"Bearer {token}"}
    )
    assert posted.status_code == 200
    (firing,) = ask(client, "alerts", severity="critical")["rows"]
    assert (firing["fingerprint"], firing["mission"], firing["value"], firing["limit_value"]) == ("c0ffee", "UNMISS", None, 100)
    assert ask(client, "alerts", mission="UNIFIL")["rows"] == []


@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("indicater=sofa_incidents_new", "indicater", "Did you mean indicator?"),
        ("indicator=sofa_incident_new", "indicator", "Did you mean sofa_incidents_new?"),
        ("mission=UNMSS", "mission", "Did you mean UNMISS?"),
        ("as_of=31.10.2023", "as_of", "Write it like 2023-10-31"),
        ("as_of=2023-02-29", "as_of", "does not exist"),
        ("as_of=2023-10-31&as_of=2023-10-30", "as_of", "more than once"),
        ("known_at=yesterday", "known_at", "Write it like 2024-07-01T12:00:00Z"),
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=1e3", "limit", "not a whole number"),
        ("status=X", "status.0", "'A', 'E', 'P'"),
        ("dimension=Engineering", "dimension.0", "pattern"),
        ("revisions=yes", "revisions", "must be true or false"),
    ],
)
def test_invalid_parameters_are_reported_with_a_fix(client: FlaskClient, query: str, name: str, message: str) -> None:
    answer = client.get(f"/api/v1/observations?{query}")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    (fault,) = answer.get_json(force=True)["errors"]
    assert fault["name"] == name
    assert message in fault["detail"]


def test_all_errors_of_a_query_are_reported_together(client: FlaskClient) -> None:
    problem = client.get("/api/v1/latest?mission=X&limit=0&monat=5").get_json(force=True)
    assert {fault["name"] for fault in problem["errors"]} == {"mission", "limit", "monat"}


def test_unknown_name_is_404_with_a_suggestion(client: FlaskClient) -> None:
    answer = client.get("/api/v1/indicators/sofa_incident_new")
    assert answer.status_code == 404
    assert "Did you mean sofa_incidents_new?" in answer.get_json(force=True)["detail"]
    assert ask(client, "kpis/crime_trial_ratio")["row"]["kpi"] == "crime_trial_ratio"


def test_before_the_first_snapshot_the_answer_is_503(changing: Application) -> None:
    answer = make_app(changing).test_client().get("/api/v1/latest")
    assert (answer.status_code, answer.content_type, answer.headers["Retry-After"]) == (503, "application/problem+json", "5")


def test_root_lists_all_resources(client: FlaskClient) -> None:
    listed = client.get("/api/v1/").get_json()
    assert client.get(listed["openapi"]).get_json()["openapi"] == "3.1.0"
    assert len(listed["resources"]) == len(RESOURCES)
    for path in listed["resources"]:
        assert path.startswith("/api/v1/")


def test_openapi_descriptions_are_the_comments_on_views(client: FlaskClient) -> None:
    schemas = client.get("/api/v1/openapi.json").get_json()["components"]["schemas"]
    assert schemas["Observation"]["properties"]["value"]["description"].startswith("Value in the unit of the indicator")
    assert "UNMISS" in schemas["MissionName"]["enum"]
    assert "*" in schemas["ThresholdMission"]["enum"] and "*" not in schemas["MissionName"]["enum"]
