"""A dashboard file as Grafana reads it: panels, variables and what they make of queries, columns of tables, series."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")
DATASOURCE = "datasource"
# A panel asks for one point a pixel; a page this narrow asks for fewer than people do, and of the same queries.
PAGE_PIXELS = 480
COLUMNS = 24
# What the provisioned data source says of its scrapes.
LEAST_SCRAPE_SECONDS = 60
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
Series = Mapping[str, str]


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as 30m."""
    return int(text[:-1]) * SECONDS[text[-1]]


@dataclass(frozen=True)
class Target:
    """A query of a panel, with its variables replaced."""

    panel: str
    kind: str
    ref_id: str
    expression: str
    legend: str
    is_instant: bool
    is_table: bool
    step_seconds: int

    def name_series(self, labels: Series) -> str:
        """Return the name of a series in a legend."""
        return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda found: labels.get(found[1], ""), self.legend).strip()


class GrafanaDashboard:
    """One file of grafana/dashboards."""

    def __init__(self, file: Path) -> None:
        self.model: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self.uid: str = self.model["uid"]
        self.panels: list[dict[str, Any]] = [panel for panel in self.model["panels"] if panel["type"] != "row"]

    @property
    def range_seconds(self) -> int:
        """How long the range is that the dashboard opens with; it ends now."""
        start = self.model["time"]["from"]
        assert self.model["time"]["to"] == "now"
        if start.startswith("now-"):
            return parse_duration(start.removeprefix("now-"))
        # In whole days, so that the steps of queries do not change while tests run.
        return (datetime.now(UTC) - datetime.fromisoformat(start)).days * SECONDS["d"]

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        return {variable["name"]: variable for variable in self.model["templating"]["list"]}

    def list_options(self, name: str) -> list[str]:
        """Return the values that a custom variable offers, read from its text as Grafana does."""
        variable = self.variables[name]
        assert variable["type"] == "custom"
        parts = [part.replace("\\,", ",").strip() for part in re.findall(r"(?:\\,|[^,])+", variable["query"])]
        return [pair[1] if (pair := re.fullmatch(r"(?:.+?)\s:\s(.+)", part)) else part for part in parts]

    def choose(self, **values: str) -> dict[str, str]:
        """Return the value of every variable: those given, else the saved ones."""
        saved = {name: variable["current"]["value"] for name, variable in self.variables.items()}
        assert values.keys() <= saved.keys()
        return saved | values

    def list_annotations(self, name: str) -> list[dict[str, Any]]:
        """Return the annotations with this name: one or none."""
        return [annotation for annotation in self.model["annotations"]["list"] if annotation["name"] == name]

    def list_targets(self, values: Mapping[str, str]) -> Iterator[Target]:
        """Yield every query of every panel."""
        scraped = f"{LEAST_SCRAPE_SECONDS}s"
        for panel in self.panels:
            for target in panel.get("targets", []):
                pixels = max(1, PAGE_PIXELS * panel["gridPos"]["w"] // COLUMNS)
                least = parse_duration(target.get("interval") or panel.get("interval") or scraped)
                step = max(least, math.ceil(self.range_seconds / pixels / 60) * 60)
                # As wide as four scrapes at least, so that a rate has two samples.
                rate = max(step + LEAST_SCRAPE_SECONDS, 4 * LEAST_SCRAPE_SECONDS)
                known = {**values, "__range": f"{self.range_seconds}s", "__interval": f"{step}s", "__rate_interval": f"{rate}s"}
                yield Target(
                    panel["title"],
                    panel["type"],
                    target["refId"],
                    replace_variables(target["expr"], known),
                    target.get("legendFormat", ""),
                    bool(target.get("instant")),
                    target.get("format") == "table",
                    step,
                )


def replace_variables(text: str, values: Mapping[str, str]) -> str:
    """Return a query with its variables replaced; what is none, as $1, stays."""

    def replace(found: re.Match[str]) -> str:
        return values.get(found[1] or found[2], found[0])

    return VARIABLE.sub(replace, text)


def tabulate(panel: Mapping[str, Any], answers: Mapping[str, list[Series]]) -> set[str]:
    """Return the columns that a table has after its transformations; each must name columns that exist or may be empty."""
    several = sum(bool(series) for series in answers.values()) > 1
    columns = {"Time"}
    for ref_id, series in answers.items():
        columns |= {label for labels in series for label in labels}
        columns.add(f"Value #{ref_id}" if several else "Value")
    # Queries without an answer at this moment, and the name of the first one's values while it alone has one.
    allowed = {f"Value #{ref_id}" for ref_id in answers} | {"Value"}
    for transformation in panel.get("transformations", []):
        options = transformation["options"]
        match transformation["id"]:
            case "merge":
                pass
            case "sortBy":
                assert {sort["field"] for sort in options["sort"]} <= columns
            case "labelsToFields":
                label = options["valueLabel"]
                (series,) = answers.values()
                columns = {"Time"} | {name for labels in series for name in labels} - {label}
                columns |= {labels[label] for labels in series}
            case "groupingToMatrix":
                row, column = options["rowField"], options["columnField"]
                (series,) = answers.values()
                assert {row, column, options["valueField"]} <= columns
                columns = {f"{row}\\{column}"} | {labels[column] for labels in series}
            case "filterFieldsByName":
                named = set(options["include"]["names"])
                assert named <= columns | allowed, named - columns
                columns &= named
            case "organize":
                assert options.get("indexByName", {}).keys() | options["renameByName"].keys() <= columns | allowed
                columns = {options["renameByName"].get(column, column) for column in columns}
            case other:
                raise AssertionError(f"the harness does not know the transformation {other}")
    return columns
