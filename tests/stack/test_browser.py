"""Every page in Chromium: links, accessibility, layout on phones, forms and print."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, ViewportSize, sync_playwright

from tests.events.exports import FATALITY, name_event, write_export
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get
from tests.tools import find_tool

pytestmark = pytest.mark.stack
# Chromium runs as root in containers and makes no requests of its own.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
# One page of each kind, and the largest pages.
PAGES = [
    "/",
    "/priorities",
    "/priorities/accountability_to_peacekeepers",
    "/priorities/host_country_cooperation",
    "/indicators",
    "/indicators?q=no+such+word",
    "/indicators/sofa_incidents_total",
    "/indicators/sea_allegations_by_incident_date?mission=ALL",
    "/indicators/hospital_outage_days",
    "/indicators/crime_trial_ratio",
    "/missions",
    "/missions/UNMISS?as_of=2023-10-31",
    "/indicators/fatalities?mission=UNMISS",
    "/missions/MINUSMA",
    "/missions/ONUC",
    "/indicators/fatalities",
    "/indicators/fatalities_by_cycle?mission=UNMIL",
    "/events",
    "/events?mission=UNMISS&from=2020&to=2020",
    "/events?from=1950&to=1951",
    "/events/load",
    "/cycles",
    "/cycles/5",
    "/cycles/4?known_at=2020-01-01",
    "/rounds",
    "/rounds/6",
    "/rounds/6/UNMISS",
    "/thresholds?metric=sofa_incidents_new&limit=30",
    "/thresholds?metric=wrong",
    "/thresholds?action=copy&metric=sofa_incidents_new&mission=UNMISS&limit=20&missions=UNIFIL&missions=MONUSCO",
    "/thresholds?action=remove&metric=hospital_outage_days&limit=30",
    "/about",
    "/glossary",
    "/search?q=sofa",
    "/search?q=no+such+word",
    "/quality",
    "/quality?as_of=1900-01-01",
    "/sql",
    "/jobs",
    "/account",
    "/alerts",
    "/no-such-page",
]
DESKTOP: ViewportSize = {"width": 1366, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LIST_SCROLLING = """[...document.querySelectorAll("main *")]
    .filter(box => box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX))
    .map(box => box.getAttribute("aria-label") || box.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("browser")
    data_dir = copy_report(folder / "data")
    file = write_export(folder / "export.csv", FATALITY, *({"casualty_id": name_event(number)} for number in range(60)))
    loaded = call_a4p("events", "load", str(file), "--feed", "un_fatalities", A4P_DATA_DIR=str(data_dir))
    assert loaded.returncode == 0, loaded.stderr
    with ServiceProcess(data_dir) as service:
        yield service.wait_until_ready()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_tool("chromium"), args=OPTIONS)
        yield chromium
        chromium.close()


def open_tab(browser: Browser, **options: Any) -> tuple[Page, list[str]]:
    """Return a new tab, and the list of its console messages and of its blocked and failed requests."""
    tab = browser.new_page(**{"viewport": DESKTOP, **options})
    messages: list[str] = []
    tab.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: messages.append(f"error: {error}"))

    def note_failure(request: Request) -> None:
        # A tab that moves on cancels the pictures of the page before.
        if request.failure != "net::ERR_ABORTED":
            messages.append(f"failed: {request.url}")

    tab.on("requestfailed", note_failure)
    return tab, messages


def check_messages(messages: list[str]) -> None:
    # Tests request a page that does not exist and send a wrong query.
    assert [line for line in messages if "404 (NOT FOUND)" not in line and "400 (BAD REQUEST)" not in line] == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab. Console messages and blocked or failed requests fail the test at its end."""
    tab, messages = open_tab(browser)
    yield tab
    tab.close()
    check_messages(messages)


@pytest.fixture(scope="module")
def reading_tab(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A tab for tests that only look at pages: a process, an empty cache and the compilation of axe cost a second."""
    tab, messages = open_tab(browser)
    yield tab, messages
    tab.close()


