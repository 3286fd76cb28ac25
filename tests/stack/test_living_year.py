"""A year of the service in ten moments (living_year.yaml), with a clock that is moved and real Prometheus and Alertmanager.

At each moment files are loaded, a threshold or the catalogue is changed, or the service is killed, as a user would do it.
Then a page of each kind, totals with their base, the completeness of cycles, documents and the exact alerts are checked.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from http.client import HTTPException
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
import yaml

from metrics.catalogue import read_catalogue
from service.settings import find_in_tree
from tests.service_process import ServiceProcess, get, run_a4p, wait_for
from tests.stack.simulated_clock import AlertRelay, SimulatedClock
from tests.tools import find_free_port, find_tool

# Not in `make test`: it takes three to five minutes. `make year` runs it.
pytestmark = [pytest.mark.stack, pytest.mark.long]
Moment = dict[str, Any]
MOMENTS: list[Moment] = yaml.safe_load(Path(__file__).with_name("living_year.yaml").read_text())
CYCLES = {6: ("2024-05-01", "2024-10-31"), 7: ("2024-11-01", "2025-04-30")}
HEADER = ["indicator", "mission", "dimensions", "period_start", "period_end", "value", "status", "source"]
ROW = re.compile(r"(?P<mission>\S+) (?P<indicator>\S+) (?:(?P<dimensions>\w+=.+) )?(?P<value>\S+)")
# Labels that neither name an alert nor its series.
COMMON = {"alertname", "mission", "cycle", "metric", "comparison", "severity", "priority", "instance", "job"}
PATIENCE_SECONDS = 120
# One of each kind.
PAGES = [
    "/", "/priorities", "/priorities/host_country_cooperation", "/indicators", "/indicators/sofa_incidents_new",
    "/indicators/sofa_incidents_longstanding", "/missions", "/missions/UNMISS", "/cycles", "/cycles/5", "/thresholds",
    "/quality", "/sql", "/jobs",
]  # fmt: skip


class Year:
    """The service, its catalogue and the two servers, as an administrator runs them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.clock = SimulatedClock(folder / "clock")
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.catalogue = folder / "catalogue"
        shutil.copytree(find_in_tree("metrics"), self.catalogue, ignore=shutil.ignore_patterns("*.py", "*.pyi", "__pycache__"))
        self.environment = {**self.clock.environment, "A4P_CATALOGUE": str(self.catalogue)}
        self.service: ServiceProcess | None = None
        self._stack = stack
        self._prometheus: subprocess.Popen[bytes] | None = None
        self._prometheus_url = ""
        self._alertmanager_url = ""
        # Alerts that fire, other than those of overdue reports.
        self.breaches: set[str] = set()
        self.fingerprints: dict[str, str] = {}
        self.starts: dict[str, str] = {}

    def run(self, *arguments: str) -> str:
        """Run an `a4p` command by the simulated clock; it must succeed."""
        done = run_a4p(*arguments, "--data-dir", str(self.data_dir), **self.environment)  # type: ignore[arg-type]
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def start_service(self) -> None:
        """Start the service, or start it again."""
        self.service = self._stack.enter_context(ServiceProcess(self.data_dir, "--port", str(self.port), **self.environment))
        self.service.wait_until_ready()

    def write_rules(self) -> None:
        """Write the rules of the catalogue as it is; a running Prometheus reads them again."""
        done = run_a4p("rules", "--output", str(self.folder / "rules"), "--catalogue", str(self.catalogue))
        assert done.returncode == 0, done.stderr
        if self._prometheus is not None:
            self._prometheus.send_signal(signal.SIGHUP)

    def start_servers(self) -> None:
        """Start Prometheus with the rules and Alertmanager with the shipped configuration, at short intervals."""
        alertmanager_port, prometheus_port = find_free_port(), find_free_port()
        self._prometheus_url = f"http://127.0.0.1:{prometheus_port}"
        self._alertmanager_url = f"http://127.0.0.1:{alertmanager_port}"
        relay = self._stack.enter_context(AlertRelay(self.clock, f"{self.url}/api/v1/alerts"))
        configuration = yaml.safe_load((find_in_tree("prometheus") / "alertmanager.yml").read_text())
        configuration["route"].update(group_wait="0s", group_interval="1s")
        configuration["receivers"][0]["webhook_configs"][0]["url"] = relay.url
        (self.folder / "prometheus").mkdir()
        (self.folder / "prometheus" / "alertmanager.yml").write_text(yaml.safe_dump(configuration))
        (self.folder / "prometheus" / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "a4p", "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}]}],
            "rule_files": [str(self.folder / "rules" / "*.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
        }))  # fmt: skip
        self._run_server(
            find_tool("prometheus-alertmanager"), "--config.file=prometheus/alertmanager.yml", "--storage.path=alertmanager",
            "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{alertmanager_port}",
        )  # fmt: skip
        # An alert that is not sent again for four times this delay is resolved by Alertmanager: 40 s, for a busy machine.
        self._prometheus = self._run_server(
            find_tool("prometheus"), "--config.file=prometheus/prometheus.yml", "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus_port}", "--rules.alert.resend-delay=10s",
        )  # fmt: skip

    def _run_server(self, *command: str) -> subprocess.Popen[bytes]:
        @contextmanager
        def running() -> Iterator[subprocess.Popen[bytes]]:
            with (self.folder / f"{Path(command[0]).name}.log").open("w") as log:
                process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)
                try:
                    yield process
                finally:
                    process.terminate()
                    process.wait()

        return self._stack.enter_context(running())

    def settle(self, expected: set[str]) -> None:
        """Wait until the expected alerts, and no others, fire in Prometheus and in the service."""
        since = datetime.now(UTC).isoformat()
        wait_for(lambda: self._is_scraped(since), PATIENCE_SECONDS)
        scraped = datetime.now(UTC).isoformat()
        wait_for(lambda: self._is_evaluated(scraped), PATIENCE_SECONDS)
        for name, list_firing in (("Prometheus", self._list_firing), ("the service", self.list_alerts)):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (fires := {name_alert(alert["labels"]) for alert in list_firing()}) != expected:
                assert time.monotonic() < deadline, f"{name}: missing {expected - fires}, unexpected {fires - expected}"
                time.sleep(0.2)

    def _list_firing(self) -> list[dict[str, Any]]:
        return [alert for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def list_alerts(self) -> list[dict[str, Any]]:
        """Return what /api/v1/alerts lists as firing."""
        rows: list[dict[str, Any]] = self.read_api("alerts")
        return rows

    def read_api(self, resource: str, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a resource of the API."""
        path = f"/api/v1/{resource}?{urllib.parse.urlencode({'limit': 1000, **query})}"
        answer = json.loads(self.open(path))
        rows: list[dict[str, Any]] = answer["rows"]
        return rows

    def read_day(self) -> date | None:
        """Return the day of the clock of the running service; None where the server cut the answer because the clock moved."""
        try:
            headers = get(f"{self.url}/-/healthy")[1]
        except (OSError, HTTPException):
            return None
        return parsedate_to_datetime(headers["Date"]).date()

    def open(self, path: str) -> bytes:
        """Return the body of a page or file, which must be there."""
        status, _, body = get(self.url + path)
        assert status == 200, (path, status, body[-2000:])
        return body

    def show(self, path: str) -> str:
        """Return the text of a page without its markup."""
        return strip_markup(self.open(path).decode())

    def _ask(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(get(f"{self._prometheus_url}/api/v1/{path}")[2])["data"]
        return data

    def _is_scraped(self, since: str) -> bool:
        try:
            targets = self._ask("targets")["activeTargets"]
        except (OSError, ValueError):  # It is starting.
            return False
        return bool(targets) and all(target["health"] == "up" and is_later(target["lastScrape"], since) for target in targets)

    def _is_evaluated(self, since: str) -> bool:
        return all(is_later(group["lastEvaluation"], since) for group in self._ask("rules")["groups"])


def is_later(instant: str, other: str) -> bool:
    return datetime.fromisoformat(instant) > datetime.fromisoformat(other)


def name_alert(labels: dict[str, str]) -> str:
    """Return an alert as the table names it: A4pReportsOverdue UNMISS 6, or A4pSofaImpactLevelAbove UNISFA area."""
    further = [value for name, value in sorted(labels.items()) if name not in COMMON]
    return " ".join(
        part for part in [labels["alertname"], labels.get("mission", ""), labels.get("cycle", ""), *further] if part
    )


def strip_markup(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(style|script|svg).*?</\1>", " ", html))))


def write_file(year: Year, name: str, cycle: int, rows: list[str]) -> Path:
    """Write a submission as CSV or as a workbook, as its name says."""
    start, end = CYCLES[cycle]
    table = []
    for row in rows:
        if row.startswith("everything else of "):
            table += list_remaining(year, row.removeprefix("everything else of "), cycle, {line[0] for line in table})
            continue
        found = ROW.fullmatch(row)
        assert found, row
        value, status = (found["value"], "A") if found["value"][0].isdigit() else ("", found["value"])
        table.append(
            [
                found["indicator"],
                found["mission"],
                found["dimensions"] or "",
                start,
                end,
                value,
                status,
                "A mission's submission",
            ]
        )
    file = year.folder / name
    if file.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for line in [HEADER, *table]:
            sheet.append(line)
        book.save(file)
    else:
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([HEADER, *table])
    return file


def list_remaining(year: Year, mission: str, cycle: int, given: set[str]) -> list[list[str]]:
    """Return a row of status N, not applicable, for each other half-yearly indicator that a mission is expected to report."""
    start, end = CYCLES[cycle]
    return [
        [entry.indicator, mission, ";".join(f"{name}={values[0]}" for name, values in entry.dimensions.items()), start, end,
         "", "M", "A mission's submission"]
        for _, entry in read_catalogue(year.catalogue).indicators
        if entry.frequency == "half_yearly" and mission in entry.expected_missions and entry.indicator not in given
        and entry.counted_from is None
    ]  # fmt: skip


def change_catalogue(catalogue: Path, change: Moment) -> None:
    """Edit the files of the catalogue: close missions, add missions and indicators, and name missions in indicators."""
    file = catalogue / "missions.yaml"
    missions = yaml.safe_load(file.read_text())
    for mission, closed_on in change["close"].items():
        next(entry for entry in missions if entry["mission"] == mission).update(status="closed", closed_on=closed_on)
    missions[-1:-1] = change["open"]
    file.write_text(yaml.safe_dump(missions, sort_keys=False, allow_unicode=True))
    file = catalogue / "indicators" / f"{change['priority']}.yaml"
    indicators = yaml.safe_load(file.read_text())
    for entry in indicators:
        if entry["indicator"] in change["expect"]:
            entry["expected_missions"] += [mission["mission"] for mission in change["open"]]
    indicators += change["indicators"]
    file.write_text(yaml.safe_dump(indicators, sort_keys=False, allow_unicode=True))


def act(year: Year, moment: Moment) -> None:
    """Do what happens at a moment; the clock shows noon of its day."""
    year.clock.move_to(datetime.fromisoformat(f"{moment['day']}T12:00+00:00"))
    wait_for(lambda: year.read_day() == moment["day"], PATIENCE_SECONDS)
    if "catalogue" in moment:
        change_catalogue(year.catalogue, moment["catalogue"])
        year.write_rules()
    if moment.get("restart"):
        assert year.service is not None
        if moment["restart"] == "kill -9":
            year.service.kill()
        else:
            assert year.service.stop()[0] == 0
        year.start_service()
    for file in moment.get("files", []):
        printed = year.run("load", "--status-codes", "sdmx", str(write_file(year, file["name"], file["cycle"], file["rows"])))
        for text in file.get("prints", []):
            assert text in printed, (text, printed)
    for arguments in moment.get("thresholds", []):
        year.run("thresholds", "set", *arguments)
    # A load is followed by a snapshot.
    if not moment.get("files") or moment.get("thresholds"):
        year.run("snapshot")


def check(year: Year, moment: Moment) -> None:
    """Check everything that a moment expects, and that a page of each kind answers."""
    check_alerts(year, moment)
    check_pages(year, moment)
    for kpi, (value, base) in moment["totals"].items():
        (row,) = [row for row in year.read_api("kpi_latest", kpi=kpi) if row["mission"] == "ALL"]
        assert (row["value"], f"{row['missions_used']} of {row['missions_expected']}") == (value, base), (kpi, row)
    for name, value in moment.get("kpis", {}).items():
        kpi, mission, *indicator = name.split()
        values = [
            row["value"]
            for row in year.read_api("kpi_latest", kpi=kpi)
            if row["mission"] == mission and (not indicator or row["dimensions"].get("indicator") == indicator[0])
        ]
        assert values == ([] if value is None else [pytest.approx(value)]), name
    for name, count in moment["completeness"].items():
        indicator, cycle = name.rsplit(" cycle ", 1)
        rows = [
            f"{row['missions_reported']} of {row['missions_expected']}"
            for row in year.read_api("completeness", indicator=indicator)
            if row["period"] == f"cycle {cycle}"
        ]
        assert rows == ([] if count is None else [count]), name
    for cycle, expected in moment.get("documents", {}).items():
        check_document(year, cycle, expected)


def check_alerts(year: Year, moment: Moment) -> None:
    starts, ends = set(moment.get("starts", [])), moment.get("ends", {})
    assert ends.keys() <= year.breaches and not starts & year.breaches
    year.breaches = year.breaches - ends.keys() | starts
    overdue = {f"A4pReportsOverdue {mission} {cycle}" for cycle, missions in moment["overdue"].items() for mission in missions}
    fires = year.breaches | overdue
    year.settle(fires)
    # The overview and `a4p alerts` show the same; the reason why one ended is named.
    rows = year.list_alerts()
    assert f"{len(fires)} alerts" in year.show("/")
    if starts or ends:
        printed = year.run("alerts", "list", "--all")
        assert [row["fingerprint"] for row in rows if row["fingerprint"][:8] not in printed] == []
    for alert, reason in ends.items():
        shown = year.run("alerts", "show", year.fingerprints[alert])
        assert f"resolved by {reason}: " in shown, shown
    # An alert that fires on did not start again, not even where the service was restarted.
    for row in rows:
        assert year.starts.get(name_alert(row["labels"])) in (None, row["starts_at"]), row
    year.starts = {name_alert(row["labels"]): row["starts_at"] for row in rows}
    year.fingerprints |= {name_alert(row["labels"]): row["fingerprint"] for row in rows}


def check_pages(year: Year, moment: Moment) -> None:
    for path in PAGES:
        year.open(path)
    for path, texts in moment["pages"].items():
        shown = year.show(path)
        for text in texts:
            if text.startswith("not: "):
                assert text.removeprefix("not: ") not in shown, (path, text)
            else:
                assert text in shown, (path, text, shown)


def check_document(year: Year, cycle: int, expected: Moment) -> None:
    html = year.show(f"/cycles/{cycle}.html")
    pdf = pypdf.PdfReader(io.BytesIO(year.open(f"/cycles/{cycle}.pdf")))
    printed = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))
    for text in expected.get("texts", []):
        assert text in html, (cycle, text, html)
        assert text in printed, (cycle, text, printed)
    book = openpyxl.load_workbook(io.BytesIO(year.open(f"/cycles/{cycle}.xlsx")))
    cells = {}
    for sheet in book.worksheets:
        head, *rows = sheet.iter_rows(values_only=True)
        if head[:4] == ("Indicator", "Dimension", "Mission", "Value"):
            cells.update({(row[0], row[2]): row[3] for row in rows})
    for name, value in expected["cells"].items():
        mission, title = name.split(" ", 1)
        assert cells.get((title, mission)) == value, (cycle, name, cells.get((title, mission)))


@pytest.mark.timeout(900)
def test_a_year_of_cycles_corrections_and_catalogue_changes(tmp_path: Path) -> None:
    assert len(MOMENTS) == 10
    with ExitStack() as stack:
        year = Year(tmp_path, stack)
        year.clock.move_to(datetime.fromisoformat(f"{MOMENTS[0]['day']}T11:00+00:00"))
        year.write_rules()
        year.start_service()
        year.start_servers()
        for moment in MOMENTS:
            started = time.monotonic()
            act(year, moment)
            acted = time.monotonic()
            check(year, moment)
            print(f"{moment['day']}: acted in {acted - started:.1f} s, checked in {time.monotonic() - acted:.1f} s")
