"""Suggestions of known names for an unknown one, the same in pages, API, commands and errors of loaded files."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

MAX_SUGGESTED = 3
# Longer lists are not printed.
MAX_LISTED = 15
LEAST_SIMILARITY = 0.5
# Names that are this much less similar than the nearest one are not suggested.
SPREAD = 0.1


def find_similar(written: str, known: Iterable[str]) -> list[str]:
    """Return up to three similar known names, the nearest first, then names that contain the written one. Ignores case."""
    folded = written.lower()
    names = list(dict.fromkeys(known))
    # Rounded, so that equally similar names stay in the order of the catalogue.
    similarity = {name: round(SequenceMatcher(None, name.lower(), folded).ratio(), 3) for name in names}
    least = max([LEAST_SIMILARITY, *(value - SPREAD for value in similarity.values())])
    nearest = sorted((name for name in names if similarity[name] >= least), key=lambda name: -similarity[name])
    # Users write metrics with and without the prefix.
    part = folded.removeprefix("a4p_")
    containing = [name for name in names if len(part) > 2 and part in name.lower()]
    return list(dict.fromkeys([*nearest, *containing]))[:MAX_SUGGESTED]


def suggest_names(written: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a sentence with similar known names; without any, with all names of a short list, else `otherwise`."""
    names = list(dict.fromkeys(known))
    if similar := find_similar(written, names):
        return f"Did you mean {' or '.join(similar)}?"
    return f"Known names: {', '.join(names)}." if 0 < len(names) <= MAX_LISTED else otherwise