@pytest.fixture
def read_page(reading_tab: tuple[Page, list[str]]) -> Iterator[Page]:
    """The shared tab; its messages fail the test as those of `page` do."""
    tab, messages = reading_tab
    tab.set_viewport_size(DESKTOP)
    yield tab
    found = messages.copy()
    messages.clear()
    check_messages(found)


@pytest.fixture(scope="module")
def dark_tab(browser: Browser) -> Iterator[Page]:
    """A shared tab of a reader who prefers dark pages."""
    tab, _ = open_tab(browser, color_scheme="dark")
    yield tab
    tab.close()


# Links that differ in these parameters only are followed once: all indicators of all missions are a thousand pages.
SAMPLED_PARAMETERS = frozenset(["mission", "metric", "limit"])
# One mission and its template of one round: there are a hundred of each.
ROUND_OF_A_MISSION = re.compile(r"/rounds/\d+/[A-Z]+")


def make_is_new(per_kind: float) -> Callable[[str], bool]:
    """Return a function that returns whether a link is to be followed: it is not a repetition, nor the n-th of its kind."""
    seen: set[object] = set()
    counts: Counter[tuple[object, ...]] = Counter()

    def is_new(link: str) -> bool:
        parts = urlsplit(link)
        names = parse_qs(parts.query).keys()
        sampled = sorted(names & SAMPLED_PARAMETERS)
        folder, _, name = parts.path.rpartition("/")
        key: object = (folder, *sampled) if sampled else ROUND_OF_A_MISSION.sub("/rounds/of", link)
        if key in seen:
            return False
        seen.add(key)
        # Pages of one folder are of a kind, and queries of one page.
        kind = (folder or name, bool(folder), Path(name).suffix, *sorted(names))
        counts[kind] += 1
        return counts[kind] <= per_kind

    return is_new


# A page of each kind has the same template: in the suite two of each, in `make torture` all 800 of them.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "per_kind", [pytest.param(2, id="two of each kind"), pytest.param(math.inf, id="all", marks=pytest.mark.long)]
)
def test_links_work_and_all_pages_show_one_snapshot(url: str, per_kind: float) -> None:
    is_new = make_is_new(per_kind)
    waiting, anchors, snapshots = ["/"], set[tuple[str, str]](), set[str]()
    identifiers: dict[str, set[str]] = {}
    while waiting:
        path = waiting.pop()
        if path in identifiers:
            continue
        status, headers, body = get(url + path)
        assert status == 200, path
        identifiers[path] = set()
        if not headers["Content-Type"].startswith("text/html"):
            continue
        text = body.decode()
        identifiers[path] = set(re.findall(r'id="([^"]+)"', text))
        snapshots |= set(re.findall(r"a4p_snapshot_info\{id=&?[^0-9]*(\d+)", text))
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            target, anchor = urldefrag(link.replace("&amp;", "&"))
            if anchor:
                anchors.add((target or path, anchor))
            if target.startswith("/") and is_new(target):
                waiting.append(target)
    assert len(identifiers) > 80 and len(snapshots) == 1
    is_followed = make_is_new(per_kind)
    for target, anchor in sorted(anchors):
        if target not in identifiers and (per_kind == math.inf or is_followed(target)):
            identifiers[target] = set(re.findall(r'id="([^"]+)"', get(url + target)[2].decode()))
        assert target not in identifiers or anchor in identifiers[target], (target, anchor)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_errors_fits_a_phone_and_is_accessible(read_page: Page, url: str, path: str) -> None:
    read_page.goto(url + path)
    check_page(read_page)


# Colours are all that differs from a light page.
@pytest.mark.parametrize("path", ["/", "/indicators/sofa_incidents_new", "/missions/UNMISS", "/quality", "/sql", "/cycles/5"])
def test_dark_page_has_sufficient_contrast(dark_tab: Page, url: str, path: str) -> None:
    dark_tab.goto(url + path)
    assert dark_tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert list_violations(dark_tab, "color-contrast") == []


