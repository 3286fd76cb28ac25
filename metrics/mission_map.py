"""The map of missions: land, a symbol for each mission, and labels that do not overlap.

A mission whose symbol would overlap another one has a leader line from its place to symbol and label.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from metrics.catalogue import Catalogue
from metrics.languages import mark_message
from metrics.thresholds import SEVERITIES

NOTE = mark_message(
    "Places are approximate. The map shows land only, without borders or names of territories, and states no opinion on the "
    "status of any territory. Shapes: Natural Earth."
)
LAND_FILE = Path(__file__).parent / "land" / "land.json"
# Degrees of land around the outermost missions, and the smallest height of the map.
MARGIN = 9.0
MIN_SPAN = 40.0
# Degrees are narrower in the east-west direction than in the north-south one, by the cosine of the latitude. One factor for the
# whole map, that of 25 degrees, keeps the shapes of Africa and of the Middle East close to those of an atlas.
NARROWING = math.cos(math.radians(25))
SYMBOL_RADIUS = 6.0
LETTER_WIDTH = 0.72  # of the size of the font, for capital letters
GAP = 4.0
# Smallest distance of the far end of a label from other symbols, some of which are wider than their radius, and labels.
LABEL_GAP = 7.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """The place of a mission, in degrees."""

    mission: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Mark:
    """A mission on the map, in pixels: its place, its symbol and the left or right end of its label on the middle line."""

    mission: str
    place: Point
    symbol: Point
    label: Point
    anchor: str

    @property
    def has_leader(self) -> bool:
        return self.place != self.symbol


@dataclass(frozen=True)
class MissionMap:
    """A map: its size in pixels, the path of its land, and its marks in the order of the missions."""

    width: int
    height: int
    font_size: int
    land: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom

    def encloses(self, other: Box) -> bool:
        return self.left <= other.left and other.right <= self.right and self.top <= other.top and other.bottom <= self.bottom

    def contains(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom


def list_places(catalogue: Catalogue, day: date | None) -> tuple[Place, ...]:
    """Return the places of the missions that are open on a day, or today for None."""
    return tuple(
        Place(entry.mission, entry.latitude, entry.longitude)
        for entry in catalogue.missions
        if entry.status == "active" and entry.latitude is not None and entry.longitude is not None
        and (entry.opened_on is None or day is None or entry.opened_on <= day)
    )  # fmt: skip


def find_states(breaches: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """Return the most severe breach of each mission and the number of its breaches."""
    states: dict[str, tuple[str, int]] = {}
    for row in breaches:
        worst, count = states.get(row["mission"], (SEVERITIES[0], 0))
        states[row["mission"]] = (max(worst, row["severity"], key=SEVERITIES.index), count + 1)
    return states


@cache
def draw_map(places: tuple[Place, ...], width: int, font_size: int) -> MissionMap:
    """Return the map of missions. Equal arguments return equal maps. Raises ValueError without places."""
    west, east = _widen([place.longitude for place in places], MIN_SPAN)
    south, north = _widen([place.latitude for place in places], MIN_SPAN)
    scale = width / (east - west)
    height = round((north - south) * scale / NARROWING)

    def project(longitude: float, latitude: float) -> Point:
        return (longitude - west) * scale, (north - latitude) * scale / NARROWING

    frame = Box(0, 0, width, height)
    rings = [_clip([project(*point) for point in ring], frame) for ring in read_land()]
    land = "".join(_write_path(ring) for ring in rings if len(ring) > 2)
    points = {place.mission: project(place.longitude, place.latitude) for place in places}
    return MissionMap(width, height, font_size, land, _place_marks(points, frame, font_size))


@cache
def read_land() -> tuple[tuple[Point, ...], ...]:
    """Return the coasts and inland seas, each a closed ring of longitudes and latitudes."""
    rings = []
    for line in json.loads(LAND_FILE.read_text()):
        x = y = 0
        ring = []
        for east, north in zip(line[::2], line[1::2], strict=True):
            x, y = x + east, y + north
            ring.append((x / 10, y / 10))
        rings.append(tuple(ring))
    return tuple(rings)


def is_on_land(longitude: float, latitude: float) -> bool:
    """Return whether a place is on land: inside an odd number of rings."""
    return sum(contains(ring, (longitude, latitude)) for ring in read_land()) % 2 == 1


def contains(ring: Sequence[Point], point: Point) -> bool:
    """Return whether a point is inside a ring: a line from it to the east crosses the ring an odd number of times."""
    longitude, latitude = point
    crossings = 0
    for (x, y), (next_x, next_y) in pairwise([*ring, ring[0]]):
        if (y > latitude) != (next_y > latitude):
            crossings += longitude < x + (next_x - x) * (latitude - y) / (next_y - y)
    return crossings % 2 == 1


def _widen(degrees: Sequence[float], span: float) -> tuple[float, float]:
    """Return the bounds of the map around these degrees."""
    if not degrees:
        raise ValueError("a map needs a mission with a place")
    low, high = min(degrees) - MARGIN, max(degrees) + MARGIN
    missing = max(span - (high - low), 0) / 2
    return low - missing, high + missing


def _clip(ring: Sequence[Point], frame: Box) -> list[Point]:
    """Return the part of a ring inside the frame, by the algorithm of Sutherland and Hodgman."""
    clipped = list(ring)
    for axis, bound, sign in ((0, frame.left, 1), (0, frame.right, -1), (1, frame.top, 1), (1, frame.bottom, -1)):
        given, clipped = clipped, []
        for before, point in zip([*given[-1:], *given[:-1]], given, strict=True):
            is_inside, was_inside = sign * (point[axis] - bound) >= 0, sign * (before[axis] - bound) >= 0
            if is_inside != was_inside:
                share = (bound - before[axis]) / (point[axis] - before[axis])
                clipped.append((before[0] + share * (point[0] - before[0]), before[1] + share * (point[1] - before[1])))
            if is_inside:
                clipped.append(point)
    return clipped


def _write_path(ring: Sequence[Point]) -> str:
    """Return a ring as part of an SVG path, in whole pixels and relative steps, which are shorter."""
    points = [(round(x), round(y)) for x, y in ring]
    steps = [(x - last_x, y - last_y) for (last_x, last_y), (x, y) in pairwise(points) if (x, y) != (last_x, last_y)]
    return f"M{points[0][0]} {points[0][1]}l" + " ".join(f"{x} {y}" for x, y in steps) + "z" if len(steps) > 1 else ""


@dataclass(frozen=True)
class _Drawn:
    """What is on the map already, which further labels avoid."""

    frame: Box
    font_size: int
    points: dict[str, Point]
    symbols: list[Box]
    labels: list[Box]
    lines: list[Point]

    def choose(self, candidates: Iterable[Mark]) -> Mark:
        """Return the first mark without a collision, else the first one with the fewest."""
        counted = []
        for mark in candidates:
            collisions = self.count_collisions(mark)
            if collisions == 0:
                return mark
            counted.append((collisions, mark))
        return min(counted, key=lambda pair: pair[0])[1]

    def count_collisions(self, mark: Mark) -> int:
        """Return the number of collisions of a mark with the others; 10 for one that is not within the map."""
        boxes = self.find_boxes(mark)
        leader = list(_sample(mark.place, mark.symbol)) if mark.has_leader else []
        others = [point for mission, point in self.points.items() if mission != mark.mission]
        is_outside = not all(self.frame.encloses(box) for box in boxes)
        return (
            10 * is_outside
            + sum(box.overlaps(other) for box in boxes for other in [*self.symbols, *self.labels])
            + sum(box.contains(point) for box in boxes for point in self.lines)
            + sum(other.contains(point) for other in self.labels for point in leader)
            + any(math.dist(point, other) < 3 for point in leader[4:] for other in self.lines)
            + any(math.dist(point, other) < 3 for point in leader for other in others)
        )

    def add(self, mark: Mark) -> None:
        self.labels.extend(self.find_boxes(mark))
        if mark.has_leader:
            self.lines.extend(_sample(mark.place, mark.symbol))

    def find_boxes(self, mark: Mark) -> list[Box]:
        """Return the boxes of the label and, with a leader line, of the symbol; a symbol without one is in `symbols`."""
        label = find_label_box(mark, self.font_size)
        return [label, _surround(mark.symbol, SYMBOL_RADIUS + 1)] if mark.has_leader else [label]


def _place_marks(points: dict[str, Point], frame: Box, font_size: int) -> tuple[Mark, ...]:
    """Return the marks. Missions with leader lines are placed first, because they have less room."""
    crowded = [
        mission
        for mission, point in points.items()
        if any(other != mission and math.dist(point, points[other]) < 2 * SYMBOL_RADIUS + 2 for other in points)
    ]
    free = [mission for mission in points if mission not in crowded]
    symbols = [_surround(points[mission], SYMBOL_RADIUS if mission in free else 2) for mission in points]
    drawn = _Drawn(frame, font_size, points, symbols, [], [])
    middle = sum(points[mission][0] for mission in crowded) / max(len(crowded), 1)
    marks = {}
    for mission in [*crowded, *free]:
        place = points[mission]
        # Leader lines go outwards from a group of missions.
        first_side = -1 if mission in crowded and place[0] < middle else 1
        marks[mission] = drawn.choose(_list_candidates(mission, place, mission in crowded, font_size, first_side))
        drawn.add(marks[mission])
    return tuple(marks[mission] for mission in points)


def _list_candidates(mission: str, place: Point, is_crowded: bool, font_size: int, first_side: int) -> Iterator[Mark]:
    """Yield the possible marks of a mission, the best first: near its place, on the first side before the other one."""
    step = font_size * 1.1
    if not is_crowded:
        for shift in (0, -step, step):
            for side in (first_side, -first_side):
                yield _make_mark(mission, place, place, side, shift)
    for distance in (2 * step, 3 * step, 4 * step, 6 * step):
        for turn in (0, 30, -30, 55, -55):
            for side in (first_side, -first_side):
                angle = math.radians(turn)
                symbol = place[0] + side * distance * math.cos(angle), place[1] + distance * math.sin(angle)
                yield _make_mark(mission, place, symbol, side, 0)


def _make_mark(mission: str, place: Point, symbol: Point, side: int, shift: float) -> Mark:
    # A label above or below the symbol moves towards it.
    room = SYMBOL_RADIUS + GAP if shift == 0 else -SYMBOL_RADIUS
    return Mark(mission, place, symbol, (symbol[0] + side * room, symbol[1] + shift), "start" if side > 0 else "end")


def find_label_box(mark: Mark, font_size: int) -> Box:
    """Return the room of a label, by the usual width of capital letters, and a gap at its far end."""
    width = len(mark.mission) * font_size * LETTER_WIDTH
    x, y = mark.label
    left = x if mark.anchor == "start" else x - width
    before, after = (1.0, LABEL_GAP) if mark.anchor == "start" else (LABEL_GAP, 1.0)
    return Box(left - before, y - font_size * 0.6, left + width + after, y + font_size * 0.6)


def _surround(point: Point, radius: float) -> Box:
    return Box(point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _sample(start: Point, end: Point) -> Iterator[Point]:
    """Yield points of a line, two pixels apart."""
    count = max(round(math.dist(start, end) / 2), 1)
    for number in range(count + 1):
        yield start[0] + (end[0] - start[0]) * number / count, start[1] + (end[1] - start[1]) * number / count
