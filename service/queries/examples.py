"""The example queries of sql/examples, each with a title."""

from __future__ import annotations

from dataclasses import dataclass

from service.settings import find_in_tree


@dataclass(frozen=True)
class Example:
    """An example query. `name` is the name of its file."""

    name: str
    title: str
    sql: str


def read_examples() -> tuple[Example, ...]:
    """Return the examples in the order of their file names. The first line of a file is the title."""
    examples = []
    for file in sorted((find_in_tree("sql") / "examples").glob("*.sql")):
        title, _, sql = file.read_text(encoding="utf-8").partition("\n")
        examples.append(Example(file.stem, title.removeprefix("--").strip(), sql.strip()))
    return tuple(examples)
