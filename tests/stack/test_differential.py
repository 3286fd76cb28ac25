"""PromQL through a real Prometheus, compared with values computed from the observations, for every form of query."""

from __future__ import annotations

import itertools
import math
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.settings import find_in_tree
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue
from tests.fuzz import count_examples
from tests.prometheus_process import PrometheusProcess
from tests.service_process import ServiceProcess
from tests.tools import INSTALLED, NEWER

pytestmark = pytest.mark.stack

SEED = int(os.environ.get("A4P_TEST_SEED", "2018"))
CASES = count_examples(600)
DAY = 86_400_000
FIRST, LAST = date(2014, 1, 1), date(2024, 6, 30)
STEPS = [1000, 15_000, 60_000, 299_000, 300_000, 301_000, 3_600_000, 7 * 3_600_000, DAY, DAY + 1, 3 * DAY, 7 * DAY, 30 * DAY]
MISSIONS = ["UNMISS", "MONUSCO", "UNIFIL", "ALL"]
INDICATORS = ["sofa_incidents_new", "tpp_trainees", "serious_misconduct_allegations", "sea_allegations_by_incident_date"]
Labels = frozenset[tuple[str, str]]
Row = tuple[date, date, int, float | None]


@dataclass(frozen=True)
class World:
    """Every row of every series, by its labels (`__name__` among them): period_start, period_end, batch, value."""

    series: dict[Labels, list[Row]]
    _read: dict[tuple[Labels, int], float | None] = field(default_factory=dict)

    def read(self, labels: Labels, instant_ms: int) -> float | None:
        """Return the value that holds at an instant, from the rule as it stands in the design."""
        key = labels, instant_ms // DAY
        if key not in self._read:
            as_of = date(1970, 1, 1) + timedelta(days=key[1] - 1)
            rows = [row for row in self.series[labels] if row[1] <= as_of]
            self._read[key] = max(rows, key=lambda row: (row[1], row[0], row[2]))[3] if rows else None
        return self._read[key]

    def list_starts(self, labels: Labels) -> list[tuple[int, float]]:
        """Return each observation that holds at some time, with the instant (ms) at which it begins to."""
        begun = []
        for day in sorted({row[1] for row in self.series[labels]}):
            instant = ((day - date(1970, 1, 1)).days + 1) * DAY
            value = self.read(labels, instant)
            if value is not None:
                begun.append((instant, value))
        return begun


def make_world(chance: random.Random) -> World:
    """Make series with revisions, gaps, ends, changes of length and periods that overlap."""
    series: dict[Labels, list[Row]] = {}
    keys = [(indicator, mission, {}) for indicator in INDICATORS for mission in MISSIONS]
    keys += [("tpp_trainees", mission, {"training": training}) for mission in MISSIONS for training in ("Medical", "Signals")]
    for indicator, mission, dimensions in keys:
        rows: list[Row] = []
        day = FIRST + timedelta(days=chance.randrange(0, 900))
        while day < LAST and len(rows) < 60:
            length = chance.choice([1, 2, 30, 90, 181, 365])
            end = day + timedelta(days=length - 1)
            if chance.random() > 0.15:
                rows.append((day, end, 1, None if chance.random() < 0.2 else float(chance.randrange(0, 500))))
                if chance.random() < 0.3:  # the same end, another length
                    other = end - timedelta(days=chance.choice([7, 400]))
                    rows.append((other, end, 1, None if chance.random() < 0.2 else float(chance.randrange(0, 500))))
                if chance.random() < 0.4:  # corrected later
                    start, finish, _, _ = chance.choice(rows)
                    rows.append((start, finish, 2, None if chance.random() < 0.2 else chance.uniform(0, 500)))
            day = end + timedelta(days=1 if chance.random() < 0.7 else chance.randrange(1, 200))
        retained = {(row[0], row[1], row[2]): row for row in rows}
        labels = {"__name__": f"a4p_{indicator}", "mission": mission, **dimensions}
        series[frozenset(labels.items())] = list(retained.values())
    return World(series)


def store_world(world: World, data_dir: Path, catalogue: Path) -> None:
    """Put the world straight into the tables of a new warehouse."""
    warehouse = open_warehouse(data_dir / "warehouse.duckdb", 1, "1GB")
    try:
        store_catalogue(warehouse, read_definitions(catalogue).catalogue, datetime(2025, 1, 1, tzinfo=UTC))
        with warehouse.write() as cursor:
            for batch in (1, 2):
                recorded = datetime(2025, 1, batch, tzinfo=UTC)
                cursor.execute(
                    "insert into store.batches values (?, 'made', ?, 'the tests', ?, 0, 0, 0, 0)", [batch, str(batch), recorded]
                )
            for number, (labels, rows) in enumerate(world.series.items(), 1):
                named = dict(labels)
                indicator, mission = named.pop("__name__").removeprefix("a4p_"), named.pop("mission")
                cursor.execute("insert into store.series values (?, ?, ?, ?)", [number, indicator, mission, named])
                cursor.executemany(
                    "insert into store.observations values (?, ?, ?, ?, ?, 'made', null, null, ?, ?)",
                    [
                        [number, start, end, value, "O" if value is None else "A", batch, datetime(2025, 1, batch, tzinfo=UTC)]
                        for start, end, batch, value in rows
                    ],
                )
    finally:
        warehouse.close()


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(random.Random(SEED))


