"""The Prometheus rules as Prometheus' own tools evaluate them: valid, and in agreement with the evaluation in SQL."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from metrics.rules import name_alert, write_expression
from metrics.thresholds import COMPARISONS
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings, find_in_tree
from service.snapshots.snapshot import render_as_of
from service.warehouse.connection import open_copy
from service.warehouse.definitions import Definitions
from tests.conftest import Clock, WriteCsv
from tests.tools import each_generation, find_tool

PROMETHEUS = find_in_tree("prometheus")
MISSIONS = ["MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNFICYP", "UNIFIL", "UNISFA", "UNMISS"]
KPI = "sofa_incidents_new_share"
WORLDS, THRESHOLDS, DAYS = 2, 3_000, 6
pytestmark = pytest.mark.stack


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@each_generation
def test_promtool_accepts_the_rules(generation: str) -> None:
    run(find_tool("promtool", generation), "check", "rules", *map(str, sorted((PROMETHEUS / "rules").glob("*.yml"))))


@each_generation
@pytest.mark.parametrize("file", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda file: file.name)
def test_the_alerts_pass_their_promtool_tests(file: Path, generation: str) -> None:
    run(find_tool("promtool", generation), "test", "rules", file.name, cwd=file.parent)


@each_generation
def test_amtool_accepts_the_configuration(definitions: Definitions, generation: str) -> None:
    file = PROMETHEUS / "alertmanager.yml"
    run(find_tool("amtool", generation), "check-config", str(file))
    configuration = yaml.safe_load(file.read_text())
    assert configuration["route"]["group_by"] == ["mission", "priority"]
    labels = {name for _, indicator in definitions.catalogue.indicators for name in indicator.dimensions}
    assert labels <= set(configuration["inhibit_rules"][0]["equal"])


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    # One KPI stands for all: computing the others for each date would be most of the time.
    bare = replace(definitions, thresholds=(), kpis=tuple(kpi for kpi in definitions.kpis if kpi.kpi == KPI))
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), bare, Clock(datetime(2024, 9, 10, tzinfo=UTC)))
    yield opened
    opened.close()


def read_samples(exposition: bytes) -> list[str]:
    return [line for line in exposition.decode().splitlines() if line and not line.startswith("#")]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(WORLDS))
def test_the_rules_fire_exactly_for_the_breaches_of_the_view(
    application: Application, write_csv: WriteCsv, tmp_path: Path, seed: int
) -> None:
    # A world of random values and thresholds; each date is rendered as it is scraped, and promtool evaluates the rules on it.
    promtool = find_tool("promtool")
    luck = random.Random(seed)
    counts = {
        indicator.indicator: indicator.dimensions
        for _, indicator in application.definitions.catalogue.indicators
        if indicator.frequency == "half_yearly" and indicator.whole and indicator.maximum is None
        and len(indicator.dimensions) <= 1
    }  # fmt: skip
    periods = [(f"{year}-05-01", f"{year}-10-31") for year in range(2014, 2023)]
    rows = []
    for indicator, known in counts.items():
        for mission in MISSIONS:
            for dimensions in [f"{name}={value}" for name, values in known.items() for value in values] or [""]:
                for start, end in periods:
                    status = luck.choices(["A", "P", "O", "V", "M", None], [10, 2, 2, 1, 1, 2])[0]
                    if status is not None:
                        value = luck.randint(0, 9) if status in "AP" else ""
                        rows.append(
                            {"indicator": indicator, "mission": mission, "dimensions": dimensions, "period_start": start,
                             "period_end": end, "value": value, "status": status}
                        )  # fmt: skip
    application.loads.load(LoadRequest(files=(write_csv("random.csv", *rows),), loaded_by="the tests", status_codes="sdmx"))
    metrics = [f"a4p_{name}" for name in counts] + ["a4p_indicator_change", f"a4p_{KPI}"]
    with application.warehouse.write() as cursor:
        for number in range(THRESHOLDS):
            metric = luck.choice(metrics)
            dimensions = {}  # type: ignore[assignment]
            if metric == "a4p_indicator_change" and luck.random() < 0.8:
                dimensions["indicator"] = luck.choice(list(counts))
            for name, values in counts.get(metric.removeprefix("a4p_"), {}).items():
                if luck.random() < 0.6:
                    dimensions[name] = luck.choice(values)
            limit = luck.choice([0.05, 0.1, 0.2]) if metric.endswith("_share") else luck.randint(-3, 8)
            cursor.execute(
                "insert into store.thresholds values (?, ?, ?::map(varchar, varchar), ?, ?, ?, null, 't', "
                "timestamptz '2024-01-01' + to_microseconds(?), false)",
                [metric, luck.choice(["*", *MISSIONS]), dimensions, luck.choice(["above", "below"]),
                 luck.choice(["info", "warning", "critical"]), limit if luck.random() < 0.9 else None, number],
            )  # fmt: skip
    application.refresh()

    rules = tmp_path / "rules.yml"
    names = {metric: name_alert(metric.removeprefix("a4p_"), "above").removesuffix("Above") for metric in metrics}
    rules.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [
        {"alert": names[metric] + comparison.capitalize(),
         "expr": write_expression(metric, comparison, names[metric] + comparison.capitalize())}
        for metric in metrics for comparison in COMPARISONS
    ]}]}))  # fmt: skip
    tests, agreed = [], 0
    ends = [end for _, end in luck.sample(periods, DAYS // 2)]
    between = [f"{luck.randint(2015, 2022)}-{luck.randint(1, 12):02}-15" for _ in range(DAYS // 2)]
    for day in sorted({*ends, *between}):
        with open_copy(application.settings.read_copy_file) as copy:
            exposition, _ = render_as_of(copy, application.definitions, datetime.fromisoformat(day).date())
            samples = read_samples(b"".join(exposition.text.chunks))
            breaches = copy.execute(
                "select metric, mission, dimensions, comparison, severity from threshold_breaches"
            ).fetchall()
        agreed += len(breaches)
        requested = {}
        for metric, mission, dimensions, comparison, severity in breaches:
            alert = names[metric] + comparison.capitalize()
            labels = {"alertname": alert, "alertstate": "firing", "metric": metric, "mission": mission, **dimensions,
                      "comparison": comparison, "severity": severity}  # fmt: skip
            requested["ALERTS{" + ",".join(f"{k}={json.dumps(v)}" for k, v in labels.items()) + "}"] = 1
        shown = [
            line.rsplit(" ", 1)
            for line in samples
            if line.split("{")[0] in {*metrics, "a4p_threshold", "a4p_unreported_last_value"}
        ]
        tests.append({
            "interval": "1m",
            "input_series": [{"series": series, "values": f"{value}x3"} for series, value in shown],
            "promql_expr_test": [{"expr": "ALERTS", "eval_time": "2m",
                                  "exp_samples": [{"labels": labels, "value": 1} for labels in requested]}],
        })  # fmt: skip
    # JSON is YAML, and is written in a tenth of the time.
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}))
    run(promtool, "test", "rules", "test.yml", cwd=tmp_path)
    assert len(rows) > 2_500 and agreed > 3_000
