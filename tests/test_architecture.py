"""Rules of the architecture: origin of modules, direction of imports, and opening comments."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from service.settings import TREE, find_in_tree

PYTHON_FILES = sorted((TREE / "metrics").rglob("*.py")) + sorted((TREE / "service").rglob("*.py"))


def imported_modules(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("name", ["service", "metrics"])
def test_modules_are_imported_from_this_tree(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == find_in_tree(name)


def test_metrics_does_not_import_service() -> None:
    for file in PYTHON_FILES:
        if file.is_relative_to(TREE / "metrics"):
            assert not any(name.split(".")[0] == "service" for name in imported_modules(file)), file


@pytest.mark.parametrize("file", PYTHON_FILES, ids=lambda file: str(file.relative_to(TREE)))
def test_a_module_opens_with_a_sentence(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text()))
    assert text
    assert text.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("file", sorted((TREE / "sql").rglob("*.sql")), ids=lambda file: str(file.relative_to(TREE)))
def test_an_sql_file_opens_with_a_comment(file: Path) -> None:
    assert file.read_text().startswith("-- ")


def test_sql_and_grafana_contain_no_python() -> None:
    assert not list((TREE / "sql").rglob("*.py")) + list((TREE / "grafana").rglob("*.py"))


# Rules of SQL, each written in one file, with the text that gives a second copy away.
SQL_RULES = {
    "max(catalogue_version)": "views/12_current_catalogue.sql",
    "partition by kpi order by recorded_at": "views/12_current_catalogue.sql",
    "max(batch_id) over": "views/30_observations.sql",
    ".period_start - 1": "views/30_observations.sql",
}


@pytest.mark.parametrize("text", SQL_RULES)
def test_a_rule_of_sql_is_written_in_one_file(text: str) -> None:
    sql = find_in_tree("sql")
    assert [str(file.relative_to(sql)) for file in sorted(sql.rglob("*.sql")) if text in file.read_text()] == [SQL_RULES[text]]
