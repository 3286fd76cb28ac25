"""The map of missions on the overview dashboard: its land, marks and labels, without a server of tiles."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from metrics.dashboards.mission_map import LAND_FILE, LAND_SOURCE, choose_sides, render_land
from metrics.mission_map import Place, contains, list_places
from service.settings import TREE, find_in_tree
from service.warehouse.definitions import Definitions
from tests.grafana_dashboard import GrafanaDashboard

OVERVIEW = GrafanaDashboard(find_in_tree("grafana") / "dashboards" / "a4p-overview.json")


@pytest.fixture
def panel() -> dict[str, Any]:
    (found,) = [panel for panel in OVERVIEW.panels if panel["type"] == "geomap"]
    return found


def list_polygons() -> list[list[list[list[float]]]]:
    (feature,) = json.loads(render_land())["features"]
    polygons: list[list[list[list[float]]]] = feature["geometry"]["coordinates"]
    return polygons


def is_on_land(longitude: float, latitude: float) -> bool:
    return any(
        contains([(x, y) for x, y in coast], (longitude, latitude))
        and not any(contains([(x, y) for x, y in sea], (longitude, latitude)) for sea in seas)
        for coast, *seas in list_polygons()
    )


def test_the_land_has_every_mission_and_no_sea(definitions: Definitions) -> None:
    for place in list_places(definitions.catalogue, None):
        assert is_on_land(place.longitude, place.latitude), place.mission
    assert not is_on_land(-30, 0)
    assert not is_on_land(51, 42), "the Caspian Sea"


def test_every_ring_of_the_land_is_closed() -> None:
    for polygon in list_polygons():
        for ring in polygon:
            assert ring[0] == ring[-1] and ring[-2] != ring[-1] and len(ring) >= 4


def test_the_map_has_land_from_a_file_and_no_tiles(panel: dict[str, Any]) -> None:
    layers = [panel["options"]["basemap"], *panel["options"]["layers"]]
    assert {layer["type"] for layer in layers} == {"geojson", "markers"}
    assert panel["options"]["basemap"]["config"]["src"] == LAND_SOURCE == f"public/maps/{LAND_FILE}"
    assert "http" not in json.dumps(layers)


def test_the_stack_in_containers_has_the_land_in_the_folder_of_grafana() -> None:
    compose = yaml.safe_load((TREE / "docker-compose.yml").read_text(encoding="utf-8"))
    mounted = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    assert mounted[f"./grafana/maps/{LAND_FILE}"] == f"/usr/share/grafana/{LAND_SOURCE}"


def test_every_mission_has_one_label_and_close_missions_have_theirs_on_different_sides(
    definitions: Definitions, panel: dict[str, Any]
) -> None:
    sides = choose_sides(list_places(definitions.catalogue, None))
    close = [sides[mission] for mission in ("UNFICYP", "UNIFIL", "UNTSO", "UNDOF")]
    assert sorted(close) == ["above", "below", "left", "right"]
    texts = [layer["config"]["style"]["text"]["field"] for layer in panel["options"]["layers"]]
    assert set(texts) == set(sides.values())
    query = panel["targets"][0]["expr"]
    for mission in sides:
        assert query.count(mission) == 1, mission


def test_a_mission_alone_has_its_label_on_the_right() -> None:
    assert choose_sides([Place("UNMIK", 42.7, 21.2), Place("UNMISS", 4.9, 31.6)]) == {"UNMIK": "right", "UNMISS": "right"}
