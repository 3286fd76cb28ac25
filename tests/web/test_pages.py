"""Pages, requested through the web application."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.alerting.alerts import Notification, record_notification
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import Definitions, read_definitions
from service.web.app import make_app
from tests.conftest import publish_report


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    """The report, loaded and published."""
    with publish_report(tmp_path_factory.mktemp("pages") / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def test_the_footer_names_the_snapshot_that_prometheus_scrapes(client: FlaskClient, application: Application) -> None:
    text = client.get("/").get_data(as_text=True)
    assert application.snapshot is not None
    sample = f'a4p_snapshot_info{{id="{application.snapshot.snapshot_id}"}}'
    assert f"{sample} 1" in client.get("/metrics").get_data(as_text=True)
    assert sample.replace('"', "&#34;") in text or sample in text
    assert f"as of {application.snapshot.as_of}" in text


def test_every_response_has_the_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/no-such-page", "/metrics", "/static/page.css"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST.", "127.0.0.1"])
def test_host_header_of_this_machine_is_allowed(client: FlaskClient, host: str) -> None:
    assert client.get("/-/healthy", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "evil.example@localhost", "a4p:8000", "10.1.2.3",
     "[::2]", "localhost:8000:1", "<b>", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/read"])
def test_unknown_host_header_is_rejected(client: FlaskClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "a4p_" not in answer.get_data(as_text=True)
    assert answer.mimetype == "text/plain"


def test_setting_allows_further_host_names(tmp_path: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A4P_ALLOWED_HOSTS", "a4p, indicators.example.org")
    monkeypatch.setenv("A4P_HOST", "0.0.0.0")
    monkeypatch.setenv("A4P_ANONYMOUS", "read")
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        client = make_app(opened).test_client()
        for host in ("a4p:8000", "indicators.example.org", "10.1.2.3:8000", "localhost"):
            assert client.get("/-/healthy", headers={"Host": host}).status_code == 200, host
        assert client.get("/-/healthy", headers={"Host": "evil.example"}).status_code == 421
        before = client.get("/")
        assert before.status_code == 503 and before.headers["Retry-After"]
        assert "The first snapshot is not complete yet" in before.get_data(as_text=True)
    finally:
        opened.close()


def test_errors_are_pages_in_the_common_layout(client: FlaskClient) -> None:
    for path, status, message in (
        ("/no-such-page", 404, "Page not found"),
        ("/?as_of=yesterday", 400, "as_of: &#39;yesterday&#39; is not a date"),
        ("/?known_at=2024-13-01", 400, "is not a date or time"),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert message in answer.get_data(as_text=True)
        assert 'aria-label="Pages"' in answer.get_data(as_text=True)


def test_links_of_a_page_preserve_as_of_and_known_at(client: FlaskClient) -> None:
    text = client.get("/?as_of=2023-10-31&known_at=2030-01-01T00:00Z").get_data(as_text=True)
    assert 'href="/?as_of=2023-10-31&amp;known_at=2030-01-01T00%3A00%3A00Z"' in text
    # The first year and fractions of a second are valid, and offsets are converted to UTC.
    text = client.get("/?as_of=0001-01-01&known_at=0001-01-01T02:00:00.5%2B02:00").get_data(as_text=True)
    assert 'href="/?as_of=0001-01-01&amp;known_at=0001-01-01T00%3A00%3A00.500000Z"' in text


def read_cells(text: str) -> list[list[str]]:
    """Return the text of the cells of every table row of a page."""
    rows = []
    for row in re.findall(r"<tr>(.*?)</tr>", text, re.S):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        rows.append([" ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells])
    return rows


def find_row(text: str, *begins: str) -> list[str]:
    """Return the row whose first cells start with these texts."""
    found = [row for row in read_cells(text) if len(row) >= len(begins) and all(map(str.startswith, row, begins))]
    assert len(found) == 1, (begins, found)
    return found[0]


# Figures printed in the report.
PRINTED = [
    ("sofa_incidents_new", "UNMISS", "125"),
    ("sofa_incidents_new", "MINURSO", "0"),
    ("sofa_incidents_total", "MINUSCA", "174"),
    ("sofa_incidents_total", "UNIFIL", "?"),
    ("sofa_incidents_total", "UNMIK", "–"),
    ("hospitals_reporting", "MONUSCO", "3"),
    ("crime_cases_reported", "MONUSCO", "55"),
    ("conduct_trainings", "ALL", "914 E (estimated)"),
    ("women_in_senior_leadership_ratio", "ALL", "37 % P (provisional)"),
    ("cpas_in_use", "UNTSO", "yes"),
]


@pytest.mark.parametrize(("indicator", "mission", "printed"), PRINTED)
def test_latest_value_equals_the_value_in_the_report(client: FlaskClient, indicator: str, mission: str, printed: str) -> None:
    text = client.get(f"/indicators/{indicator}?mission={mission}").get_data(as_text=True)
    newest = text[text.index('id="newest"') : text.index('id="chart"')]
    assert find_row(newest, mission)[1] == printed


def test_every_kpi_with_current_values_shows_them_on_its_page(client: FlaskClient, application: Application) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        computed = dict(session.execute("select kpi, count(*) from kpi_latest group by kpi").fetchall())
    assert {"missions_reporting_ratio", "indicator_age_days"} < computed.keys()
    for kpi in computed:
        assert "No values computed by this date" not in client.get(f"/indicators/{kpi}").get_data(as_text=True), kpi


def test_every_indicator_and_kpi_is_listed(client: FlaskClient, application: Application) -> None:
    listed = client.get("/indicators").get_data(as_text=True)
    names = [*application.definitions.catalogue.indicator_names, *(kpi.kpi for kpi in application.definitions.kpis)]
    for name in names:
        assert f'href="/indicators/{name}"' in listed
    assert f"{len(names)} results" in listed


def test_unchanged_page_is_answered_with_304(client: FlaskClient) -> None:
    answer = client.get("/missions")
    again = client.get("/missions", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/missions?as_of=2023-10-31", headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status_code == 200


def test_search_filters_by_terms_priority_mission_status_and_change(client: FlaskClient) -> None:
    def found(query: str) -> set[str]:
        return set(re.findall(r'class="note under code">(\w+)<', client.get(f"/indicators?{query}").get_data(as_text=True)))

    assert found("q=sofa+UNRESOLVED+record") == {"sofa_incidents_total", "sofa_incidents_longstanding"}
    assert found("q=incidents&status=V") == {"sofa_incidents_total"}
    assert "cpas_in_use" in found("priority=innovation_data_and_technology&mission=UNTSO")
    assert "conduct_trainings" not in found("mission=UNTSO")
    assert "cpas_impact_assessment" in found("change=worse")
    assert found("q=no-such-word") == set()
    assert found("q=s%25a") == set()


def test_missing_values_differ_from_0_and_show_their_status(client: FlaskClient) -> None:
    text = client.get("/indicators/sofa_incidents_total").get_data(as_text=True)
    periods = text[text.index('id="periods"') :]
    assert find_row(periods, "cycle 5", "UNIFIL")[2:4] == ["?", "under validation"]
    assert find_row(periods, "cycle 5", "UNMIK")[2:4] == ["–", "not applicable"]
    assert find_row(periods, "cycle 5", "UNDOF")[2:4] == ["0", "normal"]


def test_change_shows_whether_it_is_better_or_worse(client: FlaskClient) -> None:
    text = client.get("/indicators/military_unit_evaluations").get_data(as_text=True)
    newest = text[text.index('id="newest"') : text.index('id="chart"')]
    assert find_row(newest, "UNISFA")[1:3] == ["8 P (provisional)", "+8 better"]
    assert find_row(newest, "UNIFIL")[1:3] == ["4 P (provisional)", "−8 worse"]


def test_page_as_of_an_earlier_date_shows_earlier_values(client: FlaskClient) -> None:
    text = client.get("/indicators/tpp_trainees?as_of=2023-10-31").get_data(as_text=True)
    newest = text[text.index('id="newest"') : text.index('id="chart"')]
    assert find_row(newest, "ALL", "All")[2] == "143"
    assert "306" not in text
    nothing = client.get("/indicators/tpp_trainees?known_at=2020-01-01").get_data(as_text=True)
    assert "No values reported by this date" in nothing and "306" not in nothing


def test_every_page_renders_without_any_data(client: FlaskClient) -> None:
    for path in ("/", "/priorities", "/priorities/integration", "/indicators", "/indicators/crime_trial_ratio", "/missions",
                 "/missions/UNMISS", "/thresholds"):  # fmt: skip
        assert client.get(f"{path}?as_of=1900-01-01&known_at=1900-01-01").status_code == 200, path


def test_closed_missions_are_behind_a_fold_and_in_a_group_of_forms(client: FlaskClient) -> None:
    listed, _, folded = client.get("/missions").get_data(as_text=True).partition("<details>")
    assert ">UNMISS</a>" in listed and ">ONUC</a>" not in listed
    assert find_row(folded, "ONUC") == [
        "ONUC", "United Nations Operation in the Congo", "Republic of the Congo (Léopoldville)", "1 Jul 1960",
        "6 Jun 1964", "0",
    ]  # fmt: skip
    choices, _, closed = client.get("/indicators").get_data(as_text=True).partition('<optgroup label="Closed missions">')
    assert "<option>UNMISS</option>" in choices and "<option>ONUC</option>" not in choices
    assert "<option>ONUC</option>" in closed


def test_a_counted_indicator_has_totals_over_missions_since_1948(client: FlaskClient) -> None:
    text = client.get("/indicators/fatalities").get_data(as_text=True)
    latest, _, totals = text.partition('id="totals"')
    assert "Counts of 0 are not listed here." in latest and ">ONUC</a>" not in latest
    assert find_row(totals, "1961") == ["1961", "105", "10", "34", "2", "0", "0", "151", "4"]
    assert find_row(totals, "1948")[-1] == "1"


def test_rows_after_the_newest_20_are_in_a_second_table_that_opens(client: FlaskClient) -> None:
    text = client.get("/indicators/fatalities").get_data(as_text=True)
    _, _, totals = text.partition('id="totals"')
    newest, _, earlier = totals[: totals.index('id="periods"')].partition("<summary>")
    assert newest.count('<tr><th scope="row"') == 20
    count = earlier.count('<tr><th scope="row"')
    assert earlier.startswith(f"{count} earlier rows</summary>")
    assert find_row(newest, "2006") and find_row(earlier, "2005")
    # Few rows are one table.
    assert "earlier rows" not in client.get("/indicators/sofa_incidents_new?mission=UNMISS").get_data(as_text=True)


def test_a_closed_mission_has_its_counts_and_no_current_value(client: FlaskClient) -> None:
    assert "104" in client.get("/indicators/fatalities?mission=ONUC").get_data(as_text=True)
    assert client.get("/missions/ONUC").get_data(as_text=True).count("not applicable</span>") >= 6


def test_mission_page_compares_with_other_missions(client: FlaskClient) -> None:
    text = client.get("/missions/UNMISS").get_data(as_text=True)
    row = find_row(text[text.index('id="host_country_cooperation"') :], "New SOFA or SOMA incidents")
    assert row[1] == "125" and row[4] == "0 · 1 · 43 of 7"
    assert find_row(text[text.index('id="breaches"') :], "warning", "New SOFA")[2] == "125"


def test_mission_page_shows_the_state_of_each_priority_as_text(client: FlaskClient) -> None:
    text = client.get("/missions/UNMISS").get_data(as_text=True)
    strip = text[text.index('id="state"') : text.index('id="breaches"')]
    states = {
        html.unescape(title): re.sub(r"<[^>]+>", "", state)
        for title, state in re.findall(r'<a href="[^"]+">([^<]+)</a>\s*<strong>(.*?)</strong>', strip, re.DOTALL)
    }
    assert states["Host country cooperation"] == "▲ breach, warning" and states["Integration"] == "✓ fine"
    assert states["Women, peace and security"] == "– nothing expected"
    # Personnel was impaired for 30 days; the limit is more than 30 days.
    near = text[text.index('id="near"') :]
    assert "Days with impaired hospital care" in near[:600] and "30\xa0days" in near[:600]
    # At this date, nothing is reported, and the mission has no key indicators.
    before = client.get("/missions/UNMISS?as_of=2020-01-01").get_data(as_text=True)
    assert "not reported" in before and 'id="peers"' not in before


def test_mission_page_compares_key_indicators_with_the_active_missions(client: FlaskClient) -> None:
    text = client.get("/missions/UNMISS").get_data(as_text=True)
    peers = text[text.index('id="peers"') : text.index('id="integration"')]
    # The report, page 15: 0, 10, 27, 0, 0, 43, 1 and 125.
    row = find_row(peers, "New SOFA or SOMA incidents")
    assert row[1:4] == ["125", "5.5", "0 to 125"] and row[4] == "8 missions"
    assert "UNIFIL 43" in peers
    whole = client.get("/missions/ALL").get_data(as_text=True)
    assert 'id="peers"' not in whole and "Other missions" not in whole


def test_threshold_is_back_tested_like_the_command_does(client: FlaskClient) -> None:
    text = client.get("/thresholds?metric=sofa_incidents_new&comparison=above&limit=30").get_data(as_text=True)
    assert "would have fired 2 of 8 times" in text
    back_test = text[text.index('id="back-test"') : text.index('id="in-force"')]
    assert find_row(back_test, "UNIFIL")[1:4] == ["2023-11-01 to 2024-04-30", "43", "13"]
    assert "a4p thresholds set a4p_sofa_incidents_new --above 30 --severity warning" in back_test


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("metric=sofa_incident", "Unknown metric"),
        ("metric=sofa_incidents_new&limit=many", "is not a number"),
        ("metric=sofa_incidents_new&limit=nan", "the number must be finite"),
        ("metric=sofa_incidents_new&mission=NOWHERE&limit=1", "Unknown mission"),
        ("metric=hospital_outage_days&labels=cause&limit=1", "is not written as name=value"),
        ("metric=<script>alert(1)</script>&limit=1", "&lt;script&gt;"),
    ],
)
def test_invalid_threshold_is_reported(client: FlaskClient, query: str, message: str) -> None:
    answer = client.get(f"/thresholds?{query}")
    assert answer.status_code == 200
    assert message in answer.get_data(as_text=True)
    assert answer.get_data(as_text=True).count("<script") == 1  # that of the search box


def test_unknown_name_gets_a_suggestion(client: FlaskClient) -> None:
    for path, suggestion in (
        ("/indicators/sofa_incident_new", "sofa_incidents_new"),
        ("/missions/unmss", "UNMISS"),
        ("/priorities/integratoin", "integration"),
    ):
        answer = client.get(path)
        assert answer.status_code == 404 and suggestion in answer.get_data(as_text=True)


def test_catalogue_text_is_escaped(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    (catalogue / "indicators").mkdir(parents=True)
    wild = json.dumps(WILD)
    (catalogue / "priorities.yaml").write_text(f"- {{priority: integration, title: {wild}, cross_cutting: true}}\n")
    (catalogue / "cycles.yaml").write_text("rule: {cycle: 1, period_start: 2023-11-01, months: 6}\n")
    (catalogue / "limits.yaml").write_text("series_budget: 100\n")
    (catalogue / "missions.yaml").write_text(
        f"- {{mission: M1, name: {wild}, location: {wild}, has_political_mandate: null, "
        "host_agreement: null, status: active}\n"
    )
    (catalogue / "indicators" / "integration.yaml").write_text(
        f"- {{indicator: wild, title: {wild}, description: {wild}, unit: count, better: higher, frequency: half_yearly, "
        f"source: {wild}, expected_missions: [M1], whole: true, "
        "dimensions: {kind: ['<i>a</i>', '7 & {{ 1117*1009 }}']}}\n"
    )
    file = tmp_path / "wild.csv"
    file.write_text(
        "indicator,mission,dimensions,period_start,period_end,value,source\n"
        "wild,M1,kind=<i>a</i>,2023-11-01,2024-04-30,3,a test\n"
    )
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1, catalogue=catalogue), read_definitions(catalogue))
    try:
        opened.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
        opened.refresh()
        client = make_app(opened).test_client()
        for path in ("/", "/priorities", "/priorities/integration", "/indicators", "/indicators/wild", "/missions",
                     "/missions/M1", "/thresholds?metric=wild&limit=1"):  # fmt: skip
            text = client.get(path).get_data(as_text=True)
            assert (
                text.count("<script") == 1
                and "<i>" not in text
                and "1127053" not in re.sub(r"<[^>]+>", "", text.partition("<footer")[0])
            ), path
        assert find_row(client.get("/missions/M1").get_data(as_text=True), WILD)[:2] == [f"{WILD} <i>a</i> a test", "3"]
    finally:
        opened.close()


WILD = '"><script>alert(1)</script> & <b>{{ 1117*1009 }}</b>'


def test_notes_and_sources_are_escaped(tmp_path: Path, definitions: Definitions) -> None:
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    client = make_app(opened).test_client()
    try:
        for number, value in enumerate((5, 7)):
            file = tmp_path / f"{number}.csv"
            with file.open("w", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(["indicator", "mission", "period_start", "period_end", "value", "source", "page", "note"])
                row = ["sofa_incidents_new", "UNMISS", "2024-05-01", "2024-10-31", value, f"source {WILD}", f"page {WILD}"]
                writer.writerow([*row, f"note {number} {WILD}"])
            opened.loads.load(LoadRequest(files=(file,), loaded_by=f"by {WILD}"))
            opened.refresh()
            # The cached page of the previous snapshot is not served.
            text = client.get("/indicators/sofa_incidents_new").get_data(as_text=True)
            newest = text[text.index('id="newest"') : text.index('id="chart"')]
            assert find_row(newest, "UNMISS")[1] == str(value)
        for path in ("/", "/indicators/sofa_incidents_new", "/missions/UNMISS", "/priorities/host_country_cooperation"):
            text = client.get(path).get_data(as_text=True)
            assert (
                text.count("<script") == 1
                and "<b>" not in text
                and "49" not in re.sub(r"<[^>]+>", "", text.partition("<footer")[0])
            ), path
        text = client.get("/indicators/sofa_incidents_new").get_data(as_text=True)
        # The earlier revision remains, with its note and source.
        row = find_row(text[text.index('id="periods"') :], "cycle 6", "UNMISS")  # type: ignore[assignment]
        assert row[2] == "7" and "Earlier: 5" in row[-1] and WILD in row[-1]  # type: ignore[operator]
    finally:
        opened.close()


def test_overview_shows_an_alert_as_soon_as_it_is_received(client: FlaskClient, application: Application) -> None:
    assert "No alerts received from Alertmanager" in client.get("/").get_data(as_text=True)
    received = {"status": "firing", "labels": {"alertname": "A4pTest", "severity": "critical"}, "fingerprint": "abc",
                "annotations": {"summary": "Sent <now>"}, "startsAt": "2024-05-01T00:00:00Z"}  # fmt: skip
    for status in ("firing", "resolved"):
        alert = {**received, "status": status, "endsAt": "2024-05-02T00:00:00Z"}
        notification = Notification.model_validate_json(json.dumps({"version": "4", "alerts": [alert]}))
        record_notification(application.warehouse, notification, application.clock())
        shown = client.get("/").get_data(as_text=True)
        assert ("Sent &lt;now&gt;" in shown) == (status == "firing")


def test_api_rejects_requests_from_pages_of_other_sites(client: FlaskClient) -> None:
    for path in ("/api/v1/latest", "/api/v1/sql?sql=select+1"):
        rejected = client.get(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert rejected.status_code == 403
        assert "pages of other sites" in rejected.get_json()["detail"]
        for site in ("same-origin", "none", "same-site"):
            assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 200
    headers = client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).headers
    assert headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_nothing_is_expected_of_a_closed_mission_on_the_page_of_a_priority(client: FlaskClient) -> None:
    def read_cell(query: str) -> str:
        text = client.get(f"/priorities/accountability_to_peacekeepers{query}").get_data(as_text=True)
        table = text[text.index("cards matrix") : text.index("</table>")]
        column = re.findall(r'href="/missions/(\w+)', table[: table.index("</thead>")]).index("MINUSMA")
        row = table[table.index('href="/indicators/fatalities') :]
        return re.findall(r'<td class="number"[^>]*>(.*?)</td>', row, re.DOTALL)[column]

    assert "not expected" in read_cell("")
    # Before it closed, its deaths are there.
    assert re.search(r"\d", read_cell("?as_of=2022-12-31"))
