"""The queries of sql/examples, each with its result from the report as of 2024-06-30; and the page that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from service.queries.examples import Example, read_examples
from service.queries.moments import set_moment
from service.queries.query import Connection, extract_statements
from service.settings import find_in_tree
from service.warehouse.connection import open_copy

EXPECTED = Path(__file__).parent / "examples"
AS_OF = "2024-06-30"


@pytest.fixture(scope="module")
def session(report_dir: Path) -> Iterator[Connection]:
    with open_copy(report_dir / "warehouse-read.duckdb") as copy:
        set_moment(copy, AS_OF, None)
        yield copy


def test_every_example_has_a_result_and_every_result_an_example() -> None:
    names = [example.name for example in read_examples()]
    assert len(names) >= 15
    assert sorted(file.stem for file in EXPECTED.glob("*.yaml")) == names


@pytest.mark.parametrize("example", read_examples(), ids=lambda example: example.name)
def test_an_example_returns_its_result(session: Connection, example: Example) -> None:
    expected = yaml.safe_load((EXPECTED / f"{example.name}.yaml").read_text(encoding="utf-8"))
    (statement,) = extract_statements(session, example.sql)
    relation = session.sql(statement)
    rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert json.loads(json.dumps(rows, default=str)) == expected


def test_an_example_has_a_title_and_ends_with_a_semicolon() -> None:
    for example in read_examples():
        assert example.title and not example.title.endswith((".", "?")), example.name
        assert example.sql.endswith(";"), example.name


def test_the_page_lists_every_example_and_every_column(session: Connection) -> None:
    page = (find_in_tree("docs") / "sql.md").read_text(encoding="utf-8")
    assert all(f"### {example.title}" in page for example in read_examples())
    columns = session.sql(
        "select c.column_name, c.comment from duckdb_columns() as c join duckdb_views() as v "
        "on v.view_name = c.table_name and v.schema_name = c.schema_name where not v.internal and v.schema_name = 'main'"
    ).fetchall()
    assert len(columns) > 100
    assert all(f"| `{name}` |" in page and comment.replace("|", "\\|") in page for name, comment in columns)
