"""The dashboards fit the schema that Grafana publishes for the version in docker-compose.yml."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft7Validator

from service.settings import TREE, find_in_tree

FILES = sorted((find_in_tree("grafana") / "dashboards").glob("*.json"))
(SCHEMA_FILE,) = (TREE / "tests" / "grafana_schema").glob("*.json")
SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["properties"]
# Names of Grafana before 12, written beside the current ones. Newer versions ignore them.
OLDER_PROPERTY = "custom.hidden"
OLDER_CELL_OPTION = "wrapText"


def list_errors(schema: dict[str, Any], value: object, place: str) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(value):
        yield f"{place}/{'/'.join(map(str, error.instance_path))}: {error.message}"


def list_override_errors(panel: dict[str, Any], custom: dict[str, Any], place: str) -> Iterator[str]:
    """Yield what is wrong with properties that overrides set: the name and the value of each."""
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            name = one["id"]
            known = custom if name.startswith("custom.") else SCHEMA["defaults"]
            schema = known.get("properties", {}).get(name.removeprefix("custom."))
            value = copy.copy(one["value"])
            if name == "custom.cellOptions":
                value.pop(OLDER_CELL_OPTION, None)
            if schema is None:
                if name != OLDER_PROPERTY:
                    yield f"{place}: unknown property {name}"
            else:
                yield from list_errors(schema, value, f"{place}, override of {name}")


def list_dashboard_errors(model: dict[str, Any]) -> list[str]:
    """Return what does not fit the schema: the dashboard, and options, defaults and overrides by the type of each panel."""
    errors = list(list_errors(SCHEMA["dashboard"], model, "dashboard"))
    for panel in model["panels"]:
        place = f"panel {panel['title']!r}"
        options = SCHEMA["options"]["properties"].get(panel["type"])
        if options is None:
            errors.append(f"{place}: the schema does not cover panels of type {panel['type']}")
            continue
        # A stat or bar gauge has no field options of its own.
        custom = SCHEMA["custom"]["properties"].get(panel["type"], {"type": "object", "additionalProperties": False})
        errors += list_errors(options, panel["options"], f"{place}, options")
        errors += list_errors(custom, panel["fieldConfig"]["defaults"].get("custom", {}), f"{place}, field options")
        errors += list_override_errors(panel, custom, place)
    return errors


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_fits_the_schema_of_grafana(file: Path) -> None:
    assert list_dashboard_errors(json.loads(file.read_text(encoding="utf-8"))) == []


def test_the_schema_is_that_of_the_version_in_compose() -> None:
    image = re.search(r"grafana/grafana:([\d.]+)@", (TREE / "docker-compose.yml").read_text(encoding="utf-8"))
    assert image
    assert SCHEMA_FILE.stem == image[1]


def test_every_panel_type_that_the_schema_covers_is_in_use() -> None:
    used = {panel["type"] for file in FILES for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]}
    assert used == set(SCHEMA["options"]["properties"])


@pytest.mark.parametrize(
    ("place", "name", "value", "message"),
    [
        ((), "graphTooltip", 7, "graphTooltip"),
        ((), "refreshEvery", "30m", "refreshEvery"),
        (("panels", 0), "gridPosition", {}, "panels/0"),
        (("panels", 0, "gridPos"), "w", "wide", "panels/0"),
        (("panels", 0, "options"), "textMode", "loud", "textMode"),
        (("panels", 0, "options"), "footer", {}, "footer"),
        (("panels", 0, "fieldConfig", "defaults"), "custom", {"align": "left"}, "field options"),
        (("panels", 0, "fieldConfig"), "overrides", [{"matcher": {"id": "byName"}, "properties": [
            {"id": "custom.wdth", "value": 1}]}], "unknown property custom.wdth"),
        (("panels", 0, "fieldConfig"), "overrides", [{"matcher": {"id": "byName"}, "properties": [
            {"id": "decimals", "value": "two"}]}], "override of decimals"),
        (("panels", 0), "type", "graph", "panels of type graph"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(place: tuple[str | int, ...], name: str, value: object, message: str) -> None:
    file = find_in_tree("grafana") / "dashboards" / "a4p-service.json"
    model = json.loads(file.read_text(encoding="utf-8"))
    target: Any = model
    for step in place:
        target = target[step]
    target[name] = value
    errors = list_dashboard_errors(model)
    assert errors and any(message in error for error in errors), errors