def test_phone_shows_menu_and_dates_on_request(page: Page, url: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(url + "/missions")
    dates, missions = page.get_by_label("Values as of"), page.get_by_label("Pages").get_by_role("link", name="Cycles")
    assert not dates.is_visible() and not missions.is_visible()
    page.get_by_text("Menu and dates").click()
    assert dates.is_visible() and missions.is_visible()
    # A page of another day says so without the menu.
    page.goto(url + "/missions?as_of=2023-10-31")
    assert page.get_by_text("Show the latest values").is_visible()


def test_phone_shows_rows_as_cards_and_a_narrow_chart(page: Page, url: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(url + "/indicators/sofa_incidents_new")
    value = page.locator("#newest ~ .table-box td").first
    assert value.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Value"'
    assert page.locator("img.chart").evaluate("image => image.naturalWidth <= 390 && image.currentSrc.includes('width=narrow')")
    page.set_viewport_size(DESKTOP)
    assert value.evaluate("cell => getComputedStyle(cell, '::before').content") == "none"


@pytest.mark.parametrize("path", ["/", "/missions/UNMISS", "/indicators", "/quality"])
def test_page_fits_at_twice_the_size(browser: Browser, url: str, path: str) -> None:
    # A window of 1366 pixels at 200 %.
    tab = browser.new_page(viewport={"width": 683, "height": 450}, device_scale_factor=2)
    tab.goto(url + path)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 683
    assert tab.evaluate(LIST_SCROLLING) == []
    tab.close()


def test_key_moves_to_the_search_box(page: Page, url: str) -> None:
    page.goto(url)
    page.keyboard.press("/")
    page.keyboard.type("unmiss")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="UNMISS – United Nations Mission in the Republic of South Sudan").click()
    assert page.get_by_role("heading", name="UNMISS").is_visible()


def list_violations(page: Page, *rules: str) -> list[tuple[str, str, list[str]]]:
    """Return the serious violations that axe finds in a page, of all rules or of these."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    return [
        (violation["id"], violation["impact"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in Axe().run(page, options=options).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def check_page(page: Page) -> None:
    """Check that a page is accessible, and fits a phone with all its images, without a box that scrolls sideways."""
    assert list_violations(page) == []
    assert page.locator("h1").count() == 1
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(LIST_SCROLLING) == []
    # A phone loads other images. An image that cannot be decoded raises an error.
    page.evaluate("Promise.all([...document.images].map(image => image.decode()))")


def test_search_leads_to_a_value_its_source_and_its_earlier_value(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Pages").get_by_role("link", name="Indicators").click()
    page.get_by_label("Search in name, title and description").fill("triangular trainees")
    page.get_by_role("search", name="Search indicators").get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Triangular Partnership trainees", exact=True).click()
    newest = page.get_by_role("region", name="Latest values").get_by_role("row")
    # Figures of the report, page 5.
    assert newest.filter(has_text="All").filter(has_text="306").count() == 1
    assert newest.filter(has_text="Engineering").filter(has_text="110").count() == 1
    assert "page 5" in page.get_by_role("region", name="Values by period").inner_text()
    page.get_by_label("Values as of").fill("2023-10-31")
    page.get_by_role("button", name="Show", exact=True).first.click()
    assert "Values as of 31 Oct 2023" in page.inner_text("body").replace("\N{NO-BREAK SPACE}", " ")
    assert newest.filter(has_text="143").count() == 1 and newest.filter(has_text="306").count() == 0
    # Links to other pages preserve the date.
    page.get_by_label("Pages").get_by_role("link", name="Missions").click()
    assert page.url.endswith("/missions?as_of=2023-10-31")
    page.get_by_role("link", name="Show the latest values").click()
    assert page.url.endswith("/missions")


def test_pages_work_with_the_keyboard_and_without_javascript(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{url}/thresholds")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**#content")
    tab.get_by_label("Metric").fill("sofa_incidents_new")
    tab.get_by_label("Limit", exact=True).fill("100")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**limit=100**")
    assert "would have fired 1 of 8 times" in tab.inner_text("#back-test")
    assert "UNMISS" in tab.get_by_role("region", name="Periods that would have fired").inner_text()
    context.close()


def test_print_shows_values_and_hides_forms(page: Page, url: str, tmp_path: Path) -> None:
    page.goto(f"{url}/missions/UNMISS")
    page.emulate_media(media="print")
    assert page.get_by_label("Date of the values").is_hidden() and page.get_by_label("Pages", exact=True).is_hidden()
    assert page.get_by_text("Latest values, as of").is_visible()
    assert page.pdf(path=tmp_path / "UNMISS.pdf", format="A4").startswith(b"%PDF")


def write_query(page: Page, sql: str) -> None:
    """Type a query into the editor, instead of its text.

    Chromium gives text that is typed over a selection a style attribute. The policy blocks it, with a message in the console.
    """
    page.locator(".cm-content").press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type(sql)


def test_sql_query_result_is_shown_drawn_and_saved_as_of_a_date(page: Page, url: str) -> None:
    page.goto(f"{url}/sql")
    editor = page.locator(".cm-content")
    status = page.get_by_role("status")
    rows = page.get_by_role("region", name="Rows of the result").get_by_role("row")
    editor.press("Control+Enter")
    page.get_by_text("8 rows. Snapshot").wait_for()
    assert re.match(r"UNMISS\s+125\s", rows.nth(1).inner_text())
    page.locator("#chart-kind").select_option("bar")
    canvas = page.get_by_role("img", name="Chart of the result")
    assert canvas.evaluate("c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(byte => byte > 0)")

    write_query(page, "select indicator,\n  vallue from latest")
    editor.press("Control+Enter")
    page.get_by_text('"vallue" not found').wait_for()
    assert "line 2" in page.locator("#query-error").inner_text()
    # The cursor is at the position of the error.
    page.keyboard.type("/")
    assert page.locator("#sql").input_value() == "select indicator,\n  /vallue from latest"
    assert rows.first.is_hidden()

    which = "indicator = 'tpp_trainees' and dimensions['training'] = 'All'"
    query = f"select value, null as nothing, '' as empty from latest where {which}"
    write_query(page, query)
    page.get_by_label("Values as of").fill("2023-10-31")
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator("#sql").input_value() == query
    page.get_by_role("button", name="Run").click()
    page.get_by_text("1 row. Snapshot").wait_for()
    # The report, page 5: 143 in the previous cycle.
    assert rows.nth(1).locator("td").all_inner_texts() == ["143", "null", ""]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download CSV").click()
    assert Path(saved.value.path()).read_text().splitlines() == ["value,nothing,empty", '143.0,,""']
    assert re.fullmatch(r"a4p-snapshot-\d+\.csv", saved.value.suggested_filename)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download Parquet").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"PAR1")
    assert status.inner_text().startswith("Saved a4p-snapshot-")


def test_editor_highlights_and_completes_views_and_columns(page: Page, url: str) -> None:
    page.goto(f"{url}/sql")
    editor = page.locator(".cm-content")
    write_query(page, "select 4 / 2 from obser")
    color = "keyword => getComputedStyle(keyword).color"
    assert editor.locator("span", has_text="select").first.evaluate(color) != editor.evaluate(color)
    page.get_by_role("option", name="observations", exact=True).wait_for()
    page.keyboard.press("Escape")
    # Tab leaves the editor.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "run"


def test_sql_page_works_without_javascript(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{url}/sql")
    tab.locator("#sql").fill("select 42 as n")
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Download CSV").click()
    assert Path(saved.value.path()).read_text().split() == ["n", "42"]
    context.close()


def test_link_to_a_query_opens_with_its_result_and_recent_queries_are_listed(page: Page, url: str) -> None:
    page.goto(f"{url}/sql?sql=select+count(*)+as+n+from+indicators")
    page.get_by_text("1 row. Snapshot").wait_for()
    page.goto(f"{url}/sql?sql=select+vallue+from+latest")
    page.get_by_text('"vallue" not found').wait_for()
    page.goto(f"{url}/sql")
    # A query with an error is not remembered, and the page without a query runs none.
    recent = page.get_by_role("region", name="Recent queries")
    assert recent.get_by_role("listitem").all_inner_texts() == ["select count(*) as n from indicators"]
    assert page.get_by_role("region", name="Rows of the result").is_hidden()
    recent.get_by_text("select count(*)").click()
    page.get_by_text("1 row. Snapshot").wait_for()
    recent.get_by_role("button", name="Delete").click()
    assert recent.is_hidden()
