"""A reporting cycle in French: each format has French texts, numbers and dates, and the same values."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pypdf
import pytest

from metrics.languages import use_language
from service.documents.document import write_document
from service.documents.formats import FORMATS, open_cycle, render_cycle
from service.documents.report import read_cycle
from service.snapshots.read_copy import ReadCopy
from service.warehouse.definitions import Definitions
from tests.documents.test_report import EMPTY_CHART
from tests.metrics.test_translations import list_english
from tests.published_report import publish_report
from tests.service_process import run_a4p

THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("french") / "data"


@pytest.fixture(scope="module")
def copy(data_dir: Path, definitions: Definitions) -> Iterator[ReadCopy]:
    with publish_report(data_dir, definitions) as opened:
        assert opened.read_copy is not None
        yield opened.read_copy


@pytest.fixture(scope="module")
def files(copy: ReadCopy, definitions: Definitions) -> dict[str, bytes]:
    """The cycle in each format, in French, without charts, which take most of the time."""
    with use_language(definitions.find_language("fr")):
        report = open_cycle(copy, 5, definitions=definitions)
        document = write_document(report, engine=lambda _: EMPTY_CHART)
        return {kind: render_cycle(report, kind, document) for kind in FORMATS}


def test_the_workbook_has_no_english_text_but_notes_and_sources(files: dict[str, bytes], definitions: Definitions) -> None:
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    english = list_english(definitions)
    for sheet in book:
        heads = {str(cell.value) for cell in sheet[1]}
        for row in sheet.iter_rows():
            for cell in row:
                head = str(sheet.cell(1, cell.column).value)
                if isinstance(cell.value, str) and head not in ("Note", "Source"):
                    assert [part for part in english if part in cell.value] == [], (sheet.title, cell.coordinate)
        assert "Mission" in heads or not heads & {"Indicator", "Value", "Priority"}
    assert book.sheetnames[:2] == ["Lisez-moi", "Résumé"]


def test_the_workbook_has_the_same_values_in_each_language(
    files: dict[str, bytes], copy: ReadCopy, definitions: Definitions
) -> None:
    french = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    english = openpyxl.load_workbook(io.BytesIO(render_cycle(read_cycle(copy, 5, definitions=definitions), "xlsx")))
    for ours, theirs in zip(french, english, strict=True):
        numbers = [
            [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, int | float)]
            for sheet in (ours, theirs)
        ]
        assert numbers[0] == numbers[1], ours.title


def test_the_html_file_is_french(files: dict[str, bytes]) -> None:
    text = files["html"].decode()
    assert '<html lang="fr">' in text and "Rapport A4P+, cycle 5" in text
    assert "1er novembre 2023 au 30 avril 2024" in text and f"82,7{THIN}%" in text


def test_the_pdf_is_tagged_as_french_and_has_a_glyph_for_every_character(files: dict[str, bytes]) -> None:
    pdf = pypdf.PdfReader(io.BytesIO(files["pdf"]))
    assert pdf.trailer["/Root"]["/Lang"] == "fr"
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "Table des matières" in text and "Seuils dépassés" in text and "\N{WHITE SQUARE}" not in text


def test_the_command_writes_a_document_in_a_language(data_dir: Path, copy: ReadCopy, tmp_path: Path) -> None:
    options = ("report", "--cycle", "5", "--output", str(tmp_path / "cycle.xlsx"), "--data-dir", str(data_dir))
    assert run_a4p(*options, "--language", "fr").returncode == 0
    assert openpyxl.load_workbook(tmp_path / "cycle.xlsx").sheetnames[0] == "Lisez-moi"
    assert run_a4p(*options).returncode == 0
    assert openpyxl.load_workbook(tmp_path / "cycle.xlsx").sheetnames[0] == "Read me"
