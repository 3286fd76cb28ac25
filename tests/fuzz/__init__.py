"""Generated input: files to load, bodies of requests and definitions, most of them wrong in some way."""

from __future__ import annotations

import os

FEW_CASES = 60
CASES = int(os.environ.get("FUZZ_CASES") or FEW_CASES)


def count_examples(few: int, many: int | None = None) -> int:
    """Return the number of examples of a test that has `few` in `make test`; with FUZZ_CASES up to 20 times as many.

    With `many`, the number for FUZZ_CASES is taken from it: examples that are expensive in `make test` are fewer there alone.
    """
    factor = min(20, max(1, CASES // FEW_CASES))
    return few if factor == 1 else (many or few) * factor
