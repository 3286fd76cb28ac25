"""The prompt of `a4p sql`: history, completion, multi-line input and dot commands."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer
from rich.console import Console
from rich.syntax import Syntax

from service.errors import ServiceError
from service.queries.examples import Example
from service.queries.result_table import render_rows
from service.warehouse.schema import View

KEYWORDS = """
all and any as asc between by case cast count cross date desc describe distinct else end exists explain filter first from
full group having in inner interval is join last left like limit max min not null nulls offset on or order outer over
partition pivot qualify right row_number sample select semi set show sum summarize then timestamptz union unnest unpivot using
values variable when where window with
""".split()
COMMANDS = {
    ".tables": "list the views",
    ".schema": "list the columns of a view: .schema latest",
    ".examples": "list example queries; .examples 3 runs the third",
    ".refresh": "read the newest snapshot",
    ".help": "show this help",
    ".quit": "quit (or Ctrl-D)",
}
HELP = "A query ends with ; and can have several lines. Tab completes. The arrow keys and Ctrl-R search the history.\n"
_WORD = re.compile(r"[A-Za-z0-9_]+$")


def find_history_file() -> Path:
    """Return the path of the history of the prompt, below XDG_STATE_HOME."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "a4p" / "sql_history"


def is_finished(text: str) -> bool:
    """Return whether Enter runs the text: an empty line, a dot command, or SQL that ends with a semicolon."""
    code = re.sub(r"--[^\n]*", "", text).strip()
    return not code or code.startswith(".") or code.endswith(";")


class NameCompleter(Completer):
    """Completes views, columns, keywords and dot commands. Columns of views in the query come first."""

    def __init__(self, views: Iterable[View]) -> None:
        self._views = tuple(views)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        if text.lstrip().startswith("."):
            yield from self._complete_command(text.lstrip())
            return
        match = _WORD.search(text)
        written = match[0] if match else ""
        if not written and not complete_event.completion_requested:
            return
        named = set(re.findall(r"\w+", document.text))
        ordered = sorted(self._views, key=lambda view: view.name not in named)
        seen: set[str] = set()
        words = [(column.name, f"column of {view.name}") for view in ordered for column in view.columns if view.name in named]
        words += [(view.name, view.comment) for view in ordered]
        words += [(column.name, f"column of {view.name}") for view in ordered for column in view.columns]
        words += [(word, "") for word in KEYWORDS]
        for word, meta in words:
            if word not in seen and word != written.lower() and word.startswith(written.lower()):
                seen.add(word)
                yield Completion(word, -len(written), display_meta=meta)

    def _complete_command(self, text: str) -> Iterable[Completion]:
        command, space, argument = text.partition(" ")
        if not space:
            yield from (
                Completion(name, -len(text), display_meta=help_text)
                for name, help_text in COMMANDS.items()
                if name.startswith(text)
            )
        elif command == ".schema":
            names = (view.name for view in self._views if view.name.startswith(argument))
            yield from (Completion(name, -len(argument)) for name in names)


class Prompt:
    """Reads queries from a terminal until the user quits.

    `run_query` runs SQL and prints its results, `describe` returns the snapshot, and `refresh` reads the newest one.
    """

    def __init__(
        self,
        console: Console,
        views: tuple[View, ...],
        examples: tuple[Example, ...],
        run_query: Callable[[str], None],
        describe: Callable[[], str],
        refresh: Callable[[], None],
    ) -> None:
        self._console = console
        self._views = views
        self._examples = examples
        self._run_query = run_query
        self._describe = describe
        self._refresh = refresh

    def run(self) -> None:
        """Run the prompt until the user quits. A failed or cancelled query is reported and the prompt continues."""
        session: PromptSession[str] = PromptSession(
            "a4p> ",
            multiline=True,
            history=_open_history(),
            completer=NameCompleter(self._views),
            complete_while_typing=False,
            lexer=PygmentsLexer(SqlLexer),
            key_bindings=_bind_enter(),
            prompt_continuation=lambda width, *_: "...".rjust(width - 1) + " ",
        )
        self._console.print(f"{self._describe()}. A query ends with ;  .help shows more.", style="dim", highlight=False)
        while True:
            try:
                text = session.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text in (".quit", ".exit"):
                return
            try:
                if text.startswith("."):
                    self._run_command(*text.split(maxsplit=1))
                elif text:
                    self._run_query(text)
            except ServiceError as error:
                self._console.print(str(error), style="red", highlight=False, markup=False)
            except KeyboardInterrupt:
                self._console.print("cancelled", style="dim")

    def _run_command(self, command: str, argument: str = "") -> None:
        argument = argument.strip().rstrip(";")
        if command == ".tables":
            self._show(["view", "description"], [(view.call, view.comment) for view in self._views])
        elif command == ".schema":
            self._show_schema(argument)
        elif command == ".examples":
            self._show_examples(argument)
        elif command == ".refresh":
            self._refresh()
            self._console.print(self._describe(), style="dim", highlight=False)
        else:
            if command != ".help":
                self._console.print(f"unknown command {command}", style="red", highlight=False, markup=False)
            self._show(["command", "description"], list(COMMANDS.items()))
            self._console.print(HELP, style="dim", end="")

    def _show(self, names: list[str], rows: Sequence[tuple[str, ...]]) -> None:
        self._console.print(render_rows(names, ["VARCHAR"] * len(names), rows, self._console.width))

    def _show_schema(self, name: str) -> None:
        chosen = [view for view in self._views if not name or view.name == name]
        if not chosen:
            raise ServiceError(f"unknown view {name}; .tables lists the views")
        for view in chosen:
            self._console.print(f"{view.call}: {view.comment}", highlight=False, markup=False, style="bold")
            if view.columns:
                rows = [(column.name, column.kind, column.comment) for column in view.columns]
                self._show(["column", "type", "description"], rows)

    def _show_examples(self, number: str) -> None:
        if not number:
            rows = [(str(number), example.title) for number, example in enumerate(self._examples, 1)]
            self._show(["", "example (.examples NUMBER runs it)"], rows)
            return
        if not number.isdigit() or not 1 <= int(number) <= len(self._examples):
            raise ServiceError(f"unknown example {number}; .examples lists the examples")
        example = self._examples[int(number) - 1]
        self._console.print(example.title, highlight=False, markup=False, style="bold")
        self._console.print(Syntax(example.sql, "sql", background_color="default", word_wrap=True))
        self._run_query(example.sql)


def _open_history() -> History:
    file = find_history_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


def _bind_enter() -> KeyBindings:
    bindings = KeyBindings()

    @Condition
    def is_selecting() -> bool:
        return get_app().current_buffer.complete_state is not None

    @bindings.add("enter", filter=~is_selecting)
    def run_or_break(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_finished(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @bindings.add("enter", filter=is_selecting)
    def take_completion(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    return bindings
