"""The pages /quality and /jobs."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.application import Application
from service.jobs.runner import Job
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from service.web.pages import jobs
from service.web.pages.quality import write_number


def read_section(client: FlaskClient, path: str, heading: str) -> list[list[str]]:
    """Return the cells of the table rows below a heading, up to the next one."""
    text = client.get(path).get_data(as_text=True)
    section = text[text.index(f'id="{heading}"') :].partition("<h2")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", section, re.S)
    return [
        [
            " ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split())
            for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


def find_row(rows: list[list[str]], prefix: str) -> list[str]:
    (row,) = [row for row in rows if row and row[0].startswith(prefix)]
    return row


def test_disagreeing_totals_come_first_with_both_values(client: FlaskClient) -> None:
    rows = read_section(client, "/quality", "reconciliation")
    trainees = next(row for row in rows if row[0].endswith(" tpp_trainees_cycle_5"))
    assert trainees[1:] == ["306", "314", "8", "disagrees"]
    outage = next(row for row in rows if row[0].endswith("hospital_outage_ratio_equipment_unmiss_cycle_5"))
    assert outage[1:3] == ["0.815", "1.3571"]
    results = [row[4] for row in rows if len(row) == 5 and row[4] in ("agrees", "disagrees")]
    assert results == sorted(results, reverse=True)
    assert set(results) == {"agrees", "disagrees"}


def test_completeness_lists_missions_without_a_report(client: FlaskClient) -> None:
    rows = read_section(client, "/quality?as_of=2024-10-01", "completeness")
    assert rows[0] == ["Indicator", "Cycle 4", "Cycle 5"]
    assert find_row(rows, "Days with impaired hospital care")[1:] == [
        "not due",
        "1 of 7 without MINURSO , MINUSCA , MONUSCO , UNDOF , UNIFIL , UNISFA",
    ]
    assert find_row(rows, "Military units")[1:] == ["6 of 7 without UNMISS", "7 of 7"]


def test_quality_as_of_an_earlier_date_omits_later_cycles_and_loads(client: FlaskClient) -> None:
    rows = read_section(client, "/quality?as_of=2023-10-31", "completeness")
    assert rows[0] == ["Indicator", "Cycle 4"]
    text = client.get("/quality?known_at=2020-01-01").get_data(as_text=True)
    assert text.count("No values reported by this date.") == 2
    assert "No loads by this date." in text


def test_loads_are_listed_with_the_digest_of_their_file(client: FlaskClient, application: Application) -> None:
    rows = read_section(client, "/quality", "batches")
    assert len(rows) == 1 + len(application.definitions.observation_files)
    assert [row[0] for row in rows[1:]] == sorted((row[0] for row in rows[1:]), key=int, reverse=True)
    assert all(re.fullmatch("[0-9a-f]{64}", row[8]) for row in rows[1:])


def test_numbers_have_separators_and_up_to_four_decimals() -> None:
    assert [write_number(value) for value in (None, 0.0, 0.099, 467_700.0, -0.34, 1 / 3)] == [
        "", "0", "0.099", "467,700", "\N{MINUS SIGN}0.34", "0.3333"
    ]  # fmt: skip


def test_failed_run_comes_first_with_its_error(
    tmp_path: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_RUNS", 2)
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        opened.refresh()

        def fail() -> int:
            raise RuntimeError("the <disk> is full")

        opened.runner.run(Job("failing", "", fail))
        client = make_app(opened).test_client()
        rows = read_section(client, "/jobs", "runs")
        assert [row[1] for row in rows[1:]] == ["failing", "history"]
        assert (rows[1][2], rows[1][-1]) == ("× failed", "the <disk> is full")
        older = re.search(r'href="([^"]+)">Older runs', client.get("/jobs").get_data(as_text=True))
        assert older is not None
        assert [row[1] for row in read_section(client, older[1], "runs")[1:]] == ["read_copy", "snapshot"]
        assert [row[1] for row in read_section(client, "/jobs?only=failed", "runs")[1:]] == ["failing"]
        assert [row[1] for row in read_section(client, "/jobs?job=snapshot", "runs")[1:]] == ["snapshot"]
        assert client.get("/jobs?job=nosuch").status_code == 404
        assert client.get("/jobs?before=-1").status_code == 400
        assert client.get("/jobs?before=99999999999").status_code == 400
    finally:
        opened.close()
