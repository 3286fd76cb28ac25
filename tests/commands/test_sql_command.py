"""`a4p sql` on the read copy of the report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from service.commands.sql import sql
from service.errors import QueryError, ServiceError
from tests.service_process import run_a4p

QUERY = "select mission, value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"


@pytest.fixture
def ask(report_dir: Path):
    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(sql, [*arguments, "--data-dir", str(report_dir)], input=stdin)

    return run


def reported(result: Result) -> str:
    assert isinstance(result.exception, ServiceError), result.exception
    return str(result.exception)


def test_a_pipe_gets_clean_csv(ask) -> None:
    assert ask(QUERY).stdout == "mission,value\nUNMISS,125.0\n"


def test_json_is_rows_by_column(ask) -> None:
    assert json.loads(ask(QUERY, "--format", "json").stdout) == [{"mission": "UNMISS", "value": 125}]


def test_a_query_comes_from_a_pipe_or_a_file(ask, tmp_path: Path) -> None:
    file = tmp_path / "question.sql"
    file.write_text(f"-- a comment\n{QUERY};\n")
    assert ask(stdin=QUERY).stdout == ask("-f", str(file)).stdout == ask(QUERY).stdout


def test_a_table_shows_null_and_the_number_of_rows(ask) -> None:
    shown = ask(
        "select mission, value from latest where indicator = 'sofa_incidents_total' order by mission", "--format", "table"
    )
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert lines[0] == "mission   value"
    assert "MINUSCA     174" in lines
    assert "UNIFIL     null" in lines
    assert lines[-1] == "(11 rows)"


def test_as_of_and_known_at(ask) -> None:
    conduct = "select value from latest where indicator = 'conduct_trainings'"
    assert ask("--as-of", "2023-10-31", conduct).stdout == "value\n511.0\n"
    assert ask("--known-at", "2020-01-01T00:00:00Z", conduct).stdout == "value\n"


def test_the_default_as_of_is_the_date_of_the_snapshot(ask) -> None:
    assert ask("select as_of_date() = as_of as agrees from snapshot_info").stdout == "agrees\ntrue\n"


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_the_suffix_of_a_file_selects_the_format(ask, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"answer.{ending}"
    assert ask(QUERY, "--output", str(output)).exit_code == 0
    assert duckdb.sql(f"select mission, value from '{output}'").fetchall() == [("UNMISS", 125)]
    assert list(tmp_path.iterdir()) == [output]


def test_parquet_keeps_types(ask, tmp_path: Path) -> None:
    output = tmp_path / "answer.parquet"
    ask("select dimensions, period_end from latest", "--output", str(output))
    assert list(map(str, duckdb.sql(f"from '{output}'").types)) == ["MAP(VARCHAR, VARCHAR)", "DATE"]


def test_an_error_is_reported_with_line_and_pointer(ask) -> None:
    assert reported(ask("select 'é' as a,\n  valeu from latest")).endswith("\n\nline 2 |   valeu from latest\n       |   ^")
    assert 'Did you mean "latest"?\n\nline 1 | from latset\n       |      ^' in reported(ask("from latset"))
    assert reported(ask("select 1;\n\nselec 2")).endswith("line 3 | selec 2\n       | ^")
    assert "^" in reported(ask("select 'a'::integer"))


def test_an_error_in_a_long_line_is_shown_with_its_context(ask) -> None:
    lines = reported(ask(f"select {'1, ' * 100} nope from latest")).splitlines()
    assert max(map(len, lines[-2:])) < 120
    assert lines[-2][lines[-1].index("^") :].startswith("nope")


@pytest.mark.parametrize("statement", ["delete from store.observations", "create table t (i integer)", "drop view latest"])
def test_nothing_is_written(ask, statement: str) -> None:
    assert "read-only" in reported(ask(statement))


@pytest.mark.parametrize(
    "arguments",
    [
        ["select 1", "--format", "parquet"],
        ["select 1", "--output", "answer.xyz"],
        ["select 1", "-f", "-"],
        ["select 1", "--as-of", "yesterday"],
        ["select 1", "--format", "xml"],
    ],
)
def test_wrong_usage_is_exit_code_2(ask, arguments: list[str]) -> None:
    assert ask(*arguments).exit_code == 2


def test_csv_supports_one_result_and_table_several(ask) -> None:
    assert "there are 2" in reported(ask("select 1 as a; select 2 as b"))
    assert "(1 row)" in ask("select 1 as a; select 2 as b", "--format", "table").stdout
    assert ask("set variable n = 7; select getvariable('n') as n").stdout == "n\n7\n"


def test_an_empty_query_is_an_error_without_a_trace(ask) -> None:
    assert isinstance(ask("/* nothing */").exception, QueryError)


def test_exit_code_and_no_stack_trace(report_dir: Path, tmp_path: Path) -> None:
    failed = run_a4p("sql", "selec", "--data-dir", str(report_dir))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("a4p: syntax error")
    assert "Traceback" not in failed.stderr
    missing = run_a4p("sql", "select 1", "--data-dir", str(tmp_path))
    assert missing.returncode == 1
    assert "start the service once" in missing.stderr


def test_it_ends_when_the_reader_closes_the_pipe(report_dir: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "sql", "from range(10_000_000_000)", "--data-dir", str(report_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"range\n"
        process.stdout.close()
        assert process.wait(20) == 1
        assert process.stderr.read() == b""
