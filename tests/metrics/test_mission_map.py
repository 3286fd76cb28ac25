"""The map of missions: land, symbols and labels."""

from __future__ import annotations

from itertools import combinations

import pytest

from metrics.catalogue import read_catalogue
from metrics.mission_map import LAND_FILE, Box, Place, draw_map, find_label_box, is_on_land, read_land
from service.settings import find_in_tree

MISSIONS = [entry for entry in read_catalogue(find_in_tree("metrics")).missions if entry.status == "active"]
PLACES = tuple(Place(entry.mission, entry.latitude or 0, entry.longitude or 0) for entry in MISSIONS)


def test_every_active_mission_has_a_place_on_land() -> None:
    for entry in MISSIONS:
        assert entry.latitude is not None and entry.longitude is not None, entry.mission
        assert is_on_land(entry.longitude, entry.latitude), entry.mission
    assert not is_on_land(-30, 0)


def test_coasts_are_closed_and_small() -> None:
    assert all(ring[0] == ring[-1] for ring in read_land())
    assert LAND_FILE.stat().st_size < 60_000


@pytest.mark.parametrize(("width", "font_size"), [(720, 13), (390, 12)])
def test_labels_do_not_overlap_and_are_inside(width: int, font_size: int) -> None:
    drawn = draw_map(PLACES, width, font_size)
    boxes = {mark.mission: find_label_box(mark, font_size) for mark in drawn.marks}
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        assert not first.overlaps(second), (one, other)
    assert all(Box(0, 0, drawn.width, drawn.height).encloses(box) for box in boxes.values())


@pytest.mark.parametrize(("width", "font_size"), [(720, 13), (390, 12)])
def test_labels_do_not_touch_symbols_of_other_missions(width: int, font_size: int) -> None:
    drawn = draw_map(PLACES, width, font_size)
    # The triangle of a warning is 15 pixels wide.
    symbols = {
        mark.mission: Box(mark.symbol[0] - 8, mark.symbol[1] - 6, mark.symbol[0] + 8, mark.symbol[1] + 6)
        for mark in drawn.marks
    }
    for mark in drawn.marks:
        label = find_label_box(mark, font_size)
        assert [other for other, symbol in symbols.items() if other != mark.mission and label.overlaps(symbol)] == [], (
            mark.mission
        )


def test_only_missions_close_to_others_have_leader_lines() -> None:
    drawn = draw_map(PLACES, 720, 13)
    assert [mark.mission for mark in drawn.marks if mark.has_leader] == ["UNDOF", "UNIFIL", "UNTSO"]


def test_the_map_covers_a_mission_elsewhere() -> None:
    drawn = draw_map((*PLACES, Place("MINUSTAH", 18.54, -72.34)), 720, 13)
    mark = drawn.marks[-1]
    assert 0 < mark.place[0] < 720 and 0 < mark.place[1] < drawn.height
    assert draw_map((Place("MINUSTAH", 18.54, -72.34),), 720, 13).marks[0].anchor == "start"


def test_a_map_without_places_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a mission"):
        draw_map((), 720, 13)
