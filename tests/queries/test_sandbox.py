"""Attacks on /api/v1/sql: each is rejected or contained, and the service is intact afterwards."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report

ATTACKS = yaml.safe_load((Path(__file__).parent / "attacks.yaml").read_text(encoding="utf-8"))
ENDS = {"refused": {400}, "stopped": {408, 413}, "harmless": {200}, "contained": {200, 400, 408, 413}}
CASES = [
    pytest.param(statement, ENDS[end], id=f"{group}-{end}-{number}")
    for group, ends in ATTACKS.items()
    for end, statements in ends.items()
    for number, statement in enumerate(statements)
]
# Text that is too long to be written out.
MADE = {
    "DEEP_PARENTHESES": f"select {'(' * 20_000}1{')' * 20_000}",
    "DEEP_SUBQUERIES": f"{'select * from (' * 900}select 1{')' * 900}",
    "LONG_IN_LIST": f"select 1 in ({', '.join(map(str, range(15_000)))})",
    "MANY_JOINS": "select count(*) from missions " + " ".join(f"natural join missions m{number}" for number in range(60)),
    "MANY_COLUMNS": f"select {', '.join(f'{number} as c{number}' for number in range(5_000))}",
    "DEEP_LISTS": f"select {'[' * 2_000}1{']' * 2_000}",
}
CANARY = "canary-3f9a41"
QUERY = "select value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"


@pytest.fixture(autouse=True)
def no_recent_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every query, also one that was sent within the last second."""
    monkeypatch.setattr("service.queries.sandbox.recent_results.RECENT_SECONDS", 0.0)


@dataclass(frozen=True)
class World:
    """A service whose data directory and environment hold a secret."""

    client: FlaskClient
    directory: Path

    def ask(self, statement: str) -> tuple[int, bytes]:
        response = self.client.post("/api/v1/sql", json={"sql": statement})
        return response.status_code, response.data

    def describe(self) -> dict[str, str]:
        """Return the digest of every file; what workers spill is theirs."""
        digests = {}
        # Unlike rglob, os.walk ignores a directory that a worker removes meanwhile.
        for folder, folders, names in os.walk(self.directory):
            if "tmp" in folders:
                folders.remove("tmp")
            digests.update({name: hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest() for name in names})
        return digests


@pytest.fixture(scope="module")
def world(definitions: Definitions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("attacked") / "data"
    os.environ["A4P_CANARY"] = CANARY
    try:
        with publish_report(directory, definitions, sql_seconds=0.5, sql_memory_mb=128, sql_concurrency=1) as application:
            app = make_app(application)
            (directory / "alerts-token").write_text(CANARY)
            yield World(app.test_client(), directory)
    finally:
        del os.environ["A4P_CANARY"]


@pytest.fixture(scope="module")
def whole(world: World) -> dict[str, str]:
    # The first request makes the database of users.
    world.ask(QUERY)
    return world.describe()


def test_there_are_at_least_a_hundred_attacks() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("statement", "ends"), CASES)
def test_an_attack_is_rejected_or_contained(world: World, whole: dict[str, str], statement: str, ends: set[int]) -> None:
    status, body = world.ask(MADE.get(statement, statement.replace("$DIR", str(world.directory))))
    assert status in ends, body[:500]
    assert CANARY.encode() not in body
    assert b"root:x:" not in body
    # Whoever asks next is answered, and right.
    assert b'"rows":[[125.0]]' in world.ask(QUERY)[1]
    assert world.describe() == whole


def test_metrics_respond_during_the_most_expensive_query(world: World) -> None:
    statement = ATTACKS["time"]["stopped"][0]
    attackers = [threading.Thread(target=world.ask, args=[statement]) for _ in range(3)]
    for attacker in attackers:
        attacker.start()
    scrapes = 0
    while any(attacker.is_alive() for attacker in attackers):
        assert world.client.get("/metrics").status_code == 200
        scrapes += 1
    assert scrapes > 3


NAMES = st.sampled_from(
    ["latest", "observations", "missions", "kpi_latest", "mission", "value", "dimensions", "nope", "a", "*"]
)
LITERALS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(max_size=8).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(
        ["null", "true", "[]", "{'a': 1}", "map {'a': 1}", "date '2024-04-30'", "interval 1 day", "timestamp 'infinity'"]
    ),
)
FUNCTIONS = st.sampled_from(
    [
        "count",
        "sum",
        "max",
        "list",
        "abs",
        "len",
        "lower",
        "date_trunc",
        "unnest",
        "histogram",
        "to_json",
        "repeat",
        "chr",
        "sqrt",
    ]
)
VALUES = st.recursive(
    NAMES | LITERALS,
    lambda inner: st.one_of(
        st.tuples(FUNCTIONS, st.lists(inner, max_size=3)).map(lambda made: f"{made[0]}({', '.join(made[1])})"),
        st.tuples(inner, st.sampled_from(["+", "/", "=", "<", "||", "and", "like", "::", "in", "->", "**", "."]), inner).map(
            " ".join
        ),
        inner.map(lambda value: f"({value})"),
        inner.map(lambda value: f"(select {value} from latest limit 1)"),
        st.tuples(inner, inner).map(lambda pair: f"case when {pair[0]} then {pair[1]} end"),
    ),
    max_leaves=6,
)
QUERIES = st.builds(
    lambda values, source, tail: f"select {', '.join(values)} from {source} {tail}",
    st.lists(VALUES, min_size=1, max_size=3),
    NAMES | VALUES.map(lambda value: f"(select {value}) as a"),
    st.sampled_from(
        ["", "limit 1", "order by all", "group by all", "where value > 1", "order by", "limit -1", "union all select 1"]
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statement=QUERIES | st.text(min_size=1, max_size=40))
def test_random_sql_never_causes_a_server_error(world: World, statement: str) -> None:
    assert world.ask(statement)[0] in {200, 400, 408, 413}
