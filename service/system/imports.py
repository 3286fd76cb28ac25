"""Optional packages of libraries that the service does not use."""

from __future__ import annotations

import sys


def disable_optional_imports(*names: str) -> None:
    """Make imports of these packages fail at once in this process.

    DuckDB searches for pandas whenever it binds a parameter, and imports it if it is installed: 0.5 s. Without it, each search
    takes 0.1 ms. openpyxl imports numpy and lxml. Call this when a program starts, not when a module is imported: in another
    program, such as the tests, the packages may be in use.
    """
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
