"""The map of missions: land without borders from a file, and a mark with a label for each mission."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common, dashboard, geomap
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, ValueMapping
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode

from metrics.catalogue import Catalogue
from metrics.dashboards.labels import ABSENT
from metrics.dashboards.layout import link_to
from metrics.dashboards.panels import PROMETHEUS, Query, ask, override, plain_thresholds, transform
from metrics.dashboards.queries import select
from metrics.dashboards.uids import MISSION
from metrics.mission_map import NOTE, Place, contains, list_places, read_land

LAND_FILE = "a4p-land.geojson"
# Below Grafana's folder of static files. Grafana 13 reads only this folder and addresses that begin with http.
LAND_SOURCE = f"public/maps/{LAND_FILE}"
# Missions that are closer than this have their labels on different sides.
CROWDED_DEGREES = 3.5
# By the side of the label: how Grafana places its text, in pixels from the mark.
SIDES: Mapping[str, Mapping[str, object]] = {
    "right": {"textAlign": "left", "textBaseline": "middle", "offsetX": 9, "offsetY": 0},
    "left": {"textAlign": "right", "textBaseline": "middle", "offsetX": -9, "offsetY": 0},
    "above": {"textAlign": "center", "textBaseline": "bottom", "offsetX": 0, "offsetY": -8},
    "below": {"textAlign": "center", "textBaseline": "top", "offsetX": 0, "offsetY": 8},
}


def render_land() -> str:
    """Return the land as GeoJSON: one feature with a polygon for each coast, whose holes are its inland seas."""
    rings = read_land()
    # A ring inside an odd number of others is water.
    seas = [ring for ring in rings if sum(contains(other, ring[0]) for other in rings if other is not ring) % 2]
    polygons = []
    for coast in rings:
        if coast not in seas:
            inside = [sea for sea in seas if contains(coast, sea[0])]
            polygons.append([_close(ring) for ring in [coast, *inside]])
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": polygons}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, separators=(",", ":")) + "\n"


def _close(ring: Sequence[tuple[float, float]]) -> list[list[float]]:
    closed = ring if ring[0] == ring[-1] else [*ring, ring[0]]
    return [[round(x, 1), round(y, 1)] for x, y in closed]


def choose_sides(places: Sequence[Place]) -> dict[str, str]:
    """Return the side of the label of each mission: different ones for missions that are close to each other.

    Of a group, the label of the northern mission is above it, of the western and eastern ones beside it, of others below.
    """
    sides = {}
    for place in places:
        group = [other for other in places if _is_close(place, other)]
        north = max(group, key=lambda other: other.latitude)
        rest = [other for other in group if other is not north] or [north]
        if place is max(rest, key=lambda other: other.longitude):
            sides[place.mission] = "right"
        elif place is north:
            sides[place.mission] = "above"
        else:
            sides[place.mission] = "left" if place is min(rest, key=lambda other: other.longitude) else "below"
    return sides


def _is_close(place: Place, other: Place) -> bool:
    return max(abs(place.latitude - other.latitude), abs(place.longitude - other.longitude)) < CROWDED_DEGREES


def draw_map(
    catalogue: Catalogue, title: str, description: str, states: str, mappings: Sequence[ValueMapping], none: str
) -> geomap.Panel:
    """Return the map of the current missions with the value of each by `states`, a query by mission."""
    sides = choose_sides(list_places(catalogue, None))
    used = [side for side in SIDES if side in sides.values()]
    info = f"max by (mission, location, latitude, longitude) ({select('a4p_mission_info')})"
    query = f"{states} * on (mission) group_left (location, latitude, longitude) {info}"
    for side in used:
        missions = "|".join(mission for mission, chosen in sides.items() if chosen == side)
        query = f'label_replace({query}, "{side}", "$1", "mission", "({missions})")'
    shown = ["mission", "location", "Value", "latitude", "longitude", *used]
    panel = (
        geomap.Panel()
        .title(title)
        .description(f"{description} {NOTE}")
        .datasource(PROMETHEUS)
        .targets(list(ask([Query(query, instant=True)], as_table=True)))
        .no_value(none)
        .mappings(list(mappings))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(plain_thresholds((None, ABSENT)))
        .transformations(
            [
                # The values of labels are text.
                transform(
                    "convertFieldType",
                    fields={},
                    conversions=[{"targetField": name, "destinationType": "number"} for name in ("latitude", "longitude")],
                ),
                transform("filterFieldsByName", include={"names": shown}),
                transform(
                    "organize",
                    indexByName={field: number for number, field in enumerate(shown)},
                    renameByName={"mission": "Mission", "location": "Location", "Value": "Status"},
                ),
            ]
        )
        .view(geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(False).layer(f"Missions, label {used[0]}").padding(12))
        .controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(False))
        .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
        # A layer of data in place of the base map, which would be loaded from a server of tiles.
        .basemap(
            common.MapLayerOptions()
            .type("geojson")
            .name("Land")
            .config({"src": LAND_SOURCE, "rules": [], "style": _style_land()})
            .tooltip(False)
        )
        .layers([_mark(side, is_first=side == used[0]) for side in used])
    )
    panel.with_override(
        *override("byName", "Mission", links=[{"title": "Mission details", "url": link_to(MISSION, mission="${__value.raw}")}])
    )
    hidden = {"viz": False, "legend": True, "tooltip": True}
    for name in ("latitude", "longitude", *used):
        panel.with_override(*override("byName", name, custom__hideFrom=hidden, unit="none"))
    return panel


def _style_land() -> dict[str, object]:
    return {"color": {"fixed": ABSENT}, "opacity": 0.35, "lineWidth": 0}


def _mark(side: str, *, is_first: bool) -> common.MapLayerOptions:
    """Return a layer with the marks of all missions, and labels on one side. Each layer has one placement of labels."""
    return (
        common.MapLayerOptions()
        .type("markers")
        .name(f"Missions, label {side}")
        .location(common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("latitude").longitude("longitude"))
        .config(
            {
                "showLegend": False,
                "style": {
                    "color": {"field": "Status", "fixed": ABSENT},
                    "opacity": 1,
                    "size": {"fixed": 5, "min": 5, "max": 5},
                    "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
                    "text": {"mode": "field", "field": side, "fixed": ""},
                    "textConfig": {"fontSize": 12, **SIDES[side]},
                },
            }
        )
        .tooltip(is_first)
    )