@pytest.fixture(scope="module", params=[INSTALLED, NEWER])
def prometheus(
    world: World, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[PrometheusProcess]:
    directory = tmp_path_factory.mktemp("differential")
    catalogue = directory / "catalogue"
    shutil.copytree(find_in_tree("metrics"), catalogue, ignore=shutil.ignore_patterns("observations", "*.py*"))
    store_world(world, directory / "data", catalogue)
    with (
        ServiceProcess(directory / "data", A4P_CATALOGUE=str(catalogue)) as service,
        PrometheusProcess(
            directory / "prometheus", service_url=service.wait_until_ready(), generation=request.param
        ) as running,
    ):
        yield running


class Case:
    """One random query with the answer it must have."""

    def __init__(self, world: World, chance: random.Random, *, includes_left_edge: bool) -> None:
        self.world, self.chance = world, chance
        # Prometheus 2 counts a sample at the start of a range; from 3.0 on the start is excluded.
        self.excluded_ms = 0 if includes_left_edge else 1
        self.instants = sorted({start for labels in world.series for start, _ in world.list_starts(labels)})
        self.ends = sorted({((row[1] - date(1970, 1, 1)).days + 1) * DAY for rows in world.series.values() for row in rows})

    def pick_instant(self) -> int:
        """Return an instant at, just beside or far from where something changes."""
        turn = self.chance.choice(self.ends)
        nudge = self.chance.choice([0, 0, -1, 1, -1000, 1000, -300_000, 300_000, -299_999, self.chance.randrange(-DAY, DAY)])
        return turn + nudge

    def pick_selector(self) -> tuple[str, list[Labels]]:
        labels = dict(self.chance.choice(list(self.world.series)))
        name = labels.pop("__name__")
        pieces = ['job="a4p-history"']
        kind = self.chance.randrange(4)
        if kind == 0:
            pieces += [f'{key}="{value}"' for key, value in labels.items()]
            if "training" not in labels:
                pieces.append('training=""')
            accepted = [key for key in self.world.series if key == frozenset({"__name__": name, **labels}.items())]
        elif kind == 1:
            pieces.append('mission=~"UN.*"')
            accepted = [k for k in self.world.series if ("__name__", name) in k and dict(k)["mission"].startswith("UN")]
        elif kind == 2:
            pieces.append('mission!~"UN.*|ALL"')
            accepted = [k for k in self.world.series if ("__name__", name) in k and dict(k)["mission"] == "MONUSCO"]
        else:
            accepted = [k for k in self.world.series if ("__name__", name) in k]
        return f"{name}{{{','.join(pieces)}}}", accepted

    def pick_offset(self, unit: int = 1000) -> int:
        choices = [0, unit, DAY, 7 * DAY, 365 * DAY, -DAY, self.chance.randrange(-400 * DAY, 1500 * DAY)]
        return self.chance.choice(choices) // unit * unit

    def make(self) -> tuple[str, str, dict[str, int], dict[Labels, dict[int, float]]]:
        """Return the form, the query, its times, and of each series the values at each instant."""
        selector, accepted = self.pick_selector()
        is_range = self.chance.random() < 0.4
        if is_range:
            step = self.chance.choice(STEPS)
            start = self.pick_instant()
            if self.chance.random() < 0.5:
                start = start // step * step  # as Grafana asks
            end = start + step * self.chance.randrange(0, 300) + self.chance.choice([0, self.chance.randrange(step)])
            times = {"start": start, "end": end, "step": step}
            evaluations = list(range(start, end + 1, step))
        else:
            evaluations = [self.pick_instant()]
            times = {"time": evaluations[0]}
        form = self.chance.choice(
            ["plain", "offset", "at", "sum", "over_time", "over_time", "subquery", "subquery", "default_step"]
        )
        return f"{'range' if is_range else 'instant'} {form}", *self.make_form(form, selector, accepted, times, evaluations)

    def make_form(
        self, form: str, selector: str, accepted: list[Labels], times: dict[str, int], evaluations: list[int]
    ) -> tuple[str, dict[str, int], dict[Labels, dict[int, float]]]:
        read = self.world.read
        offset = 0 if form in ("plain", "sum") else self.pick_offset()
        shift = f" offset {write_duration(offset)}" if offset else ""
        fixed = self.pick_instant() if form == "at" or (self.chance.random() < 0.1 and form != "plain") else None
        at = "" if fixed is None else f" @ {fixed / 1000:.3f}"
        expected: dict[Labels, dict[int, float]] = defaultdict(dict)
        if form in ("plain", "offset", "at", "sum"):
            query = f"{selector}{shift}{at}"
            for labels, instant in itertools.product(accepted, evaluations):
                value = read(labels, (instant if fixed is None else fixed) - offset)
                if value is not None:
                    expected[labels][instant] = value
            if form == "sum":
                summed: dict[int, float] = defaultdict(float)
                for values in expected.values():
                    for instant, value in values.items():
                        summed[instant] += value
                return f"sum({query})", times, {frozenset(): dict(summed)} if summed else {}
            return query, times, dict(expected)
        function = self.chance.choice(["sum", "count", "max", "min", "last", "avg"])
        if form == "over_time":
            length = self.chance.choice([1000, DAY, 30 * DAY, 365 * DAY, 2000 * DAY, self.chance.randrange(1, 900_000) * 1000])
            query = f"{function}_over_time({selector}[{write_duration(length)}]{shift}{at})"
            for labels, instant in itertools.product(accepted, evaluations):
                last = (instant if fixed is None else fixed) - offset
                first = last - length + self.excluded_ms
                seen = [value for start, value in self.world.list_starts(labels) if first <= start <= last]
                if seen:
                    expected[labels][instant] = apply(function, seen)
            return query, times, dict(expected)
        length, step = self.pick_subquery(form, len(evaluations))
        if "step" in times:  # a subquery of short steps over many years is past the limit of samples
            evaluations = [instant for instant in evaluations if instant - times["start"] <= 5000 * max(step, 300_000)]
            times = {**times, "end": evaluations[-1]}
        written_step = "" if form == "default_step" else write_duration(step)
        # Inside a subquery an offset is served where it is whole days, or where the answer is small (the decision says why).
        inner = self.chance.choice([0, 0, self.pick_offset(DAY)])
        inner_shift = f" offset {write_duration(inner)}" if inner else ""
        expression = f"{selector}{inner_shift}"
        if self.chance.random() < 0.2:
            expression = f"({expression} + 0)"  # hides from the request that there is a subquery
        query = f"{function}_over_time({expression}[{write_duration(length)}:{written_step}]{shift}{at})"
        for labels, instant in itertools.product(accepted, evaluations):
            last = (instant if fixed is None else fixed) - offset
            first = -(-(last - length + self.excluded_ms) // step) * step
            seen = [value for t in range(first, last + 1, step) if (value := read(labels, t - inner)) is not None]
            if seen:
                expected[labels][instant] = apply(function, seen)
        return query, times, dict(expected)

    def pick_subquery(self, form: str, evaluations: int) -> tuple[int, int]:
        step = 60_000 if form == "default_step" else self.chance.choice(STEPS[2:])
        most = max(2, min(200, 2000 // evaluations))
        length = step * self.chance.randrange(1, most)
        return max(1000, length // 1000 * 1000), step


def apply(function: str, values: list[float]) -> float:
    return {
        "sum": sum(values),
        "count": len(values),
        "max": max(values),
        "min": min(values),
        "last": values[-1],
        "avg": sum(values) / len(values),
    }[function]


def write_duration(milliseconds: int) -> str:
    return f"{'-' if milliseconds < 0 else ''}{abs(milliseconds)}ms"


def read_answer(result: list[dict[str, Any]]) -> dict[Labels, dict[int, float]]:
    answer: dict[Labels, dict[int, float]] = {}
    for series in result:
        labels = dict(series["metric"])
        assert "instance" not in labels
        assert labels.pop("job", "a4p-history") == "a4p-history"
        points = series["values"] if "values" in series else [series["value"]]
        answer[frozenset(labels.items())] = {round(float(t) * 1000): float(value) for t, value in points}
    return answer


def without_name(labels: Labels) -> Labels:
    return frozenset((name, value) for name, value in labels if name != "__name__")


def test_every_form_of_query_returns_the_expected_values(world: World, prometheus: PrometheusProcess) -> None:
    chance = random.Random(SEED + 1)
    counts: dict[str, int] = defaultdict(int)
    filled = 0
    cases = Case(world, chance, includes_left_edge=prometheus.read_major_version() == 2)
    for number in range(CASES):
        form, query, times, expected = cases.make()
        if "time" in times:
            result = prometheus.query(query, times["time"] / 1000)
        else:
            result = prometheus.query_range(query, times["start"] / 1000, times["end"] / 1000, times["step"] / 1000)
        answer = read_answer(result)
        if form.split()[1] not in ("plain", "offset", "at"):  # last_over_time keeps the name, the others drop it
            expected = {without_name(labels): values for labels, values in expected.items()}
            answer = {without_name(labels): values for labels, values in answer.items()}
        context = f"case {number} (seed {SEED}), {form}: {query} {times}"
        assert answer.keys() == expected.keys(), context
        for labels, values in expected.items():
            assert answer[labels].keys() == values.keys(), context
            for instant, value in values.items():
                reported = answer[labels][instant]
                assert math.isclose(reported, value, rel_tol=1e-12, abs_tol=1e-9), (context, dict(labels), instant)
        counts[form] += 1
        filled += bool(expected)
    assert sum(counts.values()) == CASES
    assert len(counts) == 14, counts
    # Most cases compare values, not absences.
    assert filled > CASES * 0.6, filled
