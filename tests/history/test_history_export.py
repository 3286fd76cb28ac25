"""The export of the history in parts, within a limit of memory."""

from __future__ import annotations

import duckdb
import pytest

from service.history.export import LARGE_MEMORY_LIMIT, MEMORY_LIMIT, _run_within_memory


def test_a_step_that_needs_more_memory_is_repeated_with_more() -> None:
    limits: list[object] = []
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as copy:

        def work() -> int:
            limits.append(copy.execute("select current_setting('memory_limit')").fetchone())
            if len(limits) == 1:
                raise duckdb.OutOfMemoryException("could not allocate block")
            return 7

        assert _run_within_memory(copy, work) == 7
        copy.execute(f"set memory_limit = '{LARGE_MEMORY_LIMIT}'")
        assert limits[1] == copy.execute("select current_setting('memory_limit')").fetchone() != limits[0]


def test_a_step_that_needs_too_much_fails() -> None:
    def work() -> None:
        raise duckdb.OutOfMemoryException("could not allocate block")

    with duckdb.connect() as copy, pytest.raises(duckdb.OutOfMemoryException):
        _run_within_memory(copy, work)
