"""The page /events and its chart."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.events.export import Export
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.events.exports import FATALITY, name_event, write_export
from tests.published_report import publish_report
from tests.web.browsing import PASSWORD, find_fields, sign_in
from tests.web.test_pages_quality import read_section

ROWS = [
    {"casualty_personnel_type": "Police"},
    {"casualty_id": name_event(2), "incident_date": "1999-05-01", "type_of_incident": "Accident"},
    {"casualty_id": name_event(3, "UNIFIL"), "mission_acronym": "UNIFIL", "type_of_incident": "To Be Determined"},
    *({"casualty_id": name_event(number), "incident_date": "2021-06-01"} for number in range(100, 150)),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[FlaskClient]:
    """The report and an export, with an event that was reclassified."""
    folder = tmp_path_factory.mktemp("events")
    with publish_report(folder / "data", definitions) as opened:
        load(opened, write_export(folder / "older.csv", FATALITY, *ROWS))
        newer = {**ROWS[2], "type_of_incident": "Illness", "last_update": "2024-01-01"}
        load(opened, write_export(folder / "newer.csv", FATALITY, newer))
        opened.refresh()
        yield make_app(opened).test_client()


def load(application: Application, file: Path) -> None:
    application.loads.load_events(Export(file, file.name, "un_fatalities"), "the tests")


def test_events_are_counted_by_mission_and_kind_and_listed(client: FlaskClient) -> None:
    assert read_section(client, "/events", "missions") == [
        ["Mission", "Illness", "Accident", "All kinds"],
        ["UNMISS", "51", "1", "52"],
        ["UNIFIL", "1", "", "1"],
        ["All listed missions", "52", "1", "53"],
    ]
    listed = read_section(client, "/events?page=2", "events")
    assert len(listed) == 4 and listed[-1][:4] == ["1 May 1999", "UNMISS", "Accident", "verified"]
    assert "first To be determined" in " ".join(read_section(client, "/events?mission=UNIFIL", "events")[1])
    assert [row[1].split()[0] for row in read_section(client, "/events", "loads")[1:]] == ["newer.csv", "older.csv"]


def test_filters_select_events_and_wrong_ones_are_refused(client: FlaskClient) -> None:
    def count(query: str) -> int:
        return len(read_section(client, f"/events?{query}", "events")) - 1

    assert count("from=1990&to=2000") == 1
    assert count("from=2021-06-01&to=2021-06-01") == 50 and count("from=2020-02-01&to=2020-12-31") == 2
    assert 'value="2021-06-02"' in client.get("/events?from=2021-06-02&to=2022").get_data(as_text=True)
    assert count("kind=Accident") == 1 and count("mission=UNIFIL&state=verified") == 1
    assert "No events. Remove a filter" in client.get("/events?mission=UNIFIL&kind=Accident").get_data(as_text=True)
    assert count("as_of=2000-01-01") == 1
    refused = {
        "feed=unknown": 404,
        "mission=UNKNOWN": 404,
        "from=x": 400,
        "to=99999": 400,
        "page=0": 400,
        "page=9": 404,
    }
    for query, status in refused.items():
        assert client.get(f"/events?{query}").status_code == status, query


def test_the_chart_has_a_bar_for_each_year_or_month(client: FlaskClient) -> None:
    by_year = client.get("/charts/events.svg?feed=un_fatalities").get_data(as_text=True)
    assert "Events by year and kind" in by_year and "53 events: Illness 52; Accident 1." in by_year
    by_month = client.get("/charts/events.svg?feed=un_fatalities&from=2020").get_data(as_text=True)
    assert "Events by month and kind" in by_month and "50, from 2021-06-01" in by_month
    assert client.get("/charts/events.svg?feed=unknown").status_code == 404
    empty = client.get("/charts/events.svg?feed=un_fatalities&mission=UNTSO")
    assert "No values." in empty.get_data(as_text=True)


def test_without_events_the_page_says_how_to_load_them(tmp_path: Path, definitions: Definitions) -> None:
    with publish_report(tmp_path / "data", definitions) as opened:
        text = make_app(opened).test_client().get("/events").get_data(as_text=True)
    assert "No events by this date" in text and "a4p events load FILE --feed un_fatalities" in text
    assert '<a href="/indicators/fatalities">Peacekeeper fatalities by year</a> since 1948' in text


def test_an_indicator_counted_from_events_lists_the_newest_of_them(client: FlaskClient) -> None:
    listed = read_section(client, "/indicators/fatalities", "events")
    assert len(listed) == 21 and listed[1][0] == "1 Jun 2021"
    text = client.get("/indicators/fatalities?mission=UNIFIL").get_data(as_text=True)
    assert "Events behind these values" in text and name_event(3, "UNIFIL") in text
    assert "/events?feed=un_fatalities&amp;mission=UNIFIL&amp;from=1948" in text
    totals = client.get("/indicators/fatalities").get_data(as_text=True)
    assert "/events?feed=un_fatalities&amp;from=2021&amp;to=2021" in totals
    # Not before the first cycle that is counted.
    assert "from=2015-11-01" in client.get("/indicators/fatalities_by_cycle").get_data(as_text=True)
    assert "Events behind" not in client.get("/indicators/sofa_incidents_new").get_data(as_text=True)


def test_a_kpi_over_events_lists_the_events_and_says_until_when_they_are_covered(client: FlaskClient) -> None:
    text = client.get("/indicators/fatalities_malicious_acts_30d").get_data(as_text=True).replace("\xa0", " ")
    assert 'events of the feed <span class="code">un_fatalities</span> in 30 days' in text
    assert "cover events until 1 Jan 2024" in text and "Load a newer export" in text
    assert len(read_section(client, "/indicators/fatalities_malicious_acts_30d", "events")) > 1
    other = client.get("/indicators/sofa_incidents_30d").get_data(as_text=True)
    assert '<a href="/events/load?feed=sofa_incidents">Load an export</a>' in other


def test_an_export_is_previewed_and_loaded_in_the_browser(tmp_path: Path, definitions: Definitions) -> None:
    file = write_export(tmp_path / "export.csv", FATALITY, {}, {"casualty_id": name_event(2), "gender": "X"})
    with publish_report(tmp_path / "data", definitions, anonymous="read") as opened:
        opened.access.users.add("ana", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
        opened.access.users.add("rita", [Grant(Role.READER)], "test", PASSWORD)
        app = make_app(opened)
        browser, reader = app.test_client(), app.test_client()
        assert "Sign in</a> to load an export" in browser.get("/events/load").text
        sign_in(reader, "rita")
        assert 'type="file"' not in reader.get("/events/load").text
        sign_in(browser, "ana")
        preview = "/events/load?feed=un_fatalities&dry_run=true"
        token = find_fields(browser.get("/events/load?feed=un_fatalities").text, preview)["csrf_token"]

        def send(client: FlaskClient, path: str) -> tuple[int, str]:
            data = {"csrf_token": token, "file": (io.BytesIO(file.read_bytes()), "export.csv")}
            answer = client.post(path, data=data)
            return answer.status_code, html.unescape(answer.text)

        status, text = send(browser, preview)
        assert status == 200 and "would load 1 new events" in text and "row 3, column gender: 'X' is not a known value" in text
        assert "Nothing was loaded" in text and "breaches that would start: none" in text
        (confirmed,) = re.findall(r'formaction="(/events/load\?feed=un_fatalities&digest=[0-9a-f]{64})"', text)
        status, text = send(browser, confirmed.replace("digest=", "digest=0")[:-1] + "&skip_unreadable=true")
        assert status == 400 and "differ from the preview" in text
        status, text = send(browser, "/events/load?feed=un_fatalities")
        assert status == 400 and "1 row cannot be read" in text and "row 3, column gender" in text
        status, text = send(browser, "/events/load?feed=un_fatalities&skip_unreadable=true")
        assert status == 200 and "1 new events" in text and 'href="/events?feed=un_fatalities"' in text
        assert send(browser, "/events/load?feed=unknown")[0] == 400
        assert send(reader, preview)[0] in (400, 403)
        (entry, *_) = [row for row in opened.access.audit.list_entries(20) if row["action"] == "load events"]
        assert (entry["actor"], entry["target"]) == ("ana", "export.csv")
        assert browser.get("/events").text.count("export.csv") == 1
