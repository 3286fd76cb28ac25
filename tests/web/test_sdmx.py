"""The SDMX REST API: data and structure queries, content negotiation and errors."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import etree

from service.application import Application
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.sdmx import messages
from tests.sdmx.messages import read_sdmx

DATA = "/sdmx/2.1/data/dataflow/A4P/INDICATORS/1.0"
STRUCTURE = "/sdmx/2.1/structure"
UNMISS = f"{DATA}/S.sofa_incidents_new.UNMISS"
CSV, CSV_21 = "application/vnd.sdmx.data+csv;version=2.0.0", "application/vnd.sdmx.data+csv;version=2.1.0"
JSON = "application/vnd.sdmx.data+json;version=2.0.0"
STRUCTURE_XML = "application/vnd.sdmx.structure+xml;version=3.0.0"


def fetch_rows(client: FlaskClient, url: str, accept: str = CSV) -> list[dict[str, str]]:
    answer = client.get(url, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(answer.text.splitlines()))


def refuse(client: FlaskClient, url: str, status: int, **headers: str) -> str:
    answer = client.get(url, headers=headers)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    return str(answer.json["detail"])


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (CSV, f"{CSV}; charset=utf-8"),
        (CSV_21, f"{CSV_21}; charset=utf-8"),
        ("application/vnd.sdmx.data+csv; version=2.1", f"{CSV_21}; charset=utf-8"),
        ("application/vnd.sdmx.data+csv", f"{CSV}; charset=utf-8"),
        ("text/csv", f"{CSV}; charset=utf-8"),
        (JSON, JSON),
        ("application/json", JSON),
        ("*/*", JSON),
        ("", JSON),
        ("application/vnd.sdmx.data+xml;version=3.0.0, application/vnd.sdmx.data+csv;q=0.5", f"{CSV}; charset=utf-8"),
    ],
)
def test_the_format_is_that_of_accept(client: FlaskClient, accept: str, content_type: str) -> None:
    answer = client.get(UNMISS, headers={"Accept": accept})
    assert (answer.status_code, answer.content_type) == (200, content_type)
    assert answer.vary.as_set() >= {"accept"}


@pytest.mark.parametrize(
    "accept",
    ["application/vnd.sdmx.data+xml;version=3.0.0", f"{CSV};labels=both", "application/vnd.sdmx.data+csv;version=1.0.0"],
)
def test_another_format_is_not_acceptable(client: FlaskClient, accept: str) -> None:
    assert "Available: application/vnd.sdmx.data+json;version=2.0.0" in refuse(client, UNMISS, 406, Accept=accept)


def test_independent_readers_read_the_answers(client: FlaskClient, tmp_path: Path) -> None:
    file = tmp_path / "answer"
    found = {}
    for accept, read in ((CSV, messages.read_csv), (CSV_21, messages.read_csv), (JSON, messages.read_json)):
        file.write_bytes(client.get(DATA, headers={"Accept": accept}).data)
        found[accept] = sorted(read(file), key=str)
    assert len(found[CSV]) > 300
    assert found[CSV_21] == found[CSV]
    assert [row["SOURCE_DETAIL"] for row in found[JSON]] == [row["SOURCE_DETAIL"] for row in found[CSV]]


@pytest.mark.parametrize(
    ("query", "missions"),
    [
        ("", ["UNMISS"]),
        ("/*.sofa_incidents_new.UNIFIL,S.sofa_incidents_new.UNMISS", ["UNIFIL", "UNMISS"]),
        ("/*.sofa_incidents_new?c[MISSION]=ne:UNMISS%2Bsw:UNM&c[OBS_STATUS]=M", ["UNMIK", "UNMOGIP"]),
        ("/*.sofa_incidents_new?c[MISSION]=ne:UNMISS+sw:UNM&c[OBS_STATUS]=M", ["UNMIK", "UNMOGIP"]),
        (
            "/*.sofa_incidents_new?c%5BTIME_PERIOD%5D=2023-S2&c[OBS_VALUE]=gt:40&reportingYearStartDay=--05-01",
            ["UNIFIL", "UNMISS"],
        ),
        ("/*.sofa_incidents_new.UNMISS?updatedAfter=2020-01-01T00:00:00%2B02:00", ["UNMISS"]),
        ("/*.sofa_incidents_new.UNMISS?includeHistory=true", ["UNMISS"]),
        ("/*.serious_misconduct_allegations?lastNObservations=2", ["ALL", "ALL"]),
    ],
)
def test_filters_select_observations(client: FlaskClient, query: str, missions: list[str]) -> None:
    rows = fetch_rows(client, f"{DATA}{query}" if query else UNMISS)
    assert sorted(row["MISSION"] for row in rows) == missions


@pytest.mark.parametrize(
    "path",
    ["", "/", "/dataflow", "/*/*/*/*/*", "/dataflow/A4P/INDICATORS", "/dataflow/A4P/INDICATORS/", "/dataflow/A4P,ECB/*/~"],
)
def test_parts_of_the_path_can_be_left_out(client: FlaskClient, path: str) -> None:
    found = fetch_rows(client, f"/sdmx/2.1/data{path}?c[INDICATOR]=sofa_incidents_new&c[MISSION]=UNMISS")
    assert [(row["STRUCTURE"], row["OBS_VALUE"]) for row in found] == [("dataflow", "125")]


def test_data_of_the_data_structure_are_of_the_data_structure(client: FlaskClient) -> None:
    (row,) = fetch_rows(client, UNMISS.replace("dataflow", "datastructure"))
    assert (row["STRUCTURE"], row["STRUCTURE_ID"]) == ("datastructure", "A4P:INDICATORS(1.0)")


def test_attributes_and_measures_can_be_chosen(client: FlaskClient) -> None:
    (row,) = fetch_rows(client, f"{UNMISS}?attributes=OBS_STATUS&measures=none")
    assert list(row)[-2:] == ["TIME_PERIOD", "OBS_STATUS"]
    (row,) = fetch_rows(client, f"{UNMISS}?attributes=series")
    assert list(row)[-2:] == ["UNIT_MEASURE", "UNIT_MULT"]


def test_observations_can_be_written_without_series(client: FlaskClient) -> None:
    message = client.get(f"{UNMISS}?dimensionAtObservation=AllDimensions").json
    (dataset,) = message["data"]["dataSets"]
    assert next(iter(dataset["observations"].values()))[0] == 125


def test_an_unchanged_answer_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(UNMISS, headers={"Accept": CSV})
    again = {"Accept": CSV, "If-None-Match": first.headers["ETag"]}
    assert client.get(UNMISS, headers=again).status_code == 304
    assert client.get(UNMISS, headers={**again, "Accept": CSV_21}).status_code == 200
    assert client.get(f"{UNMISS}?measures=none", headers=again).status_code == 200


@pytest.mark.parametrize(
    ("url", "status", "detail"),
    [
        (f"{DATA}/S.sofa_incidents_new.UNMSS", 404, "MISSION has no code 'UNMSS'. Did you mean UNMISS?"),
        (f"{DATA}/A.sofa_incidents_new", 404, "No observations match this query."),
        (f"{UNMISS}?asOf=2001-01-01", 404, "No observations match this query."),
        ("/sdmx/2.1/data/dataflow/ECB/EXR", 404, "Available: dataflow/A4P/INDICATORS/1.0."),
        ("/sdmx/2.1/data/provisionagreement/A4P/INDICATORS", 404, "Available: dataflow/A4P/INDICATORS/1.0."),
        (f"{UNMISS}?c[MISION]=UNMISS", 400, "c[MISION]: unknown component 'MISION'. Did you mean MISSION?"),
        (f"{UNMISS}?c[MISSION]=UNMISS&c[MISSION]=UNIFIL", 400, "given more than once. Separate values by commas."),
        (f"{UNMISS}?updatedAfter=soon", 400, "updatedAfter: 'soon' is not a date or time."),
        (f"{UNMISS}?updatedAfter=2024-02-01&asOf=2024-01-01", 400, "updatedAfter: is after asOf."),
        (f"{UNMISS}?firstNObservations=0", 400, "firstNObservations:"),
        (f"{UNMISS}?startPeriod=2023", 400, "startPeriod: unknown name."),
        (f"{UNMISS}?includeHistory=yes", 400, "includeHistory: must be true or false."),
        (f"{UNMISS}?attributes=STATUS", 400, "attributes: unknown name 'STATUS'. Did you mean OBS_STATUS?"),
        (f"{UNMISS}?measures=VALUE", 400, "measures: unknown name 'VALUE'."),
        (f"{UNMISS}?reportingYearStartDay=May", 400, "reportingYearStartDay:"),
        (f"{UNMISS}?dimensionAtObservation=MISSION", 501, "only TIME_PERIOD and AllDimensions are supported"),
        (f"{UNMISS}?sort=*", 501, "sort is not supported"),
        ("/sdmx/2.1/availability/dataflow/A4P/INDICATORS", 501, "availability queries are not supported"),
        (f"{STRUCTURE}/categoryscheme", 404, "There are no structures of the type 'categoryscheme'."),
        (f"{STRUCTURE}/codelist/SDMX/CL_AREA", 404, "Available: A4P/CL_AREA"),
        (f"{STRUCTURE}/codelist/A4P/CL_MISSION/~/UNMSS", 404, "No structure matches this query."),
        (f"{STRUCTURE}/codelist?detail=some", 400, "detail: unknown value 'some'. Known values: full"),
        (f"{STRUCTURE}/codelist?references=some", 400, "references: unknown value 'some'."),
        (f"{STRUCTURE}/codelist?depth=1", 400, "depth: unknown name."),
    ],
)
def test_errors_are_problem_details(client: FlaskClient, url: str, status: int, detail: str) -> None:
    assert detail in refuse(client, url, status)


def test_structures_are_sent_as_json_and_xml(client: FlaskClient, tmp_path: Path) -> None:
    url = f"{STRUCTURE}/datastructure/A4P/INDICATORS/1.0?references=children"
    as_json = client.get(url)
    as_xml = client.get(url, headers={"Accept": STRUCTURE_XML})
    assert as_json.content_type == "application/vnd.sdmx.structure+json;version=2.0.0"
    assert as_xml.content_type == STRUCTURE_XML
    found = []
    for answer in (as_json, as_xml):
        file = tmp_path / "structure"
        file.write_bytes(answer.data)
        found.append({(type(part).__name__, part.id) for part in read_sdmx(file, validate=True).structures or ()})
    assert found[0] == found[1]
    assert ("DataStructureDefinition", "INDICATORS") in found[0]
    assert ("Codelist", "CL_MISSION") in found[0]


def test_a_single_code_can_be_requested(client: FlaskClient) -> None:
    answer: Any = client.get(f"{STRUCTURE}/codelist/A4P/CL_MISSION/~/UNMISS").json
    (codelist,) = answer["data"]["codelists"]
    assert [code["name"] for code in codelist["codes"]] == ["United Nations Mission in the Republic of South Sudan"]


def test_structures_can_be_stubs(client: FlaskClient) -> None:
    answer = client.get(f"{STRUCTURE}/*/A4P?detail=allstubs", headers={"Accept": STRUCTURE_XML})
    stubs = etree.fromstring(answer.data).xpath("//*[@isExternalReference='true']/@id")
    assert {"INDICATORS", "CS_INDICATORS", "CL_MISSION", "CR_INDICATORS"} <= set(stubs)


def test_a_write_is_not_possible(client: FlaskClient) -> None:
    assert client.post(UNMISS).status_code == 405


def test_no_file_remains_after_an_answer(application: Application, client: FlaskClient) -> None:
    for url in (UNMISS, f"{UNMISS}?asOf=2001-01-01", f"{UNMISS}?c[X]=1"):
        client.get(url, headers={"Accept": CSV}).close()
    assert list((application.settings.data_dir / "tmp").glob("sdmx-*")) == []


def test_reading_needs_a_right(tmp_path: Path, definitions: Definitions) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, anonymous="none")
    client = make_app(Application(settings, definitions, opens_warehouse=False)).test_client()
    for url in (DATA, f"{STRUCTURE}/dataflow", "/sdmx/2.1/schema/dataflow"):
        refuse(client, url, 401)
