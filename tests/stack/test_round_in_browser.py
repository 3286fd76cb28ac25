"""A round from the template to /metrics in Chromium: an error, an outlier, a return, an approval and a late mission."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from service.access.access import Access
from service.access.roles import Grant, Role
from service.settings import Settings
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p
from tests.stack.test_alerting import HEADER
from tests.stack.test_browser import OPTIONS
from tests.stack.test_browser_access import enter
from tests.tools import find_tool
from tests.web.browsing import PASSWORD

pytestmark = pytest.mark.stack
TITLE, TOTAL = "New SOFA or SOMA incidents", "All SOFA or SOMA incidents on record"
EARLIER = {1: 110, 2: 120, 3: 118, 4: 130}
PERIODS = {
    1: "2021-11-01,2022-04-30", 2: "2022-05-01,2022-10-31", 3: "2022-11-01,2023-04-30", 4: "2023-05-01,2023-10-31",
}  # fmt: skip


def fill(template: Path, target: Path, values: Mapping[str, object]) -> Path:
    """Write the values into the rows of a template by the titles of their indicators."""
    workbook = openpyxl.load_workbook(template)
    filled = set()
    for sheet in workbook.worksheets:
        columns = {cell.value: cell.column for cell in sheet[1]}
        if sheet.sheet_state != "visible" or "value" not in columns:
            continue
        for row in range(2, sheet.max_row + 1):
            if (title := sheet.cell(row, 1).value) in values:
                sheet.cell(row, columns["value"]).value = values[str(title)]
                filled.add(title)
    assert filled == set(values)
    workbook.save(target)
    return target


def upload(tab: Page, url: str, file: Path) -> None:
    tab.goto(f"{url}/rounds/6/UNMISS")
    tab.set_input_files("input[type=file]", file)
    tab.get_by_role("button", name="Upload and preview").click()


def decide(tab: Page, url: str, button: str, reason: str = "") -> str:
    """Press a button of submission 1; return the message of the page."""
    tab.goto(f"{url}/submissions/1")
    tab.get_by_label("Reason").fill(reason)
    tab.get_by_role("button", name=button, exact=True).click()
    return tab.locator("[role=status], [role=alert]").first.inner_text()


@pytest.mark.timeout(300)
def test_a_mission_reports_a_cycle_and_headquarters_publishes_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    copy_report(data_dir)
    access = Access(Settings(data_dir=data_dir), lambda: datetime.now(UTC))
    for name, grant in {
        "mary": Grant(Role.CONTRIBUTOR, "UNMISS"), "paul": Grant(Role.APPROVER, "UNMISS"), "ruth": Grant(Role.APPROVER),
    }.items():  # fmt: skip
        access.users.add(name, [grant], "test", PASSWORD)
    with ServiceProcess(data_dir) as service, sync_playwright() as playwright:
        url = service.wait_until_ready()
        history = tmp_path / "history.csv"
        history.write_text(
            HEADER + "".join(f"sofa_incidents_new,UNMISS,,{PERIODS[n]},{value},A,archive,1,\n" for n, value in EARLIER.items())
        )
        loaded = call_a4p("load", str(history), "--data-dir", str(data_dir))
        assert loaded.returncode == 0, loaded.stderr
        browser = playwright.chromium.launch(executable_path=find_tool("chromium"), args=OPTIONS)
        file_the_values(browser, url, tmp_path)
        take_decisions(browser, url)
        with urlopen(f"{url}/metrics") as answer:
            scrape = answer.read().decode()
        assert 'a4p_sofa_incidents_new{mission="UNMISS"} 990' in scrape
        assert 'a4p_submission_state{cycle="' in scrape
        tab = browser.new_page(viewport={"width": 1366, "height": 900})
        tab.goto(f"{url}/rounds/6")
        assert "2 published" in tab.get_by_role("row", name="UNMISS").first.inner_text()
        assert "overdue" in tab.get_by_role("row", name="UNIFIL").first.inner_text()
        tab.screenshot(path=tmp_path / "round.png")
        browser.close()


def file_the_values(browser: Browser, url: str, tmp_path: Path) -> None:
    mary = enter(browser, url, "mary")
    mary.goto(f"{url}/rounds/6/UNMISS")
    with mary.expect_download() as download:
        mary.get_by_role("link", name="Download the template").click()
    template = tmp_path / "template.xlsx"
    download.value.save_as(template)

    upload(mary, url, fill(template, tmp_path / "faulty.xlsx", {TITLE: "about 99"}))
    assert "'about 99'" in mary.get_by_role("alert").inner_text()
    with mary.expect_download() as download:
        mary.get_by_role("link", name="with a comment on each faulty cell").click()
    download.value.save_as(tmp_path / "annotated.xlsx")
    annotated = openpyxl.load_workbook(tmp_path / "annotated.xlsx")
    comments = [cell.comment for sheet in annotated for row in sheet.iter_rows() for cell in row if cell.comment]
    assert any("about 99" in comment.text for comment in comments)

    upload(mary, url, fill(template, tmp_path / "filled.xlsx", {TITLE: 990, TOTAL: 1500}))
    assert "modified z-score" in mary.get_by_role("region", name="Changes").inner_text()
    mary.screenshot(path=tmp_path / "submission.png", full_page=True)
    assert "findings without a comment: 1" in decide(mary, url, "Submit")
    row = mary.get_by_role("row", name=TITLE)
    row.get_by_label("Comment", exact=True).fill("Counted per checkpoint from this cycle on")
    row.get_by_role("button", name="Add comment").click()
    assert "Counted per checkpoint" in mary.get_by_role("region", name="Changes").inner_text()
    assert decide(mary, url, "Submit") == "Submission 1 is submitted."
    mary.context.close()


def take_decisions(browser: Browser, url: str) -> None:
    paul, ruth, mary = (enter(browser, url, name) for name in ("paul", "ruth", "mary"))
    assert decide(paul, url, "Return", "Is the new way of counting agreed?") == "Submission 1 is returned."
    assert "Is the new way of counting agreed?" in mary.goto(f"{url}/submissions/1").text()  # type: ignore[union-attr]
    assert decide(mary, url, "Submit", "Agreed with the host state in June") == "Submission 1 is submitted."
    assert decide(paul, url, "Validate") == "Submission 1 is validated."
    paul.goto(f"{url}/submissions/1")
    assert paul.get_by_role("button", name="Approve").count() == 0
    assert decide(ruth, url, "Approve") == "Submission 1 is approved."
    assert decide(ruth, url, "Publish").startswith("Submission 1 is published as batch ")
