"""A reporting cycle as a document: each format has the values of the report, and its bytes are reproducible."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from flask.testing import FlaskClient

from service.application import Application
from service.documents.document import Document, write_document
from service.documents.formats import render_cycle
from service.documents.pdf import render_pdf
from service.documents.report import CycleReport, read_cycle
from service.errors import ReportError
from service.loading.request import LoadRequest
from service.settings import Settings
from service.snapshots.read_copy import ReadCopy
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import publish_report
from tests.service_process import call_a4p, run_a4p

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"
EMPTY_CHART = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>'
# As printed on page 5 of the report, without "(up from ...)".
TPP = {"Engineering": (6, 110, "5 %"), "Medical": (8, 85, "37 %"), "C4ISR": (5, 119, "26 %"), "All": (19, 306, "22 %")}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report") / "data"


@pytest.fixture(scope="module")
def application(data_dir: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(data_dir, definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def copy(application: Application) -> ReadCopy:
    assert application.read_copy is not None
    return application.read_copy


@pytest.fixture(scope="module")
def report(copy: ReadCopy, definitions: Definitions) -> CycleReport:
    return read_cycle(copy, 5, definitions=definitions)


@pytest.fixture(scope="module")
def document(report: CycleReport) -> Document:
    return write_document(report)


@pytest.fixture(scope="module")
def html(report: CycleReport, document: Document) -> str:
    return render_cycle(report, "html", document).decode()


@pytest.fixture(scope="module")
def pdf(report: CycleReport, document: Document) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(render_cycle(report, "pdf", document)))


@pytest.fixture(scope="module")
def pdf_text(pdf: pypdf.PdfReader) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))


@pytest.fixture(scope="module")
def workbook(report: CycleReport) -> openpyxl.Workbook:
    return read_workbook(report)


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def read_workbook(report: CycleReport) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(render_cycle(report, "xlsx")))


def read_sheet(workbook: openpyxl.Workbook, name: str) -> list[dict[str, Any]]:
    head, *rows = workbook[name].iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def read_row(html: str, label: str, anchor: str = "collective_coherence") -> list[str]:
    """Return the texts of the cells of the first row with this label, from the first priority or another anchor on."""
    html = html[html.index(f'<h2 id="{anchor}">') :]
    found = re.search(rf'<th scope="row">{re.escape(label)}</th>(.*?)</tr>', html, re.S)
    assert found, label
    return [
        re.sub(r" +", " ", re.sub(r"<[^>]*>", " ", cell)).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1], re.S)
    ]


def test_the_values_of_host_country_cooperation_equal_the_report(html: str, pdf_text: str, workbook: openpyxl.Workbook) -> None:
    printed = ["0", "10", "27", "0", "0", "43", "1", "not applicable", "125 ▲ warning", "not applicable", "not applicable"]
    assert read_row(html, "New SOFA or SOMA incidents")[:11] == printed
    total = ["2", "174", "29", "0", "0", "under validation", "under validation", "not applicable", "585", "not applicable"]
    assert read_row(html, "All SOFA or SOMA incidents on record")[:10] == total
    assert "New SOFA or SOMA incidents 0 10 27 0 0 43 1 not applicable 125 ▲ not applicable not applicable" in pdf_text
    rows = {(row["Indicator"], row["Mission"]): row for row in read_sheet(workbook, "Host country cooperation")}
    assert rows["New SOFA or SOMA incidents", "UNMISS"]["Value"] == 125
    assert rows["All SOFA or SOMA incidents on record", "UNIFIL"]["Value"] is None
    assert rows["All SOFA or SOMA incidents on record", "UNIFIL"]["Status"] == "V under validation"


@pytest.mark.parametrize("training", TPP)
def test_a_dimension_has_its_change_since_the_previous_cycle(
    html: str, pdf_text: str, workbook: openpyxl.Workbook, training: str
) -> None:
    trainings, trainees, women = TPP[training]
    rows = {(row["Indicator"], row["Dimension"]): row for row in read_sheet(workbook, "Capabilities and mindsets")}
    assert rows["Triangular Partnership trainings", training]["Value"] == trainings
    assert rows["Triangular Partnership trainees", training]["Value"] == trainees
    assert rows["Triangular Partnership trainees", training]["Better or worse"] == "better"
    assert f"{rows['Women among Triangular Partnership trainees', training]['Value'] * 100:.0f} %" == women
    whole = html[html.index('<h2 id="capabilities_and_mindsets">') :]
    values = whole[whole.index('<th scope="row">Triangular Partnership trainees</th>') :]
    assert read_row(f'<h2 id="collective_coherence">{values}', training)[0] == str(trainees)
    assert f"{training} {trainees} " in pdf_text


def test_a_provisional_value_has_its_mark_and_its_other_reading(html: str, pdf_text: str) -> None:
    assert re.sub(r"\s+", " ", read_row(html, "Conduct and discipline trainings")[0]) == "914 E"
    assert "printed as approximately 914" in html
    assert "printed as approximately 914" in pdf_text


def test_a_period_other_than_the_cycle_is_shown(report: CycleReport, html: str) -> None:
    assert read_row(html, "Peacekeepers killed by malicious acts") == ["196", "to 3 Sep 2024 *"]
    assert read_row(html, "Serious misconduct allegations")[0] == "364"
    assert read_row(html, "Serious misconduct allegations")[-1] == "2023"
    observations = {entry.indicator: entry.observations for priority in report.priorities for entry in priority.indicators}
    assert [observation.runs_on for observation in observations["fatalities_malicious_acts"]] == [True]
    assert {observation.period for observation in observations["crime_cases_reported"]} == {"to 30 Apr 2024"}


def test_the_summary_is_the_same_in_each_format(
    report: CycleReport, html: str, pdf_text: str, workbook: openpyxl.Workbook
) -> None:
    cells = " ".join(str(cell) for row in workbook["Summary"].iter_rows(values_only=True) for cell in row if cell is not None)
    shown = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html)))
    assert 3 <= len(report.summary.sentences) <= 5
    for sentence in report.summary.sentences:
        text = re.sub(r"\s+", " ", sentence.text)
        assert text in shown and text in pdf_text and text in re.sub(r"\s+", " ", cells)
    assert report.summary.sentences[-1].text.startswith("34 reports are overdue")
    for key in report.summary.keys:
        assert key["title"] in shown and key["title"] in pdf_text and key["title"] in cells


def test_the_map_names_every_open_mission_and_states_no_opinion_on_territories(html: str, pdf_text: str) -> None:
    drawn = html[html.index('aria-label="Map of missions"') :].partition("</svg>")[0]
    assert set(re.findall(r"<text[^>]*>(\w+)</text>", drawn)) >= {"UNIFIL", "UNMISS", "MINURSO", "UNMOGIP"}
    assert "UNISFA: 3 breaches, most severe: critical" in drawn
    for text in (html, pdf_text):
        assert "states no opinion on the status of any territory" in text


def test_a_closed_mission_without_values_has_no_column(html: str) -> None:
    section = html[html.index('<h2 id="accountability_to_peacekeepers">') :].partition("</section>")[0]
    columns = re.findall(r'<th scope="col"[^>]*>([A-Z]+)</th>', section)
    assert "UNMISS" in columns and "MINUSMA" in columns
    assert "MINUJUSTH" not in columns


def test_the_contents_have_the_page_of_each_section(pdf: pypdf.PdfReader) -> None:
    pages = [re.sub(r"\s+", " ", page.extract_text()) for page in pdf.pages]
    marks = [entry for entry in pdf.outline if not isinstance(entry, list)]
    titles = [str(entry.title) for entry in marks]
    assert titles[:3] == ["Summary", "Key indicators", "Thresholds breached"]
    assert titles[-2].startswith("Annex: notes on indicators")
    for entry in marks:
        number = pdf.get_destination_page_number(entry)
        assert number is not None and str(entry.title) in pages[number]
        assert re.search(rf"{re.escape(str(entry.title))}[ .]*{number + 1}\b", pages[0]), (entry.title, number)


def make_breaches(report: CycleReport, count: int) -> CycleReport:
    """Return the report with so many breaches, each with a note of two lines."""
    breach = report.breaches[0]
    note = "A note that is long enough to need a second line in the column of notes of the list of breaches"
    breaches = tuple(replace(breach, title=f"Breach {number}", note=note) for number in range(count))
    priorities = tuple(replace(priority, breaches=()) for priority in report.priorities)
    return replace(report, priorities=priorities, other_breaches=breaches)


def test_the_rows_of_300_breaches_are_never_split(report: CycleReport) -> None:
    many = make_breaches(report, 300)
    pages = pypdf.PdfReader(io.BytesIO(render_cycle(many, "pdf", write_document(many, engine=lambda _: EMPTY_CHART)))).pages
    texts = [re.sub(r"\s+", " ", page.extract_text()) for page in pages]
    listed = [text for text in texts if re.search(r"Breach \d", text)]
    assert len(listed) > 5
    row = r"Breach \d+, \w+ \w+ \S critical UNISFA .*? list of breaches"
    assert all("Indicator Severity Mission Value Period Threshold Note" in text for text in listed)
    assert (
        sum(len(re.findall(row, text)) for text in listed) == sum(len(re.findall(r"Breach \d", text)) for text in listed) == 300
    )


def test_an_empty_cycle_states_that_nothing_was_received(definitions: Definitions, tmp_path: Path) -> None:
    file = tmp_path / "cycle-4.csv"
    file.write_text(HEADER + "sofa_incidents_new,UNMISS,,2023-05-01,2023-10-31,8,A,a submission,1,\n")
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        opened.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
        opened.refresh()
        assert opened.read_copy is not None
        report = read_cycle(opened.read_copy, 5, definitions=definitions)
    finally:
        opened.close()
    document = write_document(report)
    assert report.summary.sentences[0].text == "No value of cycle 5 was received."
    assert "reports are overdue" in report.summary.sentences[-1].text
    for text in (read_pdf(document, report), render_cycle(report, "html", document).decode()):
        assert "No value breaches a threshold at the end of the cycle." in text
    assert read_workbook(report)["Missions by indicator"].max_row > 2


def read_pdf(document: Document, report: CycleReport) -> str:
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(document, report.snapshot.made_at))).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_missing_reports_are_shown_and_never_zero(html: str, workbook: openpyxl.Workbook) -> None:
    message = read_row(html, "Disinformation training received")
    assert message.count("yes") == 4
    assert message.count("not reported") == 7
    rows = [
        row
        for row in read_sheet(workbook, "Strategic communications")
        if row["Indicator"] == "Disinformation training received"
    ]
    assert sum(row["Value"] is None for row in rows if row["Status"] == "not reported") == 7


def test_breaches_and_disagreeing_totals_are_shown(html: str, pdf_text: str, workbook: openpyxl.Workbook) -> None:
    assert read_row(html, "New SOFA or SOMA incidents", "breaches")[1:5] == ["UNMISS", "125", "cycle 5", "above 50"]
    assert "New SOFA or SOMA incidents ▲ warning UNMISS 125 cycle 5 above 50" in pdf_text
    assert any(row["Mission"] == "UNMISS" and row["Limit"] == 50 for row in read_sheet(workbook, "Thresholds breached"))
    printed = {row["Name"]: (row["Printed"], row["Computed"]) for row in read_sheet(workbook, "Printed against computed")}
    assert printed["tpp_trainees_cycle_5"] == (306, 314)
    assert not any(name.endswith("_cycle_4") for name in printed)


def test_the_matrix_marks_breaches_by_fill_and_symbol(workbook: openpyxl.Workbook) -> None:
    sheet = workbook["Missions by indicator"]
    columns = {cell.value: cell.column for cell in sheet[2]}
    row = next(row for row in sheet.iter_rows(min_row=3) if row[0].value == "New SOFA or SOMA incidents")
    cell = row[columns["UNMISS"] - 1]
    assert (cell.value, cell.number_format, cell.fill.fgColor.rgb) == (125, '#,##0" ▲"', "FFFDF0E0")
    assert row[columns["UNFICYP"] - 1].fill.fill_type is None
    assert row[columns["UNTSO"] - 1].value == "not applicable"
    assert sheet.freeze_panes == "D3"


def test_every_sheet_prints_on_a4_landscape_and_the_index_links_to_it(workbook: openpyxl.Workbook) -> None:
    for sheet in workbook.worksheets:
        assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9), sheet.title
        assert sheet.sheet_properties.pageSetUpPr.fitToPage or sheet.title == "Charts"
    links = {link.hyperlink.location.split("'")[1] for link in (row[0] for row in workbook["Read me"]) if link.hyperlink}
    assert links == set(workbook.sheetnames) - {"Read me"}
    assert workbook["Integration"].print_title_rows == "$1:$1"
    assert len(workbook["Charts"]._charts) >= 6


def test_kpis_are_listed_by_mission(html: str) -> None:
    label = "KPI: Crimes against peacekeepers investigated by the host state (ALL: 3 of 3 missions)"
    assert read_row(html, label)[-1].startswith("82.7\N{NO-BREAK SPACE}%")


def test_the_html_is_self_contained(html: str) -> None:
    assert html.count("<svg") > 20
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert "<script" not in html
    assert not re.search(r"<[^>]* style=", html)


def test_the_pdf_is_tagged_and_dated_by_its_snapshot(pdf: pypdf.PdfReader, report: CycleReport) -> None:
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "A4P+ report, cycle 5, 1 November 2023 to 30 April 2024"
    assert pdf.metadata.creation_date == report.snapshot.made_at.replace(microsecond=0)


def read_first_page(document: Document, report: CycleReport) -> str:
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(document, report.snapshot.made_at))).pages
    return re.sub(r"\s+", " ", pages[0].extract_text())


def test_a_pdf_prints_the_official_languages_and_emoji_with_its_own_fonts(document: Document, report: CycleReport) -> None:
    beijing = "\N{CJK UNIFIED IDEOGRAPH-5317}\N{CJK UNIFIED IDEOGRAPH-4EAC}"
    written = read_first_page(replace(document, subtitle=f"{beijing} 😀 \N{ARABIC LETTER MEEM} Київ Ñandú Évaluation"), report)
    for word in (beijing, "😀", "\N{ARABIC LETTER MEEM}", "Київ", "Ñandú", "Évaluation"):
        assert word in written


def test_a_pdf_is_written_if_no_font_has_a_character(document: Document, report: CycleReport) -> None:
    written = read_first_page(replace(document, subtitle="Juba \N{MONGOLIAN LETTER A}, Bangui"), report)
    assert "Juba" in written and "Bangui" in written


def test_the_workbook_has_numbers_and_a_frozen_header(workbook: openpyxl.Workbook) -> None:
    assert workbook.sheetnames[:4] == ["Read me", "Summary", "Missions by indicator", "Charts"]
    sheet = workbook["Accountability to peacekeepers"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref.startswith("A1:")
    share = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "Peacekeeper fatalities by cause")
    assert (share[3].value, share[3].number_format) == (0.27, "0.0%")
    assert share[6].value == datetime(2017, 1, 1)


@pytest.mark.parametrize("kind", ["html", "xlsx"])
def test_the_same_snapshot_gives_the_same_bytes(
    data_dir: Path, report: CycleReport, document: Document, definitions: Definitions, kind: str
) -> None:
    again = ReadCopy(data_dir / "warehouse-read.duckdb", 1, "1GB")
    assert render_cycle(read_cycle(again, 5, definitions=definitions), kind) == render_cycle(report, kind, document)


def test_the_command_writes_the_same_bytes_in_another_process(
    data_dir: Path, copy: ReadCopy, report: CycleReport, document: Document, tmp_path: Path
) -> None:
    target = tmp_path / "cycle.pdf"
    written = run_a4p("report", "--data-dir", str(data_dir), "--output", str(target))
    assert written.returncode == 0, written.stderr
    assert f"{target}: cycle 5, snapshot {copy.info.snapshot_id} of" in written.stdout
    assert target.read_bytes() == render_cycle(report, "pdf", document)


def test_an_earlier_cycle_has_the_values_of_its_time(copy: ReadCopy) -> None:
    report = read_cycle(copy, 4)
    observations = {
        (e.indicator, f.mission, f.part): f for p in report.priorities for e in p.indicators for f in e.observations
    }
    assert observations["tpp_trainees", "ALL", "All"].value == 143
    assert observations["serious_misconduct_allegations", "ALL", ""].period == "2022"
    assert ("sofa_incidents_new", "UNMISS", "") not in observations
    # Windows that end with cycle 5 or after it are of cycle 5.
    assert ("fatalities_malicious_acts", "ALL", "") not in observations
    assert ("crime_cases_reported", "MINUSCA", "") in observations
    assert ("crime_cases_reported", "MONUSCO", "") not in observations
    assert "New SOFA or SOMA incidents" in next(p.unreported for p in report.priorities if p.number == 7)


def test_earlier_values_are_not_carried_into_the_cycle(definitions: Definitions, tmp_path: Path) -> None:
    file = tmp_path / "cycle-4.csv"
    file.write_text(HEADER + "sofa_incidents_new,UNMISS,,2023-05-01,2023-10-31,80,A,a submission,1,\n")
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        opened.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
        opened.refresh()
        assert opened.read_copy is not None
        report = read_cycle(opened.read_copy, 5)
    finally:
        opened.close()
    html = render_cycle(report, "html").decode()
    assert set(filter(None, read_row(html, "New SOFA or SOMA incidents"))) == {"not reported"}
    assert "not reported in this cycle; last known: UNMISS 80 (cycle 4)" in html
    row = next(row for row in read_sheet(read_workbook(report), "Host country cooperation") if row["Mission"] == "UNMISS")
    assert (row["Value"], row["Status"], row["Before"], row["Window before"]) == (None, "not reported", 80, "cycle 4")


def test_a_correction_shows_and_an_earlier_known_at_hides_it(application: Application, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    file = tmp_path / "correction.csv"
    file.write_text(HEADER + "sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,124,A,corrigendum,1,\n")
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
    application.refresh()
    copy = application.read_copy
    assert copy is not None
    assert find_observation(read_cycle(copy, 5), "sofa_incidents_new", "UNMISS").value == 124
    earlier = read_cycle(copy, 5, before)
    assert find_observation(earlier, "sofa_incidents_new", "UNMISS").value == 125
    assert f"as known at {before.day} " in write_document(earlier).origin


def find_observation(report: CycleReport, indicator: str, mission: str) -> Any:
    return next(
        observation
        for priority in report.priorities
        for entry in priority.indicators
        for observation in entry.observations
        if entry.indicator == indicator and observation.mission == mission
    )


def test_an_unknown_cycle_names_the_range(copy: ReadCopy) -> None:
    with pytest.raises(ReportError, match=r"Cycle 99 begins after .*, the date of the snapshot. Choose a cycle from 4 to "):
        read_cycle(copy, 99)
    with pytest.raises(ReportError, match=r"Cycle 3 is before cycle 4, the first with observations. Choose a cycle from 4 to "):
        read_cycle(copy, 3)


def test_the_command_names_the_fix_for_a_missing_read_copy(tmp_path: Path) -> None:
    refused = run_a4p("report", "--data-dir", str(tmp_path))
    assert refused.returncode == 1
    assert "does not exist; start the service once (a4p serve) or make a snapshot" in refused.stderr
    for wrong in (["--known-at", "yesterday"], ["--output", "cycle.txt"]):
        assert call_a4p("report", *wrong).returncode == 2


def test_the_pages_list_the_cycles_and_show_one(client: FlaskClient) -> None:
    listed = client.get("/cycles").text
    assert 'href="/cycles/5"' in listed
    assert 'href="/cycles/4.pdf"' in listed
    page = client.get("/cycles/4").text
    assert "<h1>A4P+ report, cycle 4</h1>" in page
    assert " style=" not in page
    assert client.get("/cycles/99").status_code == 404


def test_a_file_is_a_download_and_not_sent_twice(client: FlaskClient) -> None:
    taken = client.get("/cycles/4.xlsx")
    assert taken.headers["Content-Disposition"] == 'attachment; filename="a4p-cycle-4.xlsx"'
    assert openpyxl.load_workbook(io.BytesIO(taken.data))["Read me"]["A1"].value == "A4P+ report, cycle 4"
    assert client.get("/cycles/4.xlsx", headers={"If-None-Match": taken.headers["ETag"]}).status_code == 304
    unknown_yet = client.get("/cycles/4.xlsx?known_at=2020-01-01")
    assert openpyxl.load_workbook(io.BytesIO(unknown_yet.data))["Integration"].max_row == 1


def test_changes_equal_those_of_the_view_changes(copy: ReadCopy, report: CycleReport) -> None:
    with copy.open_session(as_of=report.period_end) as session:
        rows = session.execute(
            "select indicator, mission, period_end, change from changes where missions_used is null order by all"
        ).fetchall()
    message = sorted(
        (entry.indicator, observation.mission, observation.period_end, observation.change)
        for priority in report.priorities
        for entry in priority.indicators
        for observation in entry.observations
        # A window that ends after the cycle is in the document, and holds from later on.
        if observation.change is not None and not observation.runs_on
    )
    assert message == rows
    assert len(message) > 50
