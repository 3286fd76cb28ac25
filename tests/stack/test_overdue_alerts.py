"""Cycle 6 arrives row by row over simulated months; Prometheus' own tool evaluates the shipped rules on each /metrics."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import Definitions
from tests.conftest import WriteCsv
from tests.tools import find_tool

pytestmark = pytest.mark.stack
RULES = sorted((find_in_tree("prometheus") / "rules").glob("*.yml"))
CYCLE_6 = {"period_start": "2024-05-01", "period_end": "2024-10-31"}
OVERDUE = "A4pReportsOverdue"
# Name, mission, and the cycle of an alert about reports.
Alert = tuple[str, str, str]


class Replay:
    """A service with a clock that the test moves, and the alerts that its /metrics gives."""

    def __init__(self, folder: Path, definitions: Definitions) -> None:
        self.folder = folder
        self.now = datetime(2024, 6, 1, 12, tzinfo=UTC)
        self.application = Application(Settings(data_dir=folder / "data", threads=1), definitions, lambda: self.now)
        self.application.loads.load_shipped()

    def fire_at(self, day: str, *files: Path) -> list[Alert]:
        """Load files on a day and return every alert that fires then."""
        self.now = datetime.fromisoformat(f"{day}T12:00+00:00")
        for file in files:
            self.application.loads.load(LoadRequest(files=(file,), loaded_by="a test", status_codes="sdmx"))
        self.application.refresh(with_history=False)
        text = b"".join(self.application.exposition.text.chunks).decode()
        series = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        test = {
            "rule_files": [str(file) for file in RULES],
            "tests": [{
                "interval": "1m",
                "input_series": [{"series": name, "values": f"{value}x3"} for name, value in series],
                # An expectation that cannot hold makes promtool print every alert there is.
                "promql_expr_test": [{
                    "expr": 'count by (alertname, mission, cycle) (ALERTS{alertstate="firing"})', "eval_time": "2m",
                    "exp_samples": [{"labels": "never", "value": 1}],
                }],
            }],
        }  # fmt: skip
        file = self.folder / "test.yml"
        file.write_text(json.dumps(test))
        done = subprocess.run([find_tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True)
        return read_alerts(done.stdout + done.stderr)


def read_alerts(output: str) -> list[Alert]:
    """Return the alerts that promtool printed as what it got."""
    assert "got:" in output, output
    found = []
    for printed in re.findall(r"\{([^}]*)\}", output[output.index("got:") :]):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', printed))
        found.append((labels["alertname"], labels["mission"], labels.get("cycle", "")))
    return sorted(found)


def test_cycle_6_raises_one_alert_for_each_late_mission_and_only_after_its_deadline(
    tmp_path: Path, definitions: Definitions, write_csv: WriteCsv
) -> None:
    replay = Replay(tmp_path, definitions)
    expecting = {
        mission
        for _, entry in definitions.catalogue.indicators
        if entry.frequency == "half_yearly" and entry.counted_from is None
        for mission in entry.expected_missions
    }

    def overdue(alerts: list[Alert]) -> dict[str, set[str]]:
        cycles: dict[str, set[str]] = {}
        for alert, mission, cycle in alerts:
            if alert == OVERDUE:
                cycles.setdefault(cycle, set()).add(mission)
        return cycles

    try:
        # Before the deadline of cycle 5 only what cycle 4 lacks is late: UNMISS did not report its military units.
        june = replay.fire_at("2024-06-01")
        limits = [alert for alert in june if alert[0] != OVERDUE]
        assert limits
        assert overdue(june) == {"4": {"UNMISS"}}
        assert replay.fire_at("2024-06-29") == june
        july = replay.fire_at("2024-06-30")
        assert [alert for alert in july if alert[0] != OVERDUE] == limits
        assert overdue(july) == {
            "5": {
                "MINURSO",
                "MINUSCA",
                "MONUSCO",
                "UNDOF",
                "UNFICYP",
                "UNIFIL",
                "UNISFA",
                "UNMIK",
                "UNMISS",
                "UNMOGIP",
                "UNTSO",
            }
        }
        # The first mission of the new cycle makes no other late, whatever the value does to its own limit.
        first = write_csv("unmiss.csv", {"mission": "UNMISS", "value": 131, **CYCLE_6})
        assert replay.fire_at("2024-11-15", first) == july
        second = write_csv("minurso.csv", {"mission": "MINURSO", "value": 51, **CYCLE_6})
        november = replay.fire_at("2024-11-20", second)
        assert [alert for alert in november if alert not in july] == [("A4pSofaIncidentsNewAbove", "MINURSO", "")]
        assert [alert for alert in july if alert not in november] == []
        assert replay.fire_at("2024-12-30") == november
        # After the deadline of cycle 6 each open mission has one alert, and departments have one.
        january = replay.fire_at("2024-12-31")
        assert overdue(january) == {"6": expecting}
        assert [alert for alert in january if alert[0] != OVERDUE] == [alert for alert in november if alert[0] != OVERDUE]
        # UNMOGIP reports everything but one indicator, and then that one.
        owed = [
            entry
            for _, entry in definitions.catalogue.indicators
            if entry.frequency == "half_yearly" and entry.counted_from is None and "UNMOGIP" in entry.expected_missions
        ]
        rows = [
            {"indicator": entry.indicator, "mission": "UNMOGIP", "status": "M", "value": "", **CYCLE_6,
             "dimensions": ";".join(f"{name}={values[0]}" for name, values in entry.dimensions.items())}
            for entry in owed
        ]  # fmt: skip
        assert overdue(replay.fire_at("2025-01-15", write_csv("most.csv", *rows[1:]))) == {"6": expecting}
        assert overdue(replay.fire_at("2025-02-01", write_csv("last.csv", rows[0]))) == {"6": expecting - {"UNMOGIP"}}
        # The next deadline moves the alerts to cycle 7; the calendar years were reported in 2023 for the last time.
        assert overdue(replay.fire_at("2025-06-30"))["7"] == expecting
    finally:
        replay.application.close()
