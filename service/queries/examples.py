"""The questions of sql/examples: SQL that users start from, each with the question it answers."""

from __future__ import annotations

from dataclasses import dataclass

from service.settings import find_in_tree


@dataclass(frozen=True)
class Example:
    """A question and the query that answers it; `name` is the file's."""

    name: str
    question: str
    sql: str


def read_examples() -> tuple[Example, ...]:
    """Return the examples in the order of their file names; a file's first line is its question."""
    examples = []
    for file in sorted((find_in_tree("sql") / "examples").glob("*.sql")):
        question, _, sql = file.read_text(encoding="utf-8").partition("\n")
        examples.append(Example(file.stem, question.removeprefix("--").strip(), sql.strip()))
    return tuple(examples)
