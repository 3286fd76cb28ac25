"""Two users in Chromium: an analyst sets a threshold without JavaScript, and a reader is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from service.access.access import Access
from service.access.roles import Grant, Role
from service.settings import Settings
from tests.alerting.notifications import FIRING
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, get
from tests.stack.test_browser import DESKTOP, OPTIONS, check_page, write_query
from tests.tools import find_tool
from tests.web.browsing import PASSWORD

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data_dir = tmp_path_factory.mktemp("access") / "data"
    copy_report(data_dir)
    users = Access(Settings(data_dir=data_dir), lambda: datetime.now(UTC)).users
    users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
    users.add("ana", [Grant(Role.ANALYST)], "boss", PASSWORD)
    users.add("rita", [Grant(Role.READER)], "boss", PASSWORD)
    with ServiceProcess(data_dir) as service:
        url = service.wait_until_ready()
        token = (data_dir / "alerts-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urlopen(Request(f"{url}/api/v1/alerts", json.dumps(FIRING).encode(), headers)) as answer:
            assert answer.status == 200
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_tool("chromium"), args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def tabs(browser: Browser, url: str) -> dict[str, Page]:
    """Tabs of users that only look at pages."""
    return {user: enter(browser, url, user) for user in ("ana", "boss")}


def enter(browser: Browser, url: str, name: str, uses_scripts: bool = True) -> Page:
    """Return a tab of a new browser in which a user signed in."""
    tab = browser.new_context(java_script_enabled=uses_scripts).new_page()
    tab.goto(f"{url}/sign-in")
    tab.get_by_label("Name").fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    return tab


@pytest.mark.timeout(120)
def test_an_analyst_sets_a_threshold_after_its_back_test(browser: Browser, url: str) -> None:
    tab = enter(browser, url, "ana", uses_scripts=False)
    tab.goto(f"{url}/indicators/sofa_incidents_new")
    tab.get_by_role("link", name="Set a threshold").click()
    tab.get_by_label("Limit", exact=True).fill("100")
    tab.get_by_label("Severity").select_option("critical")
    tab.get_by_role("button", name="Back-test").click()
    assert "would have fired 1 of 8 times" in tab.inner_text("#back-test")
    tab.get_by_role("img", name="with the limit").wait_for()
    assert "UNMISS" in tab.get_by_role("region", name="Periods that would have fired").inner_text()
    tab.get_by_label("Reason").fill("Ask the host state")
    tab.get_by_role("button", name="Set threshold").click()
    assert "Set: a4p_sofa_incidents_new above 100 (critical)." in tab.get_by_role("status").inner_text()
    listed = tab.get_by_role("region", name="Current thresholds").get_by_role("row").filter(has_text="above 100")
    assert "Ask the host state" in listed.inner_text() and "ana" in listed.inner_text()
    assert 'severity="critical"} 100' in get(f"{url}/metrics")[2].decode()


@pytest.mark.timeout(120)
def test_a_reader_is_refused(browser: Browser, url: str) -> None:
    tab = enter(browser, url, "rita")
    tab.goto(f"{url}/thresholds?metric=sofa_incidents_new&limit=90")
    assert tab.get_by_role("button", name="Set threshold").count() == 0
    assert "must not set thresholds" in tab.inner_text("main")
    token = tab.request.get(f"{url}/sign-in").text().split('name="csrf_token" value="')[1].split('"')[0]
    form = {"metric": "sofa_incidents_new", "limit": "90", "reason": "A test", "csrf_token": token}
    assert tab.request.post(f"{url}/thresholds", form=form).status == 403  # type: ignore[arg-type]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("user", "path"),
    [
        ("ana", "/thresholds?metric=sofa_incidents_new&limit=20"),
        ("ana", "/account"),
        ("ana", "/alerts"),
        ("ana", "/alerts/3f2a000000000001"),
        ("boss", "/admin/users"),
        ("boss", "/admin/users/ana"),
        ("boss", "/admin/audit"),
        ("boss", "/admin/messages"),
        ("ana", "/thresholds?metric=serious_misconduct_allegations&mission=ALL&limit=300"),
    ],
)
def test_page_of_a_user_fits_a_phone_and_is_accessible(tabs: dict[str, Page], url: str, user: str, path: str) -> None:
    tabs[user].set_viewport_size(DESKTOP)
    tabs[user].goto(url + path)
    check_page(tabs[user])


@pytest.mark.timeout(120)
def test_an_analyst_acknowledges_and_silences_an_alert(browser: Browser, url: str) -> None:
    tab = enter(browser, url, "ana", uses_scripts=False)
    tab.goto(f"{url}/alerts")
    tab.get_by_role("region", name="Firing").get_by_role("link", name="Days with impaired hospital care").click()
    tab.get_by_label("Note: what is done about it").fill("Spare parts are ordered")
    tab.get_by_role("button", name="Acknowledge").click()
    assert "Spare parts are ordered" in tab.get_by_role("region", name="Acknowledgements").inner_text()
    tab.get_by_label("Reason for the silence").fill("Known")
    tab.get_by_role("button", name="Silence").click()
    assert "Silenced:" in tab.get_by_role("status").inner_text()
    tab.get_by_role("link", name="Alerts").first.click()
    assert "Known" in tab.get_by_role("region", name="Silenced").inner_text()


@pytest.mark.timeout(120)
def test_the_script_saves_the_text_of_the_editor(browser: Browser, url: str) -> None:
    tab = enter(browser, url, "ana")
    tab.goto(f"{url}/sql")
    write_query(tab, "from missions")
    tab.get_by_label("Name of the query").fill("Missions")
    tab.get_by_role("button", name="Save query").click()
    tab.get_by_text("The query 'Missions' is saved.").wait_for()
    assert tab.locator("#sql").input_value() == "from missions"
    check_page(tab)
