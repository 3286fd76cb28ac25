"""Alerts from a threshold to the service, with a real Prometheus and Alertmanager: firing, delivery and resolution."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from metrics.notifications import Notifications, add_notifications
from service.settings import find_in_tree
from tests.events.exports import FATALITY, name_event, write_export
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get, wait_for
from tests.tools import INSTALLED, each_generation, find_free_port, find_tool

pytestmark = pytest.mark.stack
HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note\n"
PATIENCE_SECONDS = 120
NO_NOTIFICATIONS = Notifications()


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[None]:
    with (cwd / f"{Path(command[0]).name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


class Stack:
    """The service with the shipped rules and the shipped Alertmanager configuration, at other ports and shorter intervals."""

    def __init__(
        self, directory: Path, url: str, stack: ExitStack, generation: str, notifications: Notifications = NO_NOTIFICATIONS
    ) -> None:
        prometheus = find_tool("prometheus", generation)
        alertmanager = find_tool("prometheus-alertmanager", generation)
        self.alertmanager_port, port = find_free_port(), find_free_port()
        self.url = f"http://127.0.0.1:{port}"
        shipped = (find_in_tree("prometheus") / "alertmanager.yml").read_text()
        configuration = yaml.safe_load(add_notifications(shipped, notifications))
        configuration["route"].update(group_wait="0s", group_interval="1s", repeat_interval="5s")
        webhook = configuration["receivers"][0]["webhook_configs"][0]
        assert webhook["url"] == "http://127.0.0.1:8000/api/v1/alerts"
        assert webhook["http_config"]["authorization"]["credentials_file"] == "../data/alerts-token"
        webhook["url"] = f"{url}/api/v1/alerts"
        (directory / "prometheus").mkdir()
        (directory / "prometheus" / "alertmanager.yml").write_text(yaml.safe_dump(configuration))
        (directory / "prometheus" / "prometheus.yml").write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "scrape_configs": [{"job_name": "a4p", "static_configs": [{"targets": [url.removeprefix("http://")]}]}],
                    "rule_files": [str(find_in_tree("prometheus") / "rules" / "*.yml")],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager_port}"]}]}]},
                }
            )
        )
        stack.enter_context(
            running(
                alertmanager, "--config.file=prometheus/alertmanager.yml", "--storage.path=alertmanager",
                "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{self.alertmanager_port}", cwd=directory,
            )
        )  # fmt: skip
        stack.enter_context(
            running(
                prometheus, "--config.file=prometheus/prometheus.yml", "--storage.tsdb.path=tsdb",
                f"--web.listen-address=127.0.0.1:{port}", "--rules.alert.resend-delay=1s", cwd=directory,
            )
        )  # fmt: skip


def write(file: Path, value: int) -> Path:
    file.write_text(HEADER + f"sofa_incidents_new,UNIFIL,,2024-05-01,2024-10-31,{value},A,UNIFIL submission,4,\n")
    return file


@pytest.mark.timeout(300)
@each_generation
def test_a_breach_fires_is_delivered_listed_and_resolves_and_a_failed_scrape_resolves_none(
    tmp_path: Path, generation: str
) -> None:
    data_dir = str(tmp_path / "data")

    def ask(*arguments: str) -> str:
        done = call_a4p(*arguments, "--data-dir", data_dir)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fires() -> list[str]:
        # Beyond the default warning too, which the critical one may or may not inhibit before it is delivered.
        shown = ask("alerts").splitlines()
        return [line for line in shown if "New SOFA or SOMA incidents: UNIFIL" in line and " critical " in line]

    def count_firing(mission: str, severity: str) -> int:
        # What `a4p alerts` lists, without the start of a process for each attempt.
        rows = json.loads(get(f"{url}/api/v1/alerts?mission={mission}&severity={severity}")[2])["rows"]
        return sum(row["metric"] == "a4p_sofa_incidents_new" for row in rows)

    with ServiceProcess(copy_report(tmp_path / "data")) as service, ExitStack() as stack:
        url = service.wait_until_ready()
        prometheus = Stack(tmp_path, url, stack, generation).url
        ask(
            "thresholds",
            "set",
            "sofa_incidents_new",
            "--above",
            "100",
            "--severity",
            "critical",
            "--note",
            "Ask the host state",
        )
        wait_for(lambda: count_firing("UNMISS", "critical") == 1, PATIENCE_SECONDS, 0.5)
        assert "UNMISS is above" in ask("alerts")
        assert fires() == []

        ask("load", str(write(tmp_path / "first.csv", 120)))
        wait_for(lambda: count_firing("UNIFIL", "critical") == 1, PATIENCE_SECONDS, 0.5)
        (line,) = fires()
        assert "critical" in line and "120" in line and "100" in line
        alert = line.split()[0]
        ask("alerts", "ack", alert, "--note", "Asked", "--by", "A. Analyst")
        assert "A. Analyst: Asked" in fires()[0]
        shown = ask("alerts", "show", alert)
        assert "observation sofa_incidents_new, UNIFIL, 2024-05-01 to 2024-10-31" in shown
        assert "from UNIFIL submission, page 4" in shown and "first.csv" in shown
        assert f"link: {url}/indicators/sofa_incidents_new?mission=UNIFIL" in shown

        ask("load", str(write(tmp_path / "second.csv", 90)))
        wait_for(lambda: count_firing("UNIFIL", "critical") == 0, PATIENCE_SECONDS, 0.5)
        assert fires() == []
        history = ask("alerts", "show", alert)
        assert "firing: from" in history and "resolved: from" in history
        assert "second.csv" in history and "first.csv" in history
        ask("snapshot")
        with duckdb.connect(str(tmp_path / "data" / "warehouse-read.duckdb"), read_only=True) as copy:
            retained = copy.execute(
                "select status, count(*) from alerts where mission = 'UNIFIL' and metric = 'a4p_sofa_incidents_new' "
                "and severity = 'critical' group by all order by all"
            ).fetchall()
        assert retained == [("firing", 1), ("resolved", 1)], "Alertmanager repeated itself every 5 s; each stands once"
        check_that_a_failed_scrape_resolves_no_alert(service, prometheus)


def check_that_a_failed_scrape_resolves_no_alert(service: ServiceProcess, prometheus: str) -> None:
    def count(query: str) -> int:
        answer = json.loads(get(f"{prometheus}/api/v1/query?query={query}")[2])
        return sum(int(row["value"][1]) for row in answer["data"]["result"])

    query = "count(ALERTS%7Balertname=~%22A4p.*(Above|Below)%22,alertstate=%22firing%22%7D)"
    wait_for(lambda: count(query) > 0, PATIENCE_SECONDS, 0.5)
    time.sleep(3)
    before = count(query)
    service.kill()
    wait_for(lambda: count("up%20==%20bool%200") == 1, PATIENCE_SECONDS, 0.5)
    time.sleep(5)
    assert count(query) == before


@pytest.mark.timeout(300)
def test_a_threshold_on_events_of_thirty_days_fires_and_a_reclassification_resolves_it(tmp_path: Path) -> None:
    data_dir = str(tmp_path / "data")
    today = datetime.now(UTC).date()

    def load_deaths(*causes: str, updated: date) -> None:
        rows = [
            {"casualty_id": name_event(number), "incident_date": str(today - timedelta(days=5 * number)),
             "type_of_incident": cause, "last_update": str(updated)}
            for number, cause in enumerate(causes, 1)
        ]  # fmt: skip
        file = write_export(tmp_path / f"{updated}.csv", FATALITY, *rows)
        done = call_a4p("events", "load", str(file), "--feed", "un_fatalities", "--data-dir", data_dir)
        assert done.returncode == 0, done.stderr

    def list_firing() -> list[dict[str, str]]:
        rows = json.loads(get(f"{url}/api/v1/alerts?mission=UNMISS")[2])["rows"]
        return [row for row in rows if row["metric"] == "a4p_fatalities_malicious_acts_30d"]

    with ServiceProcess(copy_report(tmp_path / "data")) as service, ExitStack() as stack:
        url = service.wait_until_ready()
        Stack(tmp_path, url, stack, INSTALLED)
        done = call_a4p("thresholds", "set", "fatalities_malicious_acts_30d", "--above", "2", "--data-dir", data_dir)
        assert done.returncode == 0, done.stderr
        load_deaths("Malicious Act", "Malicious Act", "Malicious Act", updated=today - timedelta(days=1))
        wait_for(lambda: len(list_firing()) == 1, PATIENCE_SECONDS, 0.5)
        page = get(f"{url}/alerts/{list_firing()[0]['fingerprint']}")[2].decode()
        assert "Events behind this value" in page and page.count("Malicious act") >= 3
        load_deaths("Malicious Act", "Malicious Act", "Accident", updated=today)
        wait_for(lambda: list_firing() == [], PATIENCE_SECONDS, 0.5)
