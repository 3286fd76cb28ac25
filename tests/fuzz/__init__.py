"""Generated input: files to load, bodies of requests and definitions, most of them wrong in some way."""

from __future__ import annotations

import os

FEW_CASES = 60
CASES = int(os.environ.get("FUZZ_CASES") or FEW_CASES)


def count_examples(few: int) -> int:
    """Return the number of examples of a test that has `few` in `make test`; with FUZZ_CASES up to 20 times as many."""
    return few * min(20, max(1, CASES // FEW_CASES))
