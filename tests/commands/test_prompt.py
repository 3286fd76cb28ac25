"""The prompt of `a4p sql`, with typed input."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from service.commands.sql import OpenCopy, show_tables
from service.commands.sql_prompt import NameCompleter, Prompt, find_history_file, is_finished
from service.queries.examples import read_examples
from service.warehouse.schema import read_schema


@pytest.fixture
def typed(report_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Types into a prompt that is left with Ctrl-D, and returns what was printed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(text: str) -> str:
        console = Console(file=StringIO(), width=100)
        copy = OpenCopy(report_dir / "warehouse-read.duckdb", None, None)
        ask = lambda query: show_tables(console, copy.connection, query)  # noqa: E731
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            keys.send_text(text + "\x04")
            Prompt(console, read_schema(copy.connection), read_examples(), ask, copy.describe, copy.refresh).run()
        copy.close()
        return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    return run


def complete(report_dir: Path, text: str) -> list[str]:
    copy = OpenCopy(report_dir / "warehouse-read.duckdb", None, None)
    completer = NameCompleter(read_schema(copy.connection))
    copy.close()
    return [found.text for found in completer.get_completions(Document(text), CompleteEvent(completion_requested=True))]


def test_it_shows_the_snapshot(typed: Callable[[str], str]) -> None:
    assert typed("").startswith("snapshot 1 of 2")


def test_a_query_has_many_lines_and_ends_with_a_semicolon(typed: Callable[[str], str]) -> None:
    assert "MINUSCA" in typed("select mission\nfrom missions\norder by mission;\n")


def test_an_error_is_reported_and_the_prompt_continues(typed: Callable[[str], str]) -> None:
    shown = typed("select nope;\nselect 41 + 1 as answer;\n")
    assert "line 1 | select nope;" in shown
    assert "42" in shown


def test_dot_commands(typed: Callable[[str], str]) -> None:
    assert "observations_known_at(t)" in typed(".tables\n")
    assert "Last day of the current period" in typed(".schema latest\n")
    assert "unknown view nope" in typed(".schema nope\n")
    assert ".examples" in typed(".help\n")
    assert "unknown command .nope" in typed(".nope\n")
    assert typed(".refresh\n").count("snapshot 1 of 2") == 2
    assert typed(".quit\nselect 1;\n").count("\n") == 1


def test_what_was_typed_is_kept_for_its_user_alone(typed: Callable[[str], str]) -> None:
    typed("select 1;\n")
    assert "select 1;" in find_history_file().read_text()
    assert find_history_file().stat().st_mode & 0o077 == 0


def test_enter_runs_a_complete_query() -> None:
    assert all(map(is_finished, ["", "  ", ".help", "select 1;", "select 1; -- done"]))
    assert not any(map(is_finished, ["select 1", "select 1; select", "select 1 -- ;"]))


def test_views_columns_keywords_and_commands_are_completed(report_dir: Path) -> None:
    assert complete(report_dir, "select * from late")[0] == "latest"
    assert {"missions_expected", "missions_reported", "missions_used"} <= set(complete(report_dir, "select missions_"))
    assert "having" in complete(report_dir, "hav")
    assert complete(report_dir, ".ex") == [".examples"]
    assert complete(report_dir, ".schema lat") == ["latest"]


def test_the_columns_of_a_view_in_the_query_come_first(report_dir: Path) -> None:
    assert complete(report_dir, "from completeness select p")[0] == "period"
